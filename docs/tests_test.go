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

// A pattern that matches no test runs nothing and exits with 0.
func TestEveryRunPatternThatAPageShowsMatchesATest(t *testing.T) {
	t.Parallel()
	shown := 0
	walk(t, "..", ".md", func(path, content string) {
		for _, found := range regexp.MustCompile(`go test \./([\w/]+) .*?-run (\S+)`).FindAllStringSubmatch(content, -1) {
			shown++
			pattern, err := regexp.Compile(strings.Trim(found[2], "'`"))
			if err != nil {
				t.Errorf("%s shows %q: %v", path, found[0], err)
				continue
			}
			matches := false
			walk(t, filepath.Join("..", found[1]), "_test.go", func(_, content string) {
				for _, test := range regexp.MustCompile(`(?m)^func (Test\w+|Fuzz\w+)\(`).FindAllStringSubmatch(content, -1) {
					matches = matches || pattern.MatchString(test[1])
				}
			})
			if !matches {
				t.Errorf("%s shows %q, which runs no test", path, found[0])
			}
		}
	})
	if shown == 0 {
		t.Error("no page shows a command that runs a test")
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
