package events

import "github.com/gatehouse-portal/gatehouse/portal"

// Facts of a licence's stream, and LicenceAccessSet of an account's. An account claims a licence,
// and AWS says that it is active, in any order. While both hold, the account has access.

// LicenceStatus is what AWS last said about a licence.
type LicenceStatus string

// The statuses. AWS takes usage reports of a licence that is ending for about an hour.
const (
	LicenceUnknown LicenceStatus = ""
	LicenceActive  LicenceStatus = "active"
	LicenceFailed  LicenceStatus = "failed" // AWS could not take the payment
	LicenceEnding  LicenceStatus = "ending"
	LicenceEnded   LicenceStatus = "ended"
)

// LicenceNoticed: AWS Marketplace has said this. A Status is the licence's from now on: the
// notice is newer than the one that told the last status.
type LicenceNoticed struct {
	Link
	Notice MarketplaceNotified `json:"notice"`
	Status LicenceStatus       `json:"status,omitempty"`
}

// LicenceClaimed: the licence belongs to the account. It opens a wish, which LicenceAccessWanted
// ends.
type LicenceClaimed struct {
	Decides
	Account  portal.AccountID `json:"account"`
	Plan     portal.PlanID    `json:"plan"`
	Name     string           `json:"name"`
	Stages   []portal.Stage   `json:"stages"`
	Purchase Purchase         `json:"purchase"`
}

// LicenceReleased: the licence no longer belongs to the account, and another one can claim it. It
// ends the wish of a waiting claim.
type LicenceReleased struct {
	Link
	Account portal.AccountID `json:"account"`
}

// LicenceAccessWanted: the account should have the plan, because it has claimed the licence and
// the licence is active. Operation is the claim's if the claim waited.
type LicenceAccessWanted struct {
	Link
	Operation portal.OperationID `json:"operation,omitempty"`
	Account   portal.AccountID   `json:"account"`
	Plan      portal.PlanID      `json:"plan"`
	Name      string             `json:"name"`
	Stages    []portal.Stage     `json:"stages"`
}

// LicenceAccessEnding: the account should no longer have the plan.
type LicenceAccessEnding struct {
	Account portal.AccountID `json:"account"`
	Plan    portal.PlanID    `json:"plan"`
	Reason  LicenceStatus    `json:"reason,omitempty"`
}

// LicenceAccessSet: the account knows what it should have because of the licence, as of the
// licence's fact with that sequence. If that changes anything, the fact that wants or ends the
// subscription is appended with it.
type LicenceAccessSet struct {
	Licence  portal.Stream `json:"licence"`
	Sequence int64         `json:"licence_sequence"`
	Open     bool          `json:"open"`
	// Claimed: the account has just claimed the licence.
	Claimed bool          `json:"claimed,omitempty"`
	Plan    portal.PlanID `json:"plan"`
	// Released: the account is being deleted and gives up its claim.
	Released bool `json:"released,omitempty"`
}

// MarketplaceNoticeKept: AWS Marketplace has said something that names no licence. It changes no
// access; operators can read it.
type MarketplaceNoticeKept struct {
	Notice MarketplaceNotified `json:"notice"`
}

func (LicenceNoticed) EventType() string        { return "gatehouse.LicenceNoticed.v1" }
func (LicenceClaimed) EventType() string        { return "gatehouse.LicenceClaimed.v1" }
func (LicenceReleased) EventType() string       { return "gatehouse.LicenceReleased.v1" }
func (LicenceAccessWanted) EventType() string   { return "gatehouse.LicenceAccessWanted.v1" }
func (LicenceAccessEnding) EventType() string   { return "gatehouse.LicenceAccessEnding.v1" }
func (LicenceAccessSet) EventType() string      { return "gatehouse.LicenceAccessSet.v1" }
func (MarketplaceNoticeKept) EventType() string { return "gatehouse.MarketplaceNoticeKept.v1" }

func (LicenceNoticed) isFact()        {}
func (LicenceClaimed) isFact()        {}
func (LicenceReleased) isFact()       {}
func (LicenceAccessWanted) isFact()   {}
func (LicenceAccessEnding) isFact()   {}
func (LicenceAccessSet) isFact()      {}
func (MarketplaceNoticeKept) isFact() {}

func (f LicenceClaimed) AboutPlan() portal.PlanID      { return f.Plan }
func (f LicenceAccessWanted) AboutPlan() portal.PlanID { return f.Plan }
func (f LicenceAccessEnding) AboutPlan() portal.PlanID { return f.Plan }

func (LicenceNoticed) MustUnderstand() bool      { return true }
func (LicenceClaimed) MustUnderstand() bool      { return true }
func (LicenceReleased) MustUnderstand() bool     { return true }
func (LicenceAccessWanted) MustUnderstand() bool { return true }
func (LicenceAccessEnding) MustUnderstand() bool { return true }
func (LicenceAccessSet) MustUnderstand() bool    { return true }
