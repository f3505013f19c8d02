package state

import (
	"maps"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Account is the fold of an account's stream.
type Account struct {
	ID portal.AccountID
	// Sequence is the last fact applied.
	Sequence     int64
	Registered   bool
	RegisteredAt time.Time
	Standing     Standing
	// Keys leaves out keys that ended long ago.
	Keys          map[portal.KeyID]Key
	Rings         map[portal.Ring]Ring
	Subscriptions map[portal.SubscriptionID]Subscription
	// Attachments are the keys in plans that API Gateway should hold, or once held.
	Attachments map[portal.Pair]Attachment
	// Thresholds are the parts of quotas that keys have used up.
	Thresholds map[portal.Pair][]Threshold
	// Spent is what keys have used of quotas in periods that may not be over.
	Spent map[portal.Pair]Spent
	// Forgotten is the highest intent of the requests for keys that are no longer in Keys. A
	// request whose intent is not higher may already have made one of those keys, so it makes none.
	Forgotten portal.Intent
	Licences  map[portal.Stream]LicenceAccess
	// Decisions has the highest intent decided in each scope.
	Decisions map[portal.Scope]portal.Intent
	// NotUnderstood is the type of a fact that only newer code knows and that must not be
	// ignored, or "". Do not act on the state while it is set.
	NotUnderstood string
}

// Phase is the state of a subscription, or of one key in one plan.
type Phase string

// The phases; see the package comment.
const (
	// AwaitingApproval is for subscriptions only.
	AwaitingApproval Phase = "awaiting_approval"
	Wanted           Phase = "wanted"
	Active           Phase = "active"
	Ending           Phase = "ending"
	Ended            Phase = "ended"
)

// wished: an open wish asks for this phase, so the converger has work to do.
func (p Phase) wished() bool { return p == Wanted || p == Ending }

// Attachment is one key in one plan.
type Attachment struct {
	Phase Phase
	// OpenedBy is the wish for this phase, OpenedAt the time of the fact that opened it.
	OpenedBy int64
	OpenedAt time.Time
	Since    time.Time
}

// HasOpenWish reports whether the converger has work to do on it.
func (a Attachment) HasOpenWish() bool { return a.Phase.wished() }

// Desired reports whether the key should be in the plan, attached or not.
func (a Attachment) Desired() bool { return a.Phase == Wanted || a.Phase == Active }

// Subscription is an account's relation to one plan through one ring: two purchases of a plan are
// two subscriptions.
type Subscription struct {
	Plan   portal.PlanID
	Name   string
	Ring   portal.Ring
	Stages []portal.Stage
	Phase  Phase
	Parked events.Reason
	Lost   events.LossReason
	// Replaces is the plan that the wish changes from, or "". On that plan's
	// subscription, ChangesTo is the plan that it changes to.
	Replaces  portal.PlanID
	ChangesTo portal.PlanID
	// Refusal is why API Gateway refused the change for good. The keys are on their way back.
	Refusal *Refusal
	// OpenedBy is the wish for this phase. OpenedAt, Operation and Correlation are those of the
	// fact that opened it.
	OpenedBy    int64
	OpenedAt    time.Time
	Operation   portal.OperationID
	Correlation string
	Since       time.Time
	// Flips are the times of the latest wishes for the plan, oldest first.
	Flips []time.Time
}

// Refusal is why a change of plans is undone.
type Refusal struct {
	Code    portal.Code
	Message string
}

const maxFlips = 4

// LicenceAccess is what an account should have because of a licence, as of the licence's fact
// with that sequence.
type LicenceAccess struct {
	Sequence  int64
	HasAccess bool
	// Released: the account has given up its claim.
	Released bool
	Plan     portal.PlanID
}

// ID names the subscription.
func (s Subscription) ID() portal.SubscriptionID { return portal.SubscriptionOf(s.Plan, s.Ring) }

// Other names the same payer's subscription to another plan.
func (s Subscription) Other(plan portal.PlanID) portal.SubscriptionID {
	return portal.SubscriptionOf(plan, s.Ring)
}

// HasOpenWish reports whether the converger has work to do on it.
func (s Subscription) HasOpenWish() bool { return s.Phase.wished() }

// Waits reports whether it waits for the converger or for an admin.
func (s Subscription) Waits() bool { return s.HasOpenWish() || s.Phase == AwaitingApproval }

// Desired reports whether the account should have the plan, attached or not.
func (s Subscription) Desired() bool { return s.Phase == Wanted || s.Phase == Active }

// Flapping reports whether the plan was wanted and left so often within that time before now
// that its next change can wait.
func (s Subscription) Flapping(now time.Time, within time.Duration) bool {
	return len(s.Flips) == maxFlips && now.Sub(s.Flips[0]) < within
}

// Claims lists the claimed licences, sorted.
func (a Account) Claims() []portal.Stream {
	var claims []portal.Stream
	for licence, access := range a.Licences {
		if !access.Released {
			claims = append(claims, licence)
		}
	}
	slices.Sort(claims)
	return claims
}

// NewAccount returns the state before the first fact.
func NewAccount(id portal.AccountID) Account {
	return Account{
		ID:            id,
		Keys:          map[portal.KeyID]Key{},
		Rings:         map[portal.Ring]Ring{},
		Subscriptions: map[portal.SubscriptionID]Subscription{},
		Attachments:   map[portal.Pair]Attachment{},
		Thresholds:    map[portal.Pair][]Threshold{},
		Spent:         map[portal.Pair]Spent{},
		Licences:      map[portal.Stream]LicenceAccess{},
		Decisions:     map[portal.Scope]portal.Intent{},
	}
}

// Clone returns a copy that shares nothing that Apply changes.
func (a Account) Clone() Account {
	a.Keys, a.Rings, a.Subscriptions = maps.Clone(a.Keys), maps.Clone(a.Rings), maps.Clone(a.Subscriptions)
	a.Attachments, a.Decisions = maps.Clone(a.Attachments), maps.Clone(a.Decisions)
	a.Thresholds, a.Spent, a.Licences = maps.Clone(a.Thresholds), maps.Clone(a.Spent), maps.Clone(a.Licences)
	return a
}

// Apply applies the next fact. One of an unknown type changes only the sequence, and sets
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
	switch e.Data.(type) {
	case events.KeyWanted, events.KeyReleased:
		a.forgetKeys(e)
	}
	switch f := e.Data.(type) {
	case events.UserRegistered:
		a.Registered, a.RegisteredAt = true, e.Time
		a.Standing.Asked = 0
	case events.RegistrationPending:
		a.Standing.Asked = e.Sequence
	case events.RegistrationDenied:
		a.Standing.Asked = 0
	case events.WishParked:
		a.changeWished(f.Wish, func(s *Subscription) { s.Parked = f.Reason })
		a.parkKey(f.Wish, f.Reason)
	case events.LicenceAccessSet:
		a.Licences[f.Licence] = LicenceAccess{Sequence: f.Sequence, HasAccess: f.HasAccess, Released: f.Released, Plan: f.Plan}
	case events.RequestRejected:
		a.endWish(e, f.Wish)
		a.rejectKey(e, f.Wish)
	default:
		a.applyToKeys(e)
		a.applyToPlans(e)
		a.applyToStanding(e)
		a.applyToThresholds(e)
		a.applyToSpent(e)
	}
}

