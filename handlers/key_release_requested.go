package handlers

import (
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/state"
)

// KeyRelease decides on KeyReleaseRequested: API Gateway should no longer hold the key, if its
// ring has been empty since the fact that the request names. Otherwise it yields no facts, and
// so does a second delivery; the request has no operation to answer.
func KeyRelease(account state.Account, req events.KeyReleaseRequested, _ string) []events.Fact {
	key := account.Keys[req.Key]
	emptied := account.Rings[key.Ring].EmptiedBy
	if !key.Created() || key.Releasing != 0 || emptied == 0 || emptied != req.Emptied {
		return nil
	}
	return []events.Fact{events.KeyReleasing{Key: req.Key}}
}
