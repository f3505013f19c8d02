package gateway

import (
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/gateway/gatewaytest"
)

// world is a local AWS, and a control plane on it.
type world struct{ *gatewaytest.World }

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{gatewaytest.New(t)}
}

// process is one process's budget; all processes of a world share a table.
func (w *world) process(t *testing.T, share float64) *Budget {
	t.Helper()
	b, err := NewBudget(w.DB, BudgetConfig{Table: gatewaytest.Records, Share: share})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (w *world) controlPlane(t *testing.T, b *Budget, cfg Config) *ControlPlane {
	t.Helper()
	return New(Client(w.Tampered()), b, cfg)
}

// session is interactive and has all of AWS's quotas.
func (w *world) session(t *testing.T) *Session {
	t.Helper()
	return w.controlPlane(t, w.process(t, 1), Config{}).Session(Interactive, nil)
}

// soon is a message lease that runs out after d.
func soon(d time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(d) } }
