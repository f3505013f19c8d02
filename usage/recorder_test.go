package usage

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestAThresholdIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, step := range []struct{ used, remaining int64 }{{499, 501}, {500, 500}, {799, 201}, {850, 150}, {899, 101}, {999, 1}, {1000, 0}, {1003, 0}} {
		w.gateway.count("free", "gw1", on(27), step.used, step.remaining)
		w.run()
		w.clock = w.clock.Add(15 * time.Minute)
	}
	want := []string{
		"free k month 2026-11-01 500 of 1000 50%", "free k month 2026-11-01 850 of 1000 80%",
		"free k month 2026-11-01 999 of 1000 90%", "free k month 2026-11-01 1000 of 1000 100%",
	}
	same2(t, "facts", want, w.told())
	same2(t, "published", want, w.published())
}

func TestOfSeveralThresholdsPassedAtOnceTheHighestIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gateway.count("free", "gw1", on(27), 950, 50)
	w.run()
	same2(t, "facts", []string{"free k month 2026-11-01 950 of 1000 90%"}, w.told())
}

func TestANewDayTellsNothingAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gateway.count("free", "gw1", on(27), 600, 400)
	w.run()
	w.clock = noon.Add(24 * time.Hour)
	w.gateway.count("free", "gw1", on(28), 10, 390)
	w.run()
	same2(t, "facts", []string{"free k month 2026-11-01 600 of 1000 50%"}, w.told())
	same2(t, "published", w.told(), w.published())
}

func TestPeriods(t *testing.T) {
	t.Parallel()
	at := time.Date(2028, 2, 29, 23, 59, 0, 0, time.UTC) // a Tuesday
	for _, c := range []struct {
		period      Period
		start, next string
	}{
		{Daily, "2028-02-29", "2028-03-01"}, {Weekly, "2028-02-27", "2028-03-05"}, {Monthly, "2028-02-01", "2028-03-01"}, {"", "2028-02-29", "2028-03-01"},
	} {
		if start, next := c.period.Start(at).Format(time.DateOnly), c.period.Next(at).Format(time.DateOnly); start != c.start || next != c.next {
			t.Errorf("%q: from %s to %s", c.period, start, next)
		}
	}
	sunday := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	if got := Weekly.Start(sunday); !got.Equal(sunday) {
		t.Errorf("the week of a Sunday begins on %s", got)
	}
	if got := Monthly.Next(time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)); !got.Equal(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("December is followed by %s", got)
	}
}

func TestEveryPeriodHasItsOwnThresholds(t *testing.T) {
	t.Parallel()
	for period, want := range map[string][]string{
		"DAY":   {"free k day 2026-11-27 600 of 1000 50%", "free k day 2026-11-28 600 of 1000 50%", "free k day 2026-11-29 600 of 1000 50%", "free k day 2026-12-01 600 of 1000 50%"},
		"WEEK":  {"free k week 2026-11-22 600 of 1000 50%", "free k week 2026-11-29 600 of 1000 50%"},
		"MONTH": {"free k month 2026-11-01 600 of 1000 50%", "free k month 2026-12-01 600 of 1000 50%"},
	} {
		t.Run(period, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.gateway.plans[0].Quota.Period = period
			for _, days := range []int{0, 1, 2, 4} {
				w.clock = noon.AddDate(0, 0, days)
				w.gateway.count("free", "gw1", day(w.clock), 600, 400)
				w.run()
			}
			same2(t, "facts", want, w.told())
		})
	}
}

func TestAnOffsetLessensTheFirstPeriod(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gateway.plans[0].Quota.Offset = 200
	w.gateway.count("free", "gw1", on(27), 400, 400)
	w.run()
	w.clock = noon.AddDate(0, 0, 10)
	w.gateway.count("free", "gw1", day(w.clock), 499, 501)
	w.run()
	same2(t, "facts", []string{"free k month 2026-11-01 400 of 800 50%"}, w.told())
}

func TestAnOldPeriodIsNotToldAfterwards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	w.gateway.count("free", "gw1", on(29), 1000, 0)
	w.gateway.count("free", "gw1", time.Date(2026, 12, 5, 0, 0, 0, 0, time.UTC), 0, 1000)
	w.clock = time.Date(2026, 12, 5, 12, 0, 0, 0, time.UTC)
	w.run()
	same2(t, "facts", []string{}, w.told())
}

func TestAGrantDoesNotTellThresholdsAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, step := range []struct{ used, remaining int64 }{{900, 100}, {900, 700}, {1100, 500}, {1400, 200}, {1600, 0}} {
		w.gateway.count("free", "gw1", on(27), step.used, step.remaining)
		w.run()
		w.clock = w.clock.Add(15 * time.Minute)
	}
	same2(t, "facts", []string{"free k month 2026-11-01 900 of 1000 90%", "free k month 2026-11-01 1000 of 1000 100%"}, w.told())
}

// racing appends a fact of another worker's before the first append of this one.
type racing struct {
	*journal.Journal
	first func()
}

func (r *racing) Append(ctx context.Context, stream portal.Stream, after int64, facts []events.Event, rows ...journal.Row) error {
	if first := r.first; first != nil {
		r.first = nil
		first()
	}
	return r.Journal.Append(ctx, stream, after, facts, rows...)
}

func TestTwoWorkersTellAThresholdOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gateway.count("free", "gw1", on(27), 500, 500)
	w.runBy(w.worker(&racing{w.journal, func() { w.runBy(w.worker(w.journal)) }}))
	same2(t, "facts", []string{"free k month 2026-11-01 500 of 1000 50%"}, w.told())
}

func TestAThresholdIsToldAlthoughOthersAppendMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gateway.count("free", "gw1", on(27), 500, 500)
	w.runBy(w.worker(&racing{w.journal, func() { w.append(ann, events.UserRegistered{}) }}))
	same2(t, "facts", []string{"free k month 2026-11-01 500 of 1000 50%"}, w.told())
}

func TestAFactThatWasNotPublishedIsPublishedByTheNextAttempt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gateway.count("free", "gw1", on(27), 500, 500)
	cursor, err := w.Step(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	w.sent.fails = errDown
	var postponed *portal.Postponed
	if _, err := w.Step(t.Context(), cursor); !errors.As(err, &postponed) {
		t.Fatalf("%v, want Postponed", err)
	}
	same2(t, "counters before the fact is published", []string{}, w.counters())
	if _, err := w.Step(t.Context(), cursor); err != nil {
		t.Fatal(err)
	}
	same2(t, "facts", []string{"free k month 2026-11-01 500 of 1000 50%"}, w.told())
	same2(t, "published", w.told(), w.published())
}

func TestAStreamForNewerWorkersIsLeftToThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append(ann, events.Unknown{Type: "gatehouse.FromTomorrow.v1", Data: []byte("{}"), Must: true})
	w.gateway.count("free", "gw1", on(27), 500, 500)
	w.run()
	same2(t, "facts", []string{}, w.told())
	same2(t, "counters", []string{"11-26 free k gw1 0, 0 of 1000 a MONTH left"}, w.counters())
}

// A worker that reads a page and stalls must not undo what another one wrote meanwhile.
func TestALateAnswerUndoesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gateway.count("free", "gw1", on(27), 10, 990)
	cursor, err := w.Step(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	other := w.worker(w.journal)
	w.gateway.meanwhile = func() {
		w.clock = w.clock.Add(time.Minute)
		w.gateway.count("free", "gw1", on(27), 30, 970)
		w.runBy(other)
	}
	if _, err := w.Step(t.Context(), cursor); err != nil {
		t.Fatal(err)
	}
	want := []string{"11-26 free k gw1 0, 0 of 1000 a MONTH left", "11-27 free k gw1 30, 970 of 1000 a MONTH left"}
	same2(t, "counters", want, w.counters())
	// Directly, past the comparison.
	limit, left := int64(1000), int64(999)
	stale := owned{ann, Counter{Plan: "free", Key: "k", GatewayKey: "gw1", Day: on(27), Used: 1, Limit: &limit, Remaining: &left, Period: Monthly, AsOf: noon}}
	if err := w.Table.write(t.Context(), []owned{stale}); err != nil {
		t.Fatal(err)
	}
	same2(t, "counters after a stale write", want, w.counters())
}

func TestTheLastCallsBeforeAKeyLeavesAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gateway.count("free", "gw1", on(27), 10, 990)
	w.run()
	w.clock = w.clock.Add(5 * time.Minute)
	w.gateway.count("free", "gw1", on(27), 820, 180)
	final := func() error {
		_, _, err := w.Final(t.Context(), gateway.Interactive, nil, ann, portal.Pair{Key: "k", Plan: "free"}, "gw1")
		return err
	}
	for range 2 {
		quota, known, err := w.Final(t.Context(), gateway.Interactive, nil, ann, portal.Pair{Key: "k", Plan: "free"}, "gw1")
		if err != nil || !known || quota.Used() != 820 || quota.Period != "MONTH" || !quota.Start.Equal(on(1)) {
			t.Fatalf("it has %+v, %v, %v", quota, known, err)
		}
	}
	want := []string{"11-26 free k gw1 0, 0 of 1000 a MONTH left", "11-27 free k gw1 820, 180 of 1000 a MONTH left"}
	same2(t, "counters", want, w.counters())
	same2(t, "facts", []string{"free k month 2026-11-01 820 of 1000 80%"}, w.told())

	// API Gateway forgets the counter with the key's place in the plan.
	w.holders["free"] = []projections.Holder{{Account: ann, Plan: "free", Key: "k", GatewayID: "gw1", Until: w.clock}}
	w.gateway.counts["free"]["gw1"] = counts{}
	w.clock = w.clock.Add(15 * time.Minute)
	w.run()
	same2(t, "counters afterwards", want, w.counters())

	w.gateway.fails["free"] = &gateway.Refused{Reason: gateway.PlanGone}
	if err := final(); err != nil {
		t.Errorf("of a plan that is gone: %v", err)
	}
	w.gateway.fails["free"] = &gateway.Unavailable{Err: errDown}
	if err := final(); !errors.Is(err, errDown) {
		t.Errorf("while API Gateway does not answer: %v", err)
	}
}

func TestAKeyThatLeavesBeforeItsPlanWasCollectedIsCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	delete(w.holders, "free")
	w.gateway.count("free", "gw1", on(27), 3, 997)
	if _, known, err := w.Final(t.Context(), gateway.Backlog, nil, ann, portal.Pair{Key: "k", Plan: "free"}, "gw1"); err != nil || known {
		t.Fatalf("its quota is known: %v, %v", known, err)
	}
	same2(t, "counters", []string{"11-27 free k gw1 3"}, w.counters())
}
