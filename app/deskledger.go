package app

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/marketplace/reconcile"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/usage"
)

// MeteredLicence is what the ledger has about a licence. Records are the newest first.
type MeteredLicence struct {
	metering.Tally
	// ByGateway: API Gateway meters the licence's plan, and not the portal.
	ByGateway bool
	Records   []metering.Record
	// More means that there are older records.
	More bool
}

// Ledger is what was metered to AWS Marketplace.
type Ledger struct {
	// Region is where usage is metered, "" before the first record.
	Region string
	// Problem is why usage is not metered now, or not all of it, for operators; "" if it is.
	Problem  string
	Licences []MeteredLicence
}

// Ledger reads what was metered for a licence, or for all licences if name is "", with at most limit
// records of each. Licences for which nothing was metered are missing from the list of all. Another
// error than Unavailable says that there is no such licence.
func (d *Desk) Ledger(ctx context.Context, name string, limit int) (Ledger, error) {
	streams, plans, err := d.meteredStreams(ctx, name)
	if err != nil {
		return Ledger{}, err
	}
	sold, err := d.Catalog(ctx)
	if err != nil {
		return Ledger{}, err
	}
	rows := metering.NewLedger(d.dynamodb, d.names.Usage)
	var ledger Ledger
	if ledger.Region, err = rows.Region(ctx); err != nil {
		return ledger, InWords(err)
	}
	last, _, err := metering.Last(ctx, jobs.NewScratch(d.dynamodb, d.names.Records, d.now))
	if err != nil {
		return ledger, InWords(err)
	}
	ledger.Problem = last.Problem
	for i, stream := range streams {
		one, err := meteredLicence(ctx, rows, stream, limit)
		if err != nil {
			return ledger, InWords(err)
		}
		one.ByGateway = metersByGateway(sold, plans[i])
		if one.Version > 0 || name != "" {
			ledger.Licences = append(ledger.Licences, one)
		}
	}
	return ledger, nil
}

// meteredStreams returns licences and the plan of each, "" for one that nobody has claimed.
func (d *Desk) meteredStreams(ctx context.Context, name string) (streams []portal.Stream, plans []portal.PlanID, err error) {
	if name != "" {
		found, err := d.Licence(ctx, name)
		return []portal.Stream{found.Stream}, []portal.PlanID{found.Claim.Plan}, err
	}
	all, err := d.Licences(ctx)
	for _, l := range all {
		streams, plans = append(streams, l.Stream), append(plans, l.Plan)
	}
	return streams, plans, err
}

func metersByGateway(shown projections.Catalog, id portal.PlanID) bool {
	for _, product := range shown.Products {
		for _, plan := range product.Plans {
			if plan.ID == id && plan.Listing != nil {
				return plan.Listing.Meter == catalog.MeterGateway
			}
		}
	}
	return false
}

func meteredLicence(ctx context.Context, rows *metering.Ledger, stream portal.Stream, limit int) (one MeteredLicence, err error) {
	if one.Tally, err = rows.Tally(ctx, stream); err != nil || one.Version == 0 {
		return one, err
	}
	err = rows.Records(ctx, stream, func(r metering.Record) bool {
		if one.More = len(one.Records) == limit; one.More {
			return false
		}
		one.Records = append(one.Records, r)
		return true
	})
	return one, err
}

// NextMetering returns when, after now, workers next collect usage, and when they next begin to send it to
// AWS Marketplace.
func NextMetering(now time.Time) (collected, sent time.Time) {
	return now.UTC().Truncate(usage.Every).Add(usage.Every), metering.NextRecords(now)
}

// LicenceBalance is the balance of a licence.
type LicenceBalance struct {
	metering.Balance
	// ByGateway: API Gateway meters the licence's plan, and not the portal.
	ByGateway bool
}

// Balances compares, for each licence that was metered, what API Gateway counted with what AWS bills.
func (d *Desk) Balances(ctx context.Context) ([]LicenceBalance, error) {
	ledger, err := d.Ledger(ctx, "", 0)
	if err != nil {
		return nil, err
	}
	rows, table := metering.NewLedger(d.dynamodb, d.names.Usage), usage.NewTable(d.dynamodb, d.names.Usage)
	var all []LicenceBalance
	for _, l := range ledger.Licences {
		balance, err := rows.Balance(ctx, l.Licence, table, d.now())
		if err != nil {
			return nil, InWords(err)
		}
		all = append(all, LicenceBalance{balance, l.ByGateway})
	}
	return all, nil
}

// ReconcileMarketplace asks a worker to compare the agreements of AWS Marketplace with the licences, and
// returns what it found once it is done. ran is false if no worker of this portal ever did that, since
// GATEHOUSE_MARKETPLACE_ACCOUNTS is not set for them. It calls warn once if no worker seems to take
// the job within ten seconds.
func ReconcileMarketplace(ctx context.Context, p Process, warn func(text string)) (found reconcile.Result, ran bool, err error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	ran, err = RunJob(ctx, p, marketplaceJob, warn)
	if err != nil || !ran {
		return found, ran, err
	}
	found, _, err = reconcile.Last(ctx, jobs.NewScratch(c.dynamodb, names.Records, p.now()))
	return found, true, InWords(err)
}

// MeterNow asks a worker to collect usage and to meter it at once, and waits until it has. It is for
// the simulator: the record of the hour has only what was counted until now.
func MeterNow(ctx context.Context, p Process) error {
	for _, job := range []string{usageJob, meteringJob} {
		if ran, err := RunJob(ctx, p, job, func(string) {}); err != nil {
			return err
		} else if !ran {
			return errors.New("no worker of this portal has the job " + job)
		}
	}
	return nil
}

// RunJob asks a worker to run a job, and waits until it has. ran is false if no worker ever ran it.
func RunJob(ctx context.Context, p Process, job string, warn func(text string)) (ran bool, err error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	runs := jobs.NewRuns(c.dynamodb, names.Records)
	before, err := runs.Load(ctx, job)
	if err != nil || before.Version == 0 {
		return false, InWords(err)
	}
	id, err := demandRun(ctx, p, job)
	if err != nil {
		return true, err
	}
	waiting := jobWait{what: "job " + job, job: job, demand: id, warn: warn, now: p.now()}
	return true, waiting.run(ctx, runs, func(jobs.Run) {})
}
