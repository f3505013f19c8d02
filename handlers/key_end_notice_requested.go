package handlers

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/state"
)

// KeyEndNotice decides on KeyEndNoticeRequested: the owner should know that the key, or the
// overlap of its rotation, is about to end. It yields no facts if the end has moved, or the owner
// was told since the time of the request; so does a second delivery.
func KeyEndNotice(now func() time.Time) Decide[events.KeyEndNoticeRequested] {
	return func(account state.Account, req events.KeyEndNoticeRequested, _ string) []events.Fact {
		key := account.Keys[req.Key]
		if !key.Live() || !key.Ends.Equal(req.Ends) || !key.Noticed.Before(req.At) || !now().Before(req.Ends) {
			return nil
		}
		return []events.Fact{events.KeyEndsSoon{Key: req.Key, Ends: req.Ends}}
	}
}
