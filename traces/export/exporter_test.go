package export_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/gatehouse-portal/gatehouse/outputtest"
	"github.com/gatehouse-portal/gatehouse/traces"
	"github.com/gatehouse-portal/gatehouse/traces/export"
	"github.com/gatehouse-portal/gatehouse/traces/tracestest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type exporting struct {
	*export.Exporter
	log *outputtest.Buffer
}

func start(t *testing.T, endpoint string, environ ...string) exporting {
	t.Helper()
	settings, faults := export.Parse(append([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + endpoint}, environ...))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	log := &outputtest.Buffer{}
	e, err := export.New(settings, "gatehouse-api", "1.2.3", zerolog.New(log))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		soon, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		e.Close(soon)
	})
	return exporting{e, log}
}

func (e exporting) span(t *testing.T) {
	t.Helper()
	_, span := e.Tracer().Begin(t.Context(), traces.Server, "GET", "/apis", traces.Remote{})
	span.Set(traces.HTTPRoute, "/apis")
	span.End()
}

func TestOffMeansNoExporterAndNoTracer(t *testing.T) {
	t.Parallel()
	e, err := export.New(export.Settings{}, "gatehouse-api", "1.2.3", zerolog.Nop())
	if e != nil || err != nil || e.Tracer() != nil {
		t.Errorf("got %v, %v", e, err)
	}
	e.Flush(t.Context())
	e.Close(t.Context())
}

func TestTheCollectorGetsSpansAndWhatProcessMadeThem(t *testing.T) {
	t.Parallel()
	for name, environ := range map[string][]string{
		"plain":      nil,
		"compressed": {"OTEL_EXPORTER_OTLP_COMPRESSION=gzip"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := tracestest.Start(t)
			e := start(t, c.Endpoint, append(environ, "OTEL_EXPORTER_OTLP_HEADERS=x-key=secret", "OTEL_RESOURCE_ATTRIBUTES=service.version=2,deployment.environment.name=test")...)
			e.span(t)
			e.Flush(t.Context())
			got := c.Spans()
			if len(got) != 1 || got[0].Name != "GET /apis" || got[0].Kind != "SPAN_KIND_SERVER" || got[0].Attributes["http.route"] != "/apis" {
				t.Fatalf("the spans are %+v", got)
			}
			resource := got[0].Resource
			if resource["service.name"] != "gatehouse-api" || resource["service.version"] != "2" || resource["deployment.environment.name"] != "test" || resource["service.instance.id"] == "" {
				t.Errorf("the resource is %v", resource)
			}
			if got := c.Headers()[0].Get("X-Key"); got != "secret" {
				t.Errorf("the header is %q", got)
			}
		})
	}
}

func TestOtelServiceNameWins(t *testing.T) {
	t.Parallel()
	c := tracestest.Start(t)
	e := start(t, c.Endpoint, "OTEL_SERVICE_NAME=portal", "OTEL_RESOURCE_ATTRIBUTES=service.name=other")
	e.span(t)
	e.Flush(t.Context())
	if got := c.Spans(); len(got) != 1 || got[0].Resource["service.name"] != "portal" {
		t.Errorf("the spans are %+v", got)
	}
}

func TestClosingSendsWhatIsLeft(t *testing.T) {
	t.Parallel()
	c := tracestest.Start(t)
	e := start(t, c.Endpoint)
	for range 1000 {
		e.span(t)
	}
	e.Close(t.Context())
	if got := c.Spans(); len(got) != 1000 {
		t.Errorf("%d spans arrived", len(got))
	}
	e.span(t)
	e.Flush(t.Context())
}

func TestACollectorThatIsBusyGetsTheSpansAgain(t *testing.T) {
	t.Parallel()
	c := tracestest.Start(t, http.StatusServiceUnavailable)
	e := start(t, c.Endpoint)
	e.span(t)
	e.Close(t.Context())
	if got := c.Spans(); len(got) != 1 || len(c.Headers()) != 2 {
		t.Errorf("%d spans arrived in %d requests", len(got), len(c.Headers()))
	}
}

func TestSpansThatTheCollectorRefusesAreLostAndLogged(t *testing.T) {
	t.Parallel()
	c := tracestest.Start(t, http.StatusUnauthorized)
	e := start(t, c.Endpoint)
	e.span(t)
	e.Flush(t.Context())
	if got := c.Spans(); len(got) != 0 || len(c.Headers()) != 1 {
		t.Errorf("%d spans arrived in %d requests", len(got), len(c.Headers()))
	}
	if log := e.log.String(); !strings.Contains(log, "401 Unauthorized") || !strings.Contains(log, `"spans":1`) {
		t.Errorf("the log is %s", log)
	}
}

// silent accepts connections and never answers.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return "http://" + l.Addr().String()
}

func TestACollectorThatDoesNotAnswerHoldsUpNobody(t *testing.T) {
	t.Parallel()
	e := start(t, silent(t))
	// The queue takes 2048.
	for range 5000 {
		e.span(t)
	}
	e.Flush(t.Context())
	// A second flush would wait for a second again, if the exporter did not rest.
	short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	e.Flush(short)
	if short.Err() != nil {
		t.Error("the second flush waited for the collector, too")
	}
	soon, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	e.Close(soon)
}

func TestACertificateThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	settings, _ := export.Parse([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=https://localhost:4318", "OTEL_EXPORTER_OTLP_CERTIFICATE=/nowhere/ca.pem"})
	_, err := export.New(settings, "gatehouse-api", "1.2.3", zerolog.Nop())
	if err == nil || !strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_CERTIFICATE") {
		t.Errorf("the error is %v", err)
	}
}
