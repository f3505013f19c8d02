package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type licensing interface {
	Licences(ctx context.Context, choice administration.LicenceChoice, after string, limit int) (administration.LicencePage, error)
	Licence(ctx context.Context, name string) (administration.LicenceDetail, error)
	Records(ctx context.Context, name, before string, limit int) (administration.RecordsPage, error)
	Reconcile(ctx context.Context, admin portal.AccountID) (administration.JobState, error)
	Resend(ctx context.Context, admin portal.AccountID, name string, dryRun bool) (records int, requests int64, err error)
	Correct(ctx context.Context, admin portal.AccountID, name string, names events.Purchase, dryRun bool) (administration.LicenceCorrection, error)
}

// AdminLicence is what a buyer has bought on AWS Marketplace, as admins see it.
type AdminLicence struct {
	ID         string     `json:"id" doc:"Names the licence in addresses: AWS's id l-…, or legacy:<product code>:<customer identifier> for an older listing."`
	Licence    string     `json:"licence" doc:"The licence's whole name, as commands take it, too."`
	State      string     `json:"state" enum:"unclaimed,waiting,failed,active,ending,ended" doc:"unclaimed: no account has claimed it; waiting: AWS has not confirmed the payment; failed: AWS could not take it; ending: AWS takes the last usage."`
	NotBegun   bool       `json:"not_begun" doc:"Whether an ended licence has never been active since the claim."`
	Cancelled  bool       `json:"cancelled" doc:"Whether the agreement of an active licence is over."`
	Since      *time.Time `json:"since" doc:"AWS's time of the notice that told the state."`
	Account    string     `json:"account,omitempty" doc:"The account that has claimed it."`
	Plan       string     `json:"plan,omitempty"`
	PlanName   string     `json:"plan_name,omitempty"`
	ClaimedAt  *time.Time `json:"claimed_at"`
	Operation  string     `json:"operation,omitempty" doc:"The operation of a claim that waits."`
	Product    string     `json:"product,omitempty" doc:"AWS's product code."`
	Buyer      string     `json:"buyer,omitempty" doc:"The buyer's AWS account."`
	Customer   string     `json:"customer,omitempty" doc:"The customer identifier of an older listing."`
	Agreement  string     `json:"agreement,omitempty"`
	FreeTrial  bool       `json:"free_trial"`
	Dimensions []string   `json:"dimensions,omitempty" doc:"The contract dimensions that the buyer has paid for."`
	Until      *time.Time `json:"until" doc:"When the entitlement ends unless it is renewed."`
	Billed     int64      `json:"billed" doc:"The requests that AWS bills."`
	Refused    int64      `json:"refused" doc:"The requests of records that AWS refused."`
	Lost       int64      `json:"lost" doc:"The requests of records that AWS answered for good and does not bill."`
	Problems   []string   `json:"problems" doc:"What needs you, in words."`
}

// AdminLicences is a page of licences.
type AdminLicences struct {
	SetUp      bool                `json:"set_up" doc:"Whether this portal is set up for AWS Marketplace."`
	Total      int                 `json:"total" doc:"How many licences fit."`
	Comparison AgreementComparison `json:"comparison" doc:"The last comparison of AWS Marketplace's agreements with the licences."`
	Items      []AdminLicence      `json:"items" doc:"Those that changed last first."`
	Next       *string             `json:"next" doc:"The next page, null if there is none."`
}

// AgreementComparison is what a comparison of agreements with licences found.
type AgreementComparison struct {
	EndedAt    *time.Time `json:"ended_at" doc:"Null without one in the last 90 days."`
	Agreements int        `json:"agreements"`
	Notices    int        `json:"notices" doc:"How many notices were sent for what the portal did not know."`
	Problem    string     `json:"problem,omitempty" doc:"Why the agreements could not be read."`
	Run        JobRun     `json:"run"`
}

// AdminLicenceDetail is all that admins see of a licence.
type AdminLicenceDetail struct {
	AdminLicence
	Says      string         `json:"says" doc:"What AWS and the account have said, in words."`
	NextStep  string         `json:"next_step,omitempty" doc:"What happens next, or who has to act."`
	ARN       string         `json:"arn,omitempty"`
	Offer     string         `json:"offer,omitempty"`
	Entitled  bool           `json:"entitled" doc:"Whether AWS has said since the claim what the buyer is entitled to."`
	Lapsed    bool           `json:"lapsed" doc:"Whether AWS said that this is nothing."`
	Access    bool           `json:"access"`
	AccessAt  *time.Time     `json:"access_at" doc:"When access last began or ended."`
	History   []LicenceFact  `json:"history" doc:"All facts about the licence, the oldest first."`
	Ledger    LicenceLedger  `json:"ledger"`
	RefusedOf []RefusedUsage `json:"refused_records" doc:"The records that AWS refused, the newest first."`
}

