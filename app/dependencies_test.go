package app

import (
	"os/exec"
	"strings"
	"testing"
)

// The production binaries contain no local AWS, no demo and no test framework. They contain bbolt,
// the local AWS's store, only because the search's library links its own stores (decision 0058).
func TestProductionBinariesContainNoLocalAWS(t *testing.T) {
	t.Parallel()
	const module = "github.com/gatehouse-portal/gatehouse/"
	forbidden := []string{module + "localaws", module + "local", module + "demo", "testing"}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"cmd/api", module+"cmd/worker", module+"cmd/lambda").Output()
	ok(t, err)
	listed := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(listed) < 100 {
		t.Fatalf("only %d packages are listed", len(listed))
	}
	for _, line := range listed {
		dependency, imports, _ := strings.Cut(line, " ")
		if strings.HasPrefix(dependency, module) && strings.Contains(imports, "go.etcd.io/bbolt") {
			t.Errorf("%s imports bbolt", dependency)
		}
		for _, pkg := range forbidden {
			if dependency == pkg || strings.HasPrefix(dependency, pkg+"/") {
				t.Errorf("a production binary depends on %s", dependency)
			}
		}
	}
}
