package jobs

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const fiveMinutes = 5 * time.Minute

// runnerRig is a runner with one job of so many steps, on real rows, and a clock of its own.
type runnerRig struct {
	*Runner
	t   *testing.T
	box *outbox
	now time.Time
	// steps are what the job did: the cursors it was given. A step takes so long, and
	// fails with the next of fails.
	steps  []string
	takes  time.Duration
	fails  []error
	during func()
}

// newOffice has a job that goes on from "" to "a", "ab", … until its cursor is whole.
func newOffice(t *testing.T, whole string) *runnerRig {
	t.Helper()
	o := &runnerRig{t: t, box: &outbox{}, now: opened}
	tables := journaltest.Start(t)
	o.Runner = NewRunner(NewRuns(tables.Client, tables.Records), o.box, func() time.Time { return o.now }, Job{
		Name: "read", Every: fiveMinutes, Run: func(_ context.Context, cursor string) (string, error) {
			if len(o.fails) > 0 {
				err := o.fails[0]
				if o.fails = o.fails[1:]; err != nil {
					return "", err
				}
			}
			o.steps = append(o.steps, cursor)
			o.now = o.now.Add(o.takes)
			if o.during != nil {
				o.during()
			}
			if len(cursor)+1 >= len(whole) {
				return "", nil
			}
			return whole[:len(cursor)+1], nil
		},
	})
	return o
}

func (o *runnerRig) tick(id string) events.Event {
	return events.Event{
		ID: id, Source: "/test", Subject: Stream("read"), Time: o.now, Correlation: "corr",
		Data: events.JobRequested{Job: "read"},
	}
}

func (o *runnerRig) deliver(msg events.Event) error { return o.Handle(o.t.Context(), msg) }

// handled delivers messages that must succeed, and then what they send, to the end.
func (o *runnerRig) handled(msgs ...events.Event) {
	o.t.Helper()
	for len(msgs) > 0 {
		if err := o.deliver(msgs[0]); err != nil {
			o.t.Fatalf("handling %s: %v", msgs[0].ID, err)
		}
		msgs = append(msgs[1:], o.box.empty()...)
	}
}

func (o *runnerRig) did(what string, cursors ...string) {
	o.t.Helper()
	if !slices.Equal(o.steps, cursors) {
		o.t.Errorf("%s: the steps were %q, want %q", what, o.steps, cursors)
	}
	o.steps = nil
}

var noToken = &portal.Postponed{After: 10 * time.Second, Reason: "no token"}

func TestARunThatIsHandedBackGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "abcd")
	o.fails = []error{nil, nil, noToken, nil, noToken}
	tick := o.tick("t")
	for range 2 {
		if err := o.deliver(tick); !isPostponed(err) {
			t.Fatalf("%v, want the job's own Postponed", err)
		}
		o.now = o.now.Add(10 * time.Second)
	}
	o.handled(tick)
	o.did("three deliveries", "", "a", "ab", "abc")
	o.handled(tick)
	o.did("one more delivery, of a slot that is over")
}

func TestARunIsCarriedOnByAMessageOfItsOwnAfterATurn(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "abcd")
	o.takes = 6 * time.Second
	tick := o.tick("t")
	if err := o.deliver(tick); err != nil {
		t.Fatal(err)
	}
	o.did("the tick", "", "a")
	sent := o.box.empty()
	if len(sent) != 1 {
		t.Fatalf("sent %v, want one continuation", sent)
	}
	want := o.tick(sent[0].ID)
	want.Source, want.Data = "/gatehouse/jobs", events.JobRequested{Job: "read", Cursor: sent[0].Data.(events.JobRequested).Cursor}
	if diff := cmp.Diff(want, sent[0]); diff != "" {
		t.Errorf("the continuation (-want +got):\n%s", diff)
	}
	o.handled(tick)
	o.did("the tick again, whose work is done")
	o.handled(sent[0])
	o.did("the continuation", "ab", "abc")
	o.handled(sent[0])
	o.did("the continuation again")
}

