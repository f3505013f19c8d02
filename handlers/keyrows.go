package handlers

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

const (
	day = 24 * time.Hour
	// An owner who has just set an end is not told of it within justSet.
	justSet = time.Hour
)

// aheads are how long before its end, set now, a key's owner is told: a week and a day before an
// expiry, a day before the end of an overlap, or an hour if that is shorter than two days.
func aheads(key state.Key, now time.Time) []time.Duration {
	left := key.Ends.Sub(now)
	switch {
	case key.EndsFor == events.EndRotated && left > 2*day:
		return []time.Duration{day}
	case key.EndsFor == events.EndRotated && left > 2*time.Hour:
		return []time.Duration{time.Hour}
	case key.EndsFor == events.EndExpired && left > 7*day+justSet:
		return []time.Duration{7 * day, day}
	case key.EndsFor == events.EndExpired && left > day+justSet:
		return []time.Duration{day}
	}
	return nil
}

// keyEndRows are the due rows of keys that got another end: to end the key, and to tell its owner
// before. Rows of an earlier end stay until they fall due.
func keyEndRows(stream portal.Stream, before, after state.Account, now time.Time) []journal.Row {
	var rows []journal.Row
	for id, key := range after.Keys {
		if key.Ends.IsZero() || key.Ends.Equal(before.Keys[id].Ends) || !key.Live() {
			continue
		}
		rows = append(rows, journal.PutDue(due.OfKeyEnd(stream, id, key.Ends)))
		for _, ahead := range aheads(key, now) {
			rows = append(rows, journal.PutDue(due.OfKeyEndSoon(stream, id, key.Ends, ahead)))
		}
	}
	return rows
}
