// Package metering tells AWS Marketplace how much the buyers of listings have used, for listings that
// API Gateway does not meter itself. A ledger in the usage table records what was metered. It is
// primary data: no rebuild brings it back.
//
//	counters of the licence's keys ──▶ tally, keys and record, in one transaction ──▶ BatchMeterUsage ──▶ outcome
//
// The usage of a licence is what its counters have now, minus what was metered before. A record is
// written before it is sent, and is sent again as it was written until AWS has answered. So an hour is
// billed once, and a lost answer or a crash loses nothing.
package metering

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/usage"
)

type facts interface {
	Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error)
}

type accountReader interface {
	Account(ctx context.Context, id portal.AccountID) (accounts.History, error)
}

type counters interface {
	Between(ctx context.Context, account portal.AccountID, first, last time.Time) ([]usage.Counter, error)
	Collected(ctx context.Context, plans ...portal.PlanID) (map[portal.PlanID]usage.Collected, error)
}

type licences interface {
	LicencesOf(ctx context.Context, shard int) ([]projections.Licence, error)
}

type marketplace interface {
	Meter(ctx context.Context, product portal.ProductCode, records []seller.Record) ([]seller.Metered, error)
	Region() string
}

type scratch interface {
	Put(ctx context.Context, set, name string, value any, keep time.Duration) error
	Get(ctx context.Context, set, name string, value any) (found bool, err error)
}

// Meter meters the usage of licences. It is safe for concurrent use.
type Meter struct {
	Ledger   *Ledger
	Licences licences
	Journal  facts
	Accounts accountReader
	Counters counters
	Seller   marketplace
	Scratch  scratch
	// Sold reads how the catalog sells the plans.
	Sold func(ctx context.Context) (func(portal.PlanID) Sold, error)
	// ReadKey reads the counters of a key in a plan from API Gateway again.
	ReadKey func(ctx context.Context, account portal.AccountID, pair portal.Pair, id portal.GatewayKeyID) error
	Now     func() time.Time
	// Oldest gets the time of the oldest record whose outcome is open, among those that a step sends. It
	// may be nil.
	Oldest func(time.Time)
}

// errElsewhere: the ledger was written for another Region. Nothing may be metered here.
var errElsewhere = errors.New("usage is metered in another Region")

// checkRegion returns errElsewhere if usage was metered in another Region before. Region is the one
// that the ledger records.
func (m *Meter) checkRegion(ctx context.Context) (region string, err error) {
	region, err = m.Ledger.Region(ctx)
	if err == nil && region != "" && region != m.Seller.Region() {
		err = errElsewhere
	}
	return region, err
}

// write takes a licence's usage since it was last taken, and writes records of it. With idle, the hour gets a record
// even without usage, if the listing wants that. If the hour has its records already, the usage stays for the next
// hour.
func (m *Meter) write(ctx context.Context, of subject, idle bool) (written int, err error) {
	sold, err := m.Sold(ctx)
	if err != nil {
		return 0, err
	}
	for range maxRaces {
		before, readings, err := m.read(ctx, of)
		if err != nil {
			return 0, err
		}
		collected, err := m.collected(ctx, of, readings)
		if err != nil {
			return 0, err
		}
		written, err = m.writeAll(ctx, take{
			now: m.Now(), readings: readings, sold: sold, like: of.record(), plan: of.licence.Claim.Plan,
			active: of.licence.Active(), idle: idle, collected: collected,
		}, before)
		if !errors.Is(err, errRace) {
			return written, err
		}
	}
	return 0, &portal.Postponed{After: time.Second, Reason: fmt.Sprintf("others meter %s", of.licence.Stream)}
}

// writeAll writes what the counters have, in as many transactions as it needs. The last one has the records.
func (m *Meter) writeAll(ctx context.Context, t take, before metered) (written int, err error) {
	for {
		part := t.apply(before)
		if !part.changed {
			return 0, nil
		}
		if len(part.records) > 0 {
			region, err := m.Ledger.keepRegion(ctx, m.Seller.Region())
			if err != nil {
				return 0, err
			}
			if region != m.Seller.Region() {
				return 0, errElsewhere
			}
		}
		if err := m.Ledger.write(ctx, before.Tally, part.after, part.records); err != nil || !part.more {
			return len(part.records), err
		}
		before = part.after.written()
	}
}

// collected tells when the licence's plans were last collected; a plan that never was has the zero
// time.
func (m *Meter) collected(ctx context.Context, of subject, readings []Reading) (map[portal.PlanID]time.Time, error) {
	plans := of.plans
	for _, r := range readings {
		plans = with(plans, r.Plan)
	}
	found, err := m.Counters.Collected(ctx, plans...)
	if err != nil {
		return nil, err
	}
	collected := make(map[portal.PlanID]time.Time, len(plans))
	for _, plan := range plans {
		collected[plan] = found[plan].AsOf
	}
	return collected, nil
}