func TestNoSecondRunStartsBesideOneThatIsUnderWay(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "abcd")
	o.fails = []error{nil, noToken}
	first := o.tick("first")
	if err := o.deliver(first); !isPostponed(err) {
		t.Fatal(err)
	}
	o.now = o.now.Add(2 * time.Minute)
	if err := o.deliver(first); err != nil { // and so it is alive
		t.Fatal(err)
	}
	o.did("the first", "", "a", "ab", "abc")

	o.now = opened.Add(fiveMinutes)
	o.fails = []error{noToken}
	if err := o.deliver(o.tick("second")); !isPostponed(err) {
		t.Fatal(err)
	}
	o.handled(o.tick("another of the slot"))
	o.now = opened.Add(2*fiveMinutes - time.Second)
	late := o.tick("late")
	o.now = o.now.Add(-3 * time.Minute)
	o.handled(late)
	o.did("ticks while the second is under way")
}

func TestTicksOfSlotsThatHavePassedAreDropped(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "a")
	old := o.tick("old")
	o.now = o.now.Add(fiveMinutes)
	o.handled(old)
	o.did("a tick of the slot before")
	o.handled(o.tick("new"))
	o.did("a tick of this one", "")
	o.handled(o.tick("new, from another worker"))
	o.did("another one of this")
}

func TestARunThatStoppedIsTakenOverByTheNextTick(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "abcd")
	broken := errors.New("broken")
	o.fails = []error{nil, nil, broken}
	lost := o.tick("lost")
	if err := o.deliver(lost); !errors.Is(err, broken) || isPostponed(err) {
		t.Fatalf("%v, want the job's own error", err)
	}
	o.did("the one that is lost", "", "a")
	o.now = o.now.Add(fiveMinutes)
	o.handled(o.tick("next"))
	o.did("the next", "ab", "abc")
	if run, err := o.runs.Load(t.Context(), "read"); err != nil || run.UnderWay || !run.Started.Equal(opened) {
		t.Errorf("the run is %+v, %v", run, err)
	}
}

func TestARunThatStoppedLongAgoBeginsAnew(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "abcd")
	o.fails = []error{nil, nil, noToken}
	if err := o.deliver(o.tick("lost")); !isPostponed(err) {
		t.Fatal(err)
	}
	o.did("the one that is lost", "", "a")
	o.now = o.now.Add(2 * time.Hour)
	o.handled(o.tick("next"))
	o.did("the next", "", "a", "ab", "abc")
}

// A worker whose clock was ahead for a moment must not keep jobs from running until the
// other clocks have caught up.
func TestARunOfAClockThatWasAheadHoldsUpNoLaterOne(t *testing.T) {
	t.Parallel()
	const ahead = 365 * 24 * time.Hour
	for name, fails := range map[string][]error{
		"a run that is over":  nil,
		"a run that has died": {noToken},
	} {
		o := newOffice(t, "a")
		o.fails = fails
		o.now = o.now.Add(ahead)
		if err := o.deliver(o.tick("ahead")); err != nil && !isPostponed(err) {
			t.Fatalf("%s: %v", name, err)
		}
		o.steps = nil
		o.now = o.now.Add(-ahead)
		o.handled(o.tick("right"))
		o.did(name+": the tick by a right clock", "")
		o.handled(o.tick("right, from another worker"))
		o.did(name + ": another one of the slot")
		o.now = o.now.Add(fiveMinutes)
		o.handled(o.tick("next"))
		o.did(name+": the tick of the next slot", "")
	}
}

func TestClocksThatLieAFewSecondsApartMakeNoSecondRun(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "ab")
	o.fails = []error{nil, noToken}
	o.now = o.now.Add(fiveMinutes)
	tick := o.tick("t")
	if err := o.deliver(tick); !isPostponed(err) {
		t.Fatal(err)
	}
	o.did("the run", "")
	o.now = o.now.Add(-10 * time.Second) // in the slot before, too
	o.handled(o.tick("of a clock that is behind"))
	o.did("a tick by a clock that is behind")
	o.handled(tick)
	o.did("the run's own message", "a")
	o.handled(o.tick("of a clock that is behind, once the run is over"))
	o.did("a tick by a clock that is behind, once the run is over")
}

