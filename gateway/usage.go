package gateway

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// MaxUsageDays is how many days one call may ask for.
const MaxUsageDays = 90

// DayUsage is a key's usage of a plan on one day (UTC). Remaining is what the plan's quota had
// left after the day's last call; it means nothing without a quota.
type DayUsage struct {
	Day             time.Time
	Used, Remaining int64
}

// UsagePage reads a page of a plan's usage from first to last, days in UTC, both inclusive, at
// most MaxUsageDays. A page has at most 500 keys: those in the plan, and perhaps former ones.
// Days that have not begun may be missing. If the plan is gone, the error is *Refused with
// PlanGone. For positions see UsagePlansPage.
//
// Source: https://docs.aws.amazon.com/apigateway/latest/api/API_GetUsage.html. The map's key is a
// key's id; the SDK calls it a value.
func (s *Session) UsagePage(ctx context.Context, plan portal.PlanID, first, last time.Time, position string) (usage map[portal.GatewayKeyID][]DayUsage, next string, err error) {
	return s.usage(ctx, plan, &apigateway.GetUsageInput{Limit: pageSize, Position: nonEmpty(position)}, first, last)
}

// UsageOf reads one key's usage as UsagePage does; it is empty if API Gateway knows nothing of
// the key in that plan.
func (s *Session) UsageOf(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID, first, last time.Time) ([]DayUsage, error) {
	usage, _, err := s.usage(ctx, plan, &apigateway.GetUsageInput{KeyId: aws.String(string(key))}, first, last)
	return usage[key], err
}

func (s *Session) usage(ctx context.Context, plan portal.PlanID, in *apigateway.GetUsageInput, first, last time.Time) (map[portal.GatewayKeyID][]DayUsage, string, error) {
	first = first.UTC().Truncate(24 * time.Hour)
	in.UsagePlanId, in.StartDate, in.EndDate = aws.String(string(plan)), aws.String(first.Format(time.DateOnly)), aws.String(last.UTC().Format(time.DateOnly))
	var out *apigateway.GetUsageOutput
	err := s.call(ctx, readUsage, func(ctx context.Context) (err error) {
		out, err = s.cp.client.GetUsage(ctx, in)
		return err
	})
	if IsNotFound(err) {
		return nil, "", &Refused{Reason: PlanGone, Err: err}
	}
	if err != nil {
		return nil, "", asUnavailable(err)
	}
	usage := make(map[portal.GatewayKeyID][]DayUsage, len(out.Items))
	for key, series := range out.Items {
		usage[portal.GatewayKeyID(key)] = days(series, first, last)
	}
	return usage, aws.ToString(out.Position), nil
}

func days(series [][]int64, first, last time.Time) []DayUsage {
	var all []DayUsage
	for i, pair := range series {
		day := first.AddDate(0, 0, i)
		if len(pair) < 2 || day.After(last) {
			continue
		}
		all = append(all, DayUsage{Day: day, Used: pair[0], Remaining: pair[1]})
	}
	return all
}