// LicenceFact is a fact about a licence.
type LicenceFact struct {
	At        time.Time `json:"at"`
	Type      string    `json:"type" doc:"The type of the fact. A notice of AWS Marketplace is a LicenceNoticed."`
	Text      string    `json:"text"`
	Operation string    `json:"operation,omitempty"`
}

// LicenceLedger is what was metered for a licence.
type LicenceLedger struct {
	ByGateway  bool           `json:"metered_by_api_gateway" doc:"Whether API Gateway meters the plan, and not the portal."`
	Region     string         `json:"region,omitempty" doc:"Where usage is metered."`
	Problem    string         `json:"problem,omitempty" doc:"Why usage is not metered now, or not all of it."`
	Collected  int64          `json:"collected" doc:"The requests that were counted with the licence's keys."`
	Metered    int64          `json:"metered" doc:"Those in records."`
	Accepted   int64          `json:"accepted" doc:"Those that AWS bills."`
	Difference int64          `json:"difference" doc:"Collected, and not billed or not yet."`
	Reasons    []LedgerReason `json:"reasons" doc:"They explain the whole difference."`
	ClosedAt   *time.Time     `json:"closed_at" doc:"When metering ended, because AWS takes no more usage of the licence."`
	OrderedAt  *time.Time     `json:"ordered_at" doc:"When an admin ordered that refused usage be sent again, if no worker has done it yet."`
	NextAt     *time.Time     `json:"next_at" doc:"When workers next begin to send usage to AWS."`
}

// LedgerReason is a part of a difference.
type LedgerReason struct {
	Cause    string `json:"cause"`
	Requests int64  `json:"requests"`
	Text     string `json:"text"`
}

// UsageRecord is the usage of a licence in one dimension and hour.
type UsageRecord struct {
	Hour      time.Time  `json:"hour"`
	Dimension string     `json:"dimension"`
	Requests  int64      `json:"requests"`
	Status    string     `json:"status" enum:"written,accepted,duplicate,not_subscribed,refused,too_late,returned" doc:"written: AWS has not answered; accepted: billed; returned: a later hour has it. No other record is billed."`
	Code      string     `json:"code,omitempty" doc:"AWS's code, if it refused the record."`
	ID        string     `json:"id,omitempty" doc:"AWS's id of an accepted record."`
	Tries     int        `json:"tries"`
	SentAt    *time.Time `json:"sent_at"`
	EndedAt   *time.Time `json:"ended_at"`
}

// RefusedUsage is a record that AWS refused.
type RefusedUsage struct {
	UsageRecord
	Remedy string `json:"remedy" enum:"send_again,next_record,too_old,ended,not_metered,perhaps_billed" doc:"What can be done. Only usage with send_again and next_record can still be billed."`
	Text   string `json:"text" doc:"The same in words."`
}

func showListedLicence(l administration.ListedLicence) AdminLicence {
	shown := AdminLicence{
		ID: marketplace.Address(l.Stream), Licence: string(l.Stream), State: l.State, NotBegun: l.NotBegun, Cancelled: l.Cancelled, Since: timeOrNull(l.Since),
		Account: string(l.Account), Plan: string(l.Plan), PlanName: l.Name, ClaimedAt: timeOrNull(l.ClaimedAt), Operation: string(l.Operation), Product: string(l.Product),
		Buyer: string(l.Buyer), Customer: l.Customer, Agreement: l.Agreement, FreeTrial: l.FreeTrial, Dimensions: l.Dimensions, Until: timeOrNull(l.Until),
		Billed: l.Billed, Refused: l.Refused, Lost: l.Lost, Problems: l.Problems,
	}
	if shown.Problems == nil {
		shown.Problems = []string{}
	}
	return shown
}

