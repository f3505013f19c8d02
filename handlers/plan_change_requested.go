package handlers

import (
	"context"
	"fmt"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// PlanChange decides on PlanChangeRequested: the account's keys should be in the plan instead of
// the one it replaces. The operation ends once API Gateway has moved every key. With manual
// approval, it waits for an admin first.
//
// The same change under way or waiting for approval yields RequestJoined, and one that was made
// RequestUnchanged. It is rejected while another change of either plan is under way, and for what
// Subscribing rejects. Like Subscribing, it takes back changes away from the new plan that wait
// for approval.
func PlanChange(limits Limits) Decide[events.PlanChangeRequested] {
	decide := planChange(limits)
	return func(account state.Account, req events.PlanChangeRequested, id string) []events.Fact {
		return takingBack(account, req.Plan, decide(account, req, id))
	}
}

func planChange(limits Limits) Decide[events.PlanChangeRequested] {
	return func(account state.Account, req events.PlanChangeRequested, _ string) []events.Fact {
		decides := events.Decides{Scopes: req.Scopes()}
		if refused := standing(account, decides); refused != nil {
			return refused
		}
		current, old := account.Subscription(req.Plan), account.Subscription(req.Replaces)
		if facts, decided := changeDone(decides, req, current, old); decided {
			return facts
		}
		if no := cannotChange(account, req, current, old); no != nil {
			return reject(decides, no.Code, no.Message)
		}
		if no := noRoom(account, limits, asked{req.Plan, req.Name, req.Rivals, req.Replaces, old.Ring}); no != nil {
			return reject(decides, no.Code, no.Message)
		}
		if req.Approval == events.ApprovalManual {
			if no := tooManyWaiting(account); no != nil {
				return reject(decides, no.Code, no.Message)
			}
			return []events.Fact{events.SubscriptionApprovalPending{
				Decides: decides, Plan: req.Plan, Name: req.Name, Ring: old.Ring, Stages: req.Stages, Replaces: req.Replaces,
			}}
		}
		return append(overturned(current), events.PlanChangeWanted{
			Decides: decides, From: req.Replaces, Plan: req.Plan, Name: req.Name, Ring: old.Ring, Stages: req.Stages,
		})
	}
}

// changeDone answers a request for what is done already, or on its way.
func changeDone(decides events.Decides, req events.PlanChangeRequested, current, old state.Subscription) (facts []events.Fact, decided bool) {
	without := !old.Desired() && old.Phase != state.AwaitingApproval // the account neither has the old plan nor waits for it
	same := current.Replaces == req.Replaces || current.Replaces == "" && without
	join := func(s state.Subscription) ([]events.Fact, bool) {
		return []events.Fact{events.RequestJoined{Decides: decides, Link: events.Link{Wish: s.OpenedBy}, Plan: s.Plan}}, true
	}
	switch {
	case current.ChangesTo != "":
		return nil, false // it is being left
	case (current.Phase == state.Wanted || current.Phase == state.AwaitingApproval) && same:
		return join(current)
	case current.Phase == state.Active && old.Phase == state.Ending:
		return join(old)
	case current.Phase == state.Active && without:
		return []events.Fact{events.RequestUnchanged{Decides: decides}}, true
	}
	return nil, false
}

func cannotChange(account state.Account, req events.PlanChangeRequested, current, old state.Subscription) *portal.Error {
	conflict := func(format string, names ...any) *portal.Error {
		return portal.Fail(portal.Conflict, fmt.Sprintf(format, names...))
	}
	if no := changing(account, current); no != nil {
		return no
	}
	switch {
	case req.Plan == req.Replaces:
		return portal.Fail(portal.Invalid, "A plan cannot replace itself.")
	case old.Phase == state.AwaitingApproval:
		return conflict("You do not have %s yet, because it waits for approval. Withdraw that request first.", old.Name)
	case current.Phase == state.Active:
		return conflict("You have both %s and %s. Leave %s if you no longer need it.", old.Name, current.Name, old.Name)
	case current.Phase == state.Wanted:
		return conflict("Your subscription to %s is being set up. Wait until it is active.", current.Name)
	case current.Phase == state.AwaitingApproval:
		return conflict("You have asked for %s already, and the operator of this portal has to approve it. Withdraw that request first.", current.Name)
	case current.Phase == state.Ending && req.Approval == events.ApprovalManual:
		return conflict("You are leaving %s. Wait until that is done, then ask for it again.", current.Name)
	case !old.Desired():
		return conflict("You do not have the plan that %s should replace. Subscribe to %s instead.", req.Name, req.Name)
	}
	if no := changing(account, old); no != nil {
		return no
	}
	if old.Phase == state.Wanted {
		return conflict("%s is still being set up. Wait until it is active, then change to %s.", old.Name, req.Name)
	}
	return nil
}

func changing(account state.Account, s state.Subscription) *portal.Error {
	from, to := account.Subscriptions[s.Other(s.Replaces)], s
	if s.ChangesTo != "" {
		from, to = s, account.Subscriptions[s.Other(s.ChangesTo)]
	}
	switch {
	case from.Plan == "" || to.Plan == "" || to.Phase == state.AwaitingApproval:
		return nil
	case to.Refusal != nil:
		return portal.Fail(portal.Conflict, fmt.Sprintf("API Gateway has refused %s, and your keys are on their way back to %s. Wait until that is done.", to.Name, from.Name))
	}
	return portal.Fail(portal.Conflict, fmt.Sprintf("You are changing from %s to %s. Wait until that is done.", from.Name, to.Name))
}

// changePlan refuses, like subscribe, a plan that the catalog lets nobody subscribe to.
func (d *Decider) changePlan(ctx context.Context, msg events.Event) error {
	return forPlan(d, msg, PlanChange(d.limits), func(r events.PlanChangeRequested) portal.PlanID { return r.Plan })(ctx, msg)
}
