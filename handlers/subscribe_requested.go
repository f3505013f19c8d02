package handlers

import (
	"context"
	"fmt"
	"slices"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Subscribing decides on SubscribeRequested: the account's keys should be in the plan. The
// account's first plan also asks for a key. The operation ends once API Gateway has attached the
// keys. With manual approval, it waits for an admin first.
//
// An active subscription yields RequestUnchanged, and one under way or waiting for approval
// RequestJoined: ten clicks at once make one subscription, and all ten operations end with it.
// The request is rejected if the key is in another plan of one of the stages (API Gateway allows
// a key one plan per stage), if it is in as many plans as it can be, and if the plan is being
// changed to another one. Otherwise it takes back a change away from the plan that waits for
// approval.
func Subscribing(scheme KeyScheme, limits Limits, rings Rings) Decide[events.SubscribeRequested] {
	decide := subscribing(scheme, limits, rings)
	return func(account state.Account, req events.SubscribeRequested, id string) []events.Fact {
		return takingBack(account, req.Plan, decide(account, req, id))
	}
}

func subscribing(scheme KeyScheme, limits Limits, rings Rings) Decide[events.SubscribeRequested] {
	return func(account state.Account, req events.SubscribeRequested, id string) []events.Fact {
		decides := events.Decides{Scopes: req.Scopes()}
		if refused := standing(account, decides); refused != nil {
			return refused
		}
		current := account.Subscription(req.Plan)
		if current.Phase == state.Wanted || current.Phase == state.AwaitingApproval {
			return []events.Fact{events.RequestJoined{Decides: decides, Link: events.Link{Wish: current.OpenedBy}, Plan: req.Plan}}
		}
		if no := changing(account, current); no != nil {
			return reject(decides, no.Code, no.Message)
		}
		if current.Phase == state.Active {
			return []events.Fact{events.RequestUnchanged{Decides: decides}}
		}
		ring := rings.of(account, req.Plan)
		if no := noRoom(account, limits, asked{plan: req.Plan, name: req.Name, rivals: req.Rivals, ring: ring}); no != nil {
			return reject(decides, no.Code, no.Message)
		}
		if req.Approval == events.ApprovalManual {
			if current.Phase == state.Ending {
				return reject(decides, portal.Conflict, fmt.Sprintf("You are leaving %s. Wait until that is done, then ask for it again.", req.Name))
			}
			if no := tooManyWaiting(account); no != nil {
				return reject(decides, no.Code, no.Message)
			}
			return []events.Fact{events.SubscriptionApprovalPending{Decides: decides, Plan: req.Plan, Name: req.Name, Ring: ring, Stages: req.Stages}}
		}
		facts := append(overturned(current), firstKey(account, ring, scheme, id)...)
		return append(facts, events.SubscriptionWanted{Decides: decides, Plan: req.Plan, Name: req.Name, Ring: ring, Stages: req.Stages})
	}
}

// asked is a plan that the keys of a ring should be in, instead of replaces unless that is "".
type asked struct {
	plan     portal.PlanID
	name     string
	rivals   []portal.PlanID
	replaces portal.PlanID
	ring     portal.Ring
}

// noRoom says why API Gateway would not add the ring's keys to the plan, nil if it would as far as
// is known.
func noRoom(account state.Account, limits Limits, want asked) *portal.Error {
	held := 0
	for _, plan := range account.Held(want.ring) {
		other := account.Subscriptions[portal.SubscriptionOf(plan, want.ring)]
		if plan == want.plan || plan == want.replaces {
			continue
		}
		if slices.Contains(want.rivals, plan) {
			return portal.RivalPlans(want.name, other.Name)
		}
		if other.ChangesTo == "" { // a change takes one place
			held++
		}
	}
	if held >= limits.PlansPerKey {
		return portal.PlanLimit(limits.PlansPerKey, want.name)
	}
	return nil
}

// firstKey asks for a key unless the ring has one.
func firstKey(account state.Account, ring portal.Ring, scheme KeyScheme, id string) []events.Fact {
	return keyCalled("Default key", account, ring, scheme, id)
}

func keyCalled(name string, account state.Account, ring portal.Ring, scheme KeyScheme, id string) []events.Fact {
	if _, ok := account.KeyOf(ring); ok {
		return nil
	}
	return []events.Fact{newKey(account, scheme, id, ring, name)}
}

// subscribe refuses a plan that the catalog lets nobody subscribe to. A second delivery finds the
// facts of the first, even if the catalog has changed.
func (d *Decider) subscribe(ctx context.Context, msg events.Event) error {
	return forPlan(d, msg, Subscribing(d.keys, d.limits, d.rings), func(r events.SubscribeRequested) portal.PlanID { return r.Plan })(ctx, msg)
}

func forPlan[R events.Request](d *Decider, msg events.Event, decide Decide[R], plan func(R) portal.PlanID) func(context.Context, events.Event) error {
	request, ok := msg.Data.(R)
	if !ok || d.refusal == nil {
		return forAccount(d, decide)
	}
	var refusal string
	unless := func(account state.Account, req R, id string) []events.Fact {
		return unlessRefused(refusal, plan(req), decide)(account, req, id)
	}
	return forAccount(d, unless, alongside{read: func(ctx context.Context) (err error) {
		refusal, err = d.refusal(ctx, plan(request))
		return err
	}})
}

// unlessRefused lets through requests for a plan that the account has or waits for.
func unlessRefused[R events.Request](text string, plan portal.PlanID, decide Decide[R]) Decide[R] {
	return func(account state.Account, req R, id string) []events.Fact {
		s := account.Subscription(plan)
		if text == "" || standing(account, events.Decides{}) != nil || s.Desired() || s.Phase == state.AwaitingApproval {
			return decide(account, req, id)
		}
		return reject(events.Decides{Scopes: req.Scopes()}, portal.Conflict, text)
	}
}

func reject(decides events.Decides, code portal.Code, message string) []events.Fact {
	return []events.Fact{events.RequestRejected{Decides: decides, Code: code, Message: message}}
}

// overturned ends a subscription's open wish, and with it every operation that waits for it.
func overturned(s state.Subscription) []events.Fact {
	if !s.Waits() {
		return nil
	}
	return []events.Fact{events.RequestSuperseded{Link: events.Link{Wish: s.OpenedBy}}}
}
