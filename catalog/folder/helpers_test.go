package folder_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/catalog/folder"
)

const (
	tidesYAML = "name: Tides\nplans:\n  - name: Tides Free\n"
	openAPI   = `{"openapi": "3.1.0", "info": {"title": "Directory", "version": "1"}, "paths": {"/a": {"get": {"responses": {"200": {"description": "A."}}}}}}`
)

// folderOf makes a file system of names and contents in turn.
func folderOf(namesAndContents ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := 0; i+1 < len(namesAndContents); i += 2 {
		fsys[namesAndContents[i]] = &fstest.MapFile{Data: []byte(namesAndContents[i+1])}
	}
	return fsys
}

func mustRead(t *testing.T, fsys fstest.MapFS) catalog.Folder {
	t.Helper()
	f, err := folder.Read(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// told writes problems as "file:line: text", warnings with a "?" in front.
func told(problems []catalog.Problem) (lines []string) {
	for _, p := range problems {
		line := fmt.Sprintf("%s:%d: %s", p.Where, p.Line, p.Text)
		if p.Warning {
			line = "?" + line
		}
		lines = append(lines, line)
	}
	return lines
}

// tells compares problems with lines, each of which may end in "…".
func tells(t *testing.T, f catalog.Folder, want ...string) {
	t.Helper()
	got := told(f.Problems)
	for i := range got {
		if i < len(want) {
			if begin, cut := strings.CutSuffix(want[i], "…"); cut && strings.HasPrefix(got[i], begin) {
				got[i] = want[i]
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
