package provisioning

import (
	"context"
	"errors"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// carry gives a key that has just been attached what is left of the quota of the key that it
// replaces, so that a rotation hands out no second quota. That happens once, with the wish for the
// key. While API Gateway throttles, the task comes up again until the wish is readable old. After
// that, and after any other error, the key begins with a quota of its own.
func (c *convergence) carry(ctx context.Context, pair portal.Pair) ([]events.Fact, error) {
	key := c.account.Keys[pair.Key]
	old := c.account.Keys[key.Replaces]
	attachment := c.account.Attachments[pair]
	_, was := c.account.Attachments[portal.Pair{Key: old.ID, Plan: pair.Plan}]
	if !c.CarryUsage || !was || !old.Created() || key.Readying == 0 || attachment.OpenedBy != key.Readying {
		return nil, nil
	}
	remaining, limited, err := c.plane.Remaining(ctx, pair.Plan, old.GatewayID)
	if err == nil && limited {
		err = c.plane.SetRemaining(ctx, pair.Plan, key.GatewayID, remaining)
	}
	var postponed *portal.Postponed
	switch {
	case err == nil && limited:
		return []events.Fact{events.UsageCarried{Key: key.ID, From: old.ID, Plan: pair.Plan, Remaining: remaining}}, nil
	case err == nil:
		return nil, nil
	case ctx.Err() != nil, (errors.As(err, &postponed) || throttled(err)) && c.Now().Sub(attachment.OpenedAt) < readable:
		return nil, err
	}
	zerolog.Ctx(ctx).Warn().Err(err).Str("plan", string(pair.Plan)).Str("key", string(pair.Key)).
		Msg("a key that replaces another begins with a whole quota, because the rest of the old one could not be passed on")
	return nil, nil
}

func throttled(err error) bool {
	var busy *gateway.Unavailable
	return errors.As(err, &busy) && busy.Throttled
}
