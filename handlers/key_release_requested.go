package handlers

import (
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/state"
)

// KeyRelease decides on KeyReleaseRequested: API Gateway should no longer hold a key whose ring
// has been empty since the fact that the request names, or that has ended with that fact. An
// adopted key that has not ended stays, since nobody could make it again with the same value.
// Otherwise it yields no facts; so does a second delivery.
func KeyRelease(account state.Account, req events.KeyReleaseRequested, _ string) []events.Fact {
	key := account.Keys[req.Key]
	if !key.Live() {
		// The key may exist unrecorded, so the converger looks for it.
		if key.Released || key.Releasing != 0 || key.EndedBy == 0 || key.EndedBy != req.Ended {
			return nil
		}
		return []events.Fact{events.KeyReleasing{Key: req.Key}}
	}
	emptied := account.Rings[key.Ring].EmptiedBy
	if !key.Created() || key.Adopted || key.Releasing != 0 || emptied == 0 || emptied != req.Emptied {
		return nil
	}
	return []events.Fact{events.KeyReleasing{Key: req.Key}}
}
