package administration

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Drift is how API Gateway differed from the journal at the last sweep.
type Drift struct {
	// Began and Ended are the sweep's, zero without one in the last 90 days.
	Began, Ended time.Time
	// Keys are those in API Gateway with a name of the portal's, Others all others.
	Keys, Others int
	// Recent accounts changed just before the sweep, and are compared by the next one. Unreadable streams
	// cannot be read by this version.
	Recent, Unreadable int
	// Kinds counts all differences. Kinds without any are missing.
	Kinds []DriftKind
	// Differences are ordered by account, at most the first 1,000.
	Differences []Difference
	// Job is the state of the sweep that goes on, or of the last one.
	Job JobState
}

// DriftKind counts the differences of a kind.
type DriftKind struct {
	Kind  string
	Count int
}

// Total is the number of all differences.
func (d Drift) Total() (n int) {
	for _, kind := range d.Kinds {
		n += kind.Count
	}
	return n
}

// Difference is a key or plan that was not in API Gateway as the journal has it. See provisioning.Finding.
type Difference struct {
	Kind      string
	Mending   string
	Account   portal.AccountID
	Key       portal.KeyID
	GatewayID portal.GatewayKeyID
	Plan      portal.PlanID
	// Name is a stray's in API Gateway.
	Name string
}

// Sweeps shows admins what the last sweep has found, and has workers sweep again.
type Sweeps struct {
	// Last returns what the last sweep has found, without Job.
	Last    func(ctx context.Context) (Drift, error)
	Demands Demands
	// Job is the name of the job that sweeps.
	Job string
}

// Drift returns what the last sweep has found. Without a sweep it has only the job's state.
func (s Sweeps) Drift(ctx context.Context) (Drift, error) {
	drift, err := s.Last(ctx)
	if err != nil {
		return drift, Unavailable(err)
	}
	drift.Job, err = s.Demands.State(ctx, s.Job)
	return drift, err
}

// Compare has a worker sweep now. If a sweep waits already, nothing more happens.
func (s Sweeps) Compare(ctx context.Context, admin portal.AccountID) error {
	return s.Demands.Ask(ctx, s.Job, members.AuditEntry{Admin: admin, What: members.AuditSweepRequested})
}
