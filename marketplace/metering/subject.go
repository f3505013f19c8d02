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

// read reads the counters of the licence's keys since head.From. The head that it returns knows the
// accounts and keys.
func (m *Meter) read(ctx context.Context, of subject, head Head) ([]Reading, Head, error) {
	head = head.clone()
	if head.Version == 0 {
		head.Began, head.From = of.began, of.began
	}
	for _, account := range of.accounts {
		head.Accounts = with(head.Accounts, account)
	}
	keys, err := m.keys(ctx, of)
	if err != nil {
		return nil, head, err
	}
	for _, key := range keys {
		head.Keys = with(head.Keys, key.ID)
	}
	readings, err := m.between(ctx, head, head.From)
	return readings, head, err
}

// between reads the counters of the licence's keys from that day on.
func (m *Meter) between(ctx context.Context, head Head, first time.Time) (readings []Reading, err error) {
	for _, account := range head.Accounts {
		counters, err := m.Counters.Between(ctx, account, first, day(m.Now()).AddDate(0, 0, 1))
		if err != nil {
			return nil, err
		}
		for _, c := range counters {
			if slices.Contains(head.Keys, c.Key) {
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

// unsentOf are the unsent records of the licence.
func unsentOf(of subject) schema.Range {
	return schema.MeteringUnsentOf(of.licence.Purchase.Product, of.licence.Stream)
}
