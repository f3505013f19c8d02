package usage

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// Final records what API Gateway has counted for a key in a plan until now, and returns what the
// key has of the plan's quota. The worker calls it before it takes the key out of the plan, since
// API Gateway may forget the counter then. known is false if the plan was never collected. Final
// may be repeated. Its error is one of *gateway.Session's, or *portal.Postponed.
func (c *Collector) Final(ctx context.Context, urgency gateway.Urgency, lease func() time.Time, account portal.AccountID, pair portal.Pair, gatewayKey portal.GatewayKeyID) (quota gateway.KeyQuota, known bool, err error) {
	asked := c.Now().UTC().Truncate(time.Second)
	today := day(asked)
	all, err := c.Table.Collected(ctx, pair.Plan)
	if err != nil {
		return quota, false, err
	}
	collected, known := all[pair.Plan]
	yesterday := today.AddDate(0, 0, -1)
	first := yesterday
	if q := collected.Quota; q != nil {
		quota = gateway.KeyQuota{Period: string(q.Period), Start: q.Period.Start(today), Limit: q.Limit, Offset: q.Offset}
		first = earlier(first, quota.Start)
	}
	days, err := c.Session(urgency, lease).UsageOf(ctx, pair.Plan, gatewayKey, first, today)
	var gone *gateway.Refused
	if errors.As(err, &gone) && gone.Reason == gateway.PlanGone {
		return gateway.KeyQuota{}, true, nil
	}
	if err != nil {
		return quota, false, err
	}
	held, err := c.Holders.Of(ctx, pair.Plan, []portal.GatewayKeyID{gatewayKey})
	if err != nil {
		return quota, false, err
	}
	holder, shown := held[gatewayKey]
	if !shown {
		holder = projections.Holder{Account: account, Plan: pair.Plan, Key: pair.Key, GatewayID: gatewayKey}
	}
	recent := slices.DeleteFunc(slices.Clone(days), func(d gateway.DayUsage) bool { return d.Day.Before(yesterday) })
	_, err = c.Recorder.Record(ctx, countersOf(holder, collected.Quota, recent, asked), asked)
	return quota.After(days), known, err
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
