package metering

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
	"github.com/gatehouse-portal/gatehouse/usage"
)

// subject is a licence with what metering needs of its journal.
type subject struct {
	licence state.Licence
	// accounts have or had the licence, and plans were paid for by it.
	accounts []portal.AccountID
	plans    []portal.PlanID
	// began is when it was first claimed.
	began time.Time
	// arn is the licence as ResolveCustomer wrote it.
	arn string
}

// claimed reports whether any account ever had the licence.
func (s subject) claimed() bool { return len(s.accounts) > 0 }

func (m *Meter) subject(ctx context.Context, stream portal.Stream) (subject, error) {
	facts, err := m.Journal.Read(ctx, stream, 0)
	if err != nil {
		return subject{}, err
	}
	of := subject{licence: state.FoldLicence(stream, facts)}
	for _, fact := range facts {
		switch f := fact.Data.(type) {
		case events.LicenceClaimed:
			if !of.claimed() {
				of.began = day(fact.Time)
			}
			of.accounts, of.plans = with(of.accounts, f.Account), with(of.plans, f.Plan)
			of.arn = cmp.Or(f.Purchase.ARN, of.arn)
		case events.LicenceCorrected:
			of.arn = cmp.Or(f.Purchase.ARN, of.arn)
		case events.LicencePlanChanged:
			of.plans = with(of.plans, f.Plan)
		}
	}
	of.arn = cmp.Or(of.arn, of.licence.Purchase.ARN)
	return of, nil
}

// record has what every record of the licence has. Older listings are metered by customer, all others
// by licence; AWS would bill both.
func (s subject) record() Record {
	bought := s.licence.Purchase
	r := Record{Licence: s.licence.Stream, Product: bought.Product}
	if s.licence.Stream.Kind() == portal.KindLicence {
		r.ARN, r.Buyer = s.arn, bought.Buyer
	} else {
		r.Customer = bought.Customer
	}
	return r
}

// read reads what was metered for the licence, and the counters of its keys since Tally.From. before
// also has the accounts and keys that are new.
func (m *Meter) read(ctx context.Context, of subject) (before metered, readings []Reading, err error) {
	before.Tally, err = m.Ledger.Tally(ctx, of.licence.Stream)
	if err != nil {
		return before, nil, err
	}
	if before.Version == 0 {
		before.Began, before.From = of.began, of.began
	}
	for _, account := range of.accounts {
		before.Accounts = with(before.Accounts, account)
	}
	if before.keys, err = m.Ledger.takenKeys(ctx, before.Tally); err != nil {
		return before, nil, err
	}
	ring, err := m.keys(ctx, of)
	if err != nil {
		return before, nil, err
	}
	for _, key := range ring {
		name := keyName{key.account, key.ID}
		if _, known := before.keys.all[name]; !known {
			before.keys.all[name] = takenKey{Account: key.account, Key: key.ID}
		}
	}
	readings, err = readingsOf(ctx, m.Counters, before, before.From, m.Now())
	return before, readings, err
}

// readingsOf reads the counters of the licence's keys from that day on.
func readingsOf(ctx context.Context, counted interface {
	Between(ctx context.Context, account portal.AccountID, first, last time.Time) ([]usage.Counter, error)
}, of metered, first, now time.Time,
) (readings []Reading, err error) {
	for _, account := range of.Accounts {
		counters, err := counted.Between(ctx, account, first, day(now).AddDate(0, 0, 1))
		if err != nil {
			return nil, err
		}
		for _, c := range counters {
			if _, ok := of.keys.all[keyName{account, c.Key}]; ok {
				readings = append(readings, Reading{Account: account, Counter: c})
			}
		}
	}
	return readings, nil
}

// ringKey is a key of a licence's ring.
type ringKey struct {
	account portal.AccountID
	state.Key
}

// keys are the keys of the licence's ring that the folds know.
func (m *Meter) keys(ctx context.Context, of subject) (keys []ringKey, err error) {
	ring := portal.LicenceRing(of.licence.Stream)
	for _, account := range of.accounts {
		history, err := m.Accounts.Account(ctx, account)
		if err != nil {
			return nil, err
		}
		for _, key := range history.Account.Keys {
			if key.Ring == ring {
				keys = append(keys, ringKey{account, key})
			}
		}
	}
	return keys, nil
}

func with[T comparable](all []T, one T) []T {
	if slices.Contains(all, one) {
		return all
	}
	return append(slices.Clip(all), one)
}

// unansweredOf are the records of the licence that AWS has not answered.
func unansweredOf(of subject) schema.Range {
	return schema.MeteringUnansweredOf(of.licence.Purchase.Product, of.licence.Stream)
}
