package notices

import (
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/state"
)

// about is a fact with its account.
type about struct {
	fact events.Event
	// account is the state after the fact, or later. facts are its latest facts.
	account state.Account
	facts   []events.Event
}

// source says which kind of notice the facts of one type make. words returns false for a fact about which nobody is
// told.
type source struct {
	kind  Kind
	words func(about) (Notice, bool)
}

func on[F events.Fact](kind Kind, words func(about, F) (Notice, bool)) (string, source) {
	var zero F
	return zero.EventType(), source{kind, func(a about) (Notice, bool) {
		f, ok := a.fact.Data.(F)
		if !ok {
			return Notice{}, false
		}
		return words(a, f)
	}}
}

// sources lists the facts that make notices, by their type. A new kind needs one line here, one in Kinds, and a
// function such as those in words.go.
func sources() map[string][]source {
	all := map[string][]source{}
	add := func(eventType string, s source) { all[eventType] = append(all[eventType], s) }
	add(on(SubscriptionActive, subscriptionActive))
	add(on(SubscriptionRejected, subscriptionRejected))
	add(on(SubscriptionLost, subscriptionLost))
	add(on(SubscriptionEnded, subscriptionEnded))
	add(on(PlanChanged, planChanged))
	add(on(PlanChangeRefused, planChangeRefused))
	add(on(PurchaseRenewed, purchaseRenewed))
	add(on(ApprovalPending, approvalPending))
	add(on(ApprovalGranted, approvalGranted))
	add(on(ApprovalDenied, approvalDenied))
	add(on(ApprovalPending, registrationPending))
	add(on(ApprovalGranted, registrationApproved))
	add(on(ApprovalDenied, registrationDenied))
	add(on(KeyCreated, keyCreated))
	add(on(KeyAdopted, keyAdopted))
	add(on(KeyEnding, keyEnding))
	add(on(KeyEndsSoon, keyEndsSoon))
	add(on(KeyEnded, keyEnded))
	add(on(KeyLeaked, keyLeaked))
	add(on(QuotaReached, quotaReached))
	add(on(QuotaExhausted, quotaExhausted))
	add(on(AccountSuspended, accountSuspended))
	add(on(AccountReinstated, accountReinstated))
	add(on(AdminRole, adminPromoted))
	add(on(AdminRole, adminDemoted))
	add(on(KeyDisabled, keyDisabled))
	add(on(KeyEnabled, keyEnabled))
	return all
}
