package handlers

import (
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Unsubscribing decides on UnsubscribeRequested: the account's keys should leave the plan,
// whether they are attached or only about to be. The operation ends once API Gateway has
// detached them. A plan that the account does not hold yields RequestUnchanged, and one that is
// ending RequestJoined. The account keeps its keys for the next subscription.
func Unsubscribing(account state.Account, req events.UnsubscribeRequested, _ string) []events.Fact {
	decides := events.Decides{Scopes: req.Scopes()}
	current := account.Subscriptions[req.Plan]
	switch current.Phase {
	case state.Wanted, state.Active:
		return append(overturned(current), events.SubscriptionEnding{Decides: decides, Plan: req.Plan})
	case state.Ending:
		return []events.Fact{events.RequestJoined{Decides: decides, Link: events.Link{Wish: current.OpenedBy}, Plan: req.Plan}}
	default:
		return []events.Fact{events.RequestUnchanged{Decides: decides}}
	}
}
