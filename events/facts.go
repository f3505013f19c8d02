package events

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Decides names the scopes that a fact decides over, with the intent of its event.
// An older request in any of them is superseded from then on.
type Decides struct {
	Scopes []portal.Scope `json:"scopes,omitempty"`
}

// Decided lists the scopes that this fact decides over.
func (d Decides) Decided() []portal.Scope { return d.Scopes }

// Link names a wish of the fact's own stream: the sequence of the fact that opened it.
// 0 names none. Whether the fact ends the wish, is a step towards it or joins an
// operation to it, the fact's type says.
type Link struct {
	Wish int64 `json:"wish,omitempty"`
}

// Linked is the wish that the fact is about, 0 if it is about none.
func (l Link) Linked() int64 { return l.Wish }

// UserRegistered says that the account is open.
type UserRegistered struct {
	Decides
}

// RequestRejected says no, and why. Message is for the user. With a wish, API Gateway
// refused that wish for good, and what it asked for is no longer wanted.
type RequestRejected struct {
	Decides
	Link
	Code    portal.Code `json:"code"`
	Message string      `json:"message"`
}

// RequestUnchanged says that what was asked for is so already.
type RequestUnchanged struct {
	Decides
}

// RequestJoined says that what was asked for is wanted already and not yet so. Its
// operation ends with the wish.
type RequestJoined struct {
	Decides
	Link
	Plan portal.PlanID `json:"plan"`
}

// RequestSuperseded says that a newer request decided otherwise. With a wish, that wish
// is overturned, and every operation linked to it ends; without one, the operation of the
// fact's own request does.
type RequestSuperseded struct {
	Link
}

// RequestFailed says that a request could not be handled and lies among the dead
// letters. It does not count as handled: a replay is carried out.
type RequestFailed struct {
	Class string `json:"class"`
}

// KeyWanted says that the ring is to have a key. Its value follows from the scheme, the
// KMS key and the key's id, whatever the configuration says later. It opens a wish for
// every plan that the ring's subscriptions hold.
type KeyWanted struct {
	Key    portal.KeyID `json:"key"`
	Ring   portal.Ring  `json:"ring"`
	Name   string       `json:"name"`
	Scheme string       `json:"scheme"`
	// KMSKey is the "mrk-…" id of a multi-Region key, so that any of its replicas can
	// serve, or the ARN of another.
	KMSKey string `json:"kms_key"`
}

// SubscriptionWanted says that every live key of the ring is to open the plan. It opens
// a wish for each of them.
type SubscriptionWanted struct {
	Decides
	Plan   portal.PlanID  `json:"plan"`
	Name   string         `json:"name"`
	Ring   portal.Ring    `json:"ring"`
	Stages []portal.Stage `json:"stages"`
}

// SubscriptionEnding says that no key is to open the plan any more. It opens a wish for
// every key that does, or may.
type SubscriptionEnding struct {
	Decides
	Plan portal.PlanID `json:"plan"`
}

// WishParked says why a wish is not fulfilled yet, and that it will be tried again.
// Recorded once for each reason, not for each attempt.
type WishParked struct {
	Link
	Reason Reason `json:"reason"`
}

// Reason says what a wish waits for.
type Reason string

// The reasons.
const (
	WaitingForAWS      Reason = "aws"      // API Gateway does not answer, or refuses for now
	WaitingForCapacity Reason = "capacity" // the AWS account holds as many keys as it may; an operator must make room
	WaitingForKMS      Reason = "kms"      // KMS, which computes key values, does not answer or throttles
	WaitingForKMSKey   Reason = "kms_key"  // the KMS key is disabled or may not be used; an operator must act
)

// KeyCreated says that API Gateway holds the key, under that id.
type KeyCreated struct {
	Key       portal.KeyID        `json:"key"`
	GatewayID portal.GatewayKeyID `json:"gateway_id"`
}

// KeyAttached says that API Gateway has attached the key to the plan, as that wish asked.
type KeyAttached struct {
	Link
	Key  portal.KeyID  `json:"key"`
	Plan portal.PlanID `json:"plan"`
}

// KeyDetached says that API Gateway no longer has the key attached to the plan, as that
// wish asked.
type KeyDetached struct {
	Link
	Key  portal.KeyID  `json:"key"`
	Plan portal.PlanID `json:"plan"`
}

// SubscriptionActivated says that every key that the wish asked for is attached. It is
// appended together with the last KeyAttached, and ends the wish.
type SubscriptionActivated struct {
	Link
	Plan portal.PlanID `json:"plan"`
}

// SubscriptionEnded says that no key is attached any more. It is appended together with
// the last KeyDetached, and ends the wish.
type SubscriptionEnded struct {
	Link
	Plan portal.PlanID `json:"plan"`
}

// SubscriptionLost says that a subscription that stood has ended, since API Gateway no
// longer has what it needs. Nobody asked for it.
type SubscriptionLost struct {
	Plan   portal.PlanID `json:"plan"`
	Reason LossReason    `json:"reason"`
}

// LossReason says why a subscription was lost.
type LossReason string

// The reasons. Each rests on what was seen, never on what was not.
const (
	LostPlanGone   LossReason = "plan_gone"   // the usage plan was deleted
	LostStageTaken LossReason = "stage_taken" // the plan now opens a stage that another plan of the key opens
)

// KeyObserved says that somebody enabled or disabled the key in API Gateway itself.
// Gatehouse leaves it as it is.
type KeyObserved struct {
	Key     portal.KeyID `json:"key"`
	Enabled bool         `json:"enabled"`
}

// KeyReleasing says that API Gateway is no longer to hold the key, since nobody has used
// its ring for long. It opens a wish. The key comes back, with the same value, when its
// ring is subscribed to a plan again.
type KeyReleasing struct {
	Key portal.KeyID `json:"key"`
}

// KeyReleased says that API Gateway no longer holds the key. It ends the wish.
type KeyReleased struct {
	Link
	Key portal.KeyID `json:"key"`
}

// CatalogPublished says that the catalog is now the document with that hash, which
// is kept under it.
type CatalogPublished struct {
	Hash     string `json:"hash"`
	Products int    `json:"products"`
}

// CatalogSourceFailed says that a source of the catalog could not be read; what
// was published stands. Message is for operators.
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

// AboutPlan is the plan that a fact is about. Facts that are not about one plan have no such
// method.

func (f RequestJoined) AboutPlan() portal.PlanID         { return f.Plan }
func (f SubscriptionWanted) AboutPlan() portal.PlanID    { return f.Plan }
func (f SubscriptionEnding) AboutPlan() portal.PlanID    { return f.Plan }
func (f KeyAttached) AboutPlan() portal.PlanID           { return f.Plan }
func (f KeyDetached) AboutPlan() portal.PlanID           { return f.Plan }
func (f SubscriptionActivated) AboutPlan() portal.PlanID { return f.Plan }
func (f SubscriptionEnded) AboutPlan() portal.PlanID     { return f.Plan }
func (f SubscriptionLost) AboutPlan() portal.PlanID      { return f.Plan }

// MustUnderstand: these change what API Gateway should hold, or say what it holds.

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
