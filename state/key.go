package state

import (
	"cmp"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Ring is the state of a group of keys.
type Ring struct {
	// EmptiedBy is the fact that ended the ring's last subscription, EmptiedAt its time; 0 while
	// the ring has subscriptions, and before the first.
	EmptiedBy int64
	EmptiedAt time.Time
}

// Key is one API key of an account.
type Key struct {
	ID     portal.KeyID
	Ring   portal.Ring
	Name   string
	Scheme string
	KMSKey string
	// Adopted: the key existed in API Gateway before the account had it. Its value derives from nothing.
	Adopted bool
	// GatewayID is API Gateway's id, "" while API Gateway does not hold the key.
	GatewayID portal.GatewayKeyID
	// Disabled: by an operator, directly in API Gateway.
	Disabled bool
	// Blocked: Gatehouse keeps the key disabled in API Gateway.
	Blocked bool
	// Readying is the open wish of the owner who asked for the key, or 0.
	Readying int64
	Parked   events.Reason
	// Ends is when the key stops working, zero for never; EndsFor is why.
	Ends    time.Time
	EndsFor events.EndReason
	// Noticed is when the owner was last told that the key expires soon.
	Noticed time.Time
	// Ending is the open wish to make API Gateway refuse the key for ever, or 0. EndingAt is when
	// it was opened, also once it is fulfilled.
	Ending   int64
	EndingAt time.Time
	// EndedBy is the fact that fulfilled Ending, or 0; EndedAt is its time.
	EndedBy    int64
	EndedAt    time.Time
	Replaces   portal.KeyID
	ReplacedBy portal.KeyID
	// ReplacedAt is when ReplacedBy was asked for.
	ReplacedAt time.Time
	// Releasing is the open wish to delete the key from API Gateway, or 0.
	Releasing   int64
	ReleasingAt time.Time
	// Released: the key was deleted from API Gateway and is not wanted now. ReleasedAt is when it
	// was last deleted.
	Released   bool
	ReleasedAt time.Time
	Formerly   []portal.GatewayKeyID
	Intent     portal.Intent
	WantedAt   time.Time
	CreatedAt  time.Time
}

// Created reports whether API Gateway holds the key.
func (k Key) Created() bool { return k.GatewayID != "" }

// Live reports whether no person, and no expiry, has ended the key.
func (k Key) Live() bool { return k.EndingAt.IsZero() }

func (a *Account) applyToKeys(e events.Event) {
	switch f := e.Data.(type) {
	case events.KeyWanted:
		a.wantKey(e, f)
	case events.KeyAdopted:
		a.adoptKey(e, f)
	case events.KeyReady:
		a.key(f.Key, func(k *Key) { k.Readying, k.Parked = 0, "" })
	case events.KeyCreated:
		a.key(f.Key, func(k *Key) {
			k.leaveID(f.GatewayID)
			k.GatewayID, k.CreatedAt, k.Disabled, k.Blocked, k.Released = f.GatewayID, e.Time, false, false, false
		})
	case events.KeyRenamed:
		a.key(f.Key, func(k *Key) { k.Name = f.Name })
	case events.KeyObserved:
		a.key(f.Key, func(k *Key) { k.Disabled = !f.Enabled })
	case events.KeyBlocked:
		a.key(f.Key, func(k *Key) { k.Blocked = true })
	case events.KeyUnblocked:
		a.key(f.Key, func(k *Key) { k.Blocked = false })
	case events.KeyEndScheduled:
		a.key(f.Key, func(k *Key) { k.Ends, k.EndsFor = endOf(f.Ends), f.Reason })
	case events.KeyEndsSoon:
		a.key(f.Key, func(k *Key) { k.Noticed = e.Time })
	case events.KeyEnding:
		a.endKey(f.Key, f.Reason, e)
	case events.KeyEnded:
		a.key(f.Key, func(k *Key) { k.Ending, k.EndedBy, k.EndedAt, k.Blocked = 0, e.Sequence, e.Time, k.Created() })
	case events.KeyReleasing:
		a.key(f.Key, func(k *Key) { k.Releasing, k.ReleasingAt = e.Sequence, e.Time })
	case events.KeyReleased:
		a.key(f.Key, func(k *Key) {
			k.leaveID("")
			k.ReleasedAt = e.Time
			k.GatewayID, k.Disabled, k.Blocked, k.Releasing, k.ReleasingAt, k.Released = "", false, false, 0, time.Time{}, true
		})
	}
}

func (a *Account) wantKey(e events.Event, f events.KeyWanted) {
	k := Key{ID: f.Key, Ring: f.Ring, Name: f.Name, Scheme: f.Scheme, KMSKey: f.KMSKey, Replaces: f.Replaces, Ends: endOf(f.Ends), WantedAt: e.Time}
	if f.Requested {
		k.Readying = e.Sequence
	}
	if f.Ends != nil {
		k.EndsFor = events.EndExpired
	}
	k.Intent = e.Intent
	a.Keys[f.Key] = k
	a.key(f.Replaces, func(old *Key) { old.ReplacedBy, old.ReplacedAt = f.Key, e.Time })
	a.openHeld(e, f.Key, f.Ring)
}

// adoptKey: API Gateway may have the key in more plans than the ring has now. Facts that follow in
// the same append say so.
func (a *Account) adoptKey(e events.Event, f events.KeyAdopted) {
	a.Keys[f.Key] = Key{
		ID: f.Key, Ring: f.Ring, Name: f.Name, Adopted: true, GatewayID: f.GatewayID, Disabled: f.Disabled,
		Readying: e.Sequence, Intent: e.Intent, WantedAt: e.Time, CreatedAt: e.Time,
	}
	a.openHeld(e, f.Key, f.Ring)
}

// openHeld opens a wish for a new key in every plan that its ring has.
func (a *Account) openHeld(e events.Event, key portal.KeyID, ring portal.Ring) {
	for _, s := range a.Subscriptions {
		if s.Ring == ring && s.Desired() && a.Subscriptions[s.Other(s.ChangesTo)].Phase != Wanted {
			a.enterWished(e, portal.Pair{Key: key, Plan: s.Plan}, Wanted, e.Sequence)
		}
	}
}

// endKey ends the key in all its plans. API Gateway keeps the attachments until the key is
// deleted; they give no access.
func (a *Account) endKey(id portal.KeyID, reason events.EndReason, e events.Event) {
	a.key(id, func(k *Key) {
		if k.Live() {
			k.Ending, k.EndingAt, k.EndsFor = e.Sequence, e.Time, reason
			k.Readying, k.Parked = 0, ""
		}
	})
	for pair, attachment := range a.Attachments {
		if pair.Key == id && attachment.Phase != Ended {
			a.enter(e, pair, Ended)
		}
	}
}

// parkKey and rejectKey are about the wish of an owner who asked for a key.
func (a *Account) parkKey(wish int64, reason events.Reason) {
	if id, ok := a.readying(wish); ok {
		a.key(id, func(k *Key) { k.Parked = reason })
	}
}

// rejectKey also takes an adopted key out of the plans that it was to enter with the wish. Any other
// key ends with its wish.
func (a *Account) rejectKey(e events.Event, wish int64) {
	id, ok := a.readying(wish)
	if !ok {
		return
	}
	a.key(id, func(k *Key) { k.Readying, k.Parked = 0, "" })
	if !a.Keys[id].Adopted {
		return
	}
	for pair, attachment := range a.Attachments {
		if pair.Key == id && attachment.OpenedBy == wish {
			a.enter(e, pair, Ended)
		}
	}
}

func (a *Account) readying(wish int64) (portal.KeyID, bool) {
	for id, k := range a.Keys {
		if wish != 0 && k.Readying == wish {
			return id, true
		}
	}
	return "", false
}

func endOf(ends *time.Time) time.Time {
	if ends == nil {
		return time.Time{}
	}
	return *ends
}

func (a *Account) key(id portal.KeyID, change func(*Key)) {
	if k, ok := a.Keys[id]; ok {
		change(&k)
		a.Keys[id] = k
	}
}

// KeyOf returns the oldest live key of the ring.
func (a Account) KeyOf(ring portal.Ring) (Key, bool) {
	live := a.LiveKeys(ring)
	if len(live) == 0 {
		return Key{}, false
	}
	return live[0], true
}

// LiveKeys lists the ring's live keys, oldest first.
func (a Account) LiveKeys(ring portal.Ring) []Key {
	var live []Key
	for _, k := range a.Keys {
		if k.Ring == ring && k.Live() {
			live = append(live, k)
		}
	}
	slices.SortFunc(live, func(j, k Key) int { return cmp.Or(j.WantedAt.Compare(k.WantedAt), cmp.Compare(j.ID, k.ID)) })
	return live
}

// Replaced reports whether a live key replaces this one. The two work side by side until this one
// ends.
func (a Account) Replaced(k Key) bool {
	by, ok := a.Keys[k.ReplacedBy]
	return ok && by.Live()
}

// Barred reports whether Gatehouse should keep the key disabled in API Gateway.
func (a Account) Barred(k Key) bool { return !k.Live() || a.Standing.Suspended || a.Standing.Leaving() }
