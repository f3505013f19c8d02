package state

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Spent is what a key has used of a plan's quota in the latest period that a fact tells of. Facts
// tell when the key leaves the plan, is deleted, or passes its usage on to another key.
type Spent struct {
	// PeriodStart and Period are as in events.QuotaThresholdReached.
	PeriodStart string
	Period      string
	Used        int64
	// Passed is how much of it other keys have taken over.
	Passed int64
	// Final: the key had ended by then, so nothing is added.
	Final bool
}

// Left is what no other key has taken over.
func (s Spent) Left() int64 { return max(s.Used-s.Passed, 0) }

// Over reports whether the period has ended. Periods begin at midnight UTC.
func (s Spent) Over(now time.Time) bool {
	start, err := time.Parse(time.DateOnly, s.PeriodStart)
	if err != nil {
		return true
	}
	switch s.Period {
	case "DAY":
		start = start.AddDate(0, 0, 1)
	case "WEEK":
		start = start.AddDate(0, 0, 7)
	default:
		start = start.AddDate(0, 1, 0)
	}
	return !now.Before(start)
}

// SpentBy is what a key has spent.
type SpentBy struct {
	Key portal.KeyID
	Spent
}

// Unclaimed lists, by key, what other keys have used of the plan's quota in present periods, as
// far as facts say, and no key has taken over. Keys that should be in the plan do not count: they
// still have their usage.
func (a Account) Unclaimed(pair portal.Pair, now time.Time) []SpentBy {
	var all []SpentBy
	for of, spent := range a.Spent {
		if a.SubscriptionOf(of) == a.SubscriptionOf(pair) && of.Key != pair.Key && !a.Attachments[of].Desired() && spent.Left() > 0 && !spent.Over(now) {
			all = append(all, SpentBy{of.Key, spent})
		}
	}
	slices.SortFunc(all, func(x, y SpentBy) int { return cmp.Compare(x.Key, y.Key) })
	return all
}

// Untold lists, sorted, the other ended keys that API Gateway still has in the plan, and of whose
// usage since their end no fact tells.
func (a Account) Untold(pair portal.Pair, now time.Time) []Key {
	var keys []Key
	for _, id := range slices.Sorted(maps.Keys(a.Keys)) {
		key, spent := a.Keys[id], a.Spent[portal.Pair{Key: id, Plan: pair.Plan}]
		if id == pair.Key || a.SubscriptionOf(portal.Pair{Key: id, Plan: pair.Plan}) != a.SubscriptionOf(pair) || key.Live() || !key.Created() || !slices.Contains(a.MayHold(id), pair.Plan) {
			continue
		}
		if !spent.Final || spent.Over(now) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (a *Account) applyToSpent(e events.Event) {
	switch f := e.Data.(type) {
	case events.UsageCarried:
		if f.Period != "" {
			a.spend(e, portal.Pair{Key: f.From, Plan: f.Plan}, Spent{PeriodStart: f.PeriodStart, Period: f.Period, Used: f.Used, Passed: f.Passed})
		}
	case events.QuotaUsed:
		a.spend(e, portal.Pair{Key: f.Key, Plan: f.Plan}, Spent{PeriodStart: f.PeriodStart, Period: f.Period, Used: f.Used})
	}
}

// spend adds what another key took over just now, and drops the usage of periods that are over.
func (a *Account) spend(e events.Event, pair portal.Pair, now Spent) {
	was := a.Spent[pair]
	if was.Period == now.Period && was.PeriodStart > now.PeriodStart {
		return // a late fact about an earlier period
	}
	if was.Period == now.Period && was.PeriodStart == now.PeriodStart {
		now.Used, now.Passed, now.Final = max(was.Used, now.Used), was.Passed+now.Passed, was.Final
	}
	key, known := a.Keys[pair.Key]
	now.Final = now.Final || !known || !key.Live()
	a.Spent[pair] = now
	for other, spent := range a.Spent {
		_, known := a.Keys[other.Key]
		if spent.Over(e.Time) || !known && spent.Left() == 0 {
			delete(a.Spent, other)
		}
	}
}
