package handlers

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// KeyRotation decides on KeyRotationRequested: a new key of the same name replaces the key. The
// old one works until the overlap, counted from the decision, is over and the new one is ready. A
// key that has leaked ends first. The operation ends once the new key is ready.
//
// The new key gets the old one's expiry, counted from now. A key that has ended, is not ready
// yet, or is being replaced already is rejected; if it is being replaced and has leaked, it only
// ends.
func KeyRotation(scheme KeyScheme, rings Rings, now func() time.Time) Decide[events.KeyRotationRequested] {
	return func(account state.Account, req events.KeyRotationRequested, id string) []events.Fact {
		decides := events.Decides{Scopes: req.Scopes()}
		old, ok := account.Keys[req.Key]
		if !ok {
			return reject(decides, portal.NotFound, noSuchKey)
		}
		if req.Leaked && req.Overlap != 0 {
			return reject(decides, portal.Invalid, portal.MessageOf(portal.LeakedOverlap()))
		}
		if req.Leaked && old.Live() && account.Replaced(old) {
			return ending(old, decides, events.EndLeaked)
		}
		if refused := standing(account, decides); refused != nil {
			return refused
		}
		if no := notRotatable(account, rings, old, req); no != nil {
			return reject(decides, no.Code, no.Message)
		}
		key := newKey(account, scheme, id, old.Ring, old.Name)
		key.Decides, key.Requested, key.Replaces = decides, true, old.ID
		if !old.Ends.IsZero() && old.EndsFor == events.EndExpired {
			ends := now().Add(min(old.Ends.Sub(old.WantedAt), portal.MaxKeyExpiry)).UTC()
			key.Ends = &ends
		}
		if req.Leaked {
			return append(ending(old, decides, events.EndLeaked), key)
		}
		ends := now().Add(time.Duration(req.Overlap) * time.Second).UTC()
		if !old.Ends.IsZero() && old.Ends.Before(ends) {
			ends = old.Ends
		}
		return []events.Fact{key, events.KeyEndScheduled{Decides: decides, Key: old.ID, Ends: &ends, Reason: events.EndRotated}}
	}
}

func notRotatable(account state.Account, rings Rings, old state.Key, req events.KeyRotationRequested) *portal.Error {
	switch {
	case !old.Live():
		return portal.Fail(portal.Conflict, old.Name+" has ended, so it cannot be replaced. Create another key.")
	case account.Replaced(old):
		return portal.Fail(portal.Conflict, old.Name+" is being replaced already. You can end it now, or change when it ends.")
	case old.Readying != 0:
		return portal.Fail(portal.Conflict, old.Name+" is still being created. Wait until it is ready, then rotate it.")
	case req.Leaked:
		return nil
	}
	// A huge number of seconds would overflow a duration.
	overlap := time.Duration(min(max(req.Overlap, -1), int64(portal.MaxKeyOverlap/time.Second)+1)) * time.Second
	if err := portal.KeyOverlap(overlap); err != nil {
		return portal.Fail(portal.Invalid, portal.MessageOf(err))
	}
	if text := rings.crowded(account, old.Ring); text != "" {
		return portal.Fail(portal.LimitReached, text)
	}
	return nil
}
