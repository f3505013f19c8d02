package state

import (
	"maps"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Account is one account's state.
type Account struct {
	ID portal.AccountID
	// Sequence is the last fact applied.
	Sequence      int64
	Registered    bool
	RegisteredAt  time.Time
	Keys          map[portal.KeyID]Key
	Rings         map[portal.Ring]Ring
	Subscriptions map[portal.PlanID]Subscription
	// Attachments are the keys in plans that API Gateway should hold, or once held.
	Attachments map[portal.Pair]Attachment
	// Thresholds are the parts of quotas that keys have used up.
	Thresholds map[portal.Pair][]Threshold
	// Decisions holds the highest intent decided in each scope.
	Decisions map[portal.Scope]portal.Intent
	// NotUnderstood is the type of a fact that only newer code knows and that must not be
	// ignored, or "". Do not act on the state while it is set.
	NotUnderstood string
}

// Ring is the state of a group of keys.
type Ring struct {
	// EmptiedBy is the fact that ended the ring's last subscription, EmptiedAt its time. It is
	// 0 while the ring has subscriptions, and before the first.
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
	// GatewayID is API Gateway's id, "" while API Gateway does not hold the key.
	GatewayID portal.GatewayKeyID
	// Disabled means that someone disabled the key directly in API Gateway.
	Disabled bool
	// Releasing is the wish to delete the key from API Gateway, 0 if there is none.
	Releasing   int64
	ReleasingAt time.Time
	// Released means that the key was deleted from API Gateway and is not wanted now.
	Released  bool
	WantedAt  time.Time
	CreatedAt time.Time
}

// Created reports whether API Gateway holds the key.
func (k Key) Created() bool { return k.GatewayID != "" }

// Phase is the state of a subscription, or of one key in one plan.
type Phase string

// The phases; see the package comment.
const (
	Wanted Phase = "wanted"
	Active Phase = "active"
	Ending Phase = "ending"
	Ended  Phase = "ended"
)

// open reports whether the converger has work to do in this phase.
func (p Phase) open() bool { return p == Wanted || p == Ending }

// Attachment is one key in one plan.
type Attachment struct {
	Phase Phase
	// OpenedBy is the wish for this phase: the fact that opened it. OpenedAt is that fact's
	// time.
	OpenedBy int64
	OpenedAt time.Time
	Since    time.Time
}

// Open reports whether the converger has work to do on it.
func (a Attachment) Open() bool { return a.Phase.open() }

// Desired reports whether the key should be in the plan, attached already or not.
func (a Attachment) Desired() bool { return a.Phase == Wanted || a.Phase == Active }

// Subscription is an account's relation to one plan.
type Subscription struct {
	Plan   portal.PlanID
	Name   string
	Ring   portal.Ring
	Stages []portal.Stage
	Phase  Phase
	// Parked is what an open phase waits for, "" if nothing.
	Parked events.Reason
	// Lost is why an active subscription was lost, "" if it was not.
	Lost events.LossReason
	// OpenedBy is the wish for this phase: the fact that opened it. OpenedAt, Operation and
	// Correlation are that fact's.
	OpenedBy    int64
	OpenedAt    time.Time
	Operation   portal.OperationID
	Correlation string
	Since       time.Time
	// Flips are the times of the latest wishes for the plan, oldest first.
	Flips []time.Time
}

const maxFlips = 4

// Open reports whether the converger has work to do on it.
func (s Subscription) Open() bool { return s.Phase.open() }

// Desired reports whether the account should have the plan, attached already or not.
func (s Subscription) Desired() bool { return s.Phase == Wanted || s.Phase == Active }

// Flapping reports whether the plan was wanted and left so often within that time before now
// that its next change can wait.
func (s Subscription) Flapping(now time.Time, within time.Duration) bool {
	return len(s.Flips) == maxFlips && now.Sub(s.Flips[0]) < within
}

// NewAccount returns the state before the first fact.
func NewAccount(id portal.AccountID) Account {
	return Account{
		ID:            id,
		Keys:          map[portal.KeyID]Key{},
		Rings:         map[portal.Ring]Ring{},
		Subscriptions: map[portal.PlanID]Subscription{},
		Attachments:   map[portal.Pair]Attachment{},
		Thresholds:    map[portal.Pair][]Threshold{},
		Decisions:     map[portal.Scope]portal.Intent{},
	}
}

// Clone returns a copy that shares nothing that Apply changes.
func (a Account) Clone() Account {
	a.Keys, a.Rings, a.Subscriptions = maps.Clone(a.Keys), maps.Clone(a.Rings), maps.Clone(a.Subscriptions)
	a.Attachments, a.Decisions = maps.Clone(a.Attachments), maps.Clone(a.Decisions)
	a.Thresholds = maps.Clone(a.Thresholds)
	return a
}

// Apply applies the next fact. A fact of an unknown type changes only the sequence, and sets
// NotUnderstood if it must be understood.
func (a *Account) Apply(e events.Event) {
	a.Sequence = e.Sequence
	if e.NotUnderstood() {
		a.NotUnderstood = e.Type()
	}
	if d, ok := e.Data.(interface{ Decided() []portal.Scope }); ok {
		for _, scope := range d.Decided() {
			a.Decisions[scope] = max(a.Decisions[scope], e.Intent)
		}
	}
	switch f := e.Data.(type) {
	case events.UserRegistered:
		a.Registered, a.RegisteredAt = true, e.Time
	case events.KeyWanted:
		a.wantKey(e, f)
	case events.KeyCreated:
		a.key(f.Key, func(k *Key) { k.GatewayID, k.CreatedAt, k.Disabled, k.Released = f.GatewayID, e.Time, false, false })
	case events.KeyObserved:
		a.key(f.Key, func(k *Key) { k.Disabled = !f.Enabled })
	case events.KeyReleasing:
		a.key(f.Key, func(k *Key) { k.Releasing, k.ReleasingAt = e.Sequence, e.Time })
	case events.KeyReleased:
		a.key(f.Key, func(k *Key) {
			k.GatewayID, k.Disabled, k.Releasing, k.ReleasingAt, k.Released = "", false, 0, time.Time{}, true
		})
	case events.SubscriptionWanted:
		a.wantPlan(e, f)
	case events.SubscriptionEnding:
		a.endPlan(e, f)
	case events.WishParked:
		a.wish(f.Wish, func(s *Subscription) { s.Parked = f.Reason })
	case events.KeyAttached:
		a.enter(e, portal.Pair{Key: f.Key, Plan: f.Plan}, Active)
	case events.KeyDetached:
		a.enter(e, portal.Pair{Key: f.Key, Plan: f.Plan}, Ended)
	case events.SubscriptionActivated:
		a.close(e, f.Plan, Active, "")
	case events.SubscriptionEnded:
		a.close(e, f.Plan, Ended, "")
	case events.SubscriptionLost:
		a.close(e, f.Plan, Ended, f.Reason)
		a.endPairs(e, f.Plan)
	case events.RequestRejected:
		a.withdraw(e, f.Wish)
	case events.QuotaThresholdReached:
		a.reach(f)
	}
}

func (a *Account) wantKey(e events.Event, f events.KeyWanted) {
	a.Keys[f.Key] = Key{ID: f.Key, Ring: f.Ring, Name: f.Name, Scheme: f.Scheme, KMSKey: f.KMSKey, WantedAt: e.Time}
	for plan, s := range a.Subscriptions {
		if s.Ring == f.Ring && s.Desired() {
			a.open(e, portal.Pair{Key: f.Key, Plan: plan}, Wanted)
		}
	}
}

func (a *Account) wantPlan(e events.Event, f events.SubscriptionWanted) {
	a.openPlan(e, Subscription{Plan: f.Plan, Name: f.Name, Ring: f.Ring, Stages: f.Stages, Phase: Wanted})
	a.Rings[f.Ring] = Ring{}
	for id, k := range a.Keys {
		if k.Ring != f.Ring {
			continue
		}
		// The subscription brings back a key that was released, or is about to be.
		k.Releasing, k.ReleasingAt, k.Released = 0, time.Time{}, false
		a.Keys[id] = k
		a.open(e, portal.Pair{Key: id, Plan: f.Plan}, Wanted)
	}
}

func (a *Account) endPlan(e events.Event, f events.SubscriptionEnding) {
	s := a.Subscriptions[f.Plan]
	s.Plan, s.Phase = f.Plan, Ending
	a.openPlan(e, s)
	for pair, attachment := range a.Attachments {
		if pair.Plan == f.Plan && attachment.Phase != Ended {
			a.open(e, pair, Ending)
		}
	}
}

func (a *Account) openPlan(e events.Event, s Subscription) {
	s.Parked, s.Lost = "", ""
	s.OpenedAt, s.OpenedBy, s.Since = e.Time, e.Sequence, e.Time
	s.Operation, s.Correlation = e.Operation, e.Correlation
	s.Flips = append(slices.Clone(a.Subscriptions[s.Plan].Flips), e.Time)
	if n := len(s.Flips); n > maxFlips {
		s.Flips = s.Flips[n-maxFlips:]
	}
	a.Subscriptions[s.Plan] = s
}

func (a *Account) open(e events.Event, pair portal.Pair, phase Phase) {
	a.Attachments[pair] = Attachment{Phase: phase, OpenedAt: e.Time, OpenedBy: e.Sequence, Since: e.Time}
}

func (a *Account) enter(e events.Event, pair portal.Pair, phase Phase) {
	if attachment, ok := a.Attachments[pair]; ok {
		attachment.Phase, attachment.Since = phase, e.Time
		a.Attachments[pair] = attachment
	}
}

// close ends an open phase of a subscription, or a lost subscription.
func (a *Account) close(e events.Event, plan portal.PlanID, phase Phase, lost events.LossReason) {
	s, ok := a.Subscriptions[plan]
	if !ok {
		return
	}
	s.Phase, s.Since, s.Parked, s.Lost = phase, e.Time, "", lost
	a.Subscriptions[plan] = s
	if phase == Ended {
		a.noteEmptied(e, s.Ring)
	}
}

// withdraw ends what a wish asked for, because API Gateway refused it for good.
func (a *Account) withdraw(e events.Event, wish int64) {
	if s, ok := a.Wish(wish); ok {
		a.close(e, s.Plan, Ended, "")
		a.endPairs(e, s.Plan)
	}
}

func (a *Account) endPairs(e events.Event, plan portal.PlanID) {
	for pair := range a.Attachments {
		if pair.Plan == plan {
			a.enter(e, pair, Ended)
		}
	}
}

func (a *Account) noteEmptied(e events.Event, ring portal.Ring) {
	for _, s := range a.Subscriptions {
		if s.Ring == ring && s.Phase != Ended {
			return
		}
	}
	a.Rings[ring] = Ring{EmptiedBy: e.Sequence, EmptiedAt: e.Time}
}

func (a *Account) key(id portal.KeyID, change func(*Key)) {
	if k, ok := a.Keys[id]; ok {
		change(&k)
		a.Keys[id] = k
	}
}

func (a *Account) wish(wish int64, change func(*Subscription)) {
	if s, ok := a.Wish(wish); ok {
		change(&s)
		a.Subscriptions[s.Plan] = s
	}
}
