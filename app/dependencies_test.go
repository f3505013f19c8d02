package app

import (
	"os/exec"
	"strings"
	"testing"
)

// The production binaries contain no local AWS, no demo and no test framework.
func TestProductionBinariesContainNoLocalAWS(t *testing.T) {
	t.Parallel()
	const module = "github.com/gatehouse-portal/gatehouse/"
	forbidden := []string{module + "localaws", module + "local", module + "demo", "go.etcd.io/bbolt", "testing"}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+"cmd/api", module+"cmd/worker").Output()
	ok(t, err)
	listed := strings.Fields(string(out))
	if len(listed) < 100 {
		t.Fatalf("only %d packages are listed", len(listed))
	}
	for _, dependency := range listed {
		for _, pkg := range forbidden {
			if dependency == pkg || strings.HasPrefix(dependency, pkg+"/") {
				t.Errorf("the portal or the worker depends on %s", dependency)
			}
		}
	}
}
