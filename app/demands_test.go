package app

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/jobs"
)

type drawer struct{ sent []events.Event }

func (d *drawer) Send(_ context.Context, messages ...events.Event) error {
	d.sent = append(d.sent, messages...)
	return nil
}

// paused is a job on real rows whose runs stop in the middle until they are let go on.
type paused struct {
	*jobs.Runner
	t    *testing.T
	runs *jobs.Runs
	now  time.Time
	// held is the error of each run's last step, except for the next ends of them.
	held error
	ends int
	// began are the times at which runs began.
	began []time.Time
}

var errHeld = errors.New("held")

func newPaused(t *testing.T) *paused {
	t.Helper()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	j := &paused{t: t, now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	j.runs = jobs.NewRuns(newClients(p.AWS).dynamodb, NamesFor(p.Config.Prefix).Records)
	j.Runner = jobs.NewRunner(j.runs, &drawer{}, func() time.Time { return j.now }, jobs.Job{
		Name: sweepJob, Every: time.Hour, Run: func(_ context.Context, cursor string) (string, error) {
			if cursor == "" {
				j.began = append(j.began, j.now)
				return "second", nil
			}
			if j.ends > 0 {
				j.ends--
				return "", nil
			}
			return "", j.held
		},
	})
	return j
}

func (j *paused) deliver(msg events.Event) {
	j.t.Helper()
	if err := j.Handle(j.t.Context(), msg); err != nil && !errors.Is(err, errHeld) {
		j.t.Fatal(err)
	}
}

func (j *paused) demand(id string) events.Event { return jobs.Demand(sweepJob, id, id, j.now) }

// over reports whether an operator who looks now learns that the run is over.
func (j *paused) over(wait *jobWait) bool {
	j.t.Helper()
	ctx, stop := context.WithTimeout(j.t.Context(), time.Second)
	defer stop()
	return wait.run(ctx, j.runs, func(jobs.Run) {}) == nil
}

func TestOfTwoWhoAskDuringARunBothLearnThatTheirRunIsOver(t *testing.T) {
	t.Parallel()
	j := newPaused(t)
	j.held = errHeld
	first := j.demand("first")
	j.deliver(first)
	j.deliver(j.demand("second"))
	j.deliver(j.demand("third"))
	j.held = nil
	j.deliver(first)
	for _, id := range []string{"second", "third"} {
		if !j.over(&jobWait{what: "sweep", job: sweepJob, demand: id, warn: func(string) {}, now: time.Now}) {
			t.Errorf("who asked with %s does not learn that the run is over", id)
		}
	}
	if len(j.began) != 2 {
		t.Errorf("%d runs began, want that of the first, and one for both others", len(j.began))
	}
}

func TestARunThatWasTakenOverIsNotTheOneThatWasAskedFor(t *testing.T) {
	t.Parallel()
	j := newPaused(t)
	j.held = errHeld
	j.deliver(j.demand("dead"))
	j.now = j.now.Add(10 * time.Minute)
	mine := j.demand("mine")
	j.deliver(mine) // takes the dead run over, whose first half is ten minutes old
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Second)
	defer stop()
	wait := &jobWait{what: "sweep", job: sweepJob, demand: "mine", warn: func(string) {}, now: time.Now}
	looks := 0
	err := wait.run(ctx, j.runs, func(jobs.Run) {
		if looks++; looks == 1 {
			j.ends = 1 // the run that was taken over; the worker stops in the middle of the one after it
			j.deliver(mine)
		}
	})
	if len(j.began) != 2 || !j.began[1].Equal(j.now) {
		t.Fatalf("runs began at %v, want the second after the demand", j.began)
	}
	if err == nil {
		t.Error("the operator is given the result of the run that began before the demand, while the other is under way")
	}
	j.held = nil
	j.deliver(mine)
	if !j.over(&jobWait{what: "sweep", job: sweepJob, demand: "mine", warn: func(string) {}, now: time.Now}) {
		t.Error("the operator does not learn that the run is over")
	}
}
