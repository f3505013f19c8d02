package events

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Decides names the scopes that a fact decides over, with its event's intent. It supersedes older
// requests in any of them.
type Decides struct {
	Scopes []portal.Scope `json:"scopes,omitempty"`
}

// Decided lists the scopes that this fact decides over.
func (d Decides) Decided() []portal.Scope { return d.Scopes }

// Link names a wish of the fact's own stream by the fact that opened it; 0 is none. By its type,
// the fact ends the wish, is a step towards it, or joins an operation to it.
type Link struct {
	Wish int64 `json:"wish,omitempty"`
}

// Linked is the wish that the fact is about, or 0.
func (l Link) Linked() int64 { return l.Wish }

// Payer tells a subscription that a licence pays for from the account's own to the same plan.
// Licence is the licence's stream, "" for the account's own.
type Payer struct {
	Licence portal.Stream `json:"licence,omitempty"`
}

// PaidBy returns the payer of the ring's subscriptions.
func PaidBy(ring portal.Ring) Payer {
	licence, ok := ring.Licence()
	if !ok {
		return Payer{}
	}
	return Payer{Licence: licence}
}

// Subscription returns the payer's subscription to the plan.
func (p Payer) Subscription(plan portal.PlanID) portal.SubscriptionID {
	return portal.SubscriptionOf(plan, portal.Ring(p.Licence))
}

// UserRegistered: the account is open. With a wish, an admin has approved the registration.
type UserRegistered struct {
	Decides
	Link
}

// RequestRejected: the request is refused, and Message tells the user why. With a wish, API
// Gateway refused that wish for good, and what it asked for is no longer wanted.
type RequestRejected struct {
	Decides
	Link
	Code    portal.Code `json:"code"`
	Message string      `json:"message"`
}

// RequestUnchanged: what the request asks for holds already.
type RequestUnchanged struct {
	Decides
}

// RequestJoined: what the request asks for is on its way. The operation ends with the wish.
type RequestJoined struct {
	Decides
	Link
	Plan portal.PlanID `json:"plan"`
}

// RequestSuperseded: a newer request decided otherwise. It ends the wish and every operation
// linked to it, or without a wish the operation of its own request.
type RequestSuperseded struct {
	Link
}

// RequestFailed: a request could not be handled and is a dead letter. It does not count as
// handled, so a replay is carried out.
type RequestFailed struct {
	Class string `json:"class"`
}

// KeyWanted: the ring should have a key. Its value derives from the scheme, the KMS key and the
// key's id recorded here, also after the configuration changes. It opens a wish for every plan of the
// ring's subscriptions.
type KeyWanted struct {
	Decides
	Key    portal.KeyID `json:"key"`
	Ring   portal.Ring  `json:"ring"`
	Name   string       `json:"name"`
	Scheme string       `json:"scheme"`
	// KMSKey is the "mrk-…" id of a multi-Region key, so that any replica can serve, or else the
	// key's ARN.
	KMSKey string `json:"kms_key"`
	// Requested: the owner asked for the key. It has a wish of its own, which a KeyReady ends.
	Requested bool         `json:"requested,omitempty"`
	Ends      *time.Time   `json:"ends,omitempty"`
	Replaces  portal.KeyID `json:"replaces,omitempty"`
}

// SubscriptionWanted: every live key of the ring should be in the plan. It opens a wish for
// each.
type SubscriptionWanted struct {
	Decides
	Plan   portal.PlanID  `json:"plan"`
	Name   string         `json:"name"`
	Ring   portal.Ring    `json:"ring"`
	Stages []portal.Stage `json:"stages"`
}

// SubscriptionEnding: no key should be in the plan. It opens a wish for every key that is, or may
// be.
type SubscriptionEnding struct {
	Decides
	Plan portal.PlanID `json:"plan"`
	Payer
	// Withdrawn: the subscription was still waiting for approval.
	Withdrawn bool `json:"withdrawn,omitempty"`
}

