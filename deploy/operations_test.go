package deploy_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
	"github.com/gatehouse-portal/gatehouse/emf"
)

func TestEveryAlarmIsSentAndExplained(t *testing.T) {
	t.Parallel()
	for variant := range variants["operations"] {
		r := stackOf(t, "operations", variant, "acme")
		for _, name := range r.Named("AWS::CloudWatch::Alarm") {
			alarm := deploytest.Properties(t, r, name)
			if fmt.Sprint(alarm["AlarmActions"]) != "[acme-operations/Alarms]" || !strings.HasSuffix(fmt.Sprint(alarm["AlarmDescription"]), ".") {
				t.Errorf("%q: %s is %v", variant, name, alarm)
			}
		}
	}
}

func TestAlarmsAndDashboardNameQueuesThatExist(t *testing.T) {
	t.Parallel()
	names := app.NamesFor("acme")
	var exist []string
	for _, queue := range names.Queues() {
		exist = append(exist, queue, app.DeadLetterQueue(queue))
	}
	r := stackOf(t, "operations", "", "acme")
	seen := map[string]bool{}
	for _, resource := range r.Resources {
		text := fmt.Sprint(deploytest.Properties(t, r, resource))
		for _, found := range regexp.MustCompile(`acme-[a-z-]+(\.fifo)?`).FindAllString(text, -1) {
			if !strings.HasPrefix(found, "acme-operations") {
				seen[found] = true
			}
		}
	}
	for queue := range seen {
		if !slices.Contains(exist, queue) && !slices.Contains(names.Tables(), queue) {
			t.Errorf("%s does not exist", queue)
		}
	}
	for _, queue := range exist {
		if !seen[queue] {
			t.Errorf("%s is not watched", queue)
		}
	}
}

// CloudWatch bills metrics of our own one by one.
func TestAtMostTenMetricsAreOurOwn(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "operations", "with a load balancer", "acme")
	if all := r.Named("AWS::Logs::MetricFilter"); len(all) == 0 || len(all)+len(emf.All()) > 10 {
		t.Errorf("there are %q and %q", all, emf.All())
	}
}

func TestAlarmsAndDashboardShowEveryMetricThatWorkersWrite(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "operations", "", "acme")
	dashboard := fmt.Sprint(deploytest.Properties(t, r, "Dashboard")["DashboardBody"])
	for _, m := range emf.All() {
		if want := fmt.Sprintf(`["%s", "%s", "%s", "worker"`, emf.Namespace("acme"), m, emf.Process); !strings.Contains(dashboard, want) {
			t.Errorf("the dashboard lacks %s", want)
		}
	}
	for alarm, metric := range map[string]emf.Metric{"KeysRunOut": emf.KeysHeld, "DueRowsWait": emf.DueRowLate, "MeteringWaits": emf.MeteringLate} {
		checkMembers(t, r, alarm, map[string]any{
			"Namespace": emf.Namespace("acme"), "MetricName": string(metric), "Statistic": "Maximum", "TreatMissingData": "notBreaching",
			"Dimensions": []any{map[string]any{"Name": emf.Process, "Value": "worker"}},
		})
	}
}

func TestTheWorkersFunctionIsWatched(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "operations", "with an HTTP API", "acme")
	for alarm, metric := range map[string]string{"FunctionFails": "Errors", "FunctionThrottled": "Throttles"} {
		checkMembers(t, r, alarm, map[string]any{
			"Namespace": "AWS/Lambda", "MetricName": metric, "Statistic": "Sum",
			"Dimensions": []any{map[string]any{"Name": "FunctionName", "Value": "acme-worker"}},
		})
	}
}

// The log's fields and messages are documented in docs/metrics.md.
func TestMetricFiltersMatchLogLines(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/metrics.md")
	ok(t, err)
	_, fields, found := strings.Cut(string(page), "\n## Log fields\n")
	if !found {
		t.Fatal("docs/metrics.md has no chapter about log fields")
	}
	r := stackOf(t, "operations", "", "acme")
	for _, name := range r.Named("AWS::Logs::MetricFilter") {
		pattern := fmt.Sprint(deploytest.Properties(t, r, name)["FilterPattern"])
		terms := regexp.MustCompile(`\$\.([a-z]+) = "([a-z_ ]+)"`).FindAllStringSubmatch(pattern, -1)
		if len(terms) == 0 {
			t.Errorf("%s has the pattern %s", name, pattern)
		}
		for _, term := range terms {
			field, value := term[1], term[2]
			if !strings.Contains(fields, "`"+field+"`") {
				t.Errorf("%s: the log has no field %s", name, field)
			}
			if !strings.Contains(string(page), value) {
				t.Errorf("%s: no field is %q", name, value)
			}
		}
	}
}

func TestTheDashboardIsReadable(t *testing.T) {
	t.Parallel()
	for variant, widgets := range map[string]int{"": 7, "with a load balancer": 8, "with an HTTP API": 9} {
		body := fmt.Sprint(deploytest.Properties(t, stackOf(t, "operations", variant, "acme"), "Dashboard")["DashboardBody"])
		var dashboard struct {
			Widgets []struct {
				Type       string
				Properties struct {
					Title, Region string
					Metrics       [][]any
				}
			}
		}
		if err := json.Unmarshal([]byte(body), &dashboard); err != nil {
			t.Fatalf("%q: %v:\n%s", variant, err, body)
		}
		for _, w := range dashboard.Widgets {
			if w.Properties.Title == "" || w.Properties.Region != "us-east-1" || len(w.Properties.Metrics) == 0 {
				t.Errorf("%q: a widget is %+v", variant, w)
			}
		}
		if len(dashboard.Widgets) != widgets {
			t.Errorf("%q: there are %d widgets, want %d", variant, len(dashboard.Widgets), widgets)
		}
	}
}
