package manifests

import (
	"errors"
	"os"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func TestGrafanasTypesReadTheDashboard(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../deploy/grafana/gatehouse.json")
	if err != nil {
		t.Fatal(err)
	}
	plugins.RegisterDefaultPlugins() // the options of each kind of panel, and Prometheus's queries
	var board dashboard.Dashboard
	err = board.UnmarshalJSONStrict(text)
	var faults cog.BuildErrors // without faults the error is an empty list instead of nil
	if err != nil && (!errors.As(err, &faults) || len(faults) > 0) {
		t.Fatalf("Grafana does not know all of it, or misses something:\n%v", err)
	}
	if err := board.Validate(); err != nil {
		t.Errorf("Grafana finds fault with it:\n%v", err)
	}
	if board.Title == nil || *board.Title != "Gatehouse" || len(board.Panels) < 20 {
		t.Errorf("the dashboard is %v with %d panels", board.Title, len(board.Panels))
	}
}
