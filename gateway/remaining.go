package gateway

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// KeyQuota is what a key has of a plan's quota in the present period. Without a quota, Period is "".
type KeyQuota struct {
	Period string
	// Start is midnight UTC of the period's first day.
	Start time.Time
	Limit int64
	// Offset is how much less the key may use in its first period in the plan.
	Offset int64
	// Remaining counts only if Counted is true; otherwise API Gateway has counted nothing for the
	// key.
	Remaining int64
	Counted   bool
}

// Used is how much of the quota is gone, 0 while more is left than the limit, as after a grant.
func (q KeyQuota) Used() int64 {
	if !q.Counted {
		return 0
	}
	return max(q.Limit-q.Remaining, 0)
}

// QuotaOf reads a key's part of a plan's quota. If the plan is gone, the error is *Refused with
// PlanGone.
func (s *Session) QuotaOf(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) (KeyQuota, error) {
	found, err := s.plan(ctx, plan)
	if err != nil || found.Quota == nil {
		return KeyQuota{}, err
	}
	now := s.cp.Now().UTC()
	quota := found.Quota.ofKey(now)
	days, err := s.UsageOf(ctx, plan, key, quota.Start, now)
	return quota.After(days), err
}

func (q Quota) ofKey(now time.Time) KeyQuota {
	start := q.periodStart(now.UTC().Truncate(24 * time.Hour))
	return KeyQuota{Period: q.Period, Start: start, Limit: int64(q.Limit), Offset: int64(q.Offset)}
}

// After returns the quota with what was left on the newest of the days, if that day is in its period.
func (q KeyQuota) After(days []DayUsage) KeyQuota {
	if n := len(days); n > 0 && q.Period != "" && !days[n-1].Day.Before(q.Start) {
		q.Remaining, q.Counted = days[n-1].Remaining, true
	}
	return q
}

// periodStart is the first day of the quota's period. AWS does not document when periods begin;
// usage.Period says what Gatehouse assumes.
func (q Quota) periodStart(today time.Time) time.Time {
	switch q.Period {
	case "WEEK":
		return today.AddDate(0, 0, -int(today.Weekday()))
	case "MONTH":
		return today.AddDate(0, 0, 1-today.Day())
	}
	return today
}

// SetRemaining sets what a key has left of a plan's quota in the present period; it may be
// repeated. If the key is not in the plan, or the plan has no quota, the error is *Refused.
//
// Source: https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateUsage.html.
func (s *Session) SetRemaining(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID, remaining int64) error {
	return keyError(s.call(ctx, updateUsage, func(ctx context.Context) error {
		_, err := s.cp.client.UpdateUsage(ctx, &apigateway.UpdateUsageInput{
			UsagePlanId: aws.String(string(plan)), KeyId: aws.String(string(key)),
			PatchOperations: []types.PatchOperation{
				{Op: types.OpReplace, Path: aws.String("/remaining"), Value: aws.String(strconv.FormatInt(remaining, 10))},
			},
		})
		return err
	}))
}