func (a *Account) applyToPlans(e events.Event) {
	switch f := e.Data.(type) {
	case events.SubscriptionWanted:
		a.wantPlan(e, Subscription{Plan: f.Plan, Name: f.Name, Ring: f.Ring, Stages: f.Stages}, e.Sequence)
	case events.SubscriptionApprovalPending:
		a.openPlan(e, Subscription{Plan: f.Plan, Name: f.Name, Ring: f.Ring, Stages: f.Stages, Phase: AwaitingApproval, Replaces: f.Replaces}, e.Sequence)
	case events.SubscriptionApproved:
		a.approve(e, f)
	case events.SubscriptionDenied:
		a.endWish(e, f.Wish)
	case events.SubscriptionEnding:
		a.endPlan(e, f.Plan, f.Payer)
	case events.PlanChangeWanted:
		a.wantPlan(e, Subscription{Plan: f.Plan, Name: f.Name, Ring: f.Ring, Stages: f.Stages, Replaces: f.From}, e.Sequence)
	case events.KeyAttached:
		a.enter(e, portal.Pair{Key: f.Key, Plan: f.Plan}, Active)
	case events.KeyDetached:
		a.enter(e, portal.Pair{Key: f.Key, Plan: f.Plan}, Ended)
	case events.KeyMoved:
		a.enter(e, portal.Pair{Key: f.Key, Plan: f.From}, Ended)
		a.enter(e, portal.Pair{Key: f.Key, Plan: f.Plan}, Active)
	case events.SubscriptionActivated:
		a.close(e, f.Subscription(f.Plan), Active, "")
	case events.SubscriptionEnded:
		a.close(e, f.Subscription(f.Plan), Ended, "")
	case events.SubscriptionLost:
		a.close(e, f.Subscription(f.Plan), Ended, f.Reason)
		a.endPairs(e, f.Subscription(f.Plan))
	case events.PlanChanged:
		a.close(e, f.Subscription(f.Plan), Active, "")
		a.close(e, f.Subscription(f.From), Ended, "")
	case events.PlanChangeRefused:
		a.undoChange(e, f)
	}
}

