package app

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// hurried returns a process whose clock moves on some seconds each time it is read.
func hurried(t *testing.T) Process {
	t.Helper()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	began, looks := time.Now(), atomic.Int64{}
	p.Now = func() time.Time { return began.Add(time.Duration(looks.Add(1)) * 3 * time.Second) }
	return p
}

func TestOperatorIsToldOnceThatNoWorkerTookTheJob(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		wait func(context.Context, Process, func(string)) error
		want string
	}{
		"a sweep": {func(ctx context.Context, p Process, warn func(string)) error {
			_, err := Sweep(ctx, p, warn)
			return err
		}, "interrupted; the sweep stays queued until a worker takes it"},
		"a rebuild": {func(ctx context.Context, p Process, warn func(string)) error {
			_, err := RebuildViews(ctx, p, 0, warn, func(projections.Rebuilding) {})
			return err
		}, "interrupted; the rebuild stays queued until a worker takes it"},
		"a reading of the catalog": {func(ctx context.Context, p Process, warn func(string)) error {
			desk, err := OpenDesk(p)
			ok(t, err)
			id, err := SyncCatalog(ctx, p)
			ok(t, err)
			_, err = desk.AwaitCatalog(ctx, id, warn)
			return err
		}, "interrupted; the reading of the catalog stays queued until a worker takes it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			told := 0
			err := c.wait(ctx, hurried(t), func(string) { told++; interrupt() })
			if told != 1 || err == nil || err.Error() != c.want {
				t.Errorf("told %d times, and then: %v, want %s", told, err, c.want)
			}
		})
	}
}

func TestSweepFailsIfNoWorkerBeginsIt(t *testing.T) {
	t.Parallel()
	told := 0
	_, err := Sweep(t.Context(), hurried(t), func(string) { told++ })
	const want = `no worker has begun the sweep within 2 minutes: is one running? If so, does it log errors of job "sweep"? The sweep stays queued`
	if told != 1 || err == nil || err.Error() != want {
		t.Errorf("told %d times, and then: %v", told, err)
	}
}

func TestJobWithoutSignOfAWorkerIsReportedUntaken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rows []jobs.Run // five seconds apart
		want int
	}{
		"nothing happens":                              {[]jobs.Run{{}, {}, {}, {}, {}}, 1},
		"nothing has happened yet":                     {[]jobs.Run{{}, {}}, 0},
		"a worker has begun the run":                   {[]jobs.Run{{Asked: "mine"}, {Asked: "mine"}, {Asked: "mine"}}, 0},
		"a worker has noted the demand":                {[]jobs.Run{{}, {Version: 1, Again: "mine"}, {Version: 1, Again: "mine"}, {Version: 1, Again: "mine"}}, 0},
		"a worker is at another run":                   {[]jobs.Run{{Version: 1}, {Version: 2}, {Version: 3}, {Version: 4}}, 0},
		"the worker that was at another run has ended": {[]jobs.Run{{Version: 1}, {Version: 2, UnderWay: true}, {Version: 2, UnderWay: true}, {Version: 2, UnderWay: true}}, 1},
	} {
		told, now := 0, time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
		wait := jobWait{demand: "mine", warn: func(string) { told++ }, now: func() time.Time { return now }}
		for _, row := range c.rows {
			wait.look(row)
			now = now.Add(5 * time.Second)
		}
		if told != c.want {
			t.Errorf("%s: told %d times, want %d", name, told, c.want)
		}
	}
}

func TestOperatorIsToldOnceThatAJobStandsStill(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rows []jobs.Run // twenty seconds apart
		want int
	}{
		"a step fails again and again":   {[]jobs.Run{{Asked: "mine", Cursor: "7"}, {Asked: "mine", Cursor: "7", Version: 1}, {Asked: "mine", Cursor: "7", Version: 2}, {Asked: "mine", Cursor: "7", Version: 3}, {Asked: "mine", Cursor: "7"}}, 1},
		"each step succeeds":             {[]jobs.Run{{Asked: "mine", Cursor: "7"}, {Asked: "mine", Cursor: "8"}, {Asked: "mine", Cursor: "9"}, {Asked: "mine", Cursor: "10"}, {Asked: "mine", Cursor: "11"}}, 0},
		"a step succeeds the third time": {[]jobs.Run{{Asked: "mine", Cursor: "7"}, {Asked: "mine", Cursor: "7"}, {Asked: "mine", Cursor: "7"}, {Asked: "mine", Cursor: "8"}}, 0},
	} {
		var told []string
		now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
		wait := jobWait{what: "sweep", job: sweepJob, demand: "mine", warn: func(text string) { told = append(told, text) }, now: func() time.Time { return now }}
		for _, row := range c.rows {
			wait.look(row)
			now = now.Add(20 * time.Second)
		}
		if len(told) != c.want || c.want > 0 && !strings.Contains(told[0], "The sweep has stood still for a minute.") {
			t.Errorf("%s: told %q, want %d times", name, told, c.want)
		}
	}
}

func TestInterruptedWaitSaysThatATakenJobGoesOn(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	wait := jobWait{what: "sweep", demand: "mine", now: time.Now}
	err := wait.until(ctx, func(context.Context) (bool, error) {
		wait.look(jobs.Run{Asked: "mine", UnderWay: true})
		interrupt()
		return false, ctx.Err()
	})
	if want := "interrupted; the sweep goes on without you"; err == nil || err.Error() != want {
		t.Errorf("it says %v, want %s", err, want)
	}
}

func TestInterruptedDemandSaysItMayHaveBeenSent(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	for what, ask := range map[string]func() error{
		"sweep":                  func() error { _, err := Sweep(ctx, p, nil); return err },
		"reading of the catalog": func() error { _, err := SyncCatalog(ctx, p); return err },
	} {
		err := ask()
		if want := "interrupted; the workers may or may not have been asked for the " + what + ""; err == nil || err.Error() != want || errors.Is(err, context.Canceled) {
			t.Errorf("it says %v, want %s", err, want)
		}
	}
}
