package usage

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Report is an account's usage.
type Report struct {
	Query
	// AsOf is when API Gateway was last asked about all plans in the report, or zero.
	AsOf time.Time
	// Series are ordered by plan and key.
	Series []Series
}

// Series is the usage of one key in one plan.
type Series struct {
	Plan portal.PlanID
	Key  portal.KeyID
	// Days are in order, without those that were never collected.
	Days []Day
}

// Day is one day of a Series.
type Day struct {
	Day  time.Time
	Used int64
	// Limit and Remaining are the quota and what it had left after the day. Without a quota both
	// are nil, and Period is "".
	Limit, Remaining *int64
	Period           Period
	AsOf             time.Time
}

// Used is the sum of the days.
func (s Series) Used() int64 {
	sum := int64(0)
	for _, d := range s.Days {
		sum += d.Used
	}
	return sum
}

// Report reads an account's usage, with two reads of the table. If the table does not answer, the
// error has the code portal.Unavailable.
func (t *Table) Report(ctx context.Context, account portal.AccountID, q Query) (Report, error) {
	return t.ReportOf(ctx, account, q, nil)
}

// ReportOf is Report for the keys with those ids in API Gateway; nil means all.
func (t *Table) ReportOf(ctx context.Context, account portal.AccountID, q Query, keys []portal.GatewayKeyID) (Report, error) {
	counters, err := t.Between(ctx, account, q.First, q.Last)
	if err != nil {
		return Report{}, asUnavailable(err)
	}
	counters = slices.DeleteFunc(counters, func(c Counter) bool {
		return q.Plan != "" && c.Plan != q.Plan || q.Key != "" && c.Key != q.Key || keys != nil && !slices.Contains(keys, c.GatewayKey)
	})
	plans := map[portal.PlanID]bool{}
	for _, c := range counters {
		plans[c.Plan] = true
	}
	collected, err := t.Collected(ctx, slices.Sorted(maps.Keys(plans))...)
	if err != nil {
		return Report{}, asUnavailable(err)
	}
	return newReport(q, counters, collected), nil
}

func newReport(q Query, counters []Counter, collected map[portal.PlanID]Collected) Report {
	report := Report{Query: q}
	series := map[portal.Pair][]Day{}
	for _, c := range counters {
		pair := portal.Pair{Key: c.Key, Plan: c.Plan}
		days := series[pair]
		now := dayOf(c, collected[c.Plan].AsOf)
		if n := len(days); n > 0 && days[n-1].Day.Equal(c.Day) {
			days[n-1] = days[n-1].and(now)
		} else {
			days = append(days, now)
		}
		series[pair] = days
	}
	for pair, days := range series {
		report.Series = append(report.Series, Series{Plan: pair.Plan, Key: pair.Key, Days: days})
		if at := collected[pair.Plan].AsOf; len(report.Series) == 1 || at.Before(report.AsOf) {
			report.AsOf = at
		}
	}
	slices.SortFunc(report.Series, Series.compare)
	return report
}

// dayOf: each collection reads the days of its begin and the day before, and writes only what has
// changed.
func dayOf(c Counter, collected time.Time) Day {
	d := Day{Day: c.Day, Used: c.Used, Limit: c.Limit, Remaining: c.Remaining, Period: c.Period, AsOf: c.AsOf}
	if read := day(collected).AddDate(0, 0, -1); collected.After(d.AsOf) {
		if d.AsOf = collected; c.Day.Before(read) {
			// Its last reading is not known, but it was read when it was over.
			d.AsOf = later(c.AsOf, c.Day.AddDate(0, 0, 1))
		}
	}
	return d
}

// and adds the usage of the same key under another id in API Gateway, where each id has a quota
// of its own. Remaining is that of the id counted last.
func (d Day) and(other Day) Day {
	used := d.Used + other.Used
	if other.AsOf.After(d.AsOf) || other.AsOf.Equal(d.AsOf) && other.Used > 0 {
		d = other
	}
	d.Used = used
	return d
}

func asUnavailable(err error) error {
	return &portal.Error{Code: portal.Unavailable, Message: "The portal cannot read its data right now. Try again in a moment.", Err: err}
}

// Standing is how much of its quota a key has used in the present period.
type Standing struct {
	// Start and Next begin the period and the one after.
	Period      Period
	Start, Next time.Time
	Limit       int64
	Used        int64
	Remaining   int64
	AsOf        time.Time
	// OutOn is the day on which the quota will be used up at the pace of the period so far, zero
	// if it lasts; if nothing is left, that day or an earlier one.
	OutOn time.Time
}

// Percent is how much of the quota is used, at most 100.
func (s Standing) Percent() int { return int(min(s.Used*100/s.Limit, 100)) }

// Standing is that of the series now; ok is false without a quota, or if nothing was collected in
// the present period.
func (s Series) Standing(now time.Time) (standing Standing, ok bool) {
	if len(s.Days) == 0 {
		return Standing{}, false
	}
	last := s.Days[len(s.Days)-1]
	if last.Limit == nil || last.Remaining == nil || *last.Limit <= 0 || day(now).Before(last.Day) || !last.Period.Start(now).Equal(last.Period.Start(last.Day)) {
		return Standing{}, false
	}
	standing = Standing{
		Period: last.Period, Start: last.Period.Start(now), Next: last.Period.Next(now),
		Limit: *last.Limit, Remaining: *last.Remaining, Used: max(*last.Limit-*last.Remaining, 0), AsOf: last.AsOf,
	}
	standing.OutOn = s.out(standing, last)
	return standing, true
}

// out forecasts with the mean of the period's days since the first that is known. Less than half
// a day says too little.
func (s Series) out(now Standing, last Day) time.Time {
	if now.Remaining <= 0 {
		return last.Day
	}
	used, first := int64(0), last.Day
	for _, d := range s.Days {
		if !d.Day.Before(now.Start) {
			used += d.Used
			if d.Day.Before(first) {
				first = d.Day
			}
		}
	}
	passed := last.AsOf.Sub(first)
	if used == 0 || passed < 12*time.Hour {
		return time.Time{}
	}
	left := time.Duration(float64(passed) / float64(used) * float64(now.Remaining))
	if left < 0 || !last.AsOf.Add(left).Before(now.Next) {
		return time.Time{}
	}
	return day(last.AsOf.Add(left))
}

// Between is the part of the report that the query is about, without series that have no days.
func (r Report) Between(q Query) Report {
	part := Report{Query: q, AsOf: r.AsOf}
	for _, s := range r.Series {
		days := slices.DeleteFunc(slices.Clone(s.Days), func(d Day) bool { return d.Day.Before(q.First) || d.Day.After(q.Last) })
		if len(days) > 0 {
			part.Series = append(part.Series, Series{Plan: s.Plan, Key: s.Key, Days: days})
		}
	}
	return part
}

// Used is the sum of all series.
func (r Report) Used() int64 {
	sum := int64(0)
	for _, s := range r.Series {
		sum += s.Used()
	}
	return sum
}

// Of is the series of a plan and key, or an empty one.
func (r Report) Of(plan portal.PlanID, key portal.KeyID) Series {
	for _, s := range r.Series {
		if s.Plan == plan && s.Key == key {
			return s
		}
	}
	return Series{Plan: plan, Key: key}
}
