package provisioning

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// A change of plans moves every key of a ring from one plan to the other. In between, a key is in
// neither plan, so both calls are one step: an attach lease and both tokens are at hand before
// the first, and no other call comes between (decision 0059). If API Gateway refuses the new plan
// for good, the keys move back in the same way.

// movesFrom is the plan that the key leaves by entering this one, or "".
func (c *convergence) movesFrom(pair portal.Pair) portal.PlanID {
	s := c.account.SubscribedBy(pair)
	from := s.Replaces
	if s.Phase != state.Wanted || from == "" {
		from = ""
		if to := c.account.Subscriptions[s.Other(s.ChangesTo)]; to.Refusal != nil {
			from = to.Plan // the way back
		}
	}
	if from == "" || c.account.Attachments[pair].Phase != state.Wanted {
		return ""
	}
	switch old := c.account.Attachments[portal.Pair{Key: pair.Key, Plan: from}]; {
	case old.Phase == "" || old.Phase == state.Ended:
		return ""
	case old.Phase == state.Ending && s.Phase == state.Wanted:
		return "" // detaching it is a task of its own
	}
	return from
}

// leftByMove: leaving the plan is part of a move, and no task of its own.
func (c *convergence) leftByMove(pair portal.Pair) bool {
	s := c.account.SubscribedBy(pair)
	for _, to := range []portal.PlanID{s.ChangesTo, s.Replaces} {
		if to != "" && c.movesFrom(portal.Pair{Key: pair.Key, Plan: to}) == pair.Plan {
			return true
		}
	}
	return false
}

// changing: keys enter a change and leave it one by one.
func (c *convergence) changing(pair portal.Pair) bool {
	s := c.account.SubscribedBy(pair)
	return s.Replaces != "" || s.ChangesTo != ""
}

// move moves a key. If the plans share no stage, the key enters the new plan first.
func (c *convergence) move(ctx context.Context, pair portal.Pair, from portal.PlanID) error {
	key := c.account.Keys[pair.Key]
	if !key.Created() && !key.Adopted {
		return c.createAlone(ctx, pair, key) // the task comes up again
	}
	old := portal.Pair{Key: pair.Key, Plan: from}
	if s, waits := c.account.SubscriptionOfWish(c.wish(task{key: pair.Key, plan: pair.Plan})); !waits || s.Parked == "" {
		// After a move that failed, the key may be in neither plan, and its usage was read.
		if err := c.readUsage(ctx, old, c.account.Attachments[pair].OpenedAt); err != nil {
			return err
		}
	}
	err := c.withCustomer(ctx, key, func() error { return c.moveKey(ctx, key.GatewayID, old, pair) })
	var no *gateway.Refused
	switch {
	case err == nil:
		carried, err := c.carry(ctx, pair)
		if err != nil {
			return fmt.Errorf("passing a quota on to key %s: %w", pair.Key, err)
		}
		return c.moved(ctx, pair, old, carried)
	case isRefused(err, gateway.KeyGone):
		return c.renew(ctx, pair, err)
	case errors.As(err, &no) && no.Reason == gateway.StageTaken && no.Rival == from:
		return &betweenPlans{fmt.Errorf("API Gateway still shows key %s in plan %s: %w", pair.Key, from, err)}
	case unavailable(err):
		return &betweenPlans{fmt.Errorf("moving key %s from plan %s to %s: %w", pair.Key, from, pair.Plan, err)}
	}
	return c.withdrawIfRefused(ctx, pair, err)
}

func (c *convergence) moveKey(ctx context.Context, key portal.GatewayKeyID, old, pair portal.Pair) error {
	if c.shareStage(old, pair) {
		return c.plane.Move(ctx, old.Plan, pair.Plan, key)
	}
	err := c.plane.Attach(ctx, pair.Plan, key)
	var no *gateway.Refused
	var limit *gateway.LimitReached
	switch {
	case errors.As(err, &limit) && limit.Limit == gateway.PlansPerKey,
		errors.As(err, &no) && no.Reason == gateway.StageTaken && no.Rival == old.Plan:
		// There is room only once the key has left the old plan.
		return c.plane.Move(ctx, old.Plan, pair.Plan, key)
	case err != nil:
		return err
	}
	return c.plane.Detach(ctx, old.Plan, key)
}

// shareStage: the plans had a stage in common when the account subscribed to them.
func (c *convergence) shareStage(a, b portal.Pair) bool {
	for _, stage := range c.account.SubscribedBy(a).Stages {
		for _, other := range c.account.SubscribedBy(b).Stages {
			if stage == other {
				return true
			}
		}
	}
	return false
}

func (c *convergence) moved(ctx context.Context, pair, old portal.Pair, carried []events.Fact) error {
	delete(c.recheck, pair)
	delete(c.recheck, old)
	touched, err := c.record(ctx, c.correlationOf(pair), watchAll(watchPair(pair), watchPair(old)), func() []events.Fact {
		if c.movesFrom(pair) != old.Plan {
			return nil
		}
		link := events.Link{Wish: c.account.Attachments[pair].OpenedBy}
		if c.account.SubscribedBy(pair).Phase != state.Wanted {
			back := []events.Fact{
				events.KeyDetached{Link: link, Key: pair.Key, Plan: old.Plan}, events.KeyAttached{Link: link, Key: pair.Key, Plan: pair.Plan},
			}
			return append(append(back, carried...), c.fulfilled(c.account.SubscriptionOf(old), pair, old)...)
		}
		facts := []events.Fact{events.KeyMoved{Link: link, Key: pair.Key, From: old.Plan, Plan: pair.Plan}}
		return append(append(facts, carried...), c.fulfilled(c.account.SubscriptionOf(pair), pair, old)...)
	})
	if touched {
		c.recheck[pair], c.recheck[old] = true, true
	}
	return err
}

// betweenPlans: the key may be in neither plan of a change, so the message comes again soon.
type betweenPlans struct{ error }

func (b *betweenPlans) Unwrap() error { return b.error }

// The first retry of a move comes after moveRetry, later ones up to retry apart.
const moveRetry = time.Second

func (c *convergence) moveAgain(pair portal.Pair, cause *betweenPlans) error {
	age := c.Now().Sub(c.account.Attachments[pair].OpenedAt)
	return &portal.Postponed{After: min(max(moveRetry, age/8), retry), Reason: "a key is between two plans", Err: cause.error}
}

func unavailable(err error) bool {
	var busy *gateway.Unavailable
	return errors.As(err, &busy)
}
