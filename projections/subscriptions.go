package projections

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Subscription is a plan that an account has, or had.
type Subscription struct {
	Plan portal.PlanID `dynamodbav:"plan"`
	// Name is the plan's current name while it is offered.
	Name    string      `dynamodbav:"name"`
	Offered bool        `dynamodbav:"-"`
	Ring    portal.Ring `dynamodbav:"ring"`
	State   string      `dynamodbav:"state"`
	Waiting string      `dynamodbav:"waiting"`
	Lost    string      `dynamodbav:"lost"`
	Since   time.Time   `dynamodbav:"since"`
	// Operation asked for an open state; it is "" in other states.
	Operation portal.OperationID `dynamodbav:"operation"`
	// Replaces and ChangesTo are the other plan of a change under way, else "".
	Replaces  portal.PlanID `dynamodbav:"replaces,omitempty"`
	ChangesTo portal.PlanID `dynamodbav:"changes_to,omitempty"`
	// Wish is what an admin's answer names while the subscription waits for approval, else 0.
	Wish int64 `dynamodbav:"wish,omitempty"`
}

// ID names the subscription.
func (s Subscription) ID() portal.SubscriptionID { return portal.SubscriptionOf(s.Plan, s.Ring) }

// The states of a subscription.
const (
	SubscriptionAwaitingApproval = "awaiting_approval"
	SubscriptionPending          = "pending"
	SubscriptionActive           = "active"
	SubscriptionEnding           = "ending"
	SubscriptionEnded            = "ended"
)

var subscriptionStates = map[state.Phase]string{
	state.AwaitingApproval: SubscriptionAwaitingApproval, state.Wanted: SubscriptionPending, state.Active: SubscriptionActive,
	state.Ending: SubscriptionEnding, state.Ended: SubscriptionEnded,
}

// subscriptionRows writes state rows, guarded by sequence; only the account's stream writes them.
// An ended subscription keeps its row.
func subscriptionRows(changed rows, before, account state.Account, fact events.Event) {
	for id, s := range account.Subscriptions {
		shown := shownSubscription(s)
		if was, ok := before.Subscriptions[id]; ok && was.OpenedBy == s.OpenedBy && shownSubscription(was) == shown {
			continue
		}
		changed.view(changed.Subscription(account.ID, id), fact.Sequence, shown)
	}
}

func shownSubscription(s state.Subscription) Subscription {
	shown := Subscription{
		Plan: s.Plan, Name: s.Name, Ring: s.Ring, State: subscriptionStates[s.Phase],
		Waiting: string(s.Parked), Lost: string(s.Lost), Since: s.Since, Replaces: s.Replaces, ChangesTo: s.ChangesTo,
	}
	if s.Waits() {
		shown.Operation = s.Operation
	}
	if s.Phase == state.AwaitingApproval {
		shown.Wish = s.OpenedBy
	}
	return shown
}
