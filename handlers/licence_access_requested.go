package handlers

import (
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// LicenceAccess decides on LicenceAccessRequested: because of a licence, the account should have
// the plan, or no longer have it. A licence's keys are in a ring of their own, since API Gateway
// counts usage for each key. A request older than what the account has recorded about the licence
// yields no facts, and so does a second delivery.
//
// An account that is being deleted, or is not registered, releases the licence instead. A
// suspended account gets its plan, with disabled keys.
func LicenceAccess(scheme KeyScheme) Decide[events.LicenceAccessRequested] {
	return func(account state.Account, req events.LicenceAccessRequested, id string) []events.Fact {
		if account.Licences[req.Licence].Sequence >= req.Sequence {
			return nil
		}
		set := events.LicenceAccessSet{Licence: req.Licence, Sequence: req.Sequence, Open: req.Open, Claimed: req.Claimed, Plan: req.Plan}
		if account.Standing.Leaving() || !account.Registered {
			set.Open, set.Claimed, set.Released = false, false, true
			return []events.Fact{set}
		}
		ring := portal.LicenceRing(req.Licence)
		current := account.Subscriptions[portal.SubscriptionOf(req.Plan, ring)]
		facts := []events.Fact{set}
		switch {
		case req.Open && !current.Desired():
			facts = append(append(facts, overturned(current)...), keyCalled("Key for "+req.Name, account, ring, scheme, id)...)
			facts = append(facts, events.SubscriptionWanted{Plan: req.Plan, Name: req.Name, Ring: ring, Stages: req.Stages})
		case !req.Open && current.Desired():
			facts = append(append(facts, overturned(current)...), events.SubscriptionEnding{Plan: req.Plan, Payer: events.Payer{Licence: req.Licence}})
		}
		return facts
	}
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
	if !licence.Open {
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
