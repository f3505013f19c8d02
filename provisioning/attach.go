package provisioning

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

func (c *convergence) detach(ctx context.Context, pair portal.Pair) error {
	key := c.account.Keys[pair.Key]
	if found, err := c.adoptUnrecorded(ctx, key); found || err != nil {
		return err // the task comes up again
	}
	// A key that was never created is in no plan.
	if key.Created() {
		if err := c.readUsage(ctx, pair, c.account.Attachments[pair].OpenedAt); err != nil {
			return err
		}
		if err := c.plane.Detach(ctx, pair.Plan, key.GatewayID); err != nil && !isRefused(err, gateway.PlanGone, gateway.KeyGone) {
			return fmt.Errorf("detaching key %s: %w", pair.Key, err)
		}
	}
	return c.done(ctx, pair)
}

func (c *convergence) attach(ctx context.Context, pair portal.Pair) error {
	key := c.account.Keys[pair.Key]
	if !key.Created() {
		// The new key is recorded first; the task comes up again.
		return c.create(ctx, pair, key)
	}
	err := c.withCustomer(ctx, key, func() error { return c.plane.Attach(ctx, pair.Plan, key.GatewayID) })
	switch {
	case err == nil:
		carried, err := c.carry(ctx, pair)
		if err != nil {
			return fmt.Errorf("passing a quota on to key %s: %w", pair.Key, err)
		}
		return c.done(ctx, pair, carried...)
	case isRefused(err, gateway.KeyGone):
		return c.renew(ctx, pair, err)
	}
	return c.withdrawIfRefused(ctx, pair, err)
}

// renew creates a key again that API Gateway has lost, once a run. A key that was only not
// readable yet is found by its name and left as it is. An adopted key ends.
func (c *convergence) renew(ctx context.Context, pair portal.Pair, cause error) error {
	key := c.account.Keys[pair.Key]
	switch {
	case key.Adopted:
		return c.lose(ctx, key)
	case c.renewed[key.ID]:
		return fmt.Errorf("attaching key %s, which API Gateway lost again: %w", key.ID, cause)
	case c.Now().Sub(key.CreatedAt) < listDelay:
		return &portal.Postponed{After: retry, Reason: "a key that was just created may not be readable yet", Err: cause}
	}
	c.renewed[key.ID] = true
	id, err := c.createKey(ctx, key)
	if err != nil {
		return c.withdrawIfRefused(ctx, pair, err)
	}
	return c.created(ctx, c.correlationOf(pair), key, id)
}

// withdrawIfRefused withdraws the plan from the key if API Gateway refuses it for good, and
// returns any other cause.
func (c *convergence) withdrawIfRefused(ctx context.Context, pair portal.Pair, cause error) error {
	name := c.account.SubscribedBy(pair).Name
	var no *gateway.Refused
	var limit *gateway.LimitReached
	switch {
	case errors.As(cause, &limit) && limit.Limit == gateway.PlansPerKey:
		return c.planLimitReached(ctx, pair, cause)
	case !errors.As(cause, &no):
		return cause
	}
	switch no.Reason {
	case gateway.PlanGone:
		return c.withdraw(ctx, pair, cause, portal.NotFound, fmt.Sprintf("%s is no longer offered.", name), events.LostPlanGone)
	case gateway.StageTaken:
		return c.rival(ctx, pair, no)
	}
	return c.withdraw(ctx, pair, cause, portal.Conflict, fmt.Sprintf(
		"API Gateway does not accept the key for %s. The operator of this portal has to look into it.", name), "")
}

var errBeingLeft = errors.New("API Gateway still has the key in a plan that is being left")

