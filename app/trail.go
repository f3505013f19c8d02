package app

import (
	"context"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/adoptions"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/trail"
)

func newTrailIntake(c clients, names Names, facts *journal.Journal, tables projections.Tables, offered *refusals, sender messaging, measured measure, now func() time.Time) trail.Intake {
	owners := keyOwners{adopted: adoptions.NewStore(c.dynamodb, names.Records, now), holders: projections.NewHolders(c.dynamodb, tables), offered: offered}
	self := cached(func(ctx context.Context, _ string) (string, error) {
		me, err := c.caller(ctx)
		return me.principal, err
	})
	return trail.Intake{
		Self:   func(ctx context.Context) (string, error) { return self(ctx, "") },
		Region: c.config.Region, Owners: owners.of, Streams: facts, Sender: sender, Catalog: catalogChanged,
		Counted: measured.TrailEvent, Now: now,
		Named: func(name string) (portal.AccountID, bool) {
			account, _, ours := gateway.ParseKeyName(names.KeyNamePrefix(), name)
			return account, ours
		},
	}
}

// changesEvery is how long changes of the catalog are gathered, which is as far ahead as a demand may be.
const changesEvery = 15 * time.Second

// catalogChanged returns the demand for a run of the job catalog because of a change at that time. Changes that come
// together share a run, which begins after the last of them. While a run is under way, all demands make one more.
func catalogChanged(at time.Time) events.Event {
	begins := at.Truncate(changesEvery).Add(changesEvery)
	id := portal.DeriveID("catalog-changed", begins.UTC().Format(time.RFC3339Nano))
	return jobs.Demand(catalogJob, id, id, begins)
}

// keyOwners finds the owners of keys by API Gateway's ids, without a call of API Gateway.
type keyOwners struct {
	adopted *adoptions.Store
	holders *projections.Holders
	offered *refusals
}

// of finds keys that were adopted, and keys that are or were in one of those plans or in a plan of the catalog. The sweep
// finds what happens to a key that is in none.
func (o keyOwners) of(ctx context.Context, keys []portal.GatewayKeyID, plans []portal.PlanID) ([]portal.AccountID, error) {
	var found []portal.AccountID
	for _, key := range keys {
		owner, err := o.adopted.Owner(ctx, key)
		if err != nil {
			return nil, portal.Postpone("the records do not answer", err)
		}
		if owner != "" {
			found = append(found, owner)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	offered, err := o.offered.document(ctx)
	if err != nil {
		return nil, portal.Postpone("the catalog cannot be read", err)
	}
	for _, product := range offered.Products {
		for _, plan := range product.Plans {
			plans = append(plans, plan.ID)
		}
	}
	for _, key := range keys {
		held, err := o.holders.In(ctx, plans, key)
		if err != nil {
			return nil, portal.Postpone("the views do not answer", err)
		}
		if held.Account != "" && !slices.Contains(found, held.Account) {
			found = append(found, held.Account)
		}
	}
	return found, nil
}
