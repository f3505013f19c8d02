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
	// Name is the plan's current name if it is still offered.
	Name    string      `dynamodbav:"name"`
	Offered bool        `dynamodbav:"-"`
	Ring    portal.Ring `dynamodbav:"ring"`
	State   string      `dynamodbav:"state"`
	// Waiting is why an open state lasts, or "".
	Waiting string `dynamodbav:"waiting"`
	// Lost is why the subscription was lost, or "".
	Lost  string    `dynamodbav:"lost"`
	Since time.Time `dynamodbav:"since"`
	// Operation is the one that asked for an open state, "" in other states.
	Operation portal.OperationID `dynamodbav:"operation"`
}

// The states of a subscription.
const (
	SubscriptionPending = "pending"
	SubscriptionActive  = "active"
	SubscriptionEnding  = "ending"
	SubscriptionEnded   = "ended"
)

var subscriptionStates = map[state.Phase]string{
	state.Wanted: SubscriptionPending, state.Active: SubscriptionActive,
	state.Ending: SubscriptionEnding, state.Ended: SubscriptionEnded,
}

// subscriptionRows writes state rows, guarded by sequence; only the account's stream writes
// them. An ended subscription keeps its row.
func subscriptionRows(changed rows, before, account state.Account, fact events.Event) {
	for plan, s := range account.Subscriptions {
		if was, ok := before.Subscriptions[plan]; ok && was.Phase == s.Phase && was.OpenedBy == s.OpenedBy && was.Parked == s.Parked {
			continue
		}
		shown := Subscription{
			Plan: s.Plan, Name: s.Name, Ring: s.Ring, State: subscriptionStates[s.Phase],
			Waiting: string(s.Parked), Lost: string(s.Lost), Since: s.Since,
		}
		if s.Open() {
			shown.Operation = s.Operation
		}
		changed.view(changed.Subscription(account.ID, plan), fact.Sequence, shown)
	}
}
