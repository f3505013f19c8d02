// This file tests that docs/metrics.md describes what the processes measure.

package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/demo"
)

// metric is a metric with its labels in order.
type metric struct{ Type, Labels string }

func TestTheProcessesMeasureWhatThePageAboutMetricsSays(t *testing.T) {
	t.Parallel()
	promtool := needed(t, "promtool", "--version")
	f := startFleet(t, 1, 1)
	f.awaitMetric(t, "gatehouse_api_keys ") // of the first sweep
	p := f.ofDemo(t, demo.Accounts[0]).at(f.apis[0])
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	operation := p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+f.Demo.API.FreePlanID, "")).ID
	key := decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items[0].ID
	account := decode[struct{ Account string }](p.do(http.MethodGet, "/api/v1/me", "").want(http.StatusOK)).Account

	documented := documentedMetrics(t)
	for _, process := range []*process{f.apis[0], f.workers[0]} {
		got := process.get("/metrics").want(http.StatusOK)
		text := string(got.body)
		check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
		check.Stdin = strings.NewReader(text)
		if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("promtool check metrics of the %s: %v\n%s", process.name, err, out)
		}
		for _, id := range []string{operation, key, account, f.Demo.API.FreePlanID, demo.Accounts[0].Email} {
			if strings.Contains(text, id) {
				t.Errorf("the metrics of the %s hold %s", process.name, id)
			}
		}
		measured := measuredMetrics(text)
		want := map[string]metric{}
		for name, m := range documented[process.name] {
			want[name] = m
		}
		if process.name == "worker" {
			delete(want, "gatehouse_metering_late_seconds") // nothing is sold
		}
		if process.name == "api" {
			delete(want, "gatehouse_control_plane_calls_total") // no key is adopted
		}
		if diff := cmp.Diff(want, measured); diff != "" {
			t.Errorf("what docs/metrics.md says of the %s differs from what it measures (-page +process):\n%s", process.name, diff)
		}
	}
}

func (f *fleet) awaitMetric(t *testing.T, line string) {
	t.Helper()
	eventually(t, "the worker measures "+line, func() bool {
		return strings.Contains(string(f.workers[0].get("/metrics").body), "\n"+line)
	})
}

// documentedMetrics reads the tables of docs/metrics.md for each process.
func documentedMetrics(t *testing.T) map[string]map[string]metric {
	t.Helper()
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	of := map[string][]string{"Every process": {"api", "worker"}, "The portal": {"api"}, "The worker": {"worker"}}
	all := map[string]map[string]metric{"api": {}, "worker": {}}
	for _, part := range strings.Split(string(page), "\n### ")[1:] {
		title, text, _ := strings.Cut(part, "\n")
		for _, row := range regexp.MustCompile("(?m)^\\| `(gatehouse_\\w+)` \\| (\\w+) \\| (.*?) \\|").FindAllStringSubmatch(text, -1) {
			var labels []string
			for _, label := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(row[3], -1) {
				labels = append(labels, label[1])
			}
			slices.Sort(labels)
			for _, process := range of[title] {
				all[process][row[1]] = metric{row[2], strings.Join(labels, " ")}
			}
		}
	}
	if len(all["api"]) < 5 || len(all["worker"]) < 15 {
		t.Fatalf("docs/metrics.md has the metrics %v", all)
	}
	return all
}

// measuredMetrics reads our metrics in the exposition format.
func measuredMetrics(text string) map[string]metric {
	found := map[string]metric{}
	for _, family := range regexp.MustCompile(`(?m)^# TYPE (gatehouse_\w+) (\w+)$`).FindAllStringSubmatch(text, -1) {
		name, kind := family[1], family[2]
		sample := name
		if kind == "histogram" {
			sample += "_count"
		}
		series := regexp.MustCompile(`(?m)^` + sample + `(?:\{(.*)\})? `).FindStringSubmatch(text)
		var labels []string
		if series != nil {
			for _, label := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(series[1], -1) {
				labels = append(labels, label[1])
			}
		}
		slices.Sort(labels)
		found[name] = metric{kind, strings.Join(labels, " ")}
	}
	return found
}
