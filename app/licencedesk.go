package app

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/marketplace"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/marketplace/reconcile"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/usage"
)

// licenceDesk shows admins the licences of AWS Marketplace, and has workers do what admins ask for. It reads what the
// commands for operators read, and changes neither the journal nor the ledger.
type licenceDesk struct {
	desk    *Desk
	ledger  *metering.Ledger
	orders  *administration.ResendOrders
	demands administration.Demands
	audit   *members.Store
	sender  messaging
	// setUp says that the portal's own settings name the seller, or where notices come from.
	setUp bool
}

func newLicenceDesk(p Process, c clients, names Names, views *projections.Views, store *members.Store, messages messaging, demands administration.Demands) *licenceDesk {
	desk := &Desk{clients: c, names: names, cfg: p.Config, views: views, facts: journal.New(c.dynamodb, names.Journal, names.Records), now: p.now()}
	return &licenceDesk{
		desk: desk, ledger: metering.NewLedger(c.dynamodb, names.Usage), orders: administration.NewResendOrders(c.dynamodb, names.Records, store, p.now()),
		demands: demands, audit: store, sender: messages,
		setUp: p.Config.MarketplaceRole != "" || len(p.Config.MarketplaceAccounts)+len(p.Config.MarketplaceTopics) > 0,
	}
}

// Licences returns a page of the chosen licences.
func (d *licenceDesk) Licences(ctx context.Context, choice administration.LicenceChoice, after string, limit int) (administration.LicencePage, error) {
	all, err := d.desk.views.Licences(ctx)
	if err != nil {
		return administration.LicencePage{}, administration.Unavailable(err)
	}
	streams := make([]portal.Stream, len(all))
	for i, l := range all {
		streams[i] = l.Stream
	}
	tallies, err := d.ledger.Tallies(ctx, streams...)
	if err != nil {
		return administration.LicencePage{}, administration.Unavailable(err)
	}
	page := administration.ChooseLicences(all, tallies, choice, after, limit)
	page.Comparison, err = d.comparison(ctx)
	page.SetUp = d.setUp || len(all) > 0 || page.Comparison.Job.Ran
	return page, err
}

func (d *licenceDesk) comparison(ctx context.Context) (administration.Comparison, error) {
	job, err := d.demands.State(ctx, marketplaceJob)
	if err != nil {
		return administration.Comparison{}, err
	}
	last, _, err := reconcile.Last(ctx, d.scratch())
	return administration.Comparison{Ended: last.Ended, Agreements: last.Agreements, Notices: last.Sent, Problem: last.Problem, Job: job}, administration.Unavailable(err)
}

func (d *licenceDesk) scratch() *jobs.Scratch {
	return jobs.NewScratch(d.desk.dynamodb, d.desk.names.Records, d.desk.now)
}

func (d *licenceDesk) found(ctx context.Context, name string) (FoundLicence, error) {
	if _, ok := marketplace.Parse(name); !ok {
		return FoundLicence{}, noLicence()
	}
	found, err := d.desk.Licence(ctx, name)
	if portal.CodeOf(err) == portal.NotFound {
		return found, noLicence()
	}
	return found, administration.Unavailable(err)
}

func noLicence() error { return portal.Fail(portal.NotFound, "There is no such licence.") }

// Licence returns all about a licence; NotFound if AWS has not told of it and nobody has claimed it.
func (d *licenceDesk) Licence(ctx context.Context, name string) (administration.LicenceDetail, error) {
	found, err := d.found(ctx, name)
	if err != nil {
		return administration.LicenceDetail{}, err
	}
	detail := administration.LicenceDetail{
		Words: administration.WordsOf(found.Licence), Purchase: found.Purchase, Offer: found.Offer, Entitled: found.Entitled, Lapsed: found.Lapsed,
		HasAccess: found.HasAccess, AccessAt: found.AccessAt, Facts: found.Facts,
	}
	if detail.Meter, err = d.meter(ctx, found); err != nil {
		return detail, administration.Unavailable(err)
	}
	detail.ListedLicence = administration.ListLicence(projections.ShowLicence(found.Licence), detail.Meter.Tally)
	return detail, nil
}