// WishParked: the wish still waits for this reason, and workers keep trying. It is recorded once
// per reason, not once per attempt.
type WishParked struct {
	Link
	Reason Reason `json:"reason"`
}

// Reason is what a wish waits for.
type Reason string

// The reasons.
const (
	WaitingForAWS      Reason = "aws"      // API Gateway does not answer, or refuses for now
	WaitingForCapacity Reason = "capacity" // the AWS account holds as many keys as it may; an operator must make room
	WaitingForKMS      Reason = "kms"      // KMS, which computes key values, does not answer or throttles
	WaitingForKMSKey   Reason = "kms_key"  // the KMS key is disabled or may not be used; an operator must act

	WaitingForReinstatement Reason = "suspended" // the account is suspended; an operator must reinstate it

	// The message that asks for the change is a dead letter, and an operator must act.
	WaitingForRepair Reason = "fault"
)

// KeyCreated: API Gateway holds the key, under that id.
type KeyCreated struct {
	Key       portal.KeyID        `json:"key"`
	GatewayID portal.GatewayKeyID `json:"gateway_id"`
}

// KeyAttached: API Gateway has attached the key to the plan.
type KeyAttached struct {
	Link
	Key  portal.KeyID  `json:"key"`
	Plan portal.PlanID `json:"plan"`
}

// KeyDetached: API Gateway has detached the key from the plan.
type KeyDetached struct {
	Link
	Key  portal.KeyID  `json:"key"`
	Plan portal.PlanID `json:"plan"`
}

// SubscriptionActivated: every key of the wish is attached. It is appended with the last
// KeyAttached, and ends the wish.
type SubscriptionActivated struct {
	Link
	Plan portal.PlanID `json:"plan"`
	Payer
}

// SubscriptionEnded: no key is attached any more. It is appended with the last KeyDetached, and
// ends the wish.
type SubscriptionEnded struct {
	Link
	Plan portal.PlanID `json:"plan"`
	Payer
}

// SubscriptionLost: an active subscription has ended without a request, because API Gateway no
// longer has what it needs.
type SubscriptionLost struct {
	Plan portal.PlanID `json:"plan"`
	Payer
	Reason LossReason `json:"reason"`
}

// LossReason is why a subscription was lost.
type LossReason string

// The reasons. Each rests on what was seen, never on what was not.
const (
	LostPlanGone   LossReason = "plan_gone"   // the usage plan was deleted
	LostStageTaken LossReason = "stage_taken" // the plan now covers a stage that another plan of the key covers
)

// KeyObserved: a key was enabled or disabled directly in API Gateway. Gatehouse leaves it so.
type KeyObserved struct {
	Key     portal.KeyID `json:"key"`
	Enabled bool         `json:"enabled"`
}

// KeyReleasing: API Gateway should no longer hold the key, whose ring has been unused for long.
// It opens a wish. The ring's next subscription brings the key back, with the same value.
type KeyReleasing struct {
	Key portal.KeyID `json:"key"`
}

// KeyReleased: API Gateway no longer holds the key. It ends the wish.
type KeyReleased struct {
	Link
	Key portal.KeyID `json:"key"`
}

// CatalogPublished: the catalog is now the document with that hash.
type CatalogPublished struct {
	Hash     string `json:"hash"`
	Products int    `json:"products"`
}

// CatalogSourceFailed: a source of the catalog could not be read, and the last document stays
// published. Message is for operators.
type CatalogSourceFailed struct {
	Source  string    `json:"source"`
	Message string    `json:"message"`
	Since   time.Time `json:"since"`
}

