package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/adoptions"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/catalog/folder"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/handlers"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/provisioning"
	"github.com/gatehouse-portal/gatehouse/state"
	"github.com/gatehouse-portal/gatehouse/usage"
)

// The jobs, by name.
const (
	dueJob     = "due"
	catalogJob = "catalog"
	sweepJob   = "sweep"
	rebuildJob = "rebuild"
	usageJob   = "usage"

	meteringJob     = "metering"
	lastUsageJob    = "lastusage"
	marketplaceJob  = "marketplace"
	deprecationsJob = "deprecations"
	lettersJob      = "letters"
	resendJob       = "resend"
	alarmsJob       = "alarms"
)

const catalogName = "api-gateway"

type catalogRequests struct {
	requests *catalog.Requests
	sender   messaging
	now      func() time.Time
}

func (c catalogRequests) Join(ctx context.Context, request events.Event) error {
	if err := c.requests.Add(ctx, request); err != nil {
		return err
	}
	demand := jobs.Demand(catalogJob, catalogDemand(request.ID), request.Correlation, c.now())
	return portal.Postpone("the queues do not answer", c.sender.Send(ctx, demand))
}

func catalogDemand(request string) string { return portal.DeriveID("catalog", request) }

// CatalogSync returns a request to read the catalog again. Equal times yield the same request.
func CatalogSync(at time.Time) events.Event {
	id := portal.DeriveID("catalog-sync", strconv.FormatInt(at.UnixNano(), 10))
	return events.Event{
		ID: id, Source: "/gatehouse/jobs", Subject: portal.CatalogStream, Time: at, Correlation: id,
		Data: events.CatalogSyncRequested{},
	}
}

// RequestCatalog asks the workers to read the catalog again. It returns once SQS has the
// request.
func RequestCatalog(ctx context.Context, p Process) error {
	sender := newMessaging(newClients(p.AWS), NamesFor(p.Config.Prefix))
	err := sender.Send(ctx, CatalogSync(p.now()()))
	if err != nil {
		err = fmt.Errorf("asking for the catalog to be read: %w", err)
	}
	return errors.Join(err, sender.close())
}

func newCatalogReader(c clients, names Names, cfg Config, plane *gateway.ControlPlane, facts *journal.Journal, execute *handlers.Decider, sender messaging, synced func(failed bool), now func() time.Time) (*catalog.Reader, error) {
	reader := &catalog.Reader{
		Source: func(ctx context.Context) catalog.Source {
			return plane.Session(gateway.Background, func() time.Time { return leaseOf(ctx) })
		},
		Scratch:   jobs.NewScratch(c.dynamodb, names.Records, now),
		Requests:  catalog.NewRequests(c.dynamodb, names.Records),
		Documents: catalog.NewStore(c.dynamodb, names.Records),
		Endpoint:  c.dataPlane(),
		OfferAll:  cfg.Offer == OfferAll,
		Normalize: openapi.Normalize,
		Published: func(ctx context.Context) (string, error) {
			history, err := facts.Read(ctx, portal.CatalogStream, 0)
			return state.FoldCatalog(history).Hash, err
		},
		Decide: func(ctx context.Context, request events.Event, outcome catalog.Result) error {
			err := execute.PublishCatalog(ctx, request, handlers.CatalogRead{
				Source: catalogName, Failed: outcome.Failed, Hash: outcome.Hash, Products: outcome.Products,
			})
			if err == nil {
				synced(outcome.Failed)
			}
			return err
		},
		PlansChanged: func(ctx context.Context, id string) error {
			return portal.Postpone("the queues do not answer", sender.Send(ctx, jobs.Demand(sweepJob, id, id, now())))
		},
		Now: now,
	}
	if cfg.Catalog == "" {
		return reader, nil
	}
	source, err := folder.Open(cfg.Catalog, c.s3)
	if err != nil {
		return nil, err
	}
	reader.Folder, reader.FolderName = source.Read, cfg.Catalog
	return reader, nil
}

