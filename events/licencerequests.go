package events

import (
	"cmp"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Purchase is what AWS Marketplace's ResolveCustomer says about a buyer. Customer is the
// identifier for older listings, ARN the licence as AWS wrote it, Agreement the agreement's id;
// each may be "".
type Purchase struct {
	Product   portal.ProductCode `json:"product"`
	Buyer     portal.AWSAccount  `json:"buyer,omitempty"`
	Customer  string             `json:"customer,omitempty"`
	ARN       string             `json:"arn,omitempty"`
	Agreement string             `json:"agreement,omitempty"`
	FreeTrial bool               `json:"free_trial,omitempty"`
}

// Or returns what is set in the purchase, and the rest of other.
func (p Purchase) Or(other Purchase) Purchase {
	return Purchase{
		Product: cmp.Or(p.Product, other.Product), Buyer: cmp.Or(p.Buyer, other.Buyer), Customer: cmp.Or(p.Customer, other.Customer),
		ARN: cmp.Or(p.ARN, other.ARN), Agreement: cmp.Or(p.Agreement, other.Agreement), FreeTrial: p.FreeTrial || other.FreeTrial,
	}
}

// MarketplaceConfirmed asks that its actor's account have the plan for which its subject, the
// licence, pays. It carries what acceptance read about plan and purchase, so that deciding needs
// only the journal.
type MarketplaceConfirmed struct {
	Account  portal.AccountID `json:"account"`
	Plan     portal.PlanID    `json:"plan"`
	Name     string           `json:"name"`
	Stages   []portal.Stage   `json:"stages"`
	Purchase Purchase         `json:"purchase"`
}

// NoticeKind is what AWS Marketplace tells about a licence or an agreement.
type NoticeKind string

// The kinds. All are named as AWS does, those of the event bus without the rest of their
// detail-type, "Purchase Agreement Created". SNS also spells unsubscribe-success
// unsubscribe-complete.
const (
	NoticeSubscribed    NoticeKind = "subscribe-success"
	NoticeFailed        NoticeKind = "subscribe-fail"
	NoticeUnsubscribing NoticeKind = "unsubscribe-pending"
	NoticeUnsubscribed  NoticeKind = "unsubscribe-success"
	NoticeEntitlement   NoticeKind = "entitlement-updated"

	NoticeAgreementCreated NoticeKind = "agreement-created"
	NoticeAgreementAmended NoticeKind = "agreement-amended"
	NoticeAgreementEnded   NoticeKind = "agreement-ended"
	NoticeLicenceUpdated   NoticeKind = "license-updated"
	NoticeDeprovisioned    NoticeKind = "license-deprovisioned"

	// NoticeActive, NoticeCancelled and NoticeInactive are what a reconciliation read from the Agreement
	// API. A licence is cancelled while AWS has not taken it away, though no agreement grants it any more.
	NoticeActive    NoticeKind = "reconciled-active"
	NoticeCancelled NoticeKind = "reconciled-cancelled"
	NoticeInactive  NoticeKind = "reconciled-inactive"

	// NoticeTest is a test of an operator (`gatehouse marketplace doctor --send`). It is recorded and
	// changes nothing.
	NoticeTest NoticeKind = "test"
	// NoticeUnknown is a notice that this version cannot read.
	NoticeUnknown NoticeKind = "unknown"
)

// MarketplaceNotified passes on what AWS Marketplace said. Its subject is the licence, or
// portal.MarketplaceStream if the notice names none. Its id derives from Source.
type MarketplaceNotified struct {
	// Source is SNS's or EventBridge's id of the notice, the same for repeats. The job
	// marketplace writes agreement/<id>@<time>.
	Source string     `json:"source"`
	Kind   NoticeKind `json:"kind"`
	// At is the source's time, which orders notices.
	At       time.Time `json:"at"`
	Purchase Purchase  `json:"purchase"`
	Offer    string    `json:"offer,omitempty"`
	// Dimension is the buyer's contract dimension, "" for none or unknown.
	Dimension string     `json:"dimension,omitempty"`
	Until     *time.Time `json:"until,omitempty"`
	// Text is the notice as it came, cut to 4 KB, if it is a test or the kind is unknown.
	Text string `json:"text,omitempty"`
}

// LicenceAccessRequested says what an account should have because of a licence, as of the
// licence's fact with that sequence. Workers send it to the account; an older one than the
// account has recorded has no effect.
type LicenceAccessRequested struct {
	Licence   portal.Stream `json:"licence"`
	Sequence  int64         `json:"licence_sequence"`
	HasAccess bool          `json:"open"`
	// Claimed means that the fact is the claim, and that the account has no access yet.
	Claimed bool           `json:"claimed,omitempty"`
	Plan    portal.PlanID  `json:"plan"`
	Name    string         `json:"name"`
	Stages  []portal.Stage `json:"stages,omitempty"`
	// Renews is set with the claim, and when access begins for the first time, if the licence renews another one.
	Renews *Renews `json:"renews,omitempty"`
}

// EntitlementCheckRequested asks what the buyer of the licence is entitled to now. The worker that
// handles it asks AWS.
type EntitlementCheckRequested struct{}

// Renews names the licence that another one replaces, because the buyer has renewed the agreement.
type Renews struct {
	Licence portal.Stream `json:"licence"`
	// Ends is when the agreement of that licence ends, if it is known.
	Ends *time.Time `json:"ends,omitempty"`
}

// LicenceRenewalRequested says that the licence that is its subject replaces the one in Renews, which the
// account has claimed for the plan. The job marketplace sends it.
type LicenceRenewalRequested struct {
	Renews   Renews           `json:"renews"`
	Account  portal.AccountID `json:"account"`
	Plan     portal.PlanID    `json:"plan"`
	Name     string           `json:"name"`
	Stages   []portal.Stage   `json:"stages"`
	Purchase Purchase         `json:"purchase"`
}

// LicenceCorrectionRequested asks that the licence be metered as AWS names it: with this ARN, product, buyer
// or customer. A name that is "" stays as it is. An operator asks for it.
type LicenceCorrectionRequested struct {
	Purchase Purchase `json:"purchase"`
}

// LicenceReleaseRequested: the account gives up its claim to the licence, because it is being
// deleted. Workers send it to the licence.
type LicenceReleaseRequested struct {
	Account portal.AccountID `json:"account"`
}

func (MarketplaceConfirmed) EventType() string    { return "gatehouse.MarketplaceConfirmed.v1" }
func (MarketplaceNotified) EventType() string     { return "gatehouse.MarketplaceNotified.v1" }
func (LicenceAccessRequested) EventType() string  { return "gatehouse.LicenceAccessRequested.v1" }
func (LicenceReleaseRequested) EventType() string { return "gatehouse.LicenceReleaseRequested.v1" }
func (EntitlementCheckRequested) EventType() string {
	return "gatehouse.EntitlementCheckRequested.v1"
}
func (LicenceRenewalRequested) EventType() string { return "gatehouse.LicenceRenewalRequested.v1" }
func (LicenceCorrectionRequested) EventType() string {
	return "gatehouse.LicenceCorrectionRequested.v1"
}

func (MarketplaceConfirmed) Scopes() []portal.Scope       { return []portal.Scope{portal.ClaimScope} }
func (MarketplaceNotified) Scopes() []portal.Scope        { return nil }
func (LicenceAccessRequested) Scopes() []portal.Scope     { return nil }
func (LicenceReleaseRequested) Scopes() []portal.Scope    { return nil }
func (EntitlementCheckRequested) Scopes() []portal.Scope  { return nil }
func (LicenceRenewalRequested) Scopes() []portal.Scope    { return nil }
func (LicenceCorrectionRequested) Scopes() []portal.Scope { return nil }
