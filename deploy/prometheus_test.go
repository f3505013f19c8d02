package deploy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// rule is an alert rule.
type rule struct {
	Alert       string
	Expr        string
	Labels      map[string]string
	Annotations map[string]string
}

func alertRules(t *testing.T) (rules []rule) {
	t.Helper()
	text, err := os.ReadFile("prometheus/alerts.yaml")
	ok(t, err)
	var file struct {
		Groups []struct{ Rules []rule }
	}
	ok(t, yaml.Unmarshal(text, &file))
	for _, group := range file.Groups {
		rules = append(rules, group.Rules...)
	}
	if len(rules) < 20 {
		t.Fatalf("there are %d rules", len(rules))
	}
	return rules
}

func promtool(t *testing.T, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		if slices.Contains(strings.Split(os.Getenv("GATEHOUSE_REQUIRE"), ","), "promtool") {
			t.Fatalf("promtool is required and not installed: %v", err)
		}
		t.Skip("NOT RUN: promtool is not installed")
	}
	if out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestPromtoolTakesRulesAndConfiguration(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "rules", "prometheus/alerts.yaml")
	promtool(t, "check", "config", "prometheus/prometheus.yaml")
}

func TestEachAlertFiresWhenItShould(t *testing.T) {
	t.Parallel()
	promtool(t, "test", "rules", "prometheus/alerts_test.yaml")
}

