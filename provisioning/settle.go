package provisioning

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// settle makes API Gateway match one subscription and records the outcome. The call
// is made whatever may be there already: attaching what is attached and detaching
// what is not are done at once.
func (r *run) settle(ctx context.Context, s state.Subscription) error {
	if s.Holds() {
		return r.attach(ctx, s)
	}
	return r.detach(ctx, s)
}

func (r *run) detach(ctx context.Context, s state.Subscription) error {
	// A key that was never created is attached nowhere.
	if key := r.account.Keys[s.Key]; key.Created() {
		if err := r.plane.Detach(ctx, s.Plan, key.GatewayID); err != nil && !refused(err, gateway.PlanGone, gateway.KeyGone) {
			return fmt.Errorf("detaching key %s: %w", s.Key, err)
		}
	}
	return r.done(ctx, s, func(now state.Subscription) events.Fact {
		return events.SubscriptionEnded{Ends: events.Ends{Operations: now.Waiting}, Plan: now.Plan, Key: now.Key}
	})
}

func (r *run) attach(ctx context.Context, s state.Subscription) error {
	key := r.account.Keys[s.Key]
	if !key.Created() {
		// The key's being there is news of its own; the plan's turn comes again.
		return r.create(ctx, s, key)
	}
	err := r.plane.Attach(ctx, s.Plan, key.GatewayID)
	switch {
	case err == nil:
	case refused(err, gateway.KeyGone) && !r.renewed[key.ID]:
		r.renewed[key.ID] = true
		return r.create(ctx, s, key)
	case refused(err, gateway.StageTaken) && r.recheckRivals(s):
		return nil
	case refused(err, gateway.KeyGone):
		return fmt.Errorf("attaching key %s, which API Gateway lost again: %w", key.ID, err)
	default:
		return r.withdraw(ctx, s, err)
	}
	return r.done(ctx, s, func(now state.Subscription) events.Fact {
		return events.SubscriptionActivated{Ends: events.Ends{Operations: now.Waiting}, Plan: now.Plan, Key: now.Key}
	})
}

// create makes the key. Its value and name follow from its id, so a second creation
// finds the first one's key.
func (r *run) create(ctx context.Context, s state.Subscription, key state.Key) error {
	value, err := r.Values.Value(ctx, key.Scheme, key.KMSKey, r.account.ID, key.ID)
	if err != nil {
		return fmt.Errorf("deriving the value of key %s: %w", key.ID, err)
	}
	id, err := r.plane.CreateKey(ctx, gateway.Key{
		Name: r.KeyName(r.account.ID, key.ID), Value: value, Description: "Issued by Gatehouse: " + key.Name,
	})
	if err != nil {
		return r.withdraw(ctx, s, err)
	}
	if id == key.GatewayID {
		return nil
	}
	_, err = r.record(ctx, s.Plan, touchesKey(key.ID), func(state.Subscription) []events.Fact {
		if r.account.Keys[key.ID].GatewayID == id {
			return nil
		}
		return []events.Fact{events.KeyCreated{Key: key.ID, GatewayID: id}}
	})
	return err
}

// withdraw takes back what API Gateway refuses for good, and says so to everybody who
// waits for it. Any other error comes back as it is.
func (r *run) withdraw(ctx context.Context, s state.Subscription, cause error) error {
	var refusal *gateway.Refused
	if !errors.As(cause, &refusal) {
		return cause
	}
	code, message := explain(refusal.Reason, s.Name)
	return r.done(ctx, s, func(now state.Subscription) events.Fact {
		return events.RequestRejected{Ends: events.Ends{Operations: now.Waiting}, Code: code, Message: message, Withdraws: now.Plan}
	})
}

func explain(reason gateway.RefusedReason, plan string) (portal.Code, string) {
	switch reason {
	case gateway.PlanGone:
		return portal.NotFound, fmt.Sprintf("%s is no longer offered.", plan)
	case gateway.StageTaken:
		return portal.Conflict, fmt.Sprintf("The key is already in another plan of the same API. Leave that plan first, then subscribe to %s.", plan)
	default:
		return portal.Conflict, fmt.Sprintf("API Gateway does not accept the key for %s. The operator of this portal has to look into it.", plan)
	}
}

// recheckRivals looks for plans on the same stages that are over for the fold and,
// as it seems, not for API Gateway, and has them detached again first. Once a run.
func (r *run) recheckRivals(s state.Subscription) bool {
	found := false
	for plan, other := range r.account.Subscriptions {
		if other.Holds() || other.Key != s.Key || r.recheck[plan] || !slices.ContainsFunc(other.Stages, func(st portal.Stage) bool {
			return slices.Contains(s.Stages, st)
		}) {
			continue
		}
		if _, tried := r.tried[plan]; !tried {
			r.tried[plan], r.recheck[plan], found = true, true, true
		}
	}
	return found
}

func refused(err error, reasons ...gateway.RefusedReason) bool {
	var refusal *gateway.Refused
	return errors.As(err, &refusal) && slices.Contains(reasons, refusal.Reason)
}