// planLimitReached: if a plan is being left, the task waits for that; otherwise the owner must
// leave one.
func (c *convergence) planLimitReached(ctx context.Context, pair portal.Pair, cause error) error {
	if err := c.load(ctx); err != nil { // the owner may be leaving one by now
		return err
	}
	in := 0
	for other, attachment := range c.account.Attachments {
		switch {
		case other.Key != pair.Key || c.leftByMove(other):
		case attachment.Phase == state.Ending && c.stuck[task{key: other.Key, plan: other.Plan}] == nil:
			return nil // leaving comes first, then this task again
		case attachment.Phase == state.Ending:
			return errBeingLeft
		case attachment.Phase == state.Active:
			in++
		}
	}
	no := portal.PlanLimit(in, c.account.SubscribedBy(pair).Name)
	return c.withdraw(ctx, pair, cause, no.Code, no.Message, "")
}

// rival handles a key that another plan holds on a stage of this one. If the fold does not want
// the key there, it is detached first; otherwise the owner must leave one of the two.
func (c *convergence) rival(ctx context.Context, pair portal.Pair, no *gateway.Refused) error {
	other := portal.Pair{Key: pair.Key, Plan: no.Rival}
	switch {
	case no.Rival == "":
		return &portal.Postponed{After: retry, Reason: "API Gateway reports another plan with the key on a stage, and lists none", Err: no}
	case !c.account.Attachments[other].Desired():
		if c.takenOut[other] {
			return &portal.Postponed{After: retry, Reason: "API Gateway still has the key in another plan", Err: no}
		}
		zerolog.Ctx(ctx).Warn().Str("plan", string(other.Plan)).Msg("API Gateway has the key in a plan that it should not be in; detaching it")
		c.takenOut[other], c.recheck[other] = true, true
		delete(c.stuck, task{key: other.Key, plan: other.Plan})
		return nil
	}
	rivals := portal.RivalPlans(c.account.SubscribedBy(pair).Name, c.account.SubscribedBy(other).Name)
	return c.withdraw(ctx, pair, no, rivals.Code, rivals.Message, events.LostStageTaken)
}

// withdraw records that the key cannot have the plan: it rejects the plan's open wish. If the
// plan is active instead, it records the loss, unless lost is "": then an owner who asked for the
// key does not get it. If nothing is recorded and the key's own wish is open, it returns the
// cause.
func (c *convergence) withdraw(ctx context.Context, pair portal.Pair, cause error, code portal.Code, message string, lost events.LossReason) error {
	delete(c.recheck, pair)
	touched, err := c.record(ctx, c.correlationOf(pair), watchSubscription(c.account.SubscriptionOf(pair)), func() []events.Fact {
		s := c.account.SubscribedBy(pair)
		switch {
		case c.forKeysWish(pair) && c.account.Keys[pair.Key].Adopted:
			return []events.Fact{events.RequestRejected{Link: events.Link{Wish: c.account.Keys[pair.Key].Readying}, Code: code, Message: message}}
		case lost == "" && c.forKeysWish(pair):
			return c.refused(c.account.Keys[pair.Key], code, message)
		case s.HasOpenWish() && s.Desired() && s.Replaces != "":
			return []events.Fact{events.PlanChangeRefused{Link: events.Link{Wish: s.OpenedBy}, Plan: pair.Plan, Code: code, Message: message}}
		case s.HasOpenWish() && s.Desired():
			return []events.Fact{events.RequestRejected{Link: events.Link{Wish: s.OpenedBy}, Code: code, Message: message}}
		case s.Desired() && lost != "":
			return []events.Fact{events.SubscriptionLost{Plan: pair.Plan, Payer: events.PaidBy(s.Ring), Reason: lost}}
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case touched:
		c.recheck[pair] = true
	case c.account.Attachments[pair].Phase == state.Wanted:
		return cause
	}
	return nil
}

// forKeysWish reports whether the key enters the plan because of a wish for the key, and not for the plan.
func (c *convergence) forKeysWish(pair portal.Pair) bool {
	readying := c.account.Keys[pair.Key].Readying
	return readying != 0 && c.account.Attachments[pair].OpenedBy == readying
}

func isRefused(err error, reasons ...gateway.RefusedReason) bool {
	var refusal *gateway.Refused
	return errors.As(err, &refusal) && slices.Contains(reasons, refusal.Reason)
}