func (UserRegistered) EventType() string        { return "gatehouse.UserRegistered.v1" }
func (RequestRejected) EventType() string       { return "gatehouse.RequestRejected.v1" }
func (RequestUnchanged) EventType() string      { return "gatehouse.RequestUnchanged.v1" }
func (RequestJoined) EventType() string         { return "gatehouse.RequestJoined.v1" }
func (RequestSuperseded) EventType() string     { return "gatehouse.RequestSuperseded.v1" }
func (RequestFailed) EventType() string         { return "gatehouse.RequestFailed.v1" }
func (KeyWanted) EventType() string             { return "gatehouse.KeyWanted.v1" }
func (SubscriptionWanted) EventType() string    { return "gatehouse.SubscriptionWanted.v1" }
func (SubscriptionEnding) EventType() string    { return "gatehouse.SubscriptionEnding.v1" }
func (WishParked) EventType() string            { return "gatehouse.WishParked.v1" }
func (KeyCreated) EventType() string            { return "gatehouse.KeyCreated.v1" }
func (KeyAttached) EventType() string           { return "gatehouse.KeyAttached.v1" }
func (KeyDetached) EventType() string           { return "gatehouse.KeyDetached.v1" }
func (SubscriptionActivated) EventType() string { return "gatehouse.SubscriptionActivated.v1" }
func (SubscriptionEnded) EventType() string     { return "gatehouse.SubscriptionEnded.v1" }
func (SubscriptionLost) EventType() string      { return "gatehouse.SubscriptionLost.v1" }
func (KeyObserved) EventType() string           { return "gatehouse.KeyObserved.v1" }
func (KeyReleasing) EventType() string          { return "gatehouse.KeyReleasing.v1" }
func (KeyReleased) EventType() string           { return "gatehouse.KeyReleased.v1" }
func (CatalogPublished) EventType() string      { return "gatehouse.CatalogPublished.v1" }
func (CatalogSourceFailed) EventType() string   { return "gatehouse.CatalogSourceFailed.v1" }

func (UserRegistered) isFact()        {}
func (RequestRejected) isFact()       {}
func (RequestUnchanged) isFact()      {}
func (RequestJoined) isFact()         {}
func (RequestSuperseded) isFact()     {}
func (RequestFailed) isFact()         {}
func (KeyWanted) isFact()             {}
func (SubscriptionWanted) isFact()    {}
func (SubscriptionEnding) isFact()    {}
func (WishParked) isFact()            {}
func (KeyCreated) isFact()            {}
func (KeyAttached) isFact()           {}
func (KeyDetached) isFact()           {}
func (SubscriptionActivated) isFact() {}
func (SubscriptionEnded) isFact()     {}
func (SubscriptionLost) isFact()      {}
func (KeyObserved) isFact()           {}
func (KeyReleasing) isFact()          {}
func (KeyReleased) isFact()           {}
func (CatalogPublished) isFact()      {}
func (CatalogSourceFailed) isFact()   {}

// AboutPlan is the plan of facts that are about one plan.

func (f RequestJoined) AboutPlan() portal.PlanID         { return f.Plan }
func (f SubscriptionWanted) AboutPlan() portal.PlanID    { return f.Plan }
func (f SubscriptionEnding) AboutPlan() portal.PlanID    { return f.Plan }
func (f KeyAttached) AboutPlan() portal.PlanID           { return f.Plan }
func (f KeyDetached) AboutPlan() portal.PlanID           { return f.Plan }
func (f SubscriptionActivated) AboutPlan() portal.PlanID { return f.Plan }
func (f SubscriptionEnded) AboutPlan() portal.PlanID     { return f.Plan }
func (f SubscriptionLost) AboutPlan() portal.PlanID      { return f.Plan }

// MustUnderstand: these say what API Gateway should hold, or holds.

func (KeyWanted) MustUnderstand() bool             { return true }
func (SubscriptionWanted) MustUnderstand() bool    { return true }
func (SubscriptionEnding) MustUnderstand() bool    { return true }
func (KeyCreated) MustUnderstand() bool            { return true }
func (KeyAttached) MustUnderstand() bool           { return true }
func (KeyDetached) MustUnderstand() bool           { return true }
func (SubscriptionActivated) MustUnderstand() bool { return true }
func (SubscriptionEnded) MustUnderstand() bool     { return true }
func (SubscriptionLost) MustUnderstand() bool      { return true }
func (KeyReleasing) MustUnderstand() bool          { return true }
func (KeyReleased) MustUnderstand() bool           { return true }
