package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tableOf returns the first columns of the tables in a chapter of metrics.md.
func tableOf(t *testing.T, chapter string) []string {
	t.Helper()
	page, err := os.ReadFile("metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "\n## "+chapter+"\n")
	if !found {
		t.Fatalf("metrics.md has no chapter %q", chapter)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	var cells []string
	for _, row := range regexp.MustCompile(`(?m)^\| (.*?) \|`).FindAllStringSubmatch(text, -1) {
		cells = append(cells, row[1])
	}
	return cells
}

var (
	logField = regexp.MustCompile(`\b(?:Str|Strs|Int|Int64|Uint64|Float64|Dur|Time|Stringer|Bool|Interface|AnErr|Any)\("([a-z_]+)"`)
	// contextFields are in every line about a message. A line that adds one again has it twice.
	contextFields = map[string][]string{
		"type": {"operations/operations.go"}, "subject": {"operations/operations.go", "marketplace/intake/intake.go"},
		"operation_id":   {"operations/operations.go", "operations/nudge.go", "web/marketplace.go"},
		"account":        {"api/middleware.go", "identity/session.go", "identity/signin.go", "identity/token.go", "marketplace/reconcile/renewal.go"},
		"correlation_id": {"api/middleware.go"}, "consumer": {"transport/logging.go"}, "message_id": {}, "process": {"app/log.go"},
	}
)

func TestEveryFieldOfTheLogIsDocumented(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	for _, cell := range tableOf(t, "Log fields") {
		for _, field := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cell, -1) {
			documented[field[1]] = true
		}
	}
	used := map[string]bool{"level": true, "time": true, "message": true, "message_id": true, "error": true}
	walk(t, "..", ".go", func(path, content string) {
		path = filepath.ToSlash(strings.TrimPrefix(path, "../"))
		if ofNoProcess(path) {
			return
		}
		for _, found := range logField.FindAllStringSubmatch(content, -1) {
			field := found[1]
			used[field] = true
			if !documented[field] {
				t.Errorf("%s logs the field %s, which metrics.md does not have", path, field)
			}
			if allowed, reserved := contextFields[field]; reserved && !slices.Contains(allowed, path) {
				t.Errorf("%s adds the field %s, which lines about messages have already; call it something else, such as stream", path, field)
			}
		}
	})
	for field := range documented {
		if !used[field] {
			t.Errorf("metrics.md has the field %s, which nothing logs", field)
		}
	}
}

// ofNoProcess reports whether neither a portal nor a worker runs the file.
func ofNoProcess(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.HasSuffix(path, "_test.go") || slices.Contains([]string{"localaws", "bench", "tools", "conformance", "demo"}, first)
}
