package handlers

import (
	"fmt"
	"strconv"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Rings says which keys accounts may have.
type Rings struct {
	// PerPlan gives each new subscription a ring of its own; otherwise the keys of the account's
	// ring are in all plans. Subscriptions keep their first ring.
	PerPlan bool
	// Keys is how many keys a ring may have, 0 for 1. Ended and replaced keys do not count.
	Keys int
}

// of returns the ring of a new subscription. A change of plans may have left the plan's own ring
// to another plan.
func (r Rings) of(account state.Account, plan portal.PlanID) portal.Ring {
	if !r.PerPlan {
		return portal.AccountRing
	}
	ring := portal.PlanRing(plan)
	for n := 2; inUse(account, ring, plan); n++ {
		ring = portal.PlanRing(plan) + portal.Ring("/"+strconv.Itoa(n))
	}
	return ring
}

func inUse(account state.Account, ring portal.Ring, but portal.PlanID) bool {
	for _, s := range account.Subscriptions {
		if s.Ring == ring && s.Plan != but && s.Phase != state.Ended {
			return true
		}
	}
	return false
}

// full returns why the ring can have no further key, or "".
func (r Rings) full(account state.Account, ring portal.Ring) string {
	counted := 0
	for _, key := range account.LiveKeys(ring) {
		if !account.Replaced(key) {
			counted++
		}
	}
	switch {
	case counted < r.most():
		return ""
	case r.most() == 1:
		return "You can have one key here. Rotate it to replace it, or revoke it before you create another one."
	}
	return fmt.Sprintf("You can have at most %d keys here. Revoke one before you create another one.", r.most())
}

// crowded returns why no key of the ring can be replaced with an overlap, or "".
func (r Rings) crowded(account state.Account, ring portal.Ring) string {
	old := 0
	for _, key := range account.LiveKeys(ring) {
		if account.Replaced(key) {
			old++
		}
	}
	if old < r.most() {
		return ""
	}
	return "An earlier rotation is not over: the old key still works. End the old key first, then rotate again."
}

func (r Rings) most() int { return max(r.Keys, 1) }

// newKey asks for a key of the ring. The key's id derives from the request's.
func newKey(account state.Account, scheme KeyScheme, request string, ring portal.Ring, name string) events.KeyWanted {
	return events.KeyWanted{
		Key:  portal.KeyID(portal.DeriveID("key", string(account.ID), request)),
		Ring: ring, Name: name, Scheme: scheme.Scheme, KMSKey: scheme.KMSKey,
	}
}