func newSweep(c clients, names Names, plane *gateway.ControlPlane, facts *journal.Journal, reader *accounts.Reader, sender messaging, shown checkpoints, told tellings, now func() time.Time) *provisioning.Sweep {
	adoptedKeys := adoptions.NewStore(c.dynamodb, names.Records, now)
	return &provisioning.Sweep{
		Journal: facts, Accounts: reader, Sender: sender, Shown: shown, Told: told, Now: now, MessageLease: leaseOf,
		Scratch: jobs.NewScratch(c.dynamodb, names.Records, now),
		Listings: func(lease func() time.Time) provisioning.Listings {
			return plane.Session(gateway.Background, lease)
		},
		NamePrefix: names.KeyNamePrefix() + "/",
		Adopted: func(ctx context.Context) (map[portal.GatewayKeyID]provisioning.Owner, error) {
			adopted, err := adoptedKeys.Recent(ctx)
			owners := make(map[portal.GatewayKeyID]provisioning.Owner, len(adopted))
			for id, is := range adopted {
				owners[id] = provisioning.Owner(is)
			}
			return owners, err
		},
		ParseName: func(name string) (portal.AccountID, portal.KeyID, bool) {
			return gateway.ParseKeyName(names.KeyNamePrefix(), name)
		},
	}
}

func newCollector(c clients, names Names, plane *gateway.ControlPlane, facts *journal.Journal, reader *accounts.Reader, sender messaging, now func() time.Time) *usage.Collector {
	table := usage.NewTable(c.dynamodb, names.Usage)
	return &usage.Collector{
		Table: table, Now: now, MessageLease: leaseOf, Scratch: jobs.NewScratch(c.dynamodb, names.Records, now),
		Holders:  projections.NewHolders(c.dynamodb, projections.Tables{Views: names.Views, Records: names.Records}),
		Recorder: &usage.Recorder{Table: table, Journal: facts, Accounts: reader, Sender: sender, Now: now},
		Session: func(urgency gateway.Urgency, lease func() time.Time) usage.Source {
			return plane.Session(urgency, lease)
		},
	}
}

type tellings interface {
	Told(ctx context.Context, account portal.AccountID) (int64, error)
}

type checkpoints interface {
	Checkpoint(ctx context.Context, stream portal.Stream) (int64, error)
}

func newRebuild(c clients, names Names, facts *journal.Journal, projector *projections.Projector, now func() time.Time) *projections.Rebuild {
	return &projections.Rebuild{
		Projector: projector, Journal: facts, Rows: c.dynamodb, Now: now, Wait: wait,
		Scratch: jobs.NewScratch(c.dynamodb, names.Records, now),
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return portal.Postpone("the worker is stopping", ctx.Err())
	}
}

func demandRun(ctx context.Context, p Process, job string) (id string, err error) {
	sender := newMessaging(newClients(p.AWS), NamesFor(p.Config.Prefix))
	id = portal.DeriveID(job, strconv.FormatInt(p.now()().UnixNano(), 10))
	err = sender.Send(ctx, jobs.Demand(job, id, id, p.now()()))
	switch {
	case ctx.Err() != nil:
		return id, notCertain(job)
	case err != nil:
		return id, fmt.Errorf("asking for job %s: %w", job, err)
	}
	return id, sender.close()
}

// Sweep asks a worker for a sweep, and returns what it found. The repairs may not be done by
// then. Sweep calls warn once if no worker seems to take the job within ten seconds, and once if the job
// stands still for a minute. If ctx ends first, the error says what becomes of the sweep.
func Sweep(ctx context.Context, p Process, warn func(text string)) (provisioning.Found, error) {
	id, err := demandRun(ctx, p, sweepJob)
	if err != nil {
		return provisioning.Found{}, err
	}
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	sweep := jobWait{what: sweepJob, job: sweepJob, demand: id, warn: warn, now: p.now()}
	if err := sweep.run(ctx, jobs.NewRuns(c.dynamodb, names.Records), func(jobs.Run) {}); err != nil {
		return provisioning.Found{}, err
	}
	found, _, err := LastSweep(ctx, p)
	return found, err
}

// LastSweep returns the last sweep's result; ok is false if there was none.
func LastSweep(ctx context.Context, p Process) (found provisioning.Found, ok bool, err error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	return provisioning.LastSweep(ctx, jobs.NewScratch(c.dynamodb, names.Records, p.now()))
}
