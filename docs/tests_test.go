package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestEveryTestThatAPageNamesExists(t *testing.T) {
	t.Parallel()
	declared := map[string]bool{}
	walk(t, "..", ".go", func(_, content string) {
		for _, found := range regexp.MustCompile(`(?m)^func (Test\w+|Fuzz\w+)\(`).FindAllStringSubmatch(content, -1) {
			declared[found[1]] = true
		}
	})
	named := 0
	walk(t, "..", ".md", func(path, content string) {
		for _, found := range regexp.MustCompile("`(Test[A-Z]\\w+)`").FindAllStringSubmatch(content, -1) {
			named++
			if !declared[found[1]] {
				t.Errorf("%s names %s, which is not a test", path, found[1])
			}
		}
	})
	if named == 0 {
		t.Error("no page names a test")
	}
}

// walk visits the files below root whose names end so.
func walk(t *testing.T, root, ending string, visit func(path, content string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ending):
			return nil
		}
		content, err := os.ReadFile(path)
		visit(path, string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
