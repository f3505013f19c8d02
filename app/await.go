package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/jobs"
)

const (
	// jobPoll is how often a job that an operator waits for is looked at.
	jobPoll = 300 * time.Millisecond
	// untakenAfter is how long no worker may be seen at a job before the operator is told.
	untakenAfter = 10 * time.Second
	// jobBegin is how long a run may take to begin.
	jobBegin = 2 * time.Minute
)

// jobWait is an operator's wait for a job that was asked for.
type jobWait struct {
	// what is the job in words.
	what string
	// demand is the id of the message that asked for it.
	demand string
	// untaken is called once if no worker is seen at the job for untakenAfter, and the demand
	// is still in the queue.
	untaken func()
	now     func() time.Time

	// version is that of the job's row, and seen when it last changed.
	version     int64
	seen        time.Time
	taken, told bool
}

// look notes how the job stands. A worker that took the demand has put its id into the row; a
// row that changes shows that a worker is at another run of the job.
func (w *jobWait) look(run jobs.Run) {
	now := w.now()
	if w.seen.IsZero() || run.Version != w.version {
		w.version, w.seen = run.Version, now
	}
	w.taken = w.taken || run.Taken(w.demand)
	if !w.taken && !w.told && now.Sub(w.seen) >= untakenAfter {
		w.told = true
		w.untaken()
	}
}

// until polls until check says that the wait is over. If ctx ends first, the error says what
// becomes of the job; after a deadline it is the deadline's cause.
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

// ended is the error of a wait whose context has ended.
func (w *jobWait) ended(ctx context.Context) error {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return context.Cause(ctx)
	case w.taken:
		return fmt.Errorf("interrupted; the %s goes on without you", w.what)
	}
	return fmt.Errorf("interrupted; the %s stays queued until a worker takes it", w.what)
}

// notCertain is the error of asking for a job when that was interrupted.
func notCertain(what string) error {
	return fmt.Errorf("interrupted; it is not certain that the %s was asked for", what)
}

// run returns once the run of the job that was demanded is over. It tells where runs of the job
// are as long as it looks.
func (w *jobWait) run(ctx context.Context, runs *jobs.Runs, job string, tell func(jobs.Run)) error {
	asked, begun := w.now(), false
	return w.until(ctx, func(ctx context.Context) (bool, error) {
		run, err := runs.Load(ctx, job)
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
			return false, fmt.Errorf("no worker has begun the %s within %.0f minutes: is one running, and does it log errors of job %q? The %[1]s stays queued", w.what, jobBegin.Minutes(), job)
		}
		return false, nil
	})
}
