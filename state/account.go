// Package state holds the folds: what a stream's facts, applied one after the
// other, say is so. Folds are pure; every loop (deciding, converging, showing)
// folds the same facts by the same code and so sees the same state.
//
// A subscription, which is what an account has of one plan:
//
//	           SubscriptionWanted           SubscriptionActivated
//	(none) ───────────────────────▶ wanted ───────────────────────▶ active
//	   ▲                             │  ▲                              │
//	   │            RequestRejected  │  │ SubscriptionWanted           │
//	   │            (withdraws)      ▼  │                              │
//	   └────────────────────────── ended ◀───────────── ending ◀───────┘
//	                                     SubscriptionEnded   SubscriptionEnding
//
// wanted and ending are open: somebody waits for them, and converging works on them.
package state

import (
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Account is one account's state.
type Account struct {
	ID portal.AccountID
	// Sequence is that of the last fact applied; the next one is Sequence+1.
	Sequence      int64
	Registered    bool
	RegisteredAt  time.Time
	Keys          map[portal.KeyID]Key
	Subscriptions map[portal.PlanID]Subscription
	// Decisions holds the highest intent decided in each scope.
	Decisions map[portal.Scope]portal.Intent
}

// Key is one API key of an account.
type Key struct {
	ID     portal.KeyID
	Slot   portal.Slot
	Name   string
	Scheme string
	KMSKey string
	// GatewayID is API Gateway's id, "" until the key is created.
	GatewayID  portal.GatewayKeyID
	WantedAt   time.Time
	CreatedAt  time.Time
	RevealedAt time.Time
}

// Created says whether API Gateway holds the key.
func (k Key) Created() bool { return k.GatewayID != "" }

// Phase is where a subscription stands.
type Phase string

// The phases; see the package comment.
const (
	Wanted Phase = "wanted"
	Active Phase = "active"
	Ending Phase = "ending"
	Ended  Phase = "ended"
)

// Subscription is what an account has of one plan.
type Subscription struct {
	Plan   portal.PlanID
	Name   string
	Key    portal.KeyID
	Stages []portal.Stage
	Phase  Phase
	// Waiting are the operations that end when the open phase does.
	Waiting []portal.OperationID
	// Parked says why an open phase is not converging, "" if nothing is in the way.
	Parked events.Reason
	// OpenedAt is the time of the fact that opened the phase, OpenedBy its sequence.
	OpenedAt time.Time
	OpenedBy int64
	// Since is when the phase was entered.
	Since time.Time
}

// Open says whether converging has work to do on it.
func (s Subscription) Open() bool { return s.Phase == Wanted || s.Phase == Ending }

// Holds says whether the plan is wanted, attached yet or not.
func (s Subscription) Holds() bool { return s.Phase == Wanted || s.Phase == Active }

// NewAccount is the state before the first fact.
func NewAccount(id portal.AccountID) Account {
	return Account{
		ID:            id,
		Keys:          map[portal.KeyID]Key{},
		Subscriptions: map[portal.PlanID]Subscription{},
		Decisions:     map[portal.Scope]portal.Intent{},
	}
}

// FoldAccount applies all facts of an account's stream.
func FoldAccount(id portal.AccountID, facts []events.Event) Account {
	a := NewAccount(id)
	for _, fact := range facts {
		a.Apply(fact)
	}
	return a
}

// Apply applies the next fact. Facts it does not know change nothing but the
// sequence, so that old code reads new streams.
func (a *Account) Apply(e events.Event) {
	a.Sequence = e.Sequence
	if d, ok := e.Data.(interface{ Decided() []portal.Scope }); ok {
		for _, scope := range d.Decided() {
			a.Decisions[scope] = max(a.Decisions[scope], e.Intent)
		}
	}
	switch f := e.Data.(type) {
	case events.UserRegistered:
		a.Registered, a.RegisteredAt = true, e.Time
	case events.KeyWanted:
		a.Keys[f.Key] = Key{ID: f.Key, Slot: f.Slot, Name: f.Name, Scheme: f.Scheme, KMSKey: f.KMSKey, WantedAt: e.Time}
	case events.KeyCreated:
		a.key(f.Key, func(k *Key) { k.GatewayID, k.CreatedAt = f.GatewayID, e.Time })
	case events.KeyRevealed:
		a.key(f.Key, func(k *Key) { k.RevealedAt = e.Time })
	case events.SubscriptionWanted:
		a.open(e, Subscription{Plan: f.Plan, Name: f.Name, Key: f.Key, Stages: f.Stages, Phase: Wanted})
	case events.SubscriptionEnding:
		s := a.Subscriptions[f.Plan]
		s.Phase = Ending
		a.open(e, s)
	case events.RequestJoined:
		a.subscription(f.Plan, func(s *Subscription) {
			if e.Operation != "" && !slices.Contains(s.Waiting, e.Operation) {
				s.Waiting = append(slices.Clone(s.Waiting), e.Operation)
			}
		})
	case events.SubscriptionParked:
		a.subscription(f.Plan, func(s *Subscription) { s.Parked = f.Reason })
	case events.SubscriptionActivated:
		a.settle(e, f.Plan, Active)
	case events.SubscriptionEnded:
		a.settle(e, f.Plan, Ended)
	case events.RequestRejected:
		if f.Withdraws != "" {
			a.settle(e, f.Withdraws, Ended)
		}
	}
}

// open starts an open phase; whoever waited for the one it overturns has been
// superseded in the same append.
func (a *Account) open(e events.Event, s Subscription) {
	s.Waiting, s.Parked = nil, ""
	if e.Operation != "" {
		s.Waiting = []portal.OperationID{e.Operation}
	}
	s.OpenedAt, s.OpenedBy, s.Since = e.Time, e.Sequence, e.Time
	a.Subscriptions[s.Plan] = s
}

func (a *Account) settle(e events.Event, plan portal.PlanID, phase Phase) {
	a.subscription(plan, func(s *Subscription) {
		s.Phase, s.Since, s.Waiting, s.Parked = phase, e.Time, nil, ""
	})
}

func (a *Account) key(id portal.KeyID, change func(*Key)) {
	if k, ok := a.Keys[id]; ok {
		change(&k)
		a.Keys[id] = k
	}
}

func (a *Account) subscription(plan portal.PlanID, change func(*Subscription)) {
	if s, ok := a.Subscriptions[plan]; ok {
		change(&s)
		a.Subscriptions[plan] = s
	}
}

// KeyIn is the key in that slot.
func (a Account) KeyIn(slot portal.Slot) (Key, bool) {
	for _, k := range a.Keys {
		if k.Slot == slot {
			return k, true
		}
	}
	return Key{}, false
}

// Clash is the held subscription, on that key, whose stages meet these: API Gateway
// lets a key into one plan per stage only.
func (a Account) Clash(key portal.KeyID, plan portal.PlanID, stages []portal.Stage) (Subscription, bool) {
	for _, id := range a.Plans() {
		s := a.Subscriptions[id]
		if id == plan || s.Key != key || !s.Holds() {
			continue
		}
		for _, stage := range stages {
			if slices.Contains(s.Stages, stage) {
				return s, true
			}
		}
	}
	return Subscription{}, false
}

// Plans lists the plans of all subscriptions, sorted.
func (a Account) Plans() []portal.PlanID {
	plans := make([]portal.PlanID, 0, len(a.Subscriptions))
	for plan := range a.Subscriptions {
		plans = append(plans, plan)
	}
	slices.Sort(plans)
	return plans
}

// Supersedes says whether a decision newer than the intent stands in any of the
// scopes, or in one that contains it. Requests of workers (intent 0) are never
// superseded.
func (a Account) Supersedes(intent portal.Intent, scopes []portal.Scope) bool {
	if intent == 0 {
		return false
	}
	for _, scope := range scopes {
		for _, s := range scope.Within() {
			if a.Decisions[s] > intent {
				return true
			}
		}
	}
	return false
}

// WaitingOn lists the operations that wait for any subscription on the key.
func (a Account) WaitingOn(key portal.KeyID) []portal.OperationID {
	var ops []portal.OperationID
	for _, plan := range a.Plans() {
		if s := a.Subscriptions[plan]; s.Key == key && s.Phase == Wanted {
			ops = append(ops, s.Waiting...)
		}
	}
	return ops
}
