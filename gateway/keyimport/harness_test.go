package keyimport

import (
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/gateway/gatewaytest"
)

// world is a local AWS, and a control plane on it.
type world struct{ *gatewaytest.World }

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{gatewaytest.New(t)}
}

// process is one process's budget; all processes of a world share a table.
func (w *world) process(t *testing.T, share float64) *gateway.Budget {
	t.Helper()
	b, err := gateway.NewBudget(w.DB, gateway.BudgetConfig{Table: gatewaytest.Records, Share: share})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (w *world) controlPlane(t *testing.T, b *gateway.Budget, cfg gateway.Config) *gateway.ControlPlane {
	t.Helper()
	return gateway.New(gateway.Client(w.Tampered()), b, cfg)
}

// soon is a message lease that runs out after d.
func soon(d time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(d) } }
