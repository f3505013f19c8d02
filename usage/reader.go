package usage

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

const collectedKept = time.Minute

// Reader reads usage for pages. It is safe for concurrent use.
type Reader struct {
	*Table

	mu    sync.Mutex
	plans map[portal.PlanID]remembered
}

type remembered struct {
	Collected
	read time.Time
}

// NewReader returns a Reader of the table.
func NewReader(table *Table) *Reader {
	return &Reader{Table: table, plans: map[portal.PlanID]remembered{}}
}

// Current reads an account's usage since the present week and month began, with one read of the
// table. It reads once a minute, for all accounts, when the plans were collected. If the table
// does not answer, the error has the code portal.Unavailable.
func (r *Reader) Current(ctx context.Context, account portal.AccountID, now time.Time) (Report, error) {
	q := Query{First: Monthly.Start(now), Last: day(now)}
	if week := Weekly.Start(now); week.Before(q.First) {
		q.First = week
	}
	counters, err := r.Between(ctx, account, q.First, q.Last)
	if err != nil {
		return Report{}, asUnavailable(err)
	}
	plans := make([]portal.PlanID, 0, len(counters))
	for _, c := range counters {
		plans = append(plans, c.Plan)
	}
	slices.Sort(plans)
	collected, err := r.collectedLately(ctx, now, slices.Compact(plans))
	if err != nil {
		return Report{}, asUnavailable(err)
	}
	return newReport(q, counters, collected), nil
}

func (r *Reader) collectedLately(ctx context.Context, now time.Time, plans []portal.PlanID) (map[portal.PlanID]Collected, error) {
	found := make(map[portal.PlanID]Collected, len(plans))
	unknown := r.remembered(now, plans, found)
	if len(unknown) == 0 {
		return found, nil
	}
	fresh, err := r.Collected(ctx, unknown...)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, plan := range unknown {
		found[plan] = fresh[plan]
		r.plans[plan] = remembered{fresh[plan], now}
	}
	return found, nil
}

// remembered adds to found and returns the plans that it does not remember.
func (r *Reader) remembered(now time.Time, plans []portal.PlanID, found map[portal.PlanID]Collected) (unknown []portal.PlanID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, plan := range plans {
		if known, ok := r.plans[plan]; ok && now.Sub(known.read).Abs() < collectedKept {
			found[plan] = known.Collected
		} else {
			unknown = append(unknown, plan)
		}
	}
	return unknown
}