func (a *service) registerLicences(api huma.API) {
	huma.Register(api, adminReads("admin-list-licences", "/licences", "List what was bought on AWS Marketplace", "Filters count together."), a.listLicences)
	huma.Register(api, adminReads("admin-get-licence", "/licences/{licence}", "Get a licence", "With its history, and what was metered for it."), a.getLicence)
	huma.Register(api, adminReads("admin-list-usage-records", "/licences/{licence}/records", "List what was metered for a licence", "One record for each dimension and hour, the newest first."), a.listRecords)
	huma.Register(api, adminChanges("admin-reconcile-licences", http.MethodPost, "/licence-reconciliations", "Have a worker compare AWS Marketplace's agreements with the licences now",
		"If AWS knows something about a purchase that the portal does not, the worker sends a notice of it to the portal's queue, as if AWS had sent it. That can give or end access. If a comparison waits already, nothing more happens.", 0), a.reconcileLicences)
	huma.Register(api, adminChanges("admin-resend-usage", http.MethodPost, "/licences/{licence}/resend", "Bill usage that AWS refused",
		"A worker opens the refused records again that AWS still takes. They go to AWS in the next quarter of an hour, or with the next record. AWS bills each hour once. With dry_run nothing happens; the answer says what would.", 0), a.resendUsage)
	huma.Register(api, adminChanges("admin-correct-licence", http.MethodPost, "/licences/{licence}/correct", "Correct how AWS names a licence",
		"What is given replaces what the licence has. Metering uses the new names from the next record on. The claim and the access stay. A worker makes the correction. With dry_run nothing happens.", 0), a.correctLicence)
}

func (a *service) listLicences(ctx context.Context, in *struct {
	PageInput
	State     string `query:"state" maxLength:"20" doc:"Only those in this state."`
	Product   string `query:"product" maxLength:"200" doc:"Only those of this product code."`
	Account   string `query:"account" maxLength:"200" doc:"An account's id, the buyer's AWS account, or a customer identifier."`
	Unclaimed bool   `query:"unclaimed" doc:"Only those that have not ended and that no account has claimed."`
	Problems  bool   `query:"problems" doc:"Only those with problems."`
}) (*struct{ Body AdminLicences }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	if err := administration.CheckLicenceState(in.State); err != nil {
		return nil, problemOf(ctx, err)
	}
	choice := administration.LicenceChoice{State: in.State, Product: portal.ProductCode(in.Product), Account: in.Account, Unclaimed: in.Unclaimed, Problems: in.Problems}
	found, err := a.admin.Licences.Licences(ctx, choice, in.Cursor, in.Limit)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown := AdminLicences{SetUp: found.SetUp, Total: found.Total, Comparison: comparisonOf(found.Comparison), Items: list(found.Licences, showListedLicence).Items}
	shown.Next = in.next("/licences", found.Next, "state", in.State, "product", in.Product, "account", in.Account, "unclaimed", trueText(in.Unclaimed), "problems", trueText(in.Problems))
	return &struct{ Body AdminLicences }{shown}, nil
}

func trueText(set bool) string {
	if set {
		return "true"
	}
	return ""
}

func comparisonOf(c administration.Comparison) AgreementComparison {
	return AgreementComparison{EndedAt: timeOrNull(c.Ended), Agreements: c.Agreements, Notices: c.Notices, Problem: c.Problem, Run: jobRunOf(c.Job)}
}

// LicenceInput names a licence.
type LicenceInput struct {
	Licence string `path:"licence" maxLength:"450" doc:"A licence's id." example:"l-0123456789abcdef0123456789abcdef"`
}

func (a *service) getLicence(ctx context.Context, in *LicenceInput) (*struct{ Body AdminLicenceDetail }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	found, err := a.admin.Licences.Licence(ctx, in.Licence)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown := AdminLicenceDetail{
		AdminLicence: showListedLicence(found.ListedLicence), Says: found.Words.Said, NextStep: found.Words.Next, ARN: found.Purchase.ARN, Offer: found.Offer,
		Entitled: found.Entitled, Lapsed: found.Lapsed, Access: found.HasAccess, AccessAt: timeOrNull(found.AccessAt), History: []LicenceFact{},
		Ledger: ledgerOf(found.Meter), RefusedOf: []RefusedUsage{},
	}
	for _, fact := range found.Facts {
		shown.History = append(shown.History, LicenceFact{At: fact.Time, Type: events.Name(fact.Type()), Text: administration.Recount(fact, timeText), Operation: string(fact.Operation)})
	}
	for _, r := range found.Meter.Refused {
		shown.RefusedOf = append(shown.RefusedOf, RefusedUsage{UsageRecord: recordOf(r.Record), Remedy: string(r.Remedy), Text: administration.RemedyWords(r.Remedy)})
	}
	return &struct{ Body AdminLicenceDetail }{shown}, nil
}

