package handlers

import (
	"context"
	"fmt"
	"slices"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Subscribing decides on SubscribeRequested: the account's keys should be in the plan. With the
// account's first plan it also asks for a key. The operation ends once API Gateway has attached
// the keys.
//
// An active subscription yields RequestUnchanged, and one under way RequestJoined: ten
// clicks at once make one subscription, and all ten operations end with it. The request is
// rejected if the key holds another plan of a same stage (both are named; API Gateway allows a
// key one plan per stage), and if the key is in as many plans as it can be.
func Subscribing(scheme KeyScheme, limits Limits, rings Rings) Decide[events.SubscribeRequested] {
	return func(account state.Account, req events.SubscribeRequested, id string) []events.Fact {
		decides := events.Decides{Scopes: req.Scopes()}
		if refused := standing(account, decides); refused != nil {
			return refused
		}
		current := account.Subscriptions[req.Plan]
		switch current.Phase {
		case state.Active:
			return []events.Fact{events.RequestUnchanged{Decides: decides}}
		case state.Wanted:
			return []events.Fact{events.RequestJoined{Decides: decides, Link: events.Link{Wish: current.OpenedBy}, Plan: req.Plan}}
		}
		ring := rings.of(account, req.Plan)
		held := account.Held(ring)
		for _, plan := range held {
			if slices.Contains(req.Rivals, plan) {
				other := account.Subscriptions[plan]
				return reject(decides, portal.Conflict, fmt.Sprintf(
					"%s and %s are plans of the same API, and a key can hold only one of them. Leave %s first, then subscribe to %s.",
					req.Name, other.Name, other.Name, req.Name))
			}
		}
		if len(held) >= limits.PlansPerKey {
			full := portal.PlanLimit(limits.PlansPerKey, req.Name)
			return reject(decides, full.Code, full.Message)
		}
		facts := overturned(current)
		if _, ok := account.KeyOf(ring); !ok {
			facts = append(facts, newKey(account, scheme, id, ring, "Default key"))
		}
		return append(facts, events.SubscriptionWanted{Decides: decides, Plan: req.Plan, Name: req.Name, Ring: ring, Stages: req.Stages})
	}
}

// subscribe handles SubscribeRequested. It refuses a plan that the catalog does not let anybody
// subscribe to. A second delivery finds the facts of the first, whatever the catalog says then.
func (d *Decider) subscribe(ctx context.Context, msg events.Event) error {
	request, ok := msg.Data.(events.SubscribeRequested)
	if !ok || d.refusal == nil {
		return forAccount(d, Subscribing(d.keys, d.limits, d.rings))(ctx, msg)
	}
	var refusal string
	decide := func(account state.Account, req events.SubscribeRequested, id string) []events.Fact {
		return unlessRefused(refusal, Subscribing(d.keys, d.limits, d.rings))(account, req, id)
	}
	return forAccount(d, decide, func(ctx context.Context) (err error) {
		refusal, err = d.refusal(ctx, request.Plan)
		return err
	})(ctx, msg)
}

// unlessRefused rejects a request for a plan that the account does not have or wait for.
func unlessRefused(text string, decide Decide[events.SubscribeRequested]) Decide[events.SubscribeRequested] {
	return func(account state.Account, req events.SubscribeRequested, id string) []events.Fact {
		phase := account.Subscriptions[req.Plan].Phase
		if text == "" || standing(account, events.Decides{}) != nil || phase == state.Active || phase == state.Wanted {
			return decide(account, req, id)
		}
		return reject(events.Decides{Scopes: req.Scopes()}, portal.Conflict, text)
	}
}

// reject refuses the request with a message for the user.
func reject(decides events.Decides, code portal.Code, message string) []events.Fact {
	return []events.Fact{events.RequestRejected{Decides: decides, Code: code, Message: message}}
}

// overturned ends the open wish of a subscription, if it has one, and with it every operation
// that waits for that wish.
func overturned(s state.Subscription) []events.Fact {
	if !s.Open() {
		return nil
	}
	return []events.Fact{events.RequestSuperseded{Link: events.Link{Wish: s.OpenedBy}}}
}
