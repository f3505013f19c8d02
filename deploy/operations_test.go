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
	"github.com/gatehouse-portal/gatehouse/deploy/template"
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
	for variant, trail := range map[string]string{"": "off", "with a trail": "on"} {
		cfg, err := app.LoadConfig([]string{"GATEHOUSE_PREFIX=acme", "GATEHOUSE_TRAIL=" + trail})
		ok(t, err)
		checkQueuesWatched(t, stackOf(t, "operations", variant, "acme"), cfg.Names())
	}
}

func checkQueuesWatched(t *testing.T, r *template.Resolved, names app.Names) {
	t.Helper()
	var exist []string
	for _, queue := range names.Queues() {
		exist = append(exist, queue, app.DeadLetterQueue(queue))
	}
	seen := map[string]bool{}
	for _, resource := range r.Resources {
		text := fmt.Sprint(deploytest.Properties(t, r, resource))
		for _, found := range regexp.MustCompile(`acme-[a-z-]+(\.fifo)?`).FindAllString(text, -1) {
			if !strings.HasPrefix(found, "acme-operations") {
				seen[found] = true
			}
		}
	}
	dashboard := fmt.Sprint(deploytest.Properties(t, r, "Dashboard")["DashboardBody"])
	for queue := range seen {
		if !slices.Contains(exist, queue) && !slices.Contains(names.Tables(), queue) {
			t.Errorf("%s does not exist", queue)
		}
	}
	for _, queue := range exist {
		if !seen[queue] || !strings.Contains(dashboard, `"`+queue+`"`) {
			t.Errorf("%s is not watched", queue)
		}
	}
}

func TestEventsAboutAPIGatewayAreWatchedIfTheTrailIsOn(t *testing.T) {
	t.Parallel()
	for variant := range variants["operations"] {
		r := stackOf(t, "operations", variant, "acme")
		on := variant == "with a trail"
		if r.Has("TrailWaits") != on {
			t.Errorf("%q: TrailWaits exists: %t", variant, !on)
		}
		if got := strings.Contains(fmt.Sprint(deploytest.Properties(t, r, "DeadLetterQueuesFill")), "acme-trail-dlq"); got != on {
			t.Errorf("%q: the dead-letter queue is watched: %t", variant, got)
		}
		if !on {
			continue
		}
		checkMembers(t, r, "TrailWaits", map[string]any{
			"Namespace": "AWS/SQS", "MetricName": "ApproximateAgeOfOldestMessage", "Statistic": "Maximum", "TreatMissingData": "notBreaching",
			"Dimensions": []any{map[string]any{"Name": "QueueName", "Value": "acme-trail"}},
		})
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
	for variant, widgets := range map[string]int{"": 7, "with a load balancer": 8, "with an HTTP API": 9, "with a trail": 7} {
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
