package state

import (
	"slices"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Threshold is the highest part of a quota that a key has reached in the latest period of that
// length that a fact tells of.
type Threshold struct {
	Period      string
	PeriodStart string
	Percent     int
}

// Reached is the highest threshold that the key has reached in the period that began then, or 0.
// It is 100 for periods before one with a threshold: nothing more is recorded about them.
func (a Account) Reached(pair portal.Pair, period, start string) int {
	for _, t := range a.Thresholds[pair] {
		switch {
		case t.Period != period || t.PeriodStart < start:
		case t.PeriodStart == start:
			return t.Percent
		default:
			return 100
		}
	}
	return 0
}

func (a *Account) applyToThresholds(e events.Event) {
	switch f := e.Data.(type) {
	case events.QuotaThresholdReached:
		a.reach(f)
	case events.UsageCarried:
		// The key takes over what the other has used, so nothing is told again.
		for _, told := range a.Thresholds[portal.Pair{Key: f.From, Plan: f.Plan}] {
			a.tell(portal.Pair{Key: f.Key, Plan: f.Plan}, told)
		}
	}
}

func (a *Account) reach(f events.QuotaThresholdReached) {
	a.tell(portal.Pair{Key: f.Key, Plan: f.Plan}, Threshold{Period: f.Period, PeriodStart: f.PeriodStart, Percent: f.Percent})
}

func (a *Account) tell(pair portal.Pair, now Threshold) {
	if a.Reached(pair, now.Period, now.PeriodStart) >= now.Percent {
		return
	}
	// A clone shares the slice.
	others := slices.DeleteFunc(slices.Clone(a.Thresholds[pair]), func(t Threshold) bool { return t.Period == now.Period })
	a.Thresholds[pair] = append(others, now)
}
