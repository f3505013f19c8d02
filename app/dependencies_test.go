package app

import (
	"os/exec"
	"strings"
	"testing"
)

// The binaries of production contain no stand-in for AWS, no demo, and nothing of the test
// framework.
func TestThePortalAndTheWorkerContainNothingForLocalUse(t *testing.T) {
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
