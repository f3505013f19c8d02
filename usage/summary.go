package usage

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const (
	// TopAccounts is how many accounts a Summary names.
	TopAccounts = 25
	// summaryFresh is how old a summary may be before it is made again.
	summaryFresh = 15 * time.Minute
	summaryKept  = 24 * time.Hour
	// summaryPage is how many accounts are read at a time, summedAtOnce of them at the same time.
	summaryPage  = 100
	summedAtOnce = 16
)

// Summary is the usage of all accounts on some days. Its size does not grow with the number of accounts.
type Summary struct {
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	// Began is when the first account was read, Ended when the last was, zero before that.
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended,omitzero"`
	// Accounts were read; Active ones have calls.
	Accounts int   `json:"accounts"`
	Active   int   `json:"active"`
	Used     int64 `json:"used"`
	// Top are the accounts with the most calls, the most first.
	Top   []AccountSum              `json:"top"`
	Plans map[portal.PlanID]PlanSum `json:"plans"`
	// Days are the calls of each day as YYYY-MM-DD, without days of which nothing is known.
	Days map[string]int64 `json:"days"`
	// Cursor is where the list of accounts goes on, "" at the beginning and at the end.
	Cursor string `json:"cursor,omitempty"`
}

// AccountSum is what an account has used.
type AccountSum struct {
	Account portal.AccountID `json:"account"`
	Used    int64            `json:"used"`
}

// PlanSum is what the accounts with calls in a plan have used.
type PlanSum struct {
	Used     int64 `json:"used"`
	Accounts int   `json:"accounts"`
}

// Complete reports whether all accounts were read.
func (s Summary) Complete() bool { return !s.Ended.IsZero() }

// RankedPlan is a plan of a Summary.
type RankedPlan struct {
	Plan portal.PlanID
	PlanSum
}

// Ranked are the plans with calls, those with the most first.
func (s Summary) Ranked() (plans []RankedPlan) {
	for id, sum := range s.Plans {
		plans = append(plans, RankedPlan{id, sum})
	}
	slices.SortFunc(plans, func(a, b RankedPlan) int { return cmp.Or(cmp.Compare(b.Used, a.Used), cmp.Compare(a.Plan, b.Plan)) })
	return plans
}

// Series are the days as those of one key.
func (s Summary) Series() Series {
	var series Series
	for _, text := range slices.Sorted(maps.Keys(s.Days)) {
		if at, err := time.Parse(time.DateOnly, text); err == nil {
			series.Days = append(series.Days, Day{Day: at, Used: s.Days[text], AsOf: s.Ended})
		}
	}
	return series
}

type accountList interface {
	Accounts(ctx context.Context, cursor string, limit int32) (projections.AccountsPage, error)
}

type summaries interface {
	Put(ctx context.Context, set, name string, value any, keep time.Duration) error
	Get(ctx context.Context, set, name string, value any) (found bool, err error)
}

// Summaries make summaries, step by step, since reading all accounts takes longer than a request may. It
// keeps them in rows, so that any process goes on where another one stopped.
type Summaries struct {
	Table    *Table
	Accounts accountList
	Keep     summaries
	Now      func() time.Time
}

// Next returns the last complete summary of the days, nil if there is none, and the one in progress, nil if
// the complete one is at most 15 minutes old. It reads 100 accounts, and more while more returns true. Two
// calls at the same time read the same accounts, and one of them is lost; that only takes longer.
func (s *Summaries) Next(ctx context.Context, q Query, more func() bool) (last, progress *Summary, err error) {
	name := show(q.First) + "_" + show(q.Last)
	if last, err = s.load(ctx, name); err != nil {
		return nil, nil, err
	}
	now := s.Now()
	if last != nil && now.Sub(last.Ended).Abs() < summaryFresh {
		return last, nil, nil
	}
	part, err := s.load(ctx, name+"_part")
	if err != nil {
		return nil, nil, err
	}
	if part == nil || part.Complete() || now.Sub(part.Began).Abs() > summaryKept {
		part = &Summary{First: q.First, Last: q.Last, Began: now.UTC().Truncate(time.Second), Plans: map[portal.PlanID]PlanSum{}, Days: map[string]int64{}}
	}
	for {
		if err := s.page(ctx, part); err != nil {
			return nil, nil, asUnavailable(err)
		}
		if part.Complete() || !more() {
			break
		}
	}
	if err := s.keep(ctx, name+"_part", part); err != nil || !part.Complete() {
		return last, part, err
	}
	return part, nil, s.keep(ctx, name, part)
}

// load returns nil if there is no such summary, or it cannot be read, as when two processes wrote it at once.
func (s *Summaries) load(ctx context.Context, name string) (*Summary, error) {
	var found Summary
	ok, err := s.Keep.Get(ctx, schema.UsageSummaries(), name, &found)
	var postponed *portal.Postponed
	switch {
	case errors.As(err, &postponed):
		return nil, asUnavailable(err)
	case err != nil || !ok || found.Plans == nil || found.Days == nil:
		return nil, nil //nolint:nilerr // it is made again
	}
	return &found, nil
}

func (s *Summaries) keep(ctx context.Context, name string, summary *Summary) error {
	if err := s.Keep.Put(ctx, schema.UsageSummaries(), name, summary, summaryKept); err != nil {
		return asUnavailable(err)
	}
	return nil
}

// page adds the next accounts.
func (s *Summaries) page(ctx context.Context, to *Summary) error {
	page, err := s.Accounts.Accounts(ctx, to.Cursor, summaryPage)
	if err != nil {
		return err
	}
	counted := make([][]Counter, len(page.Accounts))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(summedAtOnce)
	for i, account := range page.Accounts {
		group.Go(portal.Guard(func() (err error) {
			counted[i], err = s.Table.Between(within, account.ID, to.First, to.Last)
			return err
		}))
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, account := range page.Accounts {
		to.add(account.ID, counted[i])
	}
	if to.Cursor = page.Next; page.Next == "" {
		to.Ended = s.Now().UTC().Truncate(time.Second)
	}
	return nil
}

func (s *Summary) add(account portal.AccountID, counters []Counter) {
	s.Accounts++
	used, plans := int64(0), map[portal.PlanID]int64{}
	for _, c := range counters {
		used += c.Used
		plans[c.Plan] += c.Used
		s.Days[show(c.Day)] += c.Used
	}
	if used == 0 {
		return
	}
	s.Active, s.Used = s.Active+1, s.Used+used
	for plan, n := range plans {
		if sum := s.Plans[plan]; n > 0 {
			s.Plans[plan] = PlanSum{sum.Used + n, sum.Accounts + 1}
		}
	}
	s.Top = append(s.Top, AccountSum{account, used})
	slices.SortFunc(s.Top, func(a, b AccountSum) int {
		return cmp.Or(cmp.Compare(b.Used, a.Used), cmp.Compare(a.Account, b.Account))
	})
	s.Top = s.Top[:min(len(s.Top), TopAccounts)]
}
