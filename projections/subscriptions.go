package projections

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Subscription is what the portal shows of a plan that an account has, or had.
type Subscription struct {
	Plan  portal.PlanID `dynamodbav:"plan"`
	Name  string        `dynamodbav:"name"`
	Key   portal.KeyID  `dynamodbav:"key"`
	State string        `dynamodbav:"state"`
	// Waiting is why an open state lasts, "" if nothing is in the way.
	Waiting string    `dynamodbav:"waiting"`
	Since   time.Time `dynamodbav:"since"`
	// Operations are the open operations that end with the present state.
	Operations []portal.OperationID `dynamodbav:"operations"`
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

// subscriptionRows: state row, guarded by sequence; written by the account's stream
// only. An ended subscription stays, as a row that says so.
func subscriptionRows(changed rows, account state.Account, fact events.Event) {
	var plan portal.PlanID
	switch f := fact.Data.(type) {
	case events.SubscriptionWanted:
		plan = f.Plan
	case events.SubscriptionActivated:
		plan = f.Plan
	case events.SubscriptionEnding:
		plan = f.Plan
	case events.SubscriptionEnded:
		plan = f.Plan
	case events.SubscriptionParked:
		plan = f.Plan
	case events.RequestJoined:
		plan = f.Plan
	case events.RequestRejected:
		plan = f.Withdraws
	}
	s, ok := account.Subscriptions[plan]
	if !ok {
		return
	}
	changed.view(accountPartition(account.ID), subscriptionKey+string(plan), fact.Sequence, Subscription{
		Plan: s.Plan, Name: s.Name, Key: s.Key, State: subscriptionStates[s.Phase],
		Waiting: string(s.Parked), Since: s.Since, Operations: s.Waiting,
	})
}
