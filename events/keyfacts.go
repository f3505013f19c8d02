package events

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// EndReason is why a key ends.
type EndReason string

// The reasons.
const (
	EndRevoked        EndReason = "revoked"         // the owner or an admin revoked it
	EndLeaked         EndReason = "leaked"          // its value became known to others; another key has replaced it
	EndRotated        EndReason = "rotated"         // another key has replaced it
	EndExpired        EndReason = "expired"         // it had an expiry date
	EndAccountDeleted EndReason = "account_deleted" // its account was deleted
	EndRefused        EndReason = "refused"         // API Gateway does not accept it
)

// KeyReady: API Gateway has the requested key in every plan of its ring. It ends the wish of a
// KeyWanted with Requested.
type KeyReady struct {
	Link
	Key portal.KeyID `json:"key"`
}

// KeyRenamed: the owner calls the key by another name.
type KeyRenamed struct {
	Decides
	Key  portal.KeyID `json:"key"`
	Name string       `json:"name"`
}

// KeyEndScheduled: the key works until Ends, or without it, until a person ends it. The latest of
// these facts counts.
type KeyEndScheduled struct {
	Decides
	Key    portal.KeyID `json:"key"`
	Ends   *time.Time   `json:"ends,omitempty"`
	Reason EndReason    `json:"reason"`
}

// KeyEnding: API Gateway should refuse the key for ever. It opens a wish. No later fact lets the
// key work again.
type KeyEnding struct {
	Decides
	Key    portal.KeyID `json:"key"`
	Reason EndReason    `json:"reason"`
}

// KeyEnded: API Gateway refuses the key. It ends the wish. The key is deleted later, after its
// usage was read.
type KeyEnded struct {
	Link
	Key portal.KeyID `json:"key"`
}

// KeyBlocked: Gatehouse has disabled the key in API Gateway, because its account is suspended or
// being deleted.
type KeyBlocked struct {
	Key portal.KeyID `json:"key"`
}

// KeyUnblocked: Gatehouse no longer keeps the key disabled. A key that an operator has disabled
// in API Gateway stays disabled.
type KeyUnblocked struct {
	Key portal.KeyID `json:"key"`
}

// KeyEndsSoon: the key, or the overlap after its rotation, will end at Ends, and its owner should
// know.
type KeyEndsSoon struct {
	Key  portal.KeyID `json:"key"`
	Ends time.Time    `json:"ends"`
}

// UsageCarried: a key took over what another key of the account had used of a plan's quota, and
// began with Remaining. It is appended with the KeyAttached or KeyMoved.
type UsageCarried struct {
	Key       portal.KeyID  `json:"key"`
	From      portal.KeyID  `json:"from"`
	Plan      portal.PlanID `json:"plan"`
	Remaining int64         `json:"remaining"`
	// PeriodStart and Period are as in QuotaThresholdReached. Key took over Passed of what From
	// had used. Older facts have none of these.
	PeriodStart string `json:"period_start,omitempty"`
	Period      string `json:"period,omitempty"`
	Used        int64  `json:"used,omitempty"`
	Passed      int64  `json:"passed,omitempty"`
}

// QuotaUsed: a key had used Used of its quota of the plan in that period when it left the plan or
// was deleted. It is recorded before API Gateway can forget it.
type QuotaUsed struct {
	Key         portal.KeyID  `json:"key"`
	Plan        portal.PlanID `json:"plan"`
	PeriodStart string        `json:"period_start"`
	Period      string        `json:"period"`
	Used        int64         `json:"used"`
}

// QuotaNotCarried: the key began in the plan with a whole quota, since it could not take over what the account's
// other keys had used of it. It is appended with the KeyAttached or KeyMoved.
type QuotaNotCarried struct {
	Key  portal.KeyID  `json:"key"`
	Plan portal.PlanID `json:"plan"`
}

func (KeyReady) EventType() string        { return "gatehouse.KeyReady.v1" }
func (KeyRenamed) EventType() string      { return "gatehouse.KeyRenamed.v1" }
func (KeyEndScheduled) EventType() string { return "gatehouse.KeyEndScheduled.v1" }
func (KeyEnding) EventType() string       { return "gatehouse.KeyEnding.v1" }
func (KeyEnded) EventType() string        { return "gatehouse.KeyEnded.v1" }
func (KeyBlocked) EventType() string      { return "gatehouse.KeyBlocked.v1" }
func (KeyUnblocked) EventType() string    { return "gatehouse.KeyUnblocked.v1" }
func (KeyEndsSoon) EventType() string     { return "gatehouse.KeyEndsSoon.v1" }
func (UsageCarried) EventType() string    { return "gatehouse.UsageCarried.v1" }
func (QuotaUsed) EventType() string       { return "gatehouse.QuotaUsed.v1" }
func (QuotaNotCarried) EventType() string { return "gatehouse.QuotaNotCarried.v1" }

func (KeyReady) isFact()        {}
func (KeyRenamed) isFact()      {}
func (KeyEndScheduled) isFact() {}
func (KeyEnding) isFact()       {}
func (KeyEnded) isFact()        {}
func (KeyBlocked) isFact()      {}
func (KeyUnblocked) isFact()    {}
func (KeyEndsSoon) isFact()     {}
func (UsageCarried) isFact()    {}
func (QuotaUsed) isFact()       {}
func (QuotaNotCarried) isFact() {}

func (f UsageCarried) AboutPlan() portal.PlanID    { return f.Plan }
func (f QuotaUsed) AboutPlan() portal.PlanID       { return f.Plan }
func (f QuotaNotCarried) AboutPlan() portal.PlanID { return f.Plan }

func (KeyReady) MustUnderstand() bool        { return true }
func (KeyEndScheduled) MustUnderstand() bool { return true }
func (KeyEnding) MustUnderstand() bool       { return true }
func (KeyEnded) MustUnderstand() bool        { return true }
func (KeyBlocked) MustUnderstand() bool      { return true }
func (KeyUnblocked) MustUnderstand() bool    { return true }