func (d *licenceDesk) meter(ctx context.Context, found FoundLicence) (m administration.LicenceMeter, err error) {
	sold, err := d.desk.views.Catalog(ctx)
	if err != nil {
		return m, err
	}
	m.ByGateway = metersByGateway(sold, found.Claim.Plan)
	m.NextCollection, m.NextSending = NextMetering(d.desk.now())
	if m.Region, err = d.ledger.Region(ctx); err != nil {
		return m, err
	}
	last, _, err := metering.Last(ctx, d.scratch())
	if err != nil {
		return m, err
	}
	m.Problem = last.Problem
	if m.Tally, err = d.ledger.Tally(ctx, found.Stream); err != nil || m.Tally.Version == 0 {
		return m, err
	}
	if m.Balance, err = d.ledger.Balance(ctx, found.Stream, usage.NewTable(d.desk.dynamodb, d.desk.names.Usage), d.desk.now()); err != nil {
		return m, err
	}
	if m.Refused, err = d.desk.meter().RefusedRecords(ctx, found.Stream); err != nil {
		return m, err
	}
	m.Ordered, err = d.ordered(ctx, found.Stream)
	return m, err
}

// mostOrders bounds the orders that are looked through for those of a licence.
const mostOrders = 100

func (d *licenceDesk) ordered(ctx context.Context, licence portal.Stream) (at time.Time, err error) {
	orders, err := d.orders.Waiting(ctx, mostOrders)
	for _, order := range orders {
		if order.Licence == licence {
			at = order.At
		}
	}
	return at, err
}

// Records returns a page of the records of a licence.
func (d *licenceDesk) Records(ctx context.Context, name, before string, limit int) (page administration.RecordsPage, err error) {
	found, err := d.found(ctx, name)
	if err != nil {
		return page, err
	}
	err = d.ledger.RecordsBefore(ctx, found.Stream, before, func(r metering.Record) bool {
		if len(page.Records) == limit {
			page.Next = page.Records[limit-1].Place()
			return false
		}
		page.Records = append(page.Records, r)
		return true
	})
	return page, administration.Unavailable(err)
}

// Reconcile has a worker compare the agreements of AWS Marketplace with the licences now. Conflict: no worker
// ever did.
func (d *licenceDesk) Reconcile(ctx context.Context, admin portal.AccountID) (administration.JobState, error) {
	state, err := d.demands.State(ctx, marketplaceJob)
	if err != nil {
		return state, err
	}
	if !state.Ran {
		return state, portal.Fail(portal.Conflict, "The workers do not compare agreements. The operator sets GATEHOUSE_MARKETPLACE_ACCOUNTS or GATEHOUSE_MARKETPLACE_TOPICS for them.")
	}
	if err := d.demands.Ask(ctx, marketplaceJob, members.AuditEntry{Admin: admin, What: members.AuditAgreementsRead}); err != nil {
		return state, err
	}
	return d.demands.State(ctx, marketplaceJob)
}

// Resend has a worker bill the refused usage of a licence again, as far as AWS still takes it, and returns how many
// records and requests that are. Conflict: nothing can be sent again. With dryRun it changes nothing.
func (d *licenceDesk) Resend(ctx context.Context, admin portal.AccountID, name string, dryRun bool) (records int, requests int64, err error) {
	found, err := d.found(ctx, name)
	if err != nil {
		return 0, 0, err
	}
	refused, err := d.desk.meter().RefusedRecords(ctx, found.Stream)
	if err != nil {
		return 0, 0, administration.Unavailable(err)
	}
	records, requests = administration.LicenceMeter{Refused: refused}.Resendable()
	switch {
	case records == 0:
		return 0, 0, portal.Fail(portal.Conflict, "No usage of this licence can be sent again.")
	case dryRun:
		return records, requests, nil
	}
	order, err := d.orders.Place(ctx, found.Stream, admin, records)
	if err != nil {
		return records, requests, administration.Unavailable(err)
	}
	id := portal.DeriveID(resendJob, order.ID)
	if err := d.sender.Send(ctx, jobs.Demand(resendJob, id, id, order.At)); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Str("order", order.ID).Msg("no worker can be told of an order to bill usage; the job finds it within five minutes")
	}
	return records, requests, nil
}

// Correct has a worker correct how AWS names a licence: what is set in names replaces what the licence has.
// Invalid and Conflict say what to change. With dryRun it changes nothing.
func (d *licenceDesk) Correct(ctx context.Context, admin portal.AccountID, name string, names events.Purchase, dryRun bool) (administration.LicenceCorrection, error) {
	found, err := d.found(ctx, name)
	if err != nil {
		return administration.LicenceCorrection{}, err
	}
	checked, err := d.desk.Correction(ctx, string(found.Stream), names)
	c := administration.LicenceCorrection(checked)
	if err != nil || dryRun || !c.Changes() {
		return c, administration.Unavailable(err)
	}
	at := d.desk.now()
	request := correctionOf(found.Stream, names, at, portal.AccountActor(admin))
	if err := d.audit.Record(ctx, members.AuditEntry{Admin: admin, What: members.AuditLicenceCorrected, Choice: string(found.Stream)}); err != nil {
		return c, administration.Unavailable(err)
	}
	return c, administration.Unavailable(d.sender.Send(ctx, request))
}
