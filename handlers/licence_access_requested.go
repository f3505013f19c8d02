package handlers

import (
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// LicenceAccess decides on LicenceAccessRequested: the account should have the plan because of a
// licence, or no longer have it. The keys of a licence are in a ring of their own, since API
// Gateway counts usage for each key. If the licence paid for another plan before, its keys move. A request
// that is older than what the account has recorded about the licence yields no facts, and so does a second
// delivery.
//
// An account that is being deleted, or is not registered, releases the licence instead. A
// suspended account gets its plan, with disabled keys.
func LicenceAccess(scheme KeyScheme) Decide[events.LicenceAccessRequested] {
	return func(account state.Account, req events.LicenceAccessRequested, id string) []events.Fact {
		if account.Licences[req.Licence].Sequence >= req.Sequence {
			return nil
		}
		set := events.LicenceAccessSet{Licence: req.Licence, Sequence: req.Sequence, HasAccess: req.HasAccess, Claimed: req.Claimed, Plan: req.Plan}
		if account.Standing.Leaving() || !account.Registered {
			set.HasAccess, set.Claimed, set.Released = false, false, true
			return []events.Fact{set}
		}
		set.Renews = req.Renews
		facts := []events.Fact{set}
		if !req.HasAccess {
			return append(facts, leavingAll(account, req.Licence, "")...)
		}
		return append(facts, paying(account, req, scheme, id)...)
	}
}

// paying gives the account the plan that the licence pays for, and no other.
func paying(account state.Account, req events.LicenceAccessRequested, scheme KeyScheme, id string) []events.Fact {
	ring := portal.LicenceRing(req.Licence)
	current := account.Subscriptions[portal.SubscriptionOf(req.Plan, ring)]
	others := held(account, ring, req.Plan)
	switch {
	case len(others) == 0 && current.Desired():
		return nil
	case len(others) == 1 && current.Phase == state.Wanted && current.Replaces == others[0].Plan:
		return nil // its keys are on their way
	case len(others) == 1 && others[0].Phase == state.Active && others[0].ChangesTo == "":
		return append(overturned(current), events.PlanChangeWanted{
			From: others[0].Plan, Plan: req.Plan, Name: req.Name, Ring: ring, Stages: req.Stages,
		})
	}
	// The licence has other subscriptions that cannot simply be changed: they end first.
	facts := append(leavingAll(account, req.Licence, req.Plan), overturned(current)...)
	facts = append(facts, keyCalled("Key for "+req.Name, account, ring, scheme, id)...)
	return append(facts, events.SubscriptionWanted{Plan: req.Plan, Name: req.Name, Ring: ring, Stages: req.Stages})
}

// leavingAll ends what the licence has paid for, but not the plan that it pays for now.
func leavingAll(account state.Account, licence portal.Stream, but portal.PlanID) []events.Fact {
	var facts []events.Fact
	for _, s := range held(account, portal.LicenceRing(licence), but) {
		facts = append(append(facts, overturned(s)...), events.SubscriptionEnding{Plan: s.Plan, Payer: events.Payer{Licence: licence}})
	}
	return facts
}

// held lists the ring's subscriptions that the account should have, and those whose keys are on their way
// back because API Gateway refused a change to them, except the one to the plan but.
func held(account state.Account, ring portal.Ring, but portal.PlanID) []state.Subscription {
	var found []state.Subscription
	for _, id := range account.SubscriptionIDs() {
		if s := account.Subscriptions[id]; s.Ring == ring && s.Plan != but && (s.Desired() || s.Refusal != nil) {
			found = append(found, s)
		}
	}
	return found
}

// LicenceRelease decides on LicenceReleaseRequested: the licence no longer belongs to the account.
// If it belongs to another one, or to none, there are no facts.
func LicenceRelease(licence state.Licence, req events.LicenceReleaseRequested) []events.Fact {
	if licence.Claim.Account != req.Account {
		return nil
	}
	released := events.LicenceReleased{Account: req.Account}
	if licence.Claim.Waiting {
		released.Wish = licence.Claim.Wish
	}
	if !licence.HasAccess {
		return []events.Fact{released}
	}
	// The account may have registered meanwhile, and have got access.
	return []events.Fact{events.LicenceAccessEnding{Account: req.Account, Plan: licence.Claim.Plan}, released}
}

// maxReleased bounds the facts of one decision (journal.MaxFacts). The due rows free a deleted
// account's other licences.
const maxReleased = 8

// releasing lists what an account that is being deleted says about its licences.
func releasing(account state.Account) []events.Fact {
	var facts []events.Fact
	for _, licence := range account.Claims() {
		if len(facts) == maxReleased {
			break
		}
		access := account.Licences[licence]
		facts = append(facts, events.LicenceAccessSet{Licence: licence, Sequence: access.Sequence, Plan: access.Plan, Released: true})
	}
	return facts
}
