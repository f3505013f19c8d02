// This file tests that the logs of the processes follow a request.

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/demo"
)

// line is a line of a log.
type line map[string]any

func linesOf(t *testing.T, p *process) (all []line) {
	t.Helper()
	for text := range strings.Lines(p.logs.String()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("the %s logs a line that is no JSON: %s", p.name, text)
		}
		if again := repeated(t, text); len(again) > 0 {
			t.Errorf("the %s logs %q twice in a line: %s", p.name, again, text)
		}
		all = append(all, l)
	}
	return all
}

// repeated lists the members that an object has more than once. Programs keep one of them, and not all the same.
func repeated(t *testing.T, object string) (again []string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(object))
	seen := map[string]bool{}
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		if seen[fmt.Sprint(name)] {
			again = append(again, fmt.Sprint(name))
		}
		seen[fmt.Sprint(name)] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return again
}

// with returns the lines that have all these fields.
func with(lines []line, fields map[string]any) (found []line) {
	for _, l := range lines {
		if !slices.ContainsFunc(keysOf(fields), func(name string) bool { return l[name] != fields[name] }) {
			found = append(found, l)
		}
	}
	return found
}

func keysOf(fields map[string]any) (names []string) {
	for name := range fields {
		names = append(names, name)
	}
	return names
}

func TestTheLogsFollowARequestFromThePortalToTheWorker(t *testing.T) {
	t.Parallel()
	f := startFleet(t, 1, 1)
	p := f.ofDemo(t, demo.Accounts[0]).at(f.apis[0])
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	asked := p.do(http.MethodPut, "/api/v1/subscriptions/"+f.Demo.API.FreePlanID, "")
	operation := p.succeed(asked).ID
	correlation := asked.header.Get("X-Request-Id")
	account := decode[struct{ Account string }](p.do(http.MethodGet, "/api/v1/me", "").want(http.StatusOK)).Account
	eventually(t, "the worker has said that it decided", func() bool {
		return strings.Contains(f.workers[0].logs.String(), `"operation_id":"`+operation+`"`)
	})
	f.terminateAll(t)

	portal, worker := linesOf(t, f.apis[0]), linesOf(t, f.workers[0])
	common := map[string]any{
		"operation_id": operation, "type": "gatehouse.SubscribeRequested.v1", "subject": "account/" + account, "account": account, "correlation_id": correlation,
	}
	for what, found := range map[string][]line{
		"the portal, when it accepts": with(portal, merged(common, "message", "request accepted", "level", "info", "process", "api")),
		"the worker, when it decides": with(worker, merged(common, "message", "message handled", "level", "info", "process", "worker", "consumer", "commands", "outcome", "handled")),
		"the portal, when it answers": with(portal, map[string]any{
			"message": "request", "account": account, "correlation_id": correlation, "status": 202.0, "route": "/api/v1/subscriptions/{plan}",
		}),
	} {
		if len(found) != 1 {
			t.Errorf("%s logs %d lines about the request, want 1", what, len(found))
		}
	}
	documented := documentedFields(t)
	for _, l := range slices.Concat(portal, worker) {
		for _, name := range []string{"level", "time", "message", "process"} {
			if l[name] == nil {
				t.Errorf("a line lacks %s: %v", name, l)
			}
		}
		if l["level"] == "debug" {
			continue
		}
		for name := range l {
			if !documented[name] {
				t.Errorf("docs/metrics.md has no log field %s: %v", name, l)
			}
		}
	}
}

func merged(fields map[string]any, pairs ...string) map[string]any {
	all := map[string]any{}
	for name, value := range fields {
		all[name] = value
	}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return all
}

// documentedFields reads the chapter about the log's fields.
func documentedFields(t *testing.T) map[string]bool {
	t.Helper()
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, found := strings.Cut(string(page), "\n## Log fields\n")
	if !found {
		t.Fatal("docs/metrics.md has no chapter about log fields")
	}
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	fields := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| (.*?) \|`).FindAllStringSubmatch(chapter, -1) {
		for _, field := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(row[1], -1) {
			fields[field[1]] = true
		}
	}
	return fields
}
