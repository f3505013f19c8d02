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

// Remaining reads what a key has left of a plan's quota in the present period. limited is false if
// the plan has no quota, or API Gateway has counted nothing for the key. If the plan is gone, the
// error is *Refused with PlanGone.
func (s *Session) Remaining(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) (remaining int64, limited bool, err error) {
	found, err := s.plan(ctx, plan)
	if err != nil || found.Quota == nil {
		return 0, false, err
	}
	today := s.cp.Now().UTC()
	days, err := s.UsageOf(ctx, plan, key, found.Quota.periodStart(today), today)
	if err != nil || len(days) == 0 {
		return 0, false, err
	}
	return days[len(days)-1].Remaining, true, nil
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

// SetRemaining sets what a key has left of a plan's quota in the present period; repeating it sets
// it again. If the key is not in the plan, or the plan has no quota, the error is *Refused.
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
