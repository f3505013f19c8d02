package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/jobs"
)

const (
	jobPoll      = 300 * time.Millisecond
	untakenAfter = 10 * time.Second
	// stuckAfter is longer than a step of any job takes.
	stuckAfter = time.Minute
	jobBegin   = 2 * time.Minute
)

type jobWait struct {
	what, job string
	demand    string
	// warn is called once if the demand is still queued after untakenAfter, and once if the job has stood
	// still for stuckAfter.
	warn func(text string)
	now  func() time.Time

	version     int64
	seen        time.Time
	cursor      string
	moved       time.Time
	taken       bool
	told, stuck bool
}

// look records the job's state. A worker that takes the demand writes its id into the row.
func (w *jobWait) look(run jobs.Run) {
	now := w.now()
	if w.seen.IsZero() || run.Version != w.version {
		w.version, w.seen = run.Version, now
	}
	w.taken = w.taken || run.Taken(w.demand)
	if !w.taken && !w.told && now.Sub(w.seen) >= untakenAfter {
		w.told = true
		w.warn("No worker has taken this job yet; is one running?")
	}
	if at := run.Started.String() + run.Cursor; w.moved.IsZero() || at != w.cursor {
		w.cursor, w.moved = at, now
	}
	if w.taken && !w.stuck && now.Sub(w.moved) >= stuckAfter {
		w.stuck = true
		w.warn("The " + w.what + " has stood still for a minute. Workers repeat a step that fails until it succeeds: their log says why, in lines with the job \"" + w.job + "\". `gatehouse doctor` checks what they need.")
	}
}

// until polls check. If ctx ends first, the error says what becomes of the job.
func (w *jobWait) until(ctx context.Context, check func(context.Context) (over bool, err error)) error {
	poll := time.NewTicker(jobPoll)
	defer poll.Stop()
	for {
		over, err := check(ctx)
		if over && err == nil || err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return w.ended(ctx)
		case <-poll.C:
		}
	}
}

func (w *jobWait) ended(ctx context.Context) error {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return context.Cause(ctx)
	case w.taken:
		return fmt.Errorf("interrupted; the %s goes on without you", w.what)
	}
	return fmt.Errorf("interrupted; the %s stays queued until a worker takes it", w.what)
}

func notCertain(what string) error {
	return fmt.Errorf("interrupted; the workers may or may not have been asked for the %s", what)
}

func (w *jobWait) run(ctx context.Context, runs *jobs.Runs, tell func(jobs.Run)) error {
	asked, begun := w.now(), false
	return w.until(ctx, func(ctx context.Context) (bool, error) {
		run, err := runs.Load(ctx, w.job)
		switch {
		case err != nil:
			return false, err
		case run.Answers(w.demand) && !run.UnderWay, begun && !run.Answers(w.demand):
			return true, nil
		}
		begun = begun || run.Answers(w.demand)
		w.look(run)
		tell(run)
		if w.now().Sub(asked) >= jobBegin && !run.UnderWay {
			return false, fmt.Errorf("no worker has begun the %s within %.0f minutes: is one running? If so, does it log errors of job %q? The %[1]s stays queued", w.what, jobBegin.Minutes(), w.job)
		}
		return false, nil
	})
}
