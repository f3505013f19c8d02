package state

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
)

// Standing is whether an account may use the portal.
type Standing struct {
	// Asked is the wish of the registration that waits, or 0.
	Asked     int64
	Suspended bool
	Message   string
	// Switching is the open wish to disable or enable the account's keys, or 0.
	Switching   int64
	SwitchingAt time.Time
	// Deleting is the wish to delete the account, or 0.
	Deleting   int64
	DeletingAt time.Time
	Deleted    bool
	// Admin: a fact promoted the owner to admin. Older versions recorded promotions in rows only.
	Admin bool
}

// Leaving reports whether the account is deleted, or is to be.
func (s Standing) Leaving() bool { return s.Deleting != 0 || s.Deleted }

func (a *Account) applyToStanding(e events.Event) {
	switch f := e.Data.(type) {
	case events.AccountSuspended:
		a.Standing.Suspended, a.Standing.Message = true, f.Message
		a.Standing.Switching, a.Standing.SwitchingAt = e.Sequence, e.Time
	case events.AccountReinstated:
		a.Standing.Suspended, a.Standing.Message = false, ""
		a.Standing.Switching, a.Standing.SwitchingAt = e.Sequence, e.Time
		a.unpark(events.WaitingForReinstatement)
	case events.AccountKeysSwitched:
		a.Standing.Switching, a.Standing.SwitchingAt = 0, time.Time{}
	case events.AdminPromoted:
		a.Standing.Admin = true
	case events.AdminDemoted:
		a.Standing.Admin = false
	case events.AccountDeleting:
		a.leave(e)
	case events.AccountDeleted:
		a.Standing.Deleting, a.Standing.Deleted = 0, true
	}
}

func (a *Account) leave(e events.Event) {
	a.Standing.Deleting, a.Standing.DeletingAt = e.Sequence, e.Time
	a.Standing.Switching, a.Standing.SwitchingAt, a.Standing.Asked = 0, time.Time{}, 0
	a.Standing.Admin = false
	for id, s := range a.Subscriptions {
		if s.Phase != Ended {
			a.close(e, id, Ended, "")
		}
	}
	for id, k := range a.Keys {
		a.endKey(id, events.EndAccountDeleted, e)
		if k.Released {
			continue
		}
		a.key(id, func(k *Key) { k.Releasing, k.ReleasingAt = e.Sequence, e.Time })
	}
}

func (a *Account) unpark(reason events.Reason) {
	for plan, s := range a.Subscriptions {
		if s.Parked == reason {
			s.Parked = ""
			a.Subscriptions[plan] = s
		}
	}
	for id, k := range a.Keys {
		if k.Parked == reason {
			k.Parked = ""
			a.Keys[id] = k
		}
	}
}
