package events

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Facts of a licence's stream, and LicenceAccessSet of an account's. An account claims a licence, and
// AWS says that it is active, in any order. The account has access while both hold, unless AWS says that
// the buyer's contract has lapsed.

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
	// Check means that the notice may be about what the buyer is entitled to, so AWS has to be asked.
	Check bool `json:"check,omitempty"`
	// Lapsed means that the licence is active and gives no access, since the buyer is entitled to nothing by AWS's
	// last answer.
	Lapsed bool `json:"lapsed,omitempty"`
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
	// Renews means that the account has the licence because it had the one that this one renews.
	Renews *Renews `json:"renews,omitempty"`
}

// LicenceEntitled: a worker asked AWS what the buyer is entitled to, after the fact before this one. So the
// last of these facts is the newest answer.
type LicenceEntitled struct {
	// Dimensions are the contract dimensions that the buyer has paid for, sorted.
	Dimensions []string `json:"dimensions,omitempty"`
	// Until is when the entitlement ends unless it is renewed, if AWS says so.
	Until *time.Time `json:"until,omitempty"`
	// Lapsed means that the buyer is entitled to nothing.
	Lapsed bool `json:"lapsed,omitempty"`
	// Plan is the plan that the dimensions buy. With "", no plan of the catalog names them, and the
	// account keeps its plan.
	Plan portal.PlanID `json:"plan,omitempty"`
}

// LicencePlanChanged: the licence pays for another plan. With HasAccess, the account should
// have the new plan instead of the old one.
type LicencePlanChanged struct {
	Account   portal.AccountID `json:"account"`
	From      portal.PlanID    `json:"from"`
	Plan      portal.PlanID    `json:"plan"`
	Name      string           `json:"name"`
	Stages    []portal.Stage   `json:"stages"`
	HasAccess bool             `json:"open,omitempty"`
}

// LicenceCorrected: an operator has said how AWS names the licence. The names in Purchase that are not
// "" replace those of notices and claims.
type LicenceCorrected struct {
	Purchase Purchase `json:"purchase"`
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
	// Renews is that of the claim, when access begins for the first time.
	Renews *Renews `json:"renews,omitempty"`
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
	Licence   portal.Stream `json:"licence"`
	Sequence  int64         `json:"licence_sequence"`
	HasAccess bool          `json:"open"`
	// Claimed means that the account has just claimed the licence.
	Claimed bool          `json:"claimed,omitempty"`
	Plan    portal.PlanID `json:"plan"`
	// Released means that the account is being deleted and gives up its claim.
	Released bool `json:"released,omitempty"`
	// Renews is set with the claim, and when access begins for the first time, if the licence renews another one.
	Renews *Renews `json:"renews,omitempty"`
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
func (LicenceEntitled) EventType() string       { return "gatehouse.LicenceEntitled.v1" }
func (LicencePlanChanged) EventType() string    { return "gatehouse.LicencePlanChanged.v1" }
func (LicenceCorrected) EventType() string      { return "gatehouse.LicenceCorrected.v1" }
func (LicenceAccessSet) EventType() string      { return "gatehouse.LicenceAccessSet.v1" }
func (MarketplaceNoticeKept) EventType() string { return "gatehouse.MarketplaceNoticeKept.v1" }

func (LicenceNoticed) isFact()        {}
func (LicenceClaimed) isFact()        {}
func (LicenceReleased) isFact()       {}
func (LicenceAccessWanted) isFact()   {}
func (LicenceAccessEnding) isFact()   {}
func (LicenceEntitled) isFact()       {}
func (LicencePlanChanged) isFact()    {}
func (LicenceCorrected) isFact()      {}
func (LicenceAccessSet) isFact()      {}
func (MarketplaceNoticeKept) isFact() {}

func (f LicenceClaimed) AboutPlan() portal.PlanID      { return f.Plan }
func (f LicenceAccessWanted) AboutPlan() portal.PlanID { return f.Plan }
func (f LicenceAccessEnding) AboutPlan() portal.PlanID { return f.Plan }
func (f LicencePlanChanged) AboutPlan() portal.PlanID  { return f.Plan }

func (LicenceNoticed) MustUnderstand() bool      { return true }
func (LicenceClaimed) MustUnderstand() bool      { return true }
func (LicenceReleased) MustUnderstand() bool     { return true }
func (LicenceAccessWanted) MustUnderstand() bool { return true }
func (LicenceCorrected) MustUnderstand() bool    { return true }
func (LicenceAccessEnding) MustUnderstand() bool { return true }
func (LicenceAccessSet) MustUnderstand() bool    { return true }
func (LicenceEntitled) MustUnderstand() bool     { return true }
func (LicencePlanChanged) MustUnderstand() bool  { return true }
