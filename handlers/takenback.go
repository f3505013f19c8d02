package handlers

import (
	"fmt"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// maxWaiting is how many subscriptions of an account may wait for approval: one decision can take
// all of them back, with two facts for each (journal.MaxFacts).
const maxWaiting = 10

func waitingChanges(account state.Account, from portal.PlanID) []state.Subscription {
	var waiting []state.Subscription
	for _, id := range account.SubscriptionIDs() {
		if s := account.Subscriptions[id]; s.Phase == state.AwaitingApproval && s.Replaces == from {
			waiting = append(waiting, s)
		}
	}
	return waiting
}

// takingBack adds to the decision on a request for a plan: the person no longer wants the changes
// away from the plan that wait for an admin. A rejected request takes nothing back. The decision
// comes last, because the operation ends with it.
func takingBack(account state.Account, plan portal.PlanID, decided []events.Fact) []events.Fact {
	if len(decided) == 0 {
		return decided
	}
	if _, rejected := decided[0].(events.RequestRejected); rejected {
		return decided
	}
	var facts []events.Fact
	for _, s := range waitingChanges(account, plan) {
		facts = append(append(facts, overturned(s)...), events.SubscriptionEnding{Plan: s.Plan, Withdrawn: true})
	}
	return append(facts, decided...)
}

func tooManyWaiting(account state.Account) *portal.Error {
	waiting := 0
	for _, s := range account.Subscriptions {
		if s.Phase == state.AwaitingApproval {
			waiting++
		}
	}
	if waiting < maxWaiting {
		return nil
	}
	return portal.Fail(portal.LimitReached, fmt.Sprintf("%d of your requests wait for the operator of this portal already. Withdraw one of them, or wait for an answer.", maxWaiting))
}
