package provisioning

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// compare reads the account's keys in API Gateway. It creates lost keys again, deletes returned
// ones, restores names, and records whether keys are enabled. converge repairs a key's plans,
// even if the fold says that all is done: an operator may have changed them, or a stalled worker
// may have acted late. docs/architecture.md lists what is mended. A key that cannot be compared
// now becomes a stuck task. compare returns only a Postponed.
func (c *convergence) compare(ctx context.Context) error {
	for _, id := range slices.Sorted(maps.Keys(c.account.Keys)) {
		c.plane = c.Session(gateway.Background, c.leased(ctx))
		err := c.compareKey(ctx, id)
		var postponed *portal.Postponed
		switch {
		case errors.As(err, &postponed):
			return err
		case err != nil:
			zerolog.Ctx(ctx).Warn().Err(err).Str("key", string(id)).Msg("cannot compare a key")
			c.stuck[task{key: id}] = fmt.Errorf("comparing it with API Gateway: %w", err)
		}
	}
	return c.comparePlansWithoutKeys(ctx)
}

// comparePlansWithoutKeys ends the subscriptions without keys whose plan is gone, such as those
// that wait for approval. For others, attaching a key shows it.
func (c *convergence) comparePlansWithoutKeys(ctx context.Context) error {
	for _, id := range c.account.SubscriptionIDs() {
		plan := id.Plan()
		if !c.account.WithoutKeys(id) {
			continue
		}
		c.plane = c.Session(gateway.Background, c.leased(ctx))
		there, err := c.plane.HasPlan(ctx, plan)
		var postponed *portal.Postponed
		switch {
		case errors.As(err, &postponed):
			return err
		case err != nil:
			zerolog.Ctx(ctx).Warn().Err(err).Str("plan", string(plan)).Msg("cannot compare a plan")
			c.stuck[task{kind: finishSubscription, subscription: id}] = fmt.Errorf("comparing it with API Gateway: %w", err)
		case !there:
			if err := c.endGone(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *convergence) endGone(ctx context.Context, id portal.SubscriptionID) error {
	_, err := c.record(ctx, c.correlation(id), watchSubscription(id), func() []events.Fact {
		s := c.account.Subscriptions[id]
		switch {
		case !c.account.WithoutKeys(id):
			return nil
		case s.Phase == state.AwaitingApproval:
			return []events.Fact{events.RequestRejected{
				Link: events.Link{Wish: s.OpenedBy}, Code: portal.NotFound, Message: fmt.Sprintf("%s is no longer offered.", s.Name),
			}}
		}
		return []events.Fact{events.SubscriptionLost{Plan: s.Plan, Payer: events.PaidBy(s.Ring), Reason: events.LostPlanGone}}
	})
	return err
}

func (c *convergence) compareKey(ctx context.Context, id portal.KeyID) error {
	key := c.account.Keys[id]
	switch {
	case key.Released && key.Adopted:
		return nil // nothing can bring it back
	case key.Released:
		return c.deleteReturned(ctx, key)
	}
	if _, err := c.adopt(ctx, key); err != nil {
		return err
	}
	key = c.account.Keys[id]
	if !key.Created() {
		return nil
	}
	actual, err := c.plane.Inspect(ctx, key.GatewayID)
	switch {
	case isRefused(err, gateway.KeyGone):
		return c.remake(ctx, key)
	case err != nil:
		return err
	}
	if err := c.observe(ctx, key, actual); err != nil {
		return err
	}
	if !key.Live() {
		return nil // it works in none of its plans
	}
	return c.comparePlans(ctx, key)
}

// remake creates a key that API Gateway does not show, unless it was created a moment ago, is
// being released, or should not work now. An adopted key ends.
func (c *convergence) remake(ctx context.Context, key state.Key) error {
	if key.Adopted && key.Live() {
		return c.lose(ctx, key)
	}
	if c.Now().Sub(key.CreatedAt) < listDelay || key.Releasing != 0 || c.account.Barred(key) {
		return nil
	}
	id, err := c.createKey(ctx, key)
	if err != nil {
		return err
	}
	zerolog.Ctx(ctx).Warn().Str("key", string(key.ID)).Msg("API Gateway had lost a key; created it again")
	c.renewed[key.ID] = true
	if err := c.created(ctx, c.correlationFor(key.ID), key, id); err != nil {
		return err
	}
	return c.comparePlans(ctx, c.account.Keys[key.ID])
}

// deleteReturned deletes a released key that a stalled worker created late.
func (c *convergence) deleteReturned(ctx context.Context, key state.Key) error {
	id, found, err := c.plane.FindKey(ctx, c.KeyName(c.account.ID, key.ID))
	if err != nil || !found {
		return err
	}
	// The key may be wanted again by now, and this be the new one.
	if touched, err := c.reload(ctx, watchKey(key.ID)); touched || err != nil {
		return err
	}
	return c.plane.DeleteKey(ctx, id)
}

// observe records whether the key is enabled, and restores its name and its customer. An adopted key
// keeps those that it has.
func (c *convergence) observe(ctx context.Context, key state.Key, actual gateway.KeyState) error {
	if want := c.KeyName(c.account.ID, key.ID); actual.Name != want && !key.Adopted {
		zerolog.Ctx(ctx).Warn().Str("key", string(key.ID)).Str("was", actual.Name).Msg("somebody has renamed a key; renaming it back")
		if err := c.plane.Rename(ctx, key.GatewayID, want); err != nil && !isRefused(err, gateway.KeyGone) {
			return err
		}
	}
	if key.Live() && !key.Adopted {
		if err := c.mendCustomer(ctx, key, actual); err != nil && !isRefused(err, gateway.KeyGone) {
			return err
		}
	}
	if c.account.Barred(key) || key.Blocked {
		c.keepBlocked(ctx, key, actual)
		return nil
	}
	if actual.Enabled != key.Disabled {
		return nil
	}
	_, err := c.record(ctx, c.msg.Correlation, watchKey(key.ID), func() []events.Fact {
		now := c.account.Keys[key.ID]
		if !now.Created() || now.Disabled != actual.Enabled {
			return nil
		}
		return []events.Fact{events.KeyObserved{Key: key.ID, Enabled: actual.Enabled}}
	})
	return err
}

// comparePlans marks the plans in which API Gateway and the fold differ.
func (c *convergence) comparePlans(ctx context.Context, key state.Key) error {
	holds, err := c.plane.PlansOf(ctx, key.GatewayID)
	if err != nil {
		return err
	}
	held := map[portal.PlanID]bool{}
	for _, plan := range holds {
		held[plan.ID] = true
		if pair := (portal.Pair{Key: key.ID, Plan: plan.ID}); c.account.Attachments[pair].Phase == "" {
			zerolog.Ctx(ctx).Warn().Str("plan", string(plan.ID)).Msg("API Gateway has the key in a plan that was never subscribed to; detaching it")
			c.recheck[pair] = true
		}
	}
	for pair, attachment := range c.account.Attachments {
		if pair.Key == key.ID && !attachment.HasOpenWish() && held[pair.Plan] != attachment.Desired() {
			zerolog.Ctx(ctx).Warn().Str("plan", string(pair.Plan)).Str("is", string(attachment.Phase)).Msg("API Gateway differs from the fold; mending it")
			c.recheck[pair] = true
		}
	}
	return nil
}
