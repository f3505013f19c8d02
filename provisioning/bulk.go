package provisioning

import (
	"context"
	"slices"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// bulk creates keys together with those that others want, and attaches them in the same
// call. Where that does not pay or fails it creates them by themselves.
type bulk interface {
	Create(ctx context.Context, c gateway.Creation) (gateway.Created, error)
}

// createInBulk makes a key that was never recorded as created, in all plans it is wanted
// in. What was seen to be done is recorded at once; the turn of the other plans comes
// again, one by one.
func (r *run) createInBulk(ctx context.Context, s state.Subscription, key state.Key) error {
	wanted := r.wantedWith(key.ID)
	creation := gateway.Creation{Urgency: r.urgency(s), Lease: r.leased(ctx)}
	if !r.unsettled {
		creation.Untried = r.lease.Until.Add(-skew)
	}
	var err error
	if creation.Key, err = r.derive(ctx, key); err != nil {
		return err
	}
	for _, w := range wanted {
		creation.Plans = append(creation.Plans, w.Plan)
	}
	r.unsettled = true
	made, err := r.Bulk.Create(ctx, creation)
	if err != nil {
		return r.withdraw(ctx, s, err)
	}
	seen := slices.DeleteFunc(slices.Clone(wanted), func(w state.Subscription) bool { return !slices.Contains(made.Plans, w.Plan) })
	apart, err := r.createdAndAttached(ctx, s.Plan, key, made.ID, seen)
	if err != nil || !apart {
		return err
	}
	if err := r.created(ctx, key, made.ID); err != nil {
		return err
	}
	for _, w := range wanted {
		if err := r.attachedInBulk(ctx, w, slices.Contains(made.Plans, w.Plan)); err != nil {
			return err
		}
	}
	return nil
}

// createdAndAttached records in one that the key is there and in those plans. Nothing is
// recorded, and each has to be apart, if there are too many or somebody else recorded
// something about one of them meanwhile.
func (r *run) createdAndAttached(ctx context.Context, plan portal.PlanID, key state.Key, id portal.GatewayKeyID, seen []state.Subscription) (apart bool, err error) {
	if 1+len(seen) > journal.MaxFacts {
		return true, nil
	}
	touches := []func(events.Fact) bool{touchesKey(key.ID), touchesPlan(plan)}
	for _, w := range seen {
		touches = append(touches, touchesPlan(w.Plan))
	}
	touch := func(fact events.Fact) bool {
		return slices.ContainsFunc(touches, func(touch func(events.Fact) bool) bool { return touch(fact) })
	}
	return r.record(ctx, plan, touch, func(state.Subscription) []events.Fact {
		facts := []events.Fact{events.KeyCreated{Key: key.ID, GatewayID: id}}
		for _, w := range seen {
			facts = append(facts, activated(r.account.Subscriptions[w.Plan]))
		}
		return facts
	})
}

// attachedInBulk records that a plan that was wanted is attached. If something else is
// wanted of the plan by now, the attaching, seen or not, may have come after it was done.
func (r *run) attachedInBulk(ctx context.Context, w state.Subscription, attached bool) error {
	now := r.account.Subscriptions[w.Plan]
	switch {
	case now.Phase != w.Phase || now.OpenedBy != w.OpenedBy:
		r.recheck[w.Plan] = true
		return nil
	case !attached:
		return nil
	}
	return r.done(ctx, now, activated)
}

// wantedWith are the subscriptions that wait for the key, in order of their plans.
func (r *run) wantedWith(key portal.KeyID) []state.Subscription {
	var wanted []state.Subscription
	for _, plan := range r.account.Plans() {
		s := r.account.Subscriptions[plan]
		if s.Key == key && s.Phase == state.Wanted && r.stuck[plan] == nil {
			wanted = append(wanted, s)
		}
	}
	return wanted
}
