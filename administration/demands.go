package administration

import (
	"context"
	"strconv"
	"time"

	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// JobState is what admins see of a job's last run.
type JobState struct {
	// Ran reports whether a worker has ever run the job.
	Ran bool
	// UnderWay: the run that began at Started goes on. Waits: another one begins when it ends.
	UnderWay, Waits bool
	Started, Ended  time.Time
}

type runs interface {
	Load(ctx context.Context, job string) (jobs.Run, error)
}

type recording interface {
	Record(ctx context.Context, done members.AuditEntry) error
}

// Demands has workers run jobs now, and records in the audit that an admin asked for it.
type Demands struct {
	Runs  runs
	Audit recording
	// Send asks a worker for a run that begins after at. Equal ids are one demand.
	Send func(ctx context.Context, job, id string, at time.Time) error
	Now  func() time.Time
}

// sameDemand is the length of the windows in which all demands of one admin for a job are one. Each is recorded in the
// audit all the same.
const sameDemand = 10 * time.Second

// State returns the state of a job.
func (d Demands) State(ctx context.Context, job string) (JobState, error) {
	run, err := d.Runs.Load(ctx, job)
	return JobState{Ran: run.Version > 0, UnderWay: run.UnderWay, Waits: run.Again != "", Started: run.Started, Ended: run.Ended}, Unavailable(err)
}

// Ask has a worker run the job, and records it in the audit. If a run waits already, which then begins
// after now, it does neither.
func (d Demands) Ask(ctx context.Context, job string, entry members.AuditEntry) error {
	state, err := d.State(ctx, job)
	if err != nil || state.Waits {
		return err
	}
	if err := d.Audit.Record(ctx, entry); err != nil {
		return Unavailable(err)
	}
	now := d.Now().UTC()
	id := portal.DeriveID(job, string(entry.Admin), strconv.FormatInt(now.Truncate(sameDemand).Unix(), 10))
	return Unavailable(d.Send(ctx, job, id, now))
}
