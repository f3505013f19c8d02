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

func (r *run) detach(ctx context.Context, pair portal.Pair) error {
	key := r.account.Keys[pair.Key]
	if r.mayBeUnrecorded {
		if found, err := r.adopt(ctx, key); found || err != nil {
			return err // the task comes up again
		}
	}
	// A key that was never created is in no plan.
	if key.Created() {
		if err := r.plane.Detach(ctx, pair.Plan, key.GatewayID); err != nil && !isRefused(err, gateway.PlanGone, gateway.KeyGone) {
			return fmt.Errorf("detaching key %s: %w", pair.Key, err)
		}
	}
	return r.done(ctx, pair)
}

func (r *run) attach(ctx context.Context, pair portal.Pair) error {
	key := r.account.Keys[pair.Key]
	if !key.Created() {
		// The new key is recorded first; the task comes up again.
		return r.create(ctx, pair, key)
	}
	err := r.plane.Attach(ctx, pair.Plan, key.GatewayID)
	switch {
	case err == nil:
		return r.done(ctx, pair)
	case isRefused(err, gateway.KeyGone):
		return r.renew(ctx, pair, err)
	}
	return r.withdrawIfRefused(ctx, pair, err)
}

// renew creates a key again that API Gateway has lost, once a run. A key that was created a
// moment ago may not be readable yet. If the key exists after all, it is found by its name and
// left as it is.
func (r *run) renew(ctx context.Context, pair portal.Pair, cause error) error {
	key := r.account.Keys[pair.Key]
	switch {
	case r.renewed[key.ID]:
		return fmt.Errorf("attaching key %s, which API Gateway lost again: %w", key.ID, cause)
	case r.Now().Sub(key.CreatedAt) < listing:
		return &portal.Postponed{After: retry, Reason: "a key that was just created may not be readable yet", Err: cause}
	}
	r.renewed[key.ID] = true
	id, err := r.createKey(ctx, key)
	if err != nil {
		return r.withdrawIfRefused(ctx, pair, err)
	}
	return r.created(ctx, pair.Plan, key, id)
}

// withdrawIfRefused withdraws the plan from the key if API Gateway refuses it for good. If
// cause is any other error, it returns cause.
func (r *run) withdrawIfRefused(ctx context.Context, pair portal.Pair, cause error) error {
	name := r.account.Subscriptions[pair.Plan].Name
	var no *gateway.Refused
	var limit *gateway.LimitReached
	switch {
	case errors.As(cause, &limit) && limit.Limit == gateway.PlansPerKey:
		return r.planLimitReached(ctx, pair, cause)
	case !errors.As(cause, &no):
		return cause
	}
	switch no.Reason {
	case gateway.PlanGone:
		return r.withdraw(ctx, pair, cause, portal.NotFound, fmt.Sprintf("%s is no longer offered.", name), events.LostPlanGone)
	case gateway.StageTaken:
		return r.rival(ctx, pair, no)
	}
	return r.withdraw(ctx, pair, cause, portal.Conflict, fmt.Sprintf(
		"API Gateway does not accept the key for %s. The operator of this portal has to look into it.", name), "")
}

// errBeingLeft says that a key is in as many plans as AWS allows, and is being taken out of
// one.
var errBeingLeft = errors.New("API Gateway still has the key in a plan that is being left")

// planLimitReached handles a key that is in as many plans as AWS allows. If one is being left,
// the task waits for that. Otherwise the owner must leave one.
func (r *run) planLimitReached(ctx context.Context, pair portal.Pair, cause error) error {
	if err := r.load(ctx); err != nil { // the owner may be leaving one by now
		return err
	}
	in := 0
	for other, attachment := range r.account.Attachments {
		switch {
		case other.Key != pair.Key:
		case attachment.Phase == state.Ending && r.stuck[task{key: other.Key, plan: other.Plan}] == nil:
			return nil // leaving comes first, then this task again
		case attachment.Phase == state.Ending:
			return errBeingLeft
		case attachment.Phase == state.Active:
			in++
		}
	}
	no := portal.PlanLimit(in, r.account.Subscriptions[pair.Plan].Name)
	return r.withdraw(ctx, pair, cause, no.Code, no.Message, "")
}

// rival handles a key that another plan holds on a stage of this one. If the fold does not want
// the key in the other plan, the key is detached from it first. Otherwise the owner must leave
// one of the two.
func (r *run) rival(ctx context.Context, pair portal.Pair, no *gateway.Refused) error {
	other := portal.Pair{Key: pair.Key, Plan: no.Rival}
	switch {
	case no.Rival == "":
		return &portal.Postponed{After: retry, Reason: "API Gateway reports another plan with the key on a stage, and lists none", Err: no}
	case !r.account.Attachments[other].Desired():
		if r.takenOut[other] {
			return &portal.Postponed{After: retry, Reason: "API Gateway still has the key in another plan", Err: no}
		}
		zerolog.Ctx(ctx).Warn().Str("plan", string(other.Plan)).Msg("API Gateway has the key in a plan that it should not be in; detaching it")
		r.takenOut[other], r.recheck[other] = true, true
		delete(r.stuck, task{key: other.Key, plan: other.Plan})
		return nil
	}
	mine, theirs := r.account.Subscriptions[pair.Plan].Name, r.account.Subscriptions[other.Plan].Name
	return r.withdraw(ctx, pair, no, portal.Conflict, fmt.Sprintf(
		"%s and %s are plans of the same API, and a key can hold only one of them. Leave %s first, then subscribe to %s.",
		mine, theirs, theirs, mine), events.LostStageTaken)
}

// withdraw records that the key cannot have the plan: it rejects the plan's open wish. If the
// plan is active instead, it records the loss, unless lost is "". If nothing is recorded and the
// key's own wish is open, withdraw returns the cause.
func (r *run) withdraw(ctx context.Context, pair portal.Pair, cause error, code portal.Code, message string, lost events.LossReason) error {
	delete(r.recheck, pair)
	touched, err := r.record(ctx, r.correlation(pair.Plan), watchPlan(pair.Plan), func() []events.Fact {
		s := r.account.Subscriptions[pair.Plan]
		switch {
		case s.Open() && s.Desired():
			return []events.Fact{events.RequestRejected{Link: events.Link{Wish: s.OpenedBy}, Code: code, Message: message}}
		case s.Desired() && lost != "":
			return []events.Fact{events.SubscriptionLost{Plan: pair.Plan, Reason: lost}}
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case touched:
		r.recheck[pair] = true
	case r.account.Attachments[pair].Open():
		return cause
	}
	return nil
}

func isRefused(err error, reasons ...gateway.RefusedReason) bool {
	var refusal *gateway.Refused
	return errors.As(err, &refusal) && slices.Contains(reasons, refusal.Reason)
}
