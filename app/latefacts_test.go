package app

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
)

func TestAFactThatIsNotShownAfterFiveMinutesIsNoted(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		age   time.Duration
		shown int64
		late  bool
	}{
		"a fact of now": {time.Second, 0, false},
		"a fact that is not shown for six minutes": {6 * time.Minute, 2, true},
		"a duplicate of a fact that was shown":     {6 * time.Minute, 3, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tables := journaltest.Start(t)
			now := noon
			late := &lateFacts{rows: records.New(tables.Client, tables.Records), now: func() time.Time { return now }, shown: func(context.Context, portal.Stream) (int64, error) { return c.shown, nil }}
			handled := 0
			handle := late.noting(func(context.Context, events.Event) error { handled++; return nil })
			fact := events.Event{Subject: "account/ann", Sequence: 3, Time: noon.Add(-c.age), Data: events.UserRegistered{}}
			for range 2 {
				if err := handle(t.Context(), fact); err != nil {
					t.Fatal(err)
				}
			}
			since, is, err := late.recent(t.Context())
			if err != nil || is != c.late || is && !since.Equal(fact.Time) || handled != 2 {
				t.Errorf("late is %v since %v (%v), and the fact was handled %d times", is, since, err, handled)
			}
			now = noon.Add(noteCounts)
			if _, is, err := late.recent(t.Context()); err != nil || is {
				t.Errorf("three minutes later it is %v (%v)", is, err)
			}
		})
	}
}
