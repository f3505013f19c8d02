package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

func TestTheDemosCatalogIsWrittenOnceAndNeverOverwritten(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "catalog")
	from := fstest.MapFS{"seamark/product.yaml": {Data: []byte("name: Seamark")}, "pages/a.md": {Data: []byte("# A")}}
	ok(t, os.MkdirAll(filepath.Join(dir+".new", "half"), 0o755)) // an interrupted copy
	ok(t, installCatalog(dir, from))
	file := filepath.Join(dir, "seamark", "product.yaml")
	ok(t, os.WriteFile(file, []byte("name: Mine"), 0o644))
	ok(t, installCatalog(dir, from))
	body, err := os.ReadFile(file)
	ok(t, err)
	if string(body) != "name: Mine" {
		t.Errorf("the file is %q", body)
	}
	if _, err := os.Stat(filepath.Join(dir, "half")); err == nil {
		t.Error("a file of the interrupted copy is there")
	}
}

func TestAChangedFolderIsReadAgainAndItsProblemsArePrintedOnce(t *testing.T) {
	t.Parallel()
	dir, out := t.TempDir(), &strings.Builder{}
	clock := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	syncs, report, down := 0, catalog.Report{}, error(nil)
	w := &catalogWatch{
		dir: dir, out: out, now: func() time.Time { return clock }, state: stateOf(dir),
		sync: func(context.Context) error {
			if down == nil {
				syncs++
			}
			return down
		},
		report: func(context.Context) (catalog.Report, bool, error) { return report, true, nil },
	}
	step := func(wantSyncs int, wantOut string) {
		t.Helper()
		clock = clock.Add(time.Second)
		_ = w.look(t.Context())
		if syncs != wantSyncs || out.String() != wantOut {
			t.Errorf("%d readings, want %d; printed %q, want %q", syncs, wantSyncs, out, wantOut)
		}
		out.Reset()
	}
	step(0, "")
	file := filepath.Join(dir, "product.yaml")
	ok(t, os.WriteFile(file, []byte("name: \tSeamark"), 0o644))
	down = errors.New("the queues do not answer")
	step(0, "")
	down = nil
	step(1, "")
	step(1, "") // the last reading began before the change
	report = catalog.Report{Began: clock, Problems: []catalog.Problem{
		{Where: "seamark/product.yaml", Line: 3, Text: "A tab \x1b[2J."}, {Where: "a.md", Text: "A link leads nowhere.", Warning: true},
	}}
	step(1, "\n  The catalog has problems:\n    seamark/product.yaml:3: A tab \uFFFD[2J.\n    warning: a.md: A link leads nowhere.\n\n")
	step(1, "")
	ok(t, os.Remove(file))
	step(2, "")
	report = catalog.Report{Began: clock}
	step(2, "\n  The catalog has no problems any more.\n\n")
	step(2, "")
	ok(t, os.RemoveAll(dir))
	step(3, "")
	clock = clock.Add(readingTime)
	step(3, "")
	if !w.asked.IsZero() {
		t.Error("it waits for ever")
	}
}
