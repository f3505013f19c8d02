package usage

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// Final records what API Gateway has counted for a key in a plan until now. The worker that takes
// the key out of the plan calls it first, since API Gateway may forget the counter then. since is
// when the key was wanted in the plan, zero if that is not known. Final may be repeated. Its error
// is one of *gateway.Session's, or *portal.Postponed.
func (c *Collector) Final(ctx context.Context, urgency gateway.Urgency, lease func() time.Time, account portal.AccountID, pair portal.Pair, gatewayKey portal.GatewayKeyID) error {
	asked := c.Now().UTC().Truncate(time.Second)
	today := day(asked)
	days, err := c.Session(urgency, lease).UsageOf(ctx, pair.Plan, gatewayKey, today.AddDate(0, 0, -1), today)
	var gone *gateway.Refused
	if errors.As(err, &gone) && gone.Reason == gateway.PlanGone {
		return nil
	}
	if err != nil {
		return err
	}
	collected, err := c.Table.Collected(ctx, pair.Plan)
	if err != nil {
		return err
	}
	held, err := c.Holders.Of(ctx, pair.Plan, []portal.GatewayKeyID{gatewayKey})
	if err != nil {
		return err
	}
	holder, shown := held[gatewayKey]
	if !shown {
		holder = projections.Holder{Account: account, Plan: pair.Plan, Key: pair.Key, GatewayID: gatewayKey}
	}
	_, err = c.Recorder.Record(ctx, countersOf(holder, collected[pair.Plan].Quota, days, asked), asked)
	return err
}