func (a *Account) wantPlan(e events.Event, s Subscription, wish int64) {
	s.Phase = Wanted
	a.openPlan(e, s, wish)
	a.change(s.Other(s.Replaces), func(from *Subscription) { from.ChangesTo = s.Plan })
	a.Rings[s.Ring] = Ring{}
	for id, k := range a.Keys {
		if k.Ring != s.Ring || !k.Live() {
			continue
		}
		// A subscription brings back a key that was released, or is about to be.
		k.Releasing, k.ReleasingAt, k.Released = 0, time.Time{}, false
		a.Keys[id] = k
		a.enterWished(e, portal.Pair{Key: id, Plan: s.Plan}, Wanted, wish)
	}
}

func (a *Account) approve(e events.Event, f events.SubscriptionApproved) {
	if s, ok := a.SubscriptionOfWish(f.Wish); ok && s.Phase == AwaitingApproval {
		a.wantPlan(e, s, f.Wish)
		// The person follows the operation that asked, not the admin's.
		a.change(s.ID(), func(now *Subscription) { now.Operation, now.Correlation = s.Operation, s.Correlation })
	}
}

func (a *Account) endPlan(e events.Event, plan portal.PlanID, payer events.Payer) {
	id := payer.Subscription(plan)
	s := a.Subscriptions[id]
	s.Plan, s.Phase, s.Replaces = plan, Ending, ""
	if payer.Licence != "" {
		s.Ring = portal.LicenceRing(payer.Licence)
	}
	a.openPlan(e, s, e.Sequence)
	for pair, attachment := range a.Attachments {
		if a.SubscriptionOf(pair) == id && attachment.Phase != Ended {
			a.enterWished(e, pair, Ending, e.Sequence)
		}
	}
}

// undoChange asks for the keys to return to the old plan, for the same wish.
func (a *Account) undoChange(e events.Event, f events.PlanChangeRefused) {
	s, ok := a.SubscriptionOfWish(f.Wish)
	if !ok || s.Phase != Wanted || s.Replaces == "" {
		return
	}
	s.Phase, s.Since, s.Parked, s.Refusal = Ending, e.Time, "", &Refusal{Code: f.Code, Message: f.Message}
	a.Subscriptions[s.ID()] = s
	for pair, attachment := range a.Attachments {
		if a.SubscriptionOf(pair) == s.ID() && attachment.Phase != Ended {
			a.enterWished(e, pair, Ending, f.Wish)
		}
	}
	if !a.Subscriptions[s.Other(s.Replaces)].Desired() {
		return
	}
	for _, key := range a.LiveKeys(s.Ring) {
		// Any key may have left the old plan, recorded or not.
		a.enterWished(e, portal.Pair{Key: key.ID, Plan: s.Replaces}, Wanted, f.Wish)
	}
}

