// This file tests traces: that one shows all that a click leads to, that they hold no secret, and that nobody
// needs a collector that answers.

package e2e

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/outputtest"
	"github.com/gatehouse-portal/gatehouse/traces/export"
	"github.com/gatehouse-portal/gatehouse/traces/tracestest"
)

func startExporter(t *testing.T, log *outputtest.Buffer, endpoint string, environ ...string) *export.Exporter {
	t.Helper()
	settings, faults := export.Parse(append([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + endpoint}, environ...))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	exporter, err := export.New(settings, "gatehouse-local", "test", zerolog.New(log))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		soon, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		exporter.Close(soon)
	})
	return exporter
}

// trace is the spans of one trace by id.
type trace map[string]tracestest.Span

// tracesWith returns the traces that have a span of that name.
func tracesWith(c *tracestest.Collector, name string) map[string]trace {
	found := map[string]trace{}
	all := c.Spans()
	for _, span := range all {
		if span.Name == name {
			found[span.Trace] = trace{}
		}
	}
	for _, span := range all {
		if of := found[span.Trace]; of != nil {
			of[span.ID] = span
		}
	}
	return found
}

// path returns the names of the span and of all above it, from the root on.
func (tr trace) path(span tracestest.Span) string {
	names := []string{span.Name}
	for span.Parent != "" {
		above, ok := tr[span.Parent]
		if !ok {
			return "(missing) > " + strings.Join(names, " > ")
		}
		span = above
		names = append([]string{span.Name}, names...)
	}
	return strings.Join(names, " > ")
}

func (tr trace) paths() []string {
	var all []string
	for _, span := range tr {
		all = append(all, tr.path(span))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// clickTrace lists the parts of the trace of one click on Subscribe, each from the root on.
func clickTrace() []string {
	const (
		click     = "PUT /api/v1/subscriptions/{plan}"
		decides   = click + " > send gatehouse-commands.fifo > process gatehouse-commands.fifo"
		converges = decides + " > send gatehouse-provisioning > process gatehouse-provisioning"
	)
	return []string{
		click, click + " > DynamoDB/TransactWriteItems",
		decides, decides + " > append facts > DynamoDB/TransactWriteItems", decides + " > send gatehouse-events.fifo",
		decides + " > process gatehouse-projections.fifo",
		decides + " > process gatehouse-projections.fifo > write views > DynamoDB/TransactWriteItems",
		converges, converges + " > await budget CreateApiKey", converges + " > API Gateway/CreateApiKey",
		converges + " > await budget CreateUsagePlanKey", converges + " > API Gateway/CreateUsagePlanKey",
		converges + " > append facts > DynamoDB/TransactWriteItems", converges + " > send gatehouse-events.fifo",
		converges + " > process gatehouse-projections.fifo > write views > DynamoDB/TransactWriteItems",
	}
}

func TestOneTraceShowsAllThatAClickLeadsToAndNoTraceHoldsASecret(t *testing.T) {
	t.Parallel()
	collector := tracestest.Start(t)
	exporter := startExporter(t, &outputtest.Buffer{}, collector.Endpoint)
	s := startWith(t, settings{dir: t.TempDir(), traces: exporter})
	s.waitForCatalog(t)
	contents := s.sendBadMessages(t)
	secrets, key, _ := s.useThePortal(t)
	for _, content := range contents {
		secrets["a part of "+content] = content
	}
	for _, text := range []string{"by-page@example.com", "by-api@example.com", personalName} {
		secrets["the person "+text] = text
	}
	secrets["the key"] = key[8:28]
	s.stop()
	exporter.Flush(t.Context())

	found := tracesWith(collector, "PUT /api/v1/subscriptions/{plan}")
	if len(found) != 1 {
		t.Fatalf("%d traces have the click", len(found))
	}
	for id, tr := range found {
		paths := tr.paths()
		for _, want := range clickTrace() {
			if !slices.Contains(paths, want) {
				t.Errorf("there is no %s", want)
			}
		}
		for _, path := range paths {
			if strings.HasPrefix(path, "(missing)") || !strings.HasPrefix(path, "PUT ") {
				t.Errorf("a span is not connected: %s", path)
			}
		}
		if t.Failed() {
			t.Logf("the trace:\n%s", strings.Join(paths, "\n"))
		}
		if !strings.Contains(s.logs.String(), `"trace_id":"`+id+`"`) {
			t.Error("no line of the log has the trace's id")
		}
	}
	for name, secret := range secrets {
		if collector.Holds(secret) {
			t.Errorf("a span holds %s", name)
		}
	}
	if !collector.Holds("gatehouse-commands.fifo") {
		t.Error("the search finds nothing")
	}
}

func TestTheJourneyWorksWhileTheCollectorDoesNotAnswer(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	log := &outputtest.Buffer{}
	exporter := startExporter(t, log, "http://"+silent.Addr().String(), "OTEL_EXPORTER_OTLP_TIMEOUT=100")
	s := startWith(t, settings{dir: t.TempDir(), traces: exporter})
	s.waitForCatalog(t)
	p := s.signUp(t, "ada@example.com")
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, ""))
	p.succeed(p.do(http.MethodDelete, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, ""))
	eventually(t, "the exporter says that spans are lost", func() bool { return strings.Contains(log.String(), "spans are lost") })
}

// The processes here export nothing by time, so only the flush after an invocation can have sent the spans.
func TestFunctionsExportTheirSpansWithEachInvocation(t *testing.T) {
	t.Parallel()
	collector := tracestest.Start(t)
	f, _, _ := startFunctions(t, 1, 2, 30*time.Second, 60*time.Second,
		"OTEL_EXPORTER_OTLP_ENDPOINT="+collector.Endpoint, "OTEL_BSP_SCHEDULE_DELAY=3600000")
	p := f.signUp(t, "ada@example.com")
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+f.Demo.API.FreePlanID, ""))
	processes := func() map[string]string {
		of := map[string]string{}
		for _, tr := range tracesWith(collector, "PUT /api/v1/subscriptions/{plan}") {
			for _, span := range tr {
				of[span.Name] = span.Resource["service.name"]
			}
		}
		return of
	}
	eventually(t, "the trace is whole", func() bool {
		got := processes()
		return got["PUT /api/v1/subscriptions/{plan}"] == "gatehouse-api" && got["API Gateway/CreateUsagePlanKey"] == "gatehouse-worker" && got["write views"] == "gatehouse-worker"
	})
}