// A demand is noted in the run's row, so writing it may collide with any other write of
// the run.
func TestADemandBesideAnyWriteOfARunLosesNeither(t *testing.T) {
	t.Parallel()
	for write := 1; write <= 6; write++ {
		o := newOffice(t, "abc")
		o.takes = turn
		demanded := false
		racing := &racingRuns{runs: o.runs}
		racing.before = func() {
			if write--; write == 0 {
				demanded = true
				if err := o.deliver(Demand("read", "demanded", "corr", o.now)); err != nil {
					t.Error(err)
				}
			}
		}
		o.Runner.runs = racing
		asked := write
		o.handled(o.tick("t"))
		write = asked
		if !demanded {
			t.Fatalf("there are fewer than %d writes", asked)
		}
		run, err := o.runs.Load(t.Context(), "read")
		if err != nil || run.UnderWay || run.Asked != "demanded" {
			t.Errorf("a demand before write %d: the run is %+v, %v", asked, run, err)
		}
		// One that comes before the run has begun is the run.
		if n := len(o.steps); n < 3 || asked > 1 && n < 5 {
			t.Errorf("a demand before write %d: the steps were %q", asked, o.steps)
		}
	}
}

// A run may move on between reading a demand and noting it.
func TestADemandThatLosesARaceIsNotedAllTheSame(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "abc")
	o.fails = []error{nil, noToken}
	tick := o.tick("t")
	if err := o.deliver(tick); !isPostponed(err) {
		t.Fatal(err)
	}
	o.fails = []error{nil, noToken}
	once := true
	o.Runner.runs = &racingRuns{runs: o.runs, before: func() {
		if once {
			once = false
			if err := o.deliver(tick); !isPostponed(err) {
				t.Error(err)
			}
		}
	}}
	o.handled(Demand("read", "demanded", "corr", o.now))
	o.steps = nil
	o.handled(tick)
	o.did("the rest of the run, and the one that was demanded", "ab", "", "a", "ab")
}

// racingRuns does something before each write, unless that writes, too.
type racingRuns struct {
	runs
	before func()
	busy   bool
}

func (r *racingRuns) Save(ctx context.Context, job string, run Run) error {
	if !r.busy {
		r.busy = true
		r.before()
		r.busy = false
	}
	return r.runs.Save(ctx, job, run)
}

func TestADemandDuringARunIsARunAfterIt(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "ab")
	o.fails = []error{nil, noToken}
	tick := o.tick("t")
	if err := o.deliver(tick); !isPostponed(err) {
		t.Fatal(err)
	}
	demand := Demand("read", "demanded", "corr", o.now)
	o.handled(demand, demand)
	o.did("the demand while the run is under way", "")
	o.handled(tick)
	o.did("the run's end, and the run that was demanded", "a", "", "a")
	o.handled(demand)
	o.did("the demand again")
	o.handled(Demand("read", "demanded anew", "corr", o.now))
	o.did("another demand, in a slot that is over", "", "a")
}

func TestADemandForLaterWaitsUntilThen(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "x")
	later := Demand("read", "later", "later", o.now.Add(9*time.Second))
	var early *portal.Postponed
	if err := o.Handle(t.Context(), later); !errors.As(err, &early) || early.After != 9*time.Second || len(o.steps) > 0 {
		t.Fatalf("the demand is answered %v after %d steps", err, len(o.steps))
	}
	o.now = o.now.Add(9 * time.Second)
	if err := o.Handle(t.Context(), later); err != nil || len(o.steps) != 1 {
		t.Errorf("once it is time, the demand is answered %v after %d steps", err, len(o.steps))
	}
	if err := o.Handle(t.Context(), Demand("read", "wrong", "wrong", o.now.Add(time.Hour))); err != nil || len(o.steps) != 2 {
		t.Errorf("a demand of a clock that is an hour ahead is answered %v after %d steps", err, len(o.steps))
	}
}

func TestARunForADemandBeginsAtTheCursorOfTheJob(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "abc")
	o.jobs[0].Demanded = "a"
	o.handled(Demand("read", "demanded", "corr", o.now))
	o.did("the demand", "a", "ab")
	o.now = o.now.Add(fiveMinutes)
	o.fails = []error{nil, noToken}
	tick := o.tick("t")
	if err := o.deliver(tick); !isPostponed(err) {
		t.Fatal(err)
	}
	o.handled(Demand("read", "demanded meanwhile", "corr", o.now), tick)
	o.did("the tick's run, and the one that was demanded meanwhile", "", "a", "ab", "a", "ab")
}

