package events

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Ends names the operations that a fact ends. A fact without any ends none.
type Ends struct {
	Operations []portal.OperationID `json:"ends,omitempty"`
}

// Ended lists the operations that end with this fact.
func (e Ends) Ended() []portal.OperationID { return e.Operations }

// Decides names the scopes that a fact decides over, with the intent of its event.
// An older request in any of them is superseded from then on.
type Decides struct {
	Scopes []portal.Scope `json:"scopes,omitempty"`
}

// Decided lists the scopes that this fact decides over.
func (d Decides) Decided() []portal.Scope { return d.Scopes }

// UserRegistered says that the account is open.
type UserRegistered struct {
	Ends
	Decides
}

// RequestRejected says no, and why. Message is for the user. If Withdraws names a
// plan, API Gateway refused what was wanted of it for good, and it is no longer
// wanted.
type RequestRejected struct {
	Ends
	Decides
	Code      portal.Code   `json:"code"`
	Message   string        `json:"message"`
	Withdraws portal.PlanID `json:"withdraws,omitempty"`
}

// RequestUnchanged says that what was asked for is so already.
type RequestUnchanged struct {
	Ends
	Decides
}

// RequestJoined says that what was asked for is wanted already and not yet so. Its
// operation ends with the others that wait for it.
type RequestJoined struct {
	Decides
	Plan portal.PlanID `json:"plan"`
}

// RequestSuperseded says that a newer request decided otherwise.
type RequestSuperseded struct {
	Ends
}

// RequestFailed says that a request could not be handled and lies among the dead
// letters. It does not count as handled: a replay is carried out.
type RequestFailed struct {
	Ends
	Class string `json:"class"`
}

// KeyWanted says that the account is to have a key. Its value follows from the
// scheme, the KMS key and the key's id, whatever the configuration says later.
type KeyWanted struct {
	Key    portal.KeyID `json:"key"`
	Slot   portal.Slot  `json:"slot"`
	Name   string       `json:"name"`
	Scheme string       `json:"scheme"`
	KMSKey string       `json:"kms_key"`
}

// SubscriptionWanted says that the key is to open the plan.
type SubscriptionWanted struct {
	Decides
	Plan   portal.PlanID  `json:"plan"`
	Name   string         `json:"name"`
	Key    portal.KeyID   `json:"key"`
	Stages []portal.Stage `json:"stages"`
}

// SubscriptionEnding says that the key is no longer to open the plan.
type SubscriptionEnding struct {
	Decides
	Plan portal.PlanID `json:"plan"`
	Key  portal.KeyID  `json:"key"`
}

// SubscriptionParked says why what is wanted of a plan is not so yet, and that it
// will be tried again. Recorded once for each reason, not for each attempt.
type SubscriptionParked struct {
	Plan   portal.PlanID `json:"plan"`
	Reason Reason        `json:"reason"`
}

// Reason says what an operation waits for.
type Reason string

// The reasons.
const (
	WaitingForAWS      Reason = "aws"      // API Gateway does not answer, or refuses for now
	WaitingForCapacity Reason = "capacity" // the AWS account is full; an operator must make room
)

// KeyCreated says that API Gateway holds the key, under that id.
type KeyCreated struct {
	Key       portal.KeyID        `json:"key"`
	GatewayID portal.GatewayKeyID `json:"gateway_id"`
}

// SubscriptionActivated says that API Gateway has attached the key to the plan.
type SubscriptionActivated struct {
	Ends
	Plan portal.PlanID `json:"plan"`
	Key  portal.KeyID  `json:"key"`
}

// SubscriptionEnded says that API Gateway no longer has the key attached.
type SubscriptionEnded struct {
	Ends
	Plan portal.PlanID `json:"plan"`
	Key  portal.KeyID  `json:"key"`
}

// KeyRevealed says that the key's value was shown to its owner.
type KeyRevealed struct {
	Key portal.KeyID `json:"key"`
}

// CatalogPublished says that the catalog is now the document with that hash, which
// is kept under it.
type CatalogPublished struct {
	Ends
	Hash     string `json:"hash"`
	Products int    `json:"products"`
}

// CatalogSourceFailed says that a source of the catalog could not be read; what
// was published stands. Message is for operators.
type CatalogSourceFailed struct {
	Ends
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
func (SubscriptionParked) EventType() string    { return "gatehouse.SubscriptionParked.v1" }
func (KeyCreated) EventType() string            { return "gatehouse.KeyCreated.v1" }
func (SubscriptionActivated) EventType() string { return "gatehouse.SubscriptionActivated.v1" }
func (SubscriptionEnded) EventType() string     { return "gatehouse.SubscriptionEnded.v1" }
func (KeyRevealed) EventType() string           { return "gatehouse.KeyRevealed.v1" }
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
func (SubscriptionParked) isFact()    {}
func (KeyCreated) isFact()            {}
func (SubscriptionActivated) isFact() {}
func (SubscriptionEnded) isFact()     {}
func (KeyRevealed) isFact()           {}
func (CatalogPublished) isFact()      {}
func (CatalogSourceFailed) isFact()   {}
