package handlers

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// notices are how long before a key expires its owner is told.
var notices = []time.Duration{7 * 24 * time.Hour, 24 * time.Hour}

// keyEndRows are the due rows of keys that got an end, or another one: to end the key, and to tell
// its owner of an expiry before. Rows of an earlier end stay until they fall due; the job finds
// then that the end has moved.
func keyEndRows(stream portal.Stream, before, after state.Account, now time.Time) []journal.Row {
	var rows []journal.Row
	for id, key := range after.Keys {
		if key.Ends.IsZero() || key.Ends.Equal(before.Keys[id].Ends) || !key.Live() {
			continue
		}
		rows = append(rows, journal.PutDue(due.OfKeyEnd(stream, id, key.Ends)))
		for _, notice := range notices {
			if key.EndsFor == events.EndExpired && key.Ends.Add(-notice).After(now) {
				rows = append(rows, journal.PutDue(due.OfKeyEndSoon(stream, id, key.Ends, notice)))
			}
		}
	}
	return rows
}
