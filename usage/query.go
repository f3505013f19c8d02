package usage

import (
	"cmp"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	// MaxDays is how many days a query may have.
	MaxDays     = 366
	defaultDays = 30
)

// Query is the days from First to Last, both inclusive, at midnight UTC. An empty Plan or Key is
// all of them.
type Query struct {
	First, Last time.Time
	Plan        portal.PlanID
	Key         portal.KeyID
}

// Days counts the days.
func (q Query) Days() int { return int((q.Last.Unix()-q.First.Unix())/(24*60*60)) + 1 }

// Before is the query for as many days right before.
func (q Query) Before() Query {
	n := q.Days()
	q.First, q.Last = q.First.AddDate(0, 0, -n), q.Last.AddDate(0, 0, -n)
	return q
}

// ParseDays reads the first and the last day as YYYY-MM-DD. Without a last day it is today, and
// without a first day there are 30. A day after today counts as today. The error is a portal.Error
// that says what to change.
func ParseDays(start, end string, now time.Time) (Query, error) {
	today := day(now)
	last, err := parseDay("last", end, today)
	if err != nil {
		return Query{}, err
	}
	first, err := parseDay("first", start, last.AddDate(0, 0, 1-defaultDays))
	q := Query{First: first, Last: last}
	switch {
	case err != nil:
		return Query{}, err
	case q.Last.Before(q.First):
		return Query{}, portal.Fail(portal.Invalid, fmt.Sprintf("The first day, %s, comes after the last, %s. Swap them.", show(q.First), show(q.Last)))
	case q.First.After(today):
		return Query{}, portal.Fail(portal.Invalid, fmt.Sprintf("The first day, %s, has not begun yet. Choose a day up to %s (UTC).", show(q.First), show(today)))
	case q.Days() > MaxDays:
		return Query{}, portal.Fail(portal.Invalid, fmt.Sprintf("%d days are too many: ask for at most %d at once.", q.Days(), MaxDays))
	}
	if q.Last.After(today) {
		q.Last = today
	}
	return q, nil
}

func parseDay(which, text string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return otherwise, nil
	}
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return at, portal.Fail(portal.Invalid, fmt.Sprintf("The %s day cannot be read. Write it as year, month and day, like 2026-11-27.", which))
	}
	return at, nil
}

func show(day time.Time) string { return day.Format(time.DateOnly) }

func (s Series) compare(other Series) int {
	return cmp.Or(cmp.Compare(s.Plan, other.Plan), cmp.Compare(s.Key, other.Key))
}
