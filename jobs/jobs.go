// Package jobs is what happens by the clock. Time is data: whatever is to happen later is
// a due row, and a job runs because a tick message says so. Anyone may send ticks;
// duplicates for a job and slot are dropped.
package jobs

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Job is work that is done again and again.
type Job struct {
	Name string
	// Every is the length of a slot.
	Every time.Duration
	// Run does at most a minute of work from the cursor on ("" is the start) and
	// returns where to go on, "" when all is done. It may run twice at once.
	Run func(ctx context.Context, cursor string) (next string, err error)
}

// oneTick is how long SQS FIFO recognises a second tick of the same slot. Whoever starts
// later in a slot leaves it alone: the tick may have been sent, and the job be done.
const oneTick = 5 * time.Minute

// Stream is what ticks of this job are about.
func Stream(job string) portal.Stream { return portal.Stream("job/" + job) }

// Runner runs jobs when ticks arrive.
type Runner struct {
	jobs   []Job
	sender sender
	now    func() time.Time
}

// NewRunner returns a Runner of those jobs.
func NewRunner(sender sender, now func() time.Time, jobs ...Job) *Runner {
	return &Runner{jobs: jobs, sender: sender, now: now}
}

// Handle runs the job that a JobRequested names, and sends the continuation if it
// is not done. A second delivery runs it again.
func (r *Runner) Handle(ctx context.Context, msg events.Event) error {
	tick, ok := msg.Data.(events.JobRequested)
	if !ok {
		return portal.Fail(portal.Invalid, "Only ticks belong here.")
	}
	for _, job := range r.jobs {
		if job.Name != tick.Job {
			continue
		}
		next, err := job.Run(ctx, tick.Cursor)
		if err != nil || next == "" {
			return err
		}
		id := portal.DeriveID(msg.ID, next, strconv.FormatInt(r.now().UnixNano(), 10))
		return portal.Postpone("the queues do not answer", r.sender.Send(ctx, r.tick(job.Name, id, next, msg.Correlation)))
	}
	return portal.Fail(portal.Invalid, fmt.Sprintf("There is no job %q.", tick.Job))
}

func (r *Runner) tick(job, id, cursor, correlation string) events.Event {
	return events.Event{
		ID: id, Source: "/gatehouse/jobs", Subject: Stream(job), Time: r.now(), Correlation: correlation,
		Data: events.JobRequested{Job: job, Cursor: cursor},
	}
}

// Tick sends a tick for every job at the beginning of each slot, and at the start if the
// slot has just begun, until ctx ends. A tick that cannot be sent is logged and left to the next slot.
func (r *Runner) Tick(ctx context.Context) {
	sent := map[string]time.Time{}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := r.now()
		next := now.Add(time.Minute)
		for _, job := range r.jobs {
			slot := now.Truncate(job.Every)
			if slot.After(sent[job.Name]) && now.Sub(slot) < oneTick {
				r.send(ctx, job, slot)
				sent[job.Name] = slot
			}
			if begin := slot.Add(job.Every); begin.Before(next) {
				next = begin
			}
		}
		timer.Reset(max(next.Sub(r.now()), time.Millisecond))
	}
}

func (r *Runner) send(ctx context.Context, job Job, slot time.Time) {
	id := portal.DeriveID("tick", job.Name, strconv.FormatInt(slot.UnixMilli(), 10))
	if err := r.sender.Send(ctx, r.tick(job.Name, id, "", id)); err != nil && ctx.Err() == nil {
		zerolog.Ctx(ctx).Warn().Err(err).Str("job", job.Name).Msg("the tick could not be sent")
	}
}
