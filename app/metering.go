package app

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/usage"
)

// newMeter meters what buyers use to AWS Marketplace. Only for a licence that ends does it call API
// Gateway.
func newMeter(p Process, c clients, names Names, facts *journal.Journal, reader *accounts.Reader, views *projections.Views, collector *usage.Collector, sold *refusals) *metering.Meter {
	return &metering.Meter{
		Ledger: metering.NewLedger(c.dynamodb, names.Usage), Licences: views, Journal: facts, Accounts: reader, Counters: collector.Table,
		Seller: newSeller(p), Scratch: jobs.NewScratch(c.dynamodb, names.Records, p.now()), Now: p.now(), Sold: sold.sold,
		ReadKey: func(ctx context.Context, account portal.AccountID, pair portal.Pair, id portal.GatewayKeyID) error {
			_, _, err := collector.Final(ctx, gateway.Backlog, func() time.Time { return leaseOf(ctx) }, account, pair, id)
			return err
		},
	}
}

// sold tells how the portal meters the plans of the published catalog.
func (r *refusals) sold(ctx context.Context) (func(portal.PlanID) metering.Sold, error) {
	doc, err := r.document(ctx)
	if err != nil {
		return nil, portal.Postpone("the catalog cannot be read", err)
	}
	return func(id portal.PlanID) metering.Sold {
		plan, _, ok := doc.Plan(id)
		if !ok || plan.Listing == nil {
			return metering.Sold{}
		}
		sold := metering.Sold{Known: true}
		if plan.Listing.Meter == catalog.MeterPortal {
			sold.Dimension, sold.Idle = plan.Listing.MeterDimension, plan.Listing.MeterIdle
		}
		return sold
	}, nil
}
