package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/traces"
	"github.com/gatehouse-portal/gatehouse/traces/tracestest"
)

// The tests of this file are not parallel, since the environment is the process's.

func TestAProcessExportsTracesIfTheEnvironmentNamesACollector(t *testing.T) {
	collector := tracestest.Start(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Endpoint)
	p, err := Process{Config: Config{Prefix: "acme"}, Log: zerolog.Nop()}.WithTraces("api")
	if err != nil {
		t.Fatal(err)
	}
	_, span := p.Traces.Tracer().Begin(t.Context(), traces.Server, "GET", "/apis", traces.Remote{})
	span.End()
	if got := len(p.tracedAWS().APIOptions); got != 1 || len(p.AWS.APIOptions) != 0 {
		t.Errorf("%d options for AWS, and %d without traces", got, len(p.AWS.APIOptions))
	}
	p.CloseTraces()
	if got := collector.Spans(); len(got) != 1 || got[0].Resource["service.name"] != "acme-api" || got[0].Resource["service.version"] != Version {
		t.Errorf("the spans are %+v", got)
	}
}

func TestWithoutACollectorNothingIsTraced(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
	p, err := Process{}.WithTraces("api")
	if err != nil || p.Traces != nil || p.Traces.Tracer() != nil || len(p.tracedAWS().APIOptions) != 0 {
		t.Errorf("got %+v, %v", p.Traces, err)
	}
	p.CloseTraces()
}

func TestAProcessDoesNotStartWithUnusableSettingsOfTraces(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	t.Setenv("OTEL_TRACES_SAMPLER", "sometimes")
	t.Setenv("GATEHOUSE_PREFIX", "no prefix")
	_, err := NewTracedProcess(t.Context(), "api")
	for _, part := range []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_TRACES_SAMPLER", "GATEHOUSE_PREFIX"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not name %s: %v", part, err)
		}
	}
}
