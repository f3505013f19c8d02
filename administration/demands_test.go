package administration_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// foreman is a job's row, an audit and a queue.
type foreman struct {
	run     jobs.Run
	entries []members.AuditEntry
	sent    []string
	err     error
}

func (f *foreman) Load(context.Context, string) (jobs.Run, error) { return f.run, f.err }

func (f *foreman) Record(_ context.Context, done members.AuditEntry) error {
	f.entries = append(f.entries, done)
	return f.err
}

func TestAnAdminsDemandsForAJobAreSentAndAudited(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		run           jobs.Run
		sent, entries int
	}{
		"nothing runs":         {jobs.Run{}, 1, 2},
		"a run is under way":   {jobs.Run{Version: 3, UnderWay: true}, 1, 2},
		"another waits behind": {jobs.Run{Version: 3, UnderWay: true, Again: "x"}, 0, 0},
	} {
		f, now := &foreman{run: c.run}, opened
		demands := administration.Demands{Runs: f, Audit: f, Now: func() time.Time { return now }, Send: func(_ context.Context, job, id string, at time.Time) error {
			if job != "sweep" || !at.Equal(now) {
				t.Errorf("%s: job %s at %v", name, job, at)
			}
			f.sent = append(f.sent, id)
			return nil
		}}
		for range 2 {
			if err := demands.Ask(t.Context(), "sweep", members.AuditEntry{Admin: "root", What: "SweepRequested"}); err != nil {
				t.Fatal(err)
			}
		}
		if got := slices.Compact(f.sent); len(got) != c.sent || len(f.entries) != c.entries {
			t.Errorf("%s: sent %v, audited %v", name, f.sent, f.entries)
		}
	}
}

func TestADemandThatCannotBeAuditedIsNotSent(t *testing.T) {
	t.Parallel()
	f := &foreman{err: errors.New("the table does not answer")}
	sweeps := administration.Sweeps{Job: "sweep", Demands: administration.Demands{Runs: f, Audit: f, Now: time.Now, Send: func(context.Context, string, string, time.Time) error {
		t.Error("it is sent")
		return nil
	}}, Last: func(context.Context) (administration.Drift, error) { return administration.Drift{}, nil }}
	if err := sweeps.Compare(t.Context(), "root"); portal.CodeOf(err) != portal.Unavailable {
		t.Errorf("asking: %v", err)
	}
	if _, err := sweeps.Drift(t.Context()); portal.CodeOf(err) != portal.Unavailable {
		t.Errorf("looking: %v", err)
	}
}