func TestEachAlertHasATestInWhichItIsQuietAndOneInWhichItFires(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("prometheus/alerts_test.yaml")
	ok(t, err)
	var file struct {
		Tests []struct {
			Alerts []struct {
				Alertname string
				Exp       []any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	ok(t, yaml.Unmarshal(text, &file))
	quiet, fires := map[string]bool{}, map[string]bool{}
	for _, test := range file.Tests {
		for _, alert := range test.Alerts {
			quiet[alert.Alertname] = quiet[alert.Alertname] || len(alert.Exp) == 0
			fires[alert.Alertname] = fires[alert.Alertname] || len(alert.Exp) > 0
		}
	}
	for _, r := range alertRules(t) {
		if !quiet[r.Alert] || !fires[r.Alert] {
			t.Errorf("%s is tested when it is quiet: %t, and when it fires: %t", r.Alert, quiet[r.Alert], fires[r.Alert])
		}
	}
}

// entries returns the runbook's entries for alerts: their text, by the anchor of their heading.
func entries(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../docs/runbook.md")
	ok(t, err)
	_, chapter, found := strings.Cut(string(page), "\n## Alerts\n")
	if !found {
		t.Fatal("the runbook has no chapter about alerts")
	}
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	all := map[string]string{}
	for _, entry := range strings.Split(chapter, "\n### ")[1:] {
		heading, text, _ := strings.Cut(entry, "\n")
		all[strings.ReplaceAll(strings.ToLower(heading), " ", "-")] = text
	}
	return all
}

func TestEachAlertSaysWhatToDo(t *testing.T) {
	t.Parallel()
	runbook := entries(t)
	for _, r := range alertRules(t) {
		for _, name := range []string{"summary", "description"} {
			if text := r.Annotations[name]; !strings.HasSuffix(text, ".") {
				t.Errorf("%s has the %s %q", r.Alert, name, text)
			}
		}
		if severity := r.Labels["severity"]; severity != "critical" && severity != "warning" {
			t.Errorf("%s has the severity %q", r.Alert, severity)
		}
		page, anchor, _ := strings.Cut(r.Annotations["runbook_url"], "#")
		if page != "https://github.com/gatehouse-portal/gatehouse/blob/main/docs/runbook.md" || !strings.Contains(runbook[anchor], "`"+r.Alert+"`") {
			t.Errorf("%s leads to %s, which is not an entry that names it", r.Alert, r.Annotations["runbook_url"])
		}
	}
}

// The entries name what fires, so that nobody looks for an alert that is gone.
func TestTheRunbookNamesEachAlertAndAlarmOnce(t *testing.T) {
	t.Parallel()
	named := map[string]int{}
	for anchor, text := range entries(t) {
		names, _, _ := strings.Cut(strings.TrimSpace(text), "\n\n")
		found := regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(names, -1)
		if len(found) == 0 || regexp.MustCompile("(?s)^[`\\w, \n]+$").FindString(names) == "" {
			t.Errorf("the entry #%s begins with %q, want the names of alerts and alarms", anchor, names)
		}
		for _, name := range found {
			named[name[1]]++
		}
	}
	fire := map[string]bool{}
	for _, r := range alertRules(t) {
		fire[r.Alert] = true
	}
	for variant := range variants["operations"] {
		for _, name := range stackOf(t, "operations", variant, "acme").Named("AWS::CloudWatch::Alarm") {
			fire[name] = true
		}
	}
	for name := range fire {
		if named[name] != 1 {
			t.Errorf("the runbook has %d entries for %s, want 1", named[name], name)
		}
	}
	for name := range named {
		if !fire[name] {
			t.Errorf("the runbook has an entry for %s, which nothing fires", name)
		}
	}
}

// measured is a metric of docs/metrics.md, which a test compares with the processes.
type measured struct {
	kind   string
	labels []string
}

func measuredMetrics(t *testing.T) map[string]measured {
	t.Helper()
	page, err := os.ReadFile("../docs/metrics.md")
	ok(t, err)
	all := map[string]measured{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(gatehouse_\\w+)` \\| (\\w+) \\| (.*?) \\|").FindAllStringSubmatch(string(page), -1) {
		m := measured{kind: row[2]}
		for _, label := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(row[3], -1) {
			m.labels = append(m.labels, label[1])
		}
		all[row[1]] = m
	}
	if len(all) < 20 {
		t.Fatalf("docs/metrics.md has %d metrics", len(all))
	}
	return all
}

var (
	selector = regexp.MustCompile(`\b((?:gatehouse|go|process|up|ALERTS)[a-z_]*)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`(\w+)\s*(?:=|!=|=~|!~)"`)
	// ofOthers are metrics that Prometheus and its client library make.
	ofOthers = []string{"up", "ALERTS", "go_goroutines", "process_resident_memory_bytes", "process_cpu_seconds_total"}
)

// faultsOf says what an expression names that does not exist, and how it misuses metrics.
func faultsOf(expr string, exist map[string]measured) (faults []string) {
	// Quoted patterns, such as those of routes, and lists of labels hold no metrics.
	bare := regexp.MustCompile(`\b(by|without|on|ignoring|group_left|group_right) *\([^)]*\)`).ReplaceAllString(expr, "")
	for _, found := range selector.FindAllStringSubmatch(bare, -1) {
		name := found[1]
		if slices.Contains(ofOthers, name) {
			continue
		}
		base, part := name, ""
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if cut, has := strings.CutSuffix(name, suffix); has && exist[cut].kind == "histogram" {
				base, part = cut, suffix
			}
		}
		m, known := exist[base]
		switch {
		case !known:
			faults = append(faults, name+" does not exist")
			continue
		case m.kind == "histogram" && part == "":
			faults = append(faults, name+" is a histogram, and has no value of its own")
		}
		if changes := regexp.MustCompile(`\b(rate|increase)\(` + name + `\b`).MatchString(expr); changes == (m.kind == "gauge") {
			if m.kind == "gauge" || !strings.Contains(expr, "absent("+name) {
				faults = append(faults, fmt.Sprintf("%s is a %s, and is used in a rate: %t", name, m.kind, changes))
			}
		}
		for _, label := range matcher.FindAllStringSubmatch(found[2], -1) {
			if !slices.Contains(append(m.labels, "job", "instance"), label[1]) {
				faults = append(faults, name+" has no label "+label[1])
			}
		}
		for _, list := range regexp.MustCompile(`\bby \(([^)]*)\) \((?:rate\(|increase\()?`+name+`\b`).FindAllStringSubmatch(expr, -1) {
			for _, label := range strings.Split(list[1], ", ") {
				if !slices.Contains(append(m.labels, "le"), label) {
					faults = append(faults, name+" has no label "+label+" to group by")
				}
			}
		}
	}
	return faults
}

// Prometheus calls a label exported_job if a process has one that Prometheus adds itself.
func TestNoMetricHasALabelThatPrometheusAdds(t *testing.T) {
	t.Parallel()
	for name, m := range measuredMetrics(t) {
		for _, label := range []string{"job", "instance"} {
			if slices.Contains(m.labels, label) {
				t.Errorf("%s has the label %s", name, label)
			}
		}
	}
}

func TestAlertsWatchWhatIsMeasured(t *testing.T) {
	t.Parallel()
	exist := measuredMetrics(t)
	for _, r := range alertRules(t) {
		for _, fault := range faultsOf(r.Expr, exist) {
			t.Errorf("%s: %s", r.Alert, fault)
		}
	}
}

func TestFaultyExpressionsAreFound(t *testing.T) {
	t.Parallel()
	exist := map[string]measured{
		"gatehouse_x_total": {"counter", []string{"kind"}}, "gatehouse_y_seconds": {"histogram", nil}, "gatehouse_z": {"gauge", nil},
	}
	for expr, want := range map[string]string{
		`sum by (kind) (rate(gatehouse_x_total{kind="a"}[5m])) > 0`:                   "",
		`histogram_quantile(0.9, sum by (le) (rate(gatehouse_y_seconds_bucket[5m])))`: "",
		`max(gatehouse_z{job=~"b.*"})`:                                                "",
		`rate(gatehouse_w_total[5m])`:                                                 "gatehouse_w_total does not exist",
		`rate(gatehouse_x_total{outcome="a"}[5m])`:                                    "gatehouse_x_total has no label outcome",
		`sum(gatehouse_x_total)`:                                                      "gatehouse_x_total is a counter, and is used in a rate: false",
		`sum by (outcome) (rate(gatehouse_x_total[5m])) > 0`:                          "gatehouse_x_total has no label outcome to group by",
		`rate(gatehouse_z[5m])`:                                                       "gatehouse_z is a gauge, and is used in a rate: true",
		`histogram_quantile(0.9, sum by (le) (rate(gatehouse_y_seconds[5m])))`:        "gatehouse_y_seconds is a histogram, and has no value of its own",
	} {
		if got := strings.Join(faultsOf(expr, exist), "; "); got != want {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}

// checkExpressions has promtool parse expressions, as rules of a file.
func checkExpressions(t *testing.T, exprs []string) {
	t.Helper()
	type recorded struct {
		Record string `yaml:"record"`
		Expr   string `yaml:"expr"`
	}
	var rules []recorded
	for i, expr := range exprs {
		rules = append(rules, recorded{fmt.Sprintf("gatehouse:panel:%d", i), expr})
	}
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "panels", "rules": rules}}})
	ok(t, err)
	file := filepath.Join(t.TempDir(), "panels.yaml")
	ok(t, os.WriteFile(file, text, 0o600))
	promtool(t, "check", "rules", file)
}