func TestADemandThatArrivesInTheMiddleOfAStepIsNotForgotten(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "ab")
	o.during = func() {
		o.during = nil
		if err := o.deliver(Demand("read", "demanded", "corr", o.now)); err != nil {
			t.Error(err)
		}
	}
	o.handled(o.tick("t"))
	o.did("the run, and the one that was demanded", "", "a", "", "a")
}

// A worker that stalls in a step while another takes its run over writes nothing.
func TestAWorkerThatWasOvertakenLeavesTheRunAlone(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "abc")
	o.during = func() {
		o.during = nil
		o.now = o.now.Add(fiveMinutes)
		o.handled(o.tick("next"))
		o.did("the one that stalled, and the worker that took over", "", "", "a", "ab")
	}
	o.handled(o.tick("stalled"))
	o.did("the one that stalled, afterwards")
}

func TestATickThatCannotBeRun(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "abcd")
	if err := o.deliver(events.Event{Data: events.RegisterUser{}}); portal.CodeOf(err) != portal.Invalid {
		t.Errorf("what is no tick: %v, want invalid", err)
	}
	older := o.tick("t")
	older.Data = events.JobRequested{Job: "read", Cursor: "3"}
	o.handled(older)
	o.did("a continuation of an older version")

	o.box.down, o.takes = errors.New("the queue does not answer"), time.Minute
	tick := o.tick("tick")
	if err := o.deliver(tick); !isPostponed(err) {
		t.Errorf("a continuation that cannot be sent: %v, want Postponed", err)
	}
	o.did("the first delivery", "")
	o.box.down = nil
	o.handled(tick)
	o.did("the second", "a", "ab", "abc")
}

// A machine may be suspended with the message in hand.
func TestAMessageThatComesAgainLongAfterBeginsItsRunAnew(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "abcd")
	o.fails = []error{nil, nil, noToken}
	asleep := o.tick("asleep")
	if err := o.deliver(asleep); !isPostponed(err) {
		t.Fatal(err)
	}
	o.did("before", "", "a")
	o.now = o.now.Add(2 * time.Hour)
	o.handled(asleep)
	o.did("after", "", "a", "ab", "abc")
}

func TestAJobThatOnlyNewerWorkersKnowIsLeftToThem(t *testing.T) {
	o := newOffice(t, "a")
	unheard := o.tick("t")
	unheard.Data = events.JobRequested{Job: "unheard-of"}
	var later *portal.Postponed
	if err := o.deliver(unheard); !errors.As(err, &later) || later.After != 30*time.Second {
		t.Errorf("at first: %v, want it postponed for 30 seconds", err)
	}
	o.now = o.now.Add(15 * time.Minute)
	if err := o.deliver(unheard); err != nil {
		t.Errorf("after a quarter of an hour: %v, want it dropped", err)
	}
}

func TestARunnerSaysWhenTheLastRunEnded(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "")
	ends := map[time.Time]bool{}
	o.Ended = func(job string, at time.Time) {
		if job != "read" {
			t.Errorf("%s ended", job)
		}
		ends[at] = true
	}
	o.fails = []error{errors.New("no")}
	if err := o.deliver(o.tick("t1")); err == nil {
		t.Fatal("the run did not fail")
	}
	if len(ends) != 1 || !ends[time.Time{}] {
		t.Errorf("after a failure the ends are %v, want that no run has ended", ends)
	}
	first := o.now
	o.handled(o.tick("t1"))
	if !ends[first] {
		t.Errorf("the ends are %v, want %v", ends, first)
	}
	// Another process learns of it by a tick that it drops.
	clear(ends)
	o.now = o.now.Add(time.Second)
	o.handled(o.tick("t1"))
	for at := range ends {
		if len(ends) != 1 || !at.Equal(first) {
			t.Errorf("after another tick of the slot the ends are %v, want %v", ends, first)
		}
	}
	if len(ends) == 0 {
		t.Error("a dropped tick says nothing")
	}
}
