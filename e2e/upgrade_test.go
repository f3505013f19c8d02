// This file tests that two versions run side by side, as during an upgrade, and that the older one
// takes over again, as after a roll-back.

package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// releases is the file deploy/releases.yaml.
type releases struct {
	Last, Oldest struct{ Version, Commit string }
}

func readReleases(t *testing.T) releases {
	t.Helper()
	text, err := os.ReadFile("../deploy/releases.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var r releases
	if err := yaml.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// checkout builds the programs of a commit of this repository. It skips the test if this copy of the
// repository lacks the commit, or if nobody asks for the test, which takes some minutes. If
// GATEHOUSE_REQUIRE lists upgrade, it runs, or fails without the commit.
func checkout(t *testing.T, commit string) (programs string) {
	t.Helper()
	required := slices.Contains(strings.Split(os.Getenv("GATEHOUSE_REQUIRE"), ","), "upgrade")
	out, err := exec.Command("git", "cat-file", "-e", commit+"^{commit}").CombinedOutput()
	switch {
	case err != nil && required:
		t.Fatalf("this copy of the repository lacks commit %s, from which the older version is built: %v: %s", commit, err, out)
	case err != nil:
		t.Skipf("NOT RUN: this copy of the repository lacks commit %s, from which the older version is built", commit)
	case !required:
		t.Skip("NOT RUN: an upgrade takes some minutes; make upgrade runs it")
	}
	dir := t.TempDir()
	archive := filepath.Join(dir, "sources.tar")
	for _, args := range [][]string{
		{"git", "-C", "..", "archive", "-o", archive, commit},
		{"tar", "-x", "-f", archive, "-C", dir},
		{"go", "build", "-C", dir, "-buildvcs=false", "-o", "programs" + string(filepath.Separator), "./cmd/..."},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("building %s: %s: %v\n%s", commit, strings.Join(args, " "), err, out)
		}
	}
	return filepath.Join(dir, "programs")
}

// The older version runs alone, then beside this one, which then runs alone. After a roll-back the
// older version runs alone, and at last this one again. People sign up, subscribe and leave all the
// time, and an account stays suspended. At each step one version's workers handle what the other one's portals have accepted.
func TestAnUpgradeCanBeRolledBack(t *testing.T) {
	t.Parallel()
	older := checkout(t, readReleases(t).Oldest.Commit)
	newer, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	s := startStorm(t, older)

	old := func(n int) fleetOf { return fleetOf{older, n} }
	now := func(n int) fleetOf { return fleetOf{newer, n} }
	both := []fleetOf{old(1), now(1)}

	s.step("the older version", []fleetOf{old(2)}, []fleetOf{old(2)})
	s.run(newer, "setup")
	s.step("older portals, workers of both versions", []fleetOf{old(2)}, both)
	s.step("portals of both versions, newer workers", both, []fleetOf{now(2)})
	s.step("the newer version", []fleetOf{now(2)}, []fleetOf{now(2)})
	s.useKeys()
	ada := s.suspend()
	s.step("both versions of everything", both, both)
	s.step("rolled back", []fleetOf{old(2)}, []fleetOf{old(2)})
	s.run(older, "projections", "rebuild")
	s.step("rolled back and rebuilt", []fleetOf{old(2)}, []fleetOf{old(2)})
	ada.check("rolled back and rebuilt", http.StatusForbidden)
	s.step("forward again", []fleetOf{now(2)}, []fleetOf{now(2)})
	ada.check("forward again", http.StatusForbidden)
	ada.reinstate()
	s.checkPromises()
}
