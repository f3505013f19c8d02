package metrics

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
)

// expect compares the metrics of these names, or all, with text in the exposition format.
func expect(t *testing.T, g prometheus.Gatherer, text string, names ...string) {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(g, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var got, want strings.Builder
	for line := range strings.Lines(w.Body.String()) {
		if of := strings.NewReplacer("# HELP ", "", "# TYPE ", "").Replace(line); len(names) == 0 || slices.ContainsFunc(names, func(name string) bool {
			return strings.HasPrefix(of, name+" ") || strings.HasPrefix(of, name+"{")
		}) {
			got.WriteString(line)
		}
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			want.WriteString(line + "\n")
		}
	}
	if diff := cmp.Diff(want.String(), got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheBuildIsALabel(t *testing.T) {
	t.Parallel()
	reg := NewRegistry(Build{Process: "worker", Version: "1.2.3", Revision: "abc"})
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, family := range families {
		found[family.GetName()] = true
		if family.GetName() != "gatehouse_build_info" {
			continue
		}
		labels := map[string]string{}
		for _, label := range family.GetMetric()[0].GetLabel() {
			labels[label.GetName()] = label.GetValue()
		}
		if labels["process"] != "worker" || labels["version"] != "1.2.3" || labels["revision"] != "abc" || !strings.HasPrefix(labels["go_version"], "go1.") {
			t.Errorf("the build is %v", labels)
		}
	}
	for _, name := range []string{"gatehouse_build_info", "go_goroutines", "process_start_time_seconds"} {
		if !found[name] {
			t.Errorf("there is no %s", name)
		}
	}
}

func TestTheSeriesOfAnOperationBeginTogether(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	ControlPlane(reg)("CreateApiKey", "throttled")
	ControlPlane(reg)("CreateApiKey", "throttled") // as a portal and a worker of one process do
	expect(t, reg, `
		# HELP gatehouse_control_plane_calls_total Attempts to call API Gateway's control plane, by AWS's operation and the outcome.
		# TYPE gatehouse_control_plane_calls_total counter
		gatehouse_control_plane_calls_total{operation="CreateApiKey",outcome="conflict"} 0
		gatehouse_control_plane_calls_total{operation="CreateApiKey",outcome="forbidden"} 0
		gatehouse_control_plane_calls_total{operation="CreateApiKey",outcome="full"} 0
		gatehouse_control_plane_calls_total{operation="CreateApiKey",outcome="not_found"} 0
		gatehouse_control_plane_calls_total{operation="CreateApiKey",outcome="ok"} 0
		gatehouse_control_plane_calls_total{operation="CreateApiKey",outcome="postponed"} 0
		gatehouse_control_plane_calls_total{operation="CreateApiKey",outcome="refused"} 0
		gatehouse_control_plane_calls_total{operation="CreateApiKey",outcome="throttled"} 2
		gatehouse_control_plane_calls_total{operation="CreateApiKey",outcome="unavailable"} 0
	`)
}

func TestRequestsAreCountedByRouteAndClass(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	answered := Requests(reg)
	answered("GET", "/apis/{product}", 200, 3*time.Millisecond)
	answered("GET", "/apis/{product}", 0, 3*time.Millisecond)
	answered("GET", "/apis/{product}", 503, 2*time.Second)
	answered("BREW", "", 405, time.Millisecond)
	expect(t, reg, `
		# HELP gatehouse_http_requests_total Requests that the portal answered, by route and class of the status.
		# TYPE gatehouse_http_requests_total counter
		gatehouse_http_requests_total{method="GET",route="/apis/{product}",status="2xx"} 2
		gatehouse_http_requests_total{method="GET",route="/apis/{product}",status="3xx"} 0
		gatehouse_http_requests_total{method="GET",route="/apis/{product}",status="4xx"} 0
		gatehouse_http_requests_total{method="GET",route="/apis/{product}",status="5xx"} 1
		gatehouse_http_requests_total{method="other",route="none",status="2xx"} 0
		gatehouse_http_requests_total{method="other",route="none",status="3xx"} 0
		gatehouse_http_requests_total{method="other",route="none",status="4xx"} 1
		gatehouse_http_requests_total{method="other",route="none",status="5xx"} 0
	`, "gatehouse_http_requests_total")
	expect(t, reg, `
		gatehouse_http_request_seconds_count{method="GET",route="/apis/{product}"} 3
		gatehouse_http_request_seconds_count{method="other",route="none"} 1
	`, "gatehouse_http_request_seconds_count")
}

func TestAStatusHasAClass(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{0: "2xx", 100: "1xx", 200: "2xx", 304: "3xx", 421: "4xx", 599: "5xx", 99: "5xx", 1000: "5xx", -1: "5xx"} {
		if got := classOf(status); got != want {
			t.Errorf("%d is %s, want %s", status, got, want)
		}
	}
}

func TestDueRowsArePassedOverByKind(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	w := NewWorker(reg, time.Now)
	for _, kind := range append(due.Kinds(), "", "from_next_year") {
		w.PassedOver(string(kind))
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := 0
	for _, family := range families {
		if family.GetName() != "gatehouse_due_rows_passed_over_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			counted++
			if m.GetCounter().GetValue() != 1 {
				t.Errorf("%s was counted %v times", m.GetLabel()[0].GetValue(), m.GetCounter().GetValue())
			}
		}
	}
	if want := len(due.Kinds()) + 2; counted != want {
		t.Errorf("there are %d kinds, want %d", counted, want)
	}
}

func TestAWorkerCountsFromZero(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	w := NewWorker(reg, time.Now)
	w.Waits(events.WaitingForKMSKey)
	w.CatalogSync(true)
	w.CatalogSync(true)
	expect(t, reg, `
		# HELP gatehouse_catalog_syncs_total Requests to read the catalog, by whether its source could be read.
		# TYPE gatehouse_catalog_syncs_total counter
		gatehouse_catalog_syncs_total{outcome="failed"} 2
		gatehouse_catalog_syncs_total{outcome="ok"} 0
		# HELP gatehouse_provisioning_waits_total Attempts to make API Gateway match the journal that were left for later, by reason.
		# TYPE gatehouse_provisioning_waits_total counter
		gatehouse_provisioning_waits_total{reason="aws"} 0
		gatehouse_provisioning_waits_total{reason="capacity"} 0
		gatehouse_provisioning_waits_total{reason="kms"} 0
		gatehouse_provisioning_waits_total{reason="kms_key"} 1
	`, "gatehouse_catalog_syncs_total", "gatehouse_provisioning_waits_total")
}

func TestAJobThatNeverEndedEndedAtZero(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	w := NewWorker(reg, time.Now)
	w.Job("sweep", time.Hour)
	w.JobEnded("sweep", time.Time{})
	w.JobEnded("due", time.UnixMilli(1_500))
	expect(t, reg, `
		# HELP gatehouse_job_last_success_timestamp_seconds When the job's last run ended, as Unix time; 0 if none has.
		# TYPE gatehouse_job_last_success_timestamp_seconds gauge
		gatehouse_job_last_success_timestamp_seconds{job_name="due"} 1.5
		gatehouse_job_last_success_timestamp_seconds{job_name="sweep"} 0
		# HELP gatehouse_job_period_seconds How often the job runs.
		# TYPE gatehouse_job_period_seconds gauge
		gatehouse_job_period_seconds{job_name="sweep"} 3600
	`, "gatehouse_job_last_success_timestamp_seconds", "gatehouse_job_period_seconds")
}

func TestOnlyWhatWasFoundLatelyIsReported(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	reg := prometheus.NewRegistry()
	w := NewWorker(reg, func() time.Time { return now })
	reports := func(want string) {
		t.Helper()
		text := ""
		if want != "" {
			text = `
				# HELP gatehouse_due_row_late_seconds How long ago the oldest row that waits for the job due fell due.
				# TYPE gatehouse_due_row_late_seconds gauge
				gatehouse_due_row_late_seconds ` + want + "\n"
		}
		expect(t, reg, text, "gatehouse_due_row_late_seconds")
	}
	reports("")
	w.DueRowLate.Record(-3)
	reports("0")
	w.DueRowLate.Record(70)
	w.DueRowLate.Record(5)
	reports("70")
	now = now.Add(90 * time.Second)
	w.DueRowLate.Record(8)
	now = now.Add(31 * time.Second)
	reports("8")
	now = now.Add(2 * time.Minute)
	reports("")
}

func TestWhatASweepAndMeteringFindHasItsOwnMetric(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	w := NewWorker(reg, time.Now)
	w.Keys.Record(9500)
	w.Drifted.Record(2)
	w.MeteringLate.Record(10800)
	for name, want := range map[string]string{"gatehouse_api_keys": "9500", "gatehouse_drifted_accounts": "2", "gatehouse_metering_late_seconds": "10800"} {
		recorder := httptest.NewRecorder()
		promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if line := "\n" + name + " " + want + "\n"; !strings.Contains(recorder.Body.String(), line) {
			t.Errorf("there is no line %q", strings.TrimSpace(line))
		}
	}
}

func TestEachScrapeAsksWhatTheProcessDependsOn(t *testing.T) {
	t.Parallel()
	asked := 0
	reg := Readiness(func(context.Context) map[string]error {
		asked++
		return map[string]error{"tables": nil, "queues": errors.New("no")}
	})
	expect(t, reg, `
		# HELP gatehouse_dependency_up 1 if the process's tables or queues answer, 0 if not, as in /readyz.
		# TYPE gatehouse_dependency_up gauge
		gatehouse_dependency_up{dependency="queues"} 0
		gatehouse_dependency_up{dependency="tables"} 1
	`)
	if asked != 1 {
		t.Errorf("a scrape asks %d times", asked)
	}
}

// Two portals of one registry count together; a metric of another kind under the same name is a fault of the program.
func TestANameHasOneMetric(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	opts := prometheus.CounterOpts{Name: "gatehouse_x_total", Help: "X."}
	if one := register(reg, prometheus.NewCounter(opts)); one != register(reg, prometheus.NewCounter(opts)) {
		t.Error("a second registration has another counter")
	}
	defer func() {
		if recover() == nil {
			t.Error("another kind of metric is taken")
		}
	}()
	register(reg, prometheus.NewGauge(prometheus.GaugeOpts(opts)))
}
