// Package jobs repeats work by the clock. Work for later is a due row; a job runs because a tick
// says so. Any process may send ticks; duplicates for a job and slot are dropped.
package jobs

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Job is work that repeats.
type Job struct {
	Name  string
	Every time.Duration
	// Run does one step from the cursor ("" is the start) and returns the next step's cursor, ""
	// at the end. A step takes a minute at most. After a failure it is repeated from the same
	// cursor, so it may happen twice, and in rare cases twice at once.
	Run func(ctx context.Context, cursor string) (next string, err error)
	// Demanded is where a run for a demand starts, "" if it does the same as a tick's.
	Demanded string
}

func (j Job) begun(before, after Run) Run {
	if after.UnderWay && after.Cursor == "" && after.Asked != before.Asked {
		after.Cursor = j.Demanded
	}
	return after
}

// turn is how long one message carries a run before another continues it. A worker that stops
// waits no longer than this.
const turn = 10 * time.Second

// The cursor of a demand, and how a continuation's begins. A tick has none.
const (
	demandCursor       = "now"
	continuationCursor = "run/"
)

// Stream is the subject of the job's ticks.
func Stream(job string) portal.Stream { return portal.Stream("job/" + job) }

// Demand returns a message that asks for a run that starts after that time. If one is under way, the
// new run starts when it ends. Messages with the same id are one demand. The time may be up to maxEarly
// ahead, so that one demand stands for all until then; a time further ahead counts as now.
func Demand(job, id, correlation string, after time.Time) events.Event {
	return message(job, id, demandCursor, correlation, after)
}

const maxEarly = 15 * time.Second

type runs interface {
	Load(ctx context.Context, job string) (Run, error)
	Save(ctx context.Context, job string, run Run) error
}

// Runner runs jobs when ticks arrive, each with one run at a time.
type Runner struct {
	// Ended, if not nil, gets when the job's last run ended, whenever the Runner learns of it: also of a run of another
	// process, and the zero time if no run has ended.
	Ended func(job string, at time.Time)

	jobs   []Job
	runs   runs
	sender sender
	now    func() time.Time
}

// NewRunner returns a Runner of those jobs.
func NewRunner(runs runs, sender sender, now func() time.Time, jobs ...Job) *Runner {
	return &Runner{jobs: jobs, runs: runs, sender: sender, now: now}
}

// Handle works for a few seconds on the job that a JobRequested names, and sends a continuation
// if the run is not over. A second delivery of the carrier continues from the run's cursor.
// Handle drops ticks while a run is under way, and ticks of a slot that is done or has passed.
// The next tick takes over a run that shows no sign of life for some minutes. It postpones messages
// for jobs that it does not know.
func (r *Runner) Handle(ctx context.Context, msg events.Event) error {
	asked, ok := msg.Data.(events.JobRequested)
	if !ok {
		return portal.Fail(portal.Invalid, "Only ticks belong here.")
	}
	if early := msg.Time.Sub(r.now()); asked.Cursor == demandCursor && early > 0 && early <= maxEarly {
		return &portal.Postponed{After: early, Reason: "the demand is for later"}
	}
	for _, job := range r.jobs {
		if job.Name == asked.Job {
			return unlessTakenOver(ctx, r.handle(ctx, job, msg, asked.Cursor))
		}
	}
	return r.leaveToNewer(ctx, msg, asked.Job)
}

// newerWait is how long a message for an unknown job waits for a worker that knows the job.
const newerWait = 15 * time.Minute

// leaveToNewer postpones a message for a job that only newer workers know, as during an upgrade. After
// newerWait it drops the message: after a roll-back nobody takes it, and the next tick makes up for it.
func (r *Runner) leaveToNewer(ctx context.Context, msg events.Event, job string) error {
	if r.now().Sub(msg.Time) < newerWait {
		return &portal.Postponed{After: 30 * time.Second, Reason: "only newer workers know the job"}
	}
	zerolog.Ctx(ctx).Warn().Str("job", job).Msg("a message for an unknown job is dropped")
	return nil
}

func unlessTakenOver(ctx context.Context, err error) error {
	if errors.Is(err, errTakenOver) {
		zerolog.Ctx(ctx).Debug().Msg("another worker carries the run on")
		return nil
	}
	return err
}

const maxRaces = 8

func (r *Runner) handle(ctx context.Context, job Job, msg events.Event, cursor string) error {
	for range maxRaces {
		run, err := r.runs.Load(ctx, job.Name)
		if err != nil {
			return err
		}
		r.ended(job, run)
		before := run
		run, verdict := run.admit(arriving(msg, cursor, job.Every), job.Every, r.now())
		run = job.begun(before, run)
		switch verdict {
		case drop:
			zerolog.Ctx(ctx).Debug().Str("job", job.Name).Msg("a tick was dropped")
			return nil
		case revive:
			zerolog.Ctx(ctx).Warn().Str("job", job.Name).Time("started", run.Started).Msg("a run that stopped is taken over")
		}
		err = r.runs.Save(ctx, job.Name, run)
		switch {
		case errors.Is(err, errTakenOver):
		// The row has changed since it was read, so the verdict may differ.
		case err != nil || verdict == note:
			return err
		default:
			return r.carry(ctx, job, run, msg.Correlation)
		}
	}
	return &portal.Postponed{After: time.Second, Reason: "the row of the job is busy"}
}

