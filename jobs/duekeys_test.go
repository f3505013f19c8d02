package jobs

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

func TestARowAboutAKeyAsksUntilTheFoldShowsThatItIsDone(t *testing.T) {
	t.Parallel()
	ends := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	stream, soon := portal.AccountStream("ann"), ends.Add(-24*time.Hour)
	end, notice, removal := due.OfKeyEnd(stream, "k1", ends), due.OfKeyEndSoon(stream, "k1", ends, 24*time.Hour), due.OfKeyRemoval(stream, "k1", 9, ends, time.Hour)
	endIt, tell, remove := events.KeyEndRequested{Key: "k1", Due: &ends}, events.KeyEndNoticeRequested{Key: "k1", Ends: ends, At: soon}, events.KeyReleaseRequested{Key: "k1", Ended: 9}
	for name, c := range map[string]struct {
		row  due.Row
		key  state.Key
		now  time.Time
		want events.Request
		done bool
	}{
		"a key at its end ends":                     {end, state.Key{Ends: ends}, ends, endIt, false},
		"a key whose end has moved stays":           {end, state.Key{Ends: ends.Add(time.Hour)}, ends, nil, true},
		"a key without an end stays":                {end, state.Key{}, ends, nil, true},
		"a key that is ending needs nothing":        {end, state.Key{Ends: ends, EndingAt: ends}, ends, nil, true},
		"the owner is told of an expiry":            {notice, state.Key{Ends: ends}, soon, tell, false},
		"an earlier notice does not count":          {notice, state.Key{Ends: ends, Noticed: soon.Add(-time.Hour)}, soon, tell, false},
		"the owner is told once":                    {notice, state.Key{Ends: ends, Noticed: soon}, soon, nil, true},
		"nobody is told of an end that has moved":   {notice, state.Key{Ends: ends.Add(time.Hour)}, soon, nil, true},
		"nobody is told of an expiry after it":      {notice, state.Key{Ends: ends}, ends, nil, true},
		"a key that has ended is removed":           {removal, state.Key{EndingAt: ends, EndedBy: 9}, ends, remove, false},
		"a key that is being removed is waited for": {removal, state.Key{EndingAt: ends, EndedBy: 9, Releasing: 10}, ends, nil, false},
		"a key that was removed needs nothing":      {removal, state.Key{EndingAt: ends, EndedBy: 9, Released: true}, ends, nil, true},
		"a row of an earlier end is dropped":        {removal, state.Key{EndingAt: ends, EndedBy: 11}, ends, nil, true},
	} {
		request, done := keyRequest(c.row, c.key, c.now)
		if done != c.done {
			t.Errorf("%s: done is %v", name, done)
		}
		if !c.done && !cmp.Equal(request, c.want) {
			t.Errorf("%s: it asks for %+v", name, request)
		}
	}
}

func TestRowsOfKeysFallDueAtTheirTime(t *testing.T) {
	t.Parallel()
	ends := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	stream := portal.AccountStream("ann")
	for row, want := range map[due.Row]time.Time{
		due.OfKeyEnd(stream, "k1", ends):                           ends,
		due.OfKeyEndSoon(stream, "k1", ends, 24*time.Hour):         ends.Add(-24 * time.Hour),
		due.OfKeyRemoval(stream, "k1", 9, ends, 30*time.Hour):      ends.Add(30 * time.Hour),
		due.OfKeyEnd(stream, "k1", ends).Next(ends):                ends.Add(time.Minute),
		due.OfKeyEnd(stream, "k1", ends).Next(ends.Add(time.Hour)): ends.Add(63 * time.Minute),
	} {
		if !row.At().Equal(want) {
			t.Errorf("a %s row falls due at %s, want %s", row.Kind, row.At(), want)
		}
	}
	if got := due.OfKeyEndSoon(stream, "k1", ends, 24*time.Hour).KeyEnds(); !got.Equal(ends) {
		t.Errorf("the key of a notice ends at %s", got)
	}
}
