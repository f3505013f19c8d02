package handlers

import (
	"cmp"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// KeyCreation decides on KeyRequested: the ring should have another key. The operation ends once
// API Gateway has the key in every plan of the ring; without plans, API Gateway gets it with the
// first subscription.
//
// An unusable name or end is rejected, and so is a ring that is full or that nothing uses, such as that of
// another account's licence. Each request makes one key; a second delivery makes none.
func KeyCreation(scheme KeyScheme, rings Rings, now func() time.Time) Decide[events.KeyRequested] {
	return func(account state.Account, req events.KeyRequested, id string) []events.Fact {
		refuse := func(code portal.Code, message string) []events.Fact { return reject(events.Decides{}, code, message) }
		if refused := standing(account, events.Decides{}); refused != nil {
			return refused
		}
		name, err := portal.KeyName(req.Name)
		if err != nil {
			return refuse(portal.Invalid, portal.MessageOf(err))
		}
		if req.Ends != nil {
			if err := portal.KeyEnd(*req.Ends, now(), portal.MaxKeyExpiry); err != nil {
				return refuse(portal.Invalid, portal.MessageOf(err))
			}
		}
		ring := cmp.Or(req.Ring, portal.AccountRing)
		used := inUse(account, ring, "")
		if licence, paid := ring.Licence(); paid && !used {
			if access, claimed := account.Licences[licence]; !claimed || access.Released {
				return refuse(portal.NotFound, "Your account has no such purchase.")
			}
			return refuse(portal.Conflict, "This purchase is not active, so it can have no new key.")
		}
		if !used && (rings.PerPlan || ring != portal.AccountRing) {
			return refuse(portal.Conflict, "Subscribe to the plan first: each plan has keys of its own.")
		}
		if text := rings.full(account, ring); text != "" {
			return refuse(portal.LimitReached, text)
		}
		key := newKey(account, scheme, id, ring, name)
		key.Requested, key.Ends = true, req.Ends
		return []events.Fact{key}
	}
}