func (r *Runner) ended(job Job, run Run) {
	if r.Ended != nil {
		r.Ended(job.Name, run.Ended)
	}
}

func (r *Runner) carry(ctx context.Context, job Job, run Run, correlation string) error {
	for began := r.now(); run.UnderWay; {
		next, err := job.Run(ctx, run.Cursor)
		if err != nil {
			return err
		}
		if run, err = r.advance(ctx, job, run, next); err != nil {
			return err
		}
		r.ended(job, run)
		if run.UnderWay && (r.now().Sub(began) >= turn || ctx.Err() != nil) {
			return r.handOver(ctx, job, run, correlation)
		}
	}
	return nil
}

func (r *Runner) advance(ctx context.Context, job Job, run Run, next string) (Run, error) {
	return r.write(ctx, job, run, func(run Run) Run { return job.begun(run, run.advance(next, job.Every, r.now())) })
}

// write changes the row of this message's run, and keeps a demand that came meanwhile. It returns
// errTakenOver if another worker carries the run by now.
func (r *Runner) write(ctx context.Context, job Job, run Run, change func(Run) Run) (Run, error) {
	carrier, cursor := run.Carrier, run.Cursor
	for range maxRaces {
		after := change(run)
		err := r.runs.Save(ctx, job.Name, after)
		if !errors.Is(err, errTakenOver) {
			return after, err
		}
		if run, err = r.runs.Load(ctx, job.Name); err != nil {
			return run, err
		}
		if !run.UnderWay || run.Carrier != carrier || run.Cursor != cursor {
			return run, errTakenOver
		}
	}
	return run, &portal.Postponed{After: time.Second, Reason: "the row of the job is busy"}
}

// handOver sends the continuation and then makes it the run's carrier. If the worker stops in
// between, the old message goes on and the continuation is dropped.
func (r *Runner) handOver(ctx context.Context, job Job, run Run, correlation string) error {
	version := strconv.FormatInt(run.Version+1, 10)
	id := portal.DeriveID(run.Carrier, version, strconv.FormatInt(r.now().UnixNano(), 10))
	continued := message(job.Name, id, continuationCursor+version, correlation, r.now())
	if err := r.sender.Send(ctx, continued); err != nil {
		return portal.Postpone("the queues do not answer", err)
	}
	_, err := r.write(ctx, job, run, func(run Run) Run {
		run.Version++
		run.Carrier = id
		return run
	})
	return err
}

// arriving takes any cursor but a demand's for a continuation. One of an older version belongs to
// no run and is dropped.
func arriving(msg events.Event, cursor string, every time.Duration) arrival {
	switch {
	case cursor == "":
		return arrival{id: msg.ID, kind: tick, slot: slotOf(msg.Time, every)}
	case cursor == demandCursor:
		return arrival{id: msg.ID, kind: demand}
	}
	return arrival{id: msg.ID, kind: continuation}
}

func message(job, id, cursor, correlation string, now time.Time) events.Event {
	return events.Event{
		ID: id, Source: "/gatehouse/jobs", Subject: Stream(job), Time: now, Correlation: correlation,
		Data: events.JobRequested{Job: job, Cursor: cursor},
	}
}

// Tick sends a tick for every job at the start of each slot, and for the present slots at once,
// until ctx ends. Every worker ticks, with the same id per slot. The queue drops duplicates
// within five minutes; after that the job's row shows that the slot is done. It logs a tick that
// cannot be sent.
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
			// Not only a later one: the clock may have been ahead.
			if !slot.Equal(sent[job.Name]) {
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
	if err := r.sender.Send(ctx, tickOf(job, slot, r.now())); err != nil && ctx.Err() == nil {
		zerolog.Ctx(ctx).Warn().Err(err).Str("job", job.Name).Msg("the tick could not be sent")
	}
}

func tickOf(job Job, slot, now time.Time) events.Event {
	id := portal.DeriveID("tick", job.Name, strconv.FormatInt(slot.UnixMilli(), 10))
	return message(job.Name, id, "", id, now)
}

// deduplicated is how long a FIFO queue drops duplicates (SQS Developer Guide, "Exactly-once
// processing in Amazon SQS").
const deduplicated = 5 * time.Minute

// TickOnce sends the ticks of the slots that began within the last five minutes, for a clock that
// strikes every minute. They are those of Tick, so the queue drops all but one of a slot.
func (r *Runner) TickOnce(ctx context.Context) error {
	now := r.now()
	var ticks []events.Event
	for _, job := range r.jobs {
		if slot := now.Truncate(job.Every); now.Sub(slot) < deduplicated {
			ticks = append(ticks, tickOf(job, slot, now))
		}
	}
	return portal.Postpone("the queues do not answer", r.sender.Send(ctx, ticks...))
}
