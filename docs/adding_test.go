package docs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/format"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const addingPage = "adding-a-request.md"

// The go command builds the module with the page's blocks as an overlay, so all other packages
// come from the build cache.
func TestTheExampleOfAddingARequestWorks(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(addingPage)
	if err != nil {
		t.Fatal(err)
	}
	ex := example{changed: map[string]string{}, golden: map[string]string{}}
	for _, b := range blocks(string(page)) {
		if err := ex.apply(b); err != nil {
			t.Errorf("%s:%d, step %q: %v", addingPage, b.line, b.step, err)
		}
	}
	if t.Failed() {
		return
	}
	for file, content := range ex.changed {
		if formatted, err := format.Source([]byte(content)); strings.HasSuffix(file, ".go") && (err != nil || string(formatted) != content) {
			t.Errorf("the example leaves %s without gofmt's format (%v):\n%s", file, err, cmp.Diff(string(formatted), content))
		}
	}
	o := lay(t, ex.changed)
	packages := ex.packages()
	o.golden(ex.golden)
	tests := slices.Concat(named(string(page)), ex.tests())
	elsewhere := slices.DeleteFunc(packages, func(p string) bool { return p == "./events" })
	out := o.run("go", append([]string{"test", "-overlay", o.file, "-vet=off", "-v", "-run", "^(" + strings.Join(tests, "|") + ")$"}, elsewhere...)...)
	for _, test := range tests {
		if !strings.Contains(out, "--- PASS: "+test+" ") {
			t.Errorf("%s did not run with the example in place", test)
		}
	}
}

// block is a fenced block of the page.
type block struct {
	step, info, text string
	// said is the text since the previous block.
	said string
	line int
}

func blocks(page string) []block {
	var all []block
	var inside *block
	step, said := "", ""
	for i, line := range strings.Split(page, "\n") {
		switch {
		case inside != nil && line == "```":
			all = append(all, *inside)
			inside, said = nil, ""
		case inside != nil:
			inside.text += line + "\n"
		case strings.HasPrefix(line, "```"):
			inside = &block{step: step, info: strings.TrimPrefix(line, "```"), said: said, line: i + 1}
		default:
			if heading, ok := strings.CutPrefix(line, "## "); ok {
				step = heading
			}
			said += line + "\n"
		}
	}
	return all
}

// example collects the files that the page's blocks change.
type example struct {
	// changed holds the new content of each file, by its path in the module.
	changed map[string]string
	// added are the new files among them.
	added []string
	// golden holds the data of golden files, by path.
	golden map[string]string
}

func (ex *example) apply(b block) error {
	kind, file, _ := strings.Cut(b.info, " file=")
	switch {
	case b.info == "diff":
		return ex.patch(b.text)
	case file == "":
		return fmt.Errorf("the block %q names no file", b.info)
	case !strings.Contains(b.said, "`"+file+"`"):
		return fmt.Errorf("the text before the block does not name %s", file)
	case kind == "json":
		ex.golden[file] = b.text
		return nil
	}
	if _, err := os.Stat(filepath.Join("..", file)); err == nil {
		return fmt.Errorf("%s exists already", file)
	}
	ex.changed[file] = b.text
	ex.added = append(ex.added, file)
	return nil
}

// patch applies a diff that has no line numbers: "--- file" begins a file, and "@@" begins
// another place in it.
func (ex example) patch(diff string) error {
	for _, part := range strings.Split("\n"+diff, "\n--- ")[1:] {
		file, places, _ := strings.Cut(part, "\n")
		content, ok := ex.changed[file]
		if !ok {
			read, err := os.ReadFile(filepath.Join("..", file))
			if err != nil {
				return err
			}
			content = string(read)
		}
		for place := range strings.SplitSeq(strings.TrimSuffix(places, "\n"), "\n@@\n") {
			var err error
			if content, err = replace(content, place); err != nil {
				return fmt.Errorf("%s %w", file, err)
			}
		}
		ex.changed[file] = content
	}
	return nil
}

// replace applies one place of a diff. Its " " and "-" lines must be in the content exactly once.
// "…" at the end of a line stands for the rest of that line.
func replace(content, place string) (string, error) {
	var before, after []string
	rests := 0
	for line := range strings.SplitSeq(place, "\n") {
		sign, text := " ", ""
		if line != "" {
			sign, text = line[:1], line[1:]
		}
		old := regexp.QuoteMeta(text)
		text = strings.ReplaceAll(text, "$", "$$")
		if begins, cut := strings.CutSuffix(text, "…"); cut {
			old = strings.TrimSuffix(old, "…") + "(.*)"
			if sign != "-" {
				rests++
			}
			text = fmt.Sprintf("%s${%d}", begins, rests)
		}
		if sign != "+" {
			before = append(before, old)
		}
		if sign != "-" {
			after = append(after, text)
		}
	}
	old := regexp.MustCompile("(?m)^" + strings.Join(before, "\n") + "$")
	switch len(old.FindAllStringIndex(content, 2)) {
	case 0:
		return "", fmt.Errorf("does not have these lines:\n%s", place)
	case 1:
		return old.ReplaceAllString(content, strings.Join(after, "\n")), nil
	}
	return "", fmt.Errorf("has these lines more than once:\n%s", place)
}

