package handlers

import (
	"fmt"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Subscribing decides on SubscribeRequested: the plan is to be open to the account's
// key, which is wanted with the first plan. Its operation ends when API Gateway has
// attached the key. A plan that is open already yields RequestUnchanged, one that is
// on its way RequestJoined: ten clicks at once are one subscription, and all ten
// operations end with it. A plan on a stage that another plan of the key holds is
// refused, naming both, since API Gateway lets a key into one plan per stage.
func Subscribing(scheme KeyScheme) Decide[events.SubscribeRequested] {
	return func(account state.Account, req events.SubscribeRequested, asked Asked) []events.Fact {
		decides := events.Decides{Scopes: req.Scopes()}
		if !account.Registered {
			return reject(asked, decides, portal.NotRegistered, "Sign up first: this account is not registered yet.")
		}
		current := account.Subscriptions[req.Plan]
		switch current.Phase {
		case state.Active:
			return []events.Fact{events.RequestUnchanged{Ends: ends(asked.Operation), Decides: decides}}
		case state.Wanted:
			return []events.Fact{events.RequestJoined{Decides: decides, Plan: req.Plan}}
		}
		var facts []events.Fact
		key, ok := account.KeyIn(portal.DefaultSlot)
		if !ok {
			key.ID = portal.KeyID(portal.DeriveID("key", string(account.ID), asked.ID))
			facts = append(facts, events.KeyWanted{
				Key: key.ID, Slot: portal.DefaultSlot, Name: "Default key", Scheme: scheme.Scheme, KMSKey: scheme.KMSKey,
			})
		}
		if other, clash := account.Clash(key.ID, req.Plan, req.Stages); clash {
			return reject(asked, decides, portal.Conflict, fmt.Sprintf(
				"%s and %s are plans of the same API, and a key can hold only one of them. Leave %s first, then subscribe to %s.",
				req.Name, other.Name, other.Name, req.Name))
		}
		facts = append(facts, superseded(current.Waiting)...)
		return append(facts, events.SubscriptionWanted{
			Decides: decides, Plan: req.Plan, Name: req.Name, Key: key.ID, Stages: req.Stages,
		})
	}
}

// reject refuses the request, for a reason that the user reads.
func reject(asked Asked, decides events.Decides, code portal.Code, message string) []events.Fact {
	return []events.Fact{events.RequestRejected{Ends: ends(asked.Operation), Decides: decides, Code: code, Message: message}}
}

// superseded ends the operations that waited for what is now overturned.
func superseded(waiting []portal.OperationID) []events.Fact {
	if len(waiting) == 0 {
		return nil
	}
	return []events.Fact{events.RequestSuperseded{Ends: events.Ends{Operations: waiting}}}
}