// openPlan also ends the change of plans that the plan is part of.
func (a *Account) openPlan(e events.Event, s Subscription, wish int64) {
	a.unlink(s.ID())
	s.Parked, s.Lost, s.Refusal, s.ChangesTo = "", "", nil, ""
	s.OpenedAt, s.OpenedBy, s.Since = e.Time, wish, e.Time
	s.Operation, s.Correlation = e.Operation, e.Correlation
	s.Flips = a.Subscriptions[s.ID()].Flips
	if s.Phase.wished() {
		s.Flips = append(slices.Clone(s.Flips), e.Time)
	}
	if n := len(s.Flips); n > maxFlips {
		s.Flips = s.Flips[n-maxFlips:]
	}
	a.Subscriptions[s.ID()] = s
}

func (a *Account) unlink(id portal.SubscriptionID) {
	s := a.Subscriptions[id]
	a.change(s.Other(s.Replaces), func(from *Subscription) {
		// The old plan may be part of another change while this one waits for approval.
		if from.ChangesTo == s.Plan {
			from.ChangesTo = ""
		}
	})
	a.change(s.Other(s.ChangesTo), func(to *Subscription) { to.Replaces = "" })
	a.change(id, func(s *Subscription) { s.Replaces, s.ChangesTo = "", "" })
}

func (a *Account) change(id portal.SubscriptionID, change func(*Subscription)) {
	if s, ok := a.Subscriptions[id]; ok {
		change(&s)
		a.Subscriptions[id] = s
	}
}

// enterWished gives a key in a plan a phase that the wish asks for.
func (a *Account) enterWished(e events.Event, pair portal.Pair, phase Phase, wish int64) {
	a.Attachments[pair] = Attachment{Phase: phase, OpenedAt: e.Time, OpenedBy: wish, Since: e.Time}
}

func (a *Account) enter(e events.Event, pair portal.Pair, phase Phase) {
	if attachment, ok := a.Attachments[pair]; ok {
		attachment.Phase, attachment.Since = phase, e.Time
		a.Attachments[pair] = attachment
	}
}

func (a *Account) close(e events.Event, id portal.SubscriptionID, phase Phase, lost events.LossReason) {
	a.unlink(id)
	s, ok := a.Subscriptions[id]
	if !ok {
		return
	}
	s.Phase, s.Since, s.Parked, s.Lost, s.Refusal = phase, e.Time, "", lost, nil
	a.Subscriptions[id] = s
	if phase == Ended {
		a.noteEmptied(e, s.Ring)
	}
}

// endWish ends what a wish asked for: API Gateway or an admin refused it for good.
func (a *Account) endWish(e events.Event, wish int64) {
	if s, ok := a.SubscriptionOfWish(wish); ok {
		a.close(e, s.ID(), Ended, "")
		a.endPairs(e, s.ID())
	}
}

func (a *Account) endPairs(e events.Event, id portal.SubscriptionID) {
	for pair := range a.Attachments {
		if a.SubscriptionOf(pair) == id {
			a.enter(e, pair, Ended)
		}
	}
}

func (a *Account) noteEmptied(e events.Event, ring portal.Ring) {
	if a.Rings[ring].EmptiedBy != 0 {
		return
	}
	for _, s := range a.Subscriptions {
		if s.Ring == ring && s.Phase != Ended && s.Phase != AwaitingApproval {
			return
		}
	}
	a.Rings[ring] = Ring{EmptiedBy: e.Sequence, EmptiedAt: e.Time}
}

// changeWished changes the subscription that the wish is about.
func (a *Account) changeWished(wish int64, change func(*Subscription)) {
	if s, ok := a.SubscriptionOfWish(wish); ok {
		change(&s)
		a.Subscriptions[s.ID()] = s
	}
}