func ledgerOf(m administration.LicenceMeter) LicenceLedger {
	b := m.Balance
	shown := LicenceLedger{
		ByGateway: m.ByGateway, Region: m.Region, Problem: m.Problem, Collected: b.Collected, Metered: b.Metered, Accepted: b.Accepted, Difference: b.Difference(),
		Reasons: []LedgerReason{}, ClosedAt: timeOrNull(m.Tally.Closed), OrderedAt: timeOrNull(m.Ordered), NextAt: timeOrNull(m.NextSending),
	}
	for _, r := range b.Reasons {
		shown.Reasons = append(shown.Reasons, LedgerReason{Cause: string(r.Cause), Requests: r.Quantity, Text: r.Words})
	}
	return shown
}

func recordOf(r metering.Record) UsageRecord {
	return UsageRecord{
		Hour: r.Hour(), Dimension: r.Dimension, Requests: r.Quantity, Status: string(r.Status), Code: r.Code, ID: r.ID, Tries: r.Tries,
		SentAt: timeOrNull(r.Sent), EndedAt: timeOrNull(r.Ended),
	}
}

func (a *service) listRecords(ctx context.Context, in *struct {
	PageInput
	LicenceInput
}) (*struct{ Body List[UsageRecord] }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	page, err := a.admin.Licences.Records(ctx, in.Licence, in.Cursor, in.Limit)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown := list(page.Records, recordOf)
	shown.Next = in.next("/licences/"+url.PathEscape(in.Licence)+"/records", page.Next)
	return &struct{ Body List[UsageRecord] }{shown}, nil
}

func (a *service) reconcileLicences(ctx context.Context, _ *struct{ Body *Empty }) (*struct{ Body JobRun }, error) {
	id, err := admin(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	state, err := a.admin.Licences.Reconcile(ctx, id.Account)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body JobRun }{jobRunOf(state)}, nil
}

// UsageResend says what is sent to AWS again, or would be.
type UsageResend struct {
	Records  int   `json:"records"`
	Requests int64 `json:"requests"`
}

func (a *service) resendUsage(ctx context.Context, in *struct {
	LicenceInput
	Body struct {
		DryRun bool `json:"dry_run,omitempty" doc:"Only say what would happen."`
	}
}) (*struct{ Body UsageResend }, error) {
	id, err := admin(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	records, requests, err := a.admin.Licences.Resend(ctx, id.Account, in.Licence, in.Body.DryRun)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body UsageResend }{UsageResend{records, requests}}, nil
}

// LicenceNames is how AWS names a licence. Empty members are not given.
type LicenceNames struct {
	ARN      string `json:"arn,omitempty" maxLength:"400"`
	Buyer    string `json:"buyer,omitempty" maxLength:"12" doc:"The AWS account of the buyer."`
	Product  string `json:"product,omitempty" maxLength:"200" doc:"The product code."`
	Customer string `json:"customer,omitempty" maxLength:"200" doc:"The customer identifier, for an older listing."`
}

func namesOf(p events.Purchase) LicenceNames {
	return LicenceNames{ARN: p.ARN, Buyer: string(p.Buyer), Product: string(p.Product), Customer: p.Customer}
}

// LicenceCorrection is a correction of names that a worker makes.
type LicenceCorrection struct {
	Changes bool         `json:"changes" doc:"False if the licence has these names already."`
	Before  LicenceNames `json:"before"`
	After   LicenceNames `json:"after"`
}

func (a *service) correctLicence(ctx context.Context, in *struct {
	LicenceInput
	Body struct {
		LicenceNames
		DryRun bool `json:"dry_run,omitempty" doc:"Only say what would happen."`
	}
}) (*struct{ Body LicenceCorrection }, error) {
	id, err := admin(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	names := events.Purchase{ARN: in.Body.ARN, Buyer: portal.AWSAccount(in.Body.Buyer), Product: portal.ProductCode(in.Body.Product), Customer: in.Body.Customer}
	c, err := a.admin.Licences.Correct(ctx, id.Account, in.Licence, names, in.Body.DryRun)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body LicenceCorrection }{LicenceCorrection{Changes: c.Changes(), Before: namesOf(c.Before), After: namesOf(c.After)}}, nil
}
