package handlers

import (
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Unsubscribing decides on UnsubscribeRequested: the account's keys should leave the plan,
// attached or about to be. The operation ends once API Gateway has detached them. A plan that the
// account does not hold yields RequestUnchanged, and one that is ending RequestJoined. The
// account keeps its keys for the next subscription.
//
// It also takes back a request that waits for approval. During a change of plans it ends both
// plans.
func Unsubscribing(account state.Account, req events.UnsubscribeRequested, _ string) []events.Fact {
	decides := events.Decides{Scopes: req.Scopes()}
	current := account.Subscription(req.Plan)
	switch {
	case current.Refusal != nil:
		// The keys are leaving the plan already.
		return []events.Fact{events.RequestUnchanged{Decides: decides}}
	case current.Phase == state.AwaitingApproval:
		return append(overturned(current), events.SubscriptionEnding{Decides: decides, Plan: req.Plan, Withdrawn: true})
	case current.Desired() && current.ChangesTo != "":
		return endBoth(account.Subscription(current.ChangesTo), current.ChangesTo, decides, req.Plan)
	case current.Desired() && current.Replaces != "":
		return endBoth(current, current.Replaces, decides, req.Plan)
	case current.Desired():
		return append(overturned(current), events.SubscriptionEnding{Decides: decides, Plan: req.Plan})
	case current.Phase == state.Ending:
		return []events.Fact{events.RequestJoined{Decides: decides, Link: events.Link{Wish: current.OpenedBy}, Plan: req.Plan}}
	}
	return []events.Fact{events.RequestUnchanged{Decides: decides}}
}

// endBoth ends a change and both its plans. The operation ends with the last wish, so the
// requested plan comes last.
func endBoth(change state.Subscription, other portal.PlanID, decides events.Decides, plan portal.PlanID) []events.Fact {
	return append(overturned(change),
		events.SubscriptionEnding{Decides: events.Decides{Scopes: []portal.Scope{portal.PlanScope(other)}}, Plan: other},
		events.SubscriptionEnding{Decides: decides, Plan: plan},
	)
}