// packages lists the changed packages, relative to the module's root.
func (ex example) packages() []string {
	found := map[string]bool{}
	for file := range ex.changed {
		dir, _, _ := strings.Cut(filepath.ToSlash(filepath.Dir(file)), "/")
		found["./"+dir] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// tests lists the tests in the new files.
func (ex example) tests() []string {
	var tests []string
	for _, file := range ex.added {
		tests = append(tests, testsIn(ex.changed[file], `(?m)^func (Test\w+)\(`)...)
	}
	return tests
}

// named lists the tests that the page names, without the two that read files which an overlay
// cannot replace.
func named(page string) []string {
	return slices.DeleteFunc(testsIn(page, "`(Test[A-Z]\\w+)`"), func(test string) bool {
		return test == "TestMessagesDescribesEveryType" || test == "TestEveryTypeKeepsItsWireFormat"
	})
}

func testsIn(text, pattern string) []string {
	var tests []string
	for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		tests = append(tests, found[1])
	}
	slices.Sort(tests)
	return slices.Compact(tests)
}

// overlay runs commands on the module with the changed files in place.
type overlay struct {
	t    *testing.T
	root string
	// file is the argument of the go command's -overlay.
	file string
}

func lay(t *testing.T, changed map[string]string) overlay {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir, replaced := t.TempDir(), map[string]string{}
	for file, content := range changed {
		at := filepath.Join(dir, strings.ReplaceAll(file, "/", "-"))
		if err := os.WriteFile(at, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		replaced[filepath.Join(root, file)] = at
	}
	encoded, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, encoded, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay{t, root, file}
}

// run runs a command in the module's root.
func (o overlay) run(name string, args ...string) string {
	o.t.Helper()
	return o.runIn(o.root, name, args...)
}

func (o overlay) runIn(dir, name string, args ...string) string {
	o.t.Helper()
	cmd := exec.CommandContext(o.t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		o.t.Fatalf("with the example of %s in place, %s: %v\n%s", addingPage, cmd, err, out)
	}
	return string(out)
}

// golden writes the golden files of the new types, as the page says, and compares their data. It
// runs the test of the wire format in a copy of its folder, because that test writes files.
func (o overlay) golden(want map[string]string) {
	o.t.Helper()
	dir := o.t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "events"), os.DirFS(filepath.Join(o.root, "events"))); err != nil {
		o.t.Fatal(err)
	}
	test := filepath.Join(dir, "events.test")
	o.run("go", "test", "-overlay", o.file, "-vet=off", "-c", "-o", test, "./events")
	only := "-test.run=^TestEveryTypeKeepsItsWireFormat$"
	o.runIn(filepath.Join(dir, "events"), test, only, "-new")
	o.runIn(filepath.Join(dir, "events"), test, only)
	if len(want) == 0 {
		o.t.Errorf("%s shows no golden file", addingPage)
	}
	for file, data := range want {
		written, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			o.t.Fatal(err)
		}
		var got, shown struct{ Data any }
		if err := json.Unmarshal(written, &got); err != nil {
			o.t.Fatal(err)
		}
		if err := json.NewDecoder(bytes.NewBufferString(data)).Decode(&shown.Data); err != nil {
			o.t.Fatalf("%s: %v", file, err)
		}
		if !cmp.Equal(got, shown) {
			o.t.Errorf("%s shows the data of %s as %v; it is %v", addingPage, file, shown.Data, got.Data)
		}
	}
}

func TestAPlaceOfTheExampleMustBeThereOnce(t *testing.T) {
	t.Parallel()
	const content = "one\none\ntwo three\nfour $1\n"
	for name, c := range map[string]struct{ place, want, wrong string }{
		"a line is added":                   {" two three\n+more $1", "one\none\ntwo three\nmore $1\nfour $1\n", ""},
		"a line is replaced":                {"-four $1\n+five", "one\none\ntwo three\nfive\n", ""},
		"the rest of a replaced line stays": {"-two …\n+2 …\n four…", "one\none\n2 three\nfour $1\n", ""},
		"a line that is there twice":        {" one\n+more", "", "has these lines more than once"},
		"a line that is there in part":      {" two\n+more", "", "does not have these lines"},
		"lines that do not follow another":  {" two three\n one\n+more", "", "does not have these lines"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := replace(content, c.place)
			switch {
			case c.wrong == "" && (err != nil || got != c.want):
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
				t.Errorf("got %q, %v, want an error that it %s", got, err, c.wrong)
			}
		})
	}
}
