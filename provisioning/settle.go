package provisioning

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

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
	key := r.account.Keys[s.Key]
	if r.unsettled {
		if found, err := r.adopt(ctx, key); found || err != nil {
			return err // The plan's turn comes again.
		}
	}
	// A key that was never created is attached nowhere.
	if key.Created() {
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
	return r.done(ctx, s, activated)
}

// activated is the outcome of a plan that is attached.
func activated(now state.Subscription) events.Fact {
	return events.SubscriptionActivated{Ends: events.Ends{Operations: now.Waiting}, Plan: now.Plan, Key: now.Key}
}

// create makes the key that a subscription needs; what API Gateway refuses for good is
// withdrawn.
func (r *run) create(ctx context.Context, s state.Subscription, key state.Key) error {
	if r.Bulk != nil && !key.Created() {
		return r.createInBulk(ctx, s, key)
	}
	id, err := r.make(ctx, key)
	if err != nil {
		return r.withdraw(ctx, s, err)
	}
	return r.created(ctx, key, id)
}

// make makes the key. Its value and name follow from its id, so a second creation finds
// the first one's key.
func (r *run) make(ctx context.Context, key state.Key) (portal.GatewayKeyID, error) {
	wanted, err := r.derive(ctx, key)
	if err != nil {
		return "", err
	}
	r.unsettled = true
	return r.plane.CreateKey(ctx, wanted)
}

// derive is the key as it is to be in API Gateway.
func (r *run) derive(ctx context.Context, key state.Key) (gateway.Key, error) {
	value, err := r.Values.Value(ctx, key.Scheme, key.KMSKey, r.account.ID, key.ID)
	if err != nil {
		return gateway.Key{}, fmt.Errorf("deriving the value of key %s: %w", key.ID, err)
	}
	return gateway.Key{
		Name: r.KeyName(r.account.ID, key.ID), Value: value, Description: "Issued by Gatehouse: " + key.Name,
	}, nil
}

// created records under which id API Gateway holds the key.
func (r *run) created(ctx context.Context, key state.Key, id portal.GatewayKeyID) error {
	_, err := r.record(ctx, r.planOf(key.ID), touchesKey(key.ID), func(state.Subscription) []events.Fact {
		if r.account.Keys[key.ID].GatewayID == id {
			return nil
		}
		return []events.Fact{events.KeyCreated{Key: key.ID, GatewayID: id}}
	})
	return err
}

// adopt finds a key that was never recorded as created and is there all the same, perhaps
// in plans already: whoever had it made could not record it. Then it is recorded now.
func (r *run) adopt(ctx context.Context, key state.Key) (found bool, err error) {
	if key.Created() || key.ID == "" {
		return false, nil
	}
	id, found, err := r.plane.FindKey(ctx, r.KeyName(r.account.ID, key.ID))
	if err != nil {
		return false, fmt.Errorf("looking for key %s: %w", key.ID, err)
	}
	if !found {
		return false, nil
	}
	return true, r.created(ctx, key, id)
}

// planOf is a plan that the key is for: the one whose wish its creation serves.
func (r *run) planOf(key portal.KeyID) portal.PlanID {
	for _, plan := range r.account.Plans() {
		if s := r.account.Subscriptions[plan]; s.Key == key && s.Open() {
			return plan
		}
	}
	return ""
}

// withdraw takes back what API Gateway refuses for good, and says so to everybody who
// waits for it. Any other error comes back as it is.
func (r *run) withdraw(ctx context.Context, s state.Subscription, cause error) error {
	var busy *gateway.Unavailable
	if errors.As(cause, &busy) && busy.ValueTaken {
		return &portal.Postponed{After: 15 * time.Second, Reason: "a key that was made may not be listed yet", Err: cause}
	}
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
