package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/outputtest"
	"github.com/gatehouse-portal/gatehouse/traces"
)

func tracedRouter(log zerolog.Logger) (http.Handler, *tracetest.SpanRecorder) {
	spans := tracetest.NewSpanRecorder()
	router := chi.NewRouter()
	router.Use(api.Traces(traces.NewTracer(sdk.NewTracerProvider(sdk.WithSpanProcessor(spans)))), api.RequestIDs(log, nil))
	router.HandleFunc("/invitations/{email}", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("code") {
		case "panic":
			panic(http.ErrAbortHandler)
		case "broken":
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	router.Get("/healthz", func(http.ResponseWriter, *http.Request) {})
	router.Get("/assets/*", func(http.ResponseWriter, *http.Request) {})
	return router, spans
}

func TestARequestIsASpanWithItsRouteAndNothingThatPeopleTyped(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		method, target       string
		span, status, failed string
	}{
		"answered":      {http.MethodGet, "/invitations/ada@example.com?code=secret", "GET /invitations/{email}", "200", ""},
		"failed":        {http.MethodPut, "/invitations/ada@example.com?code=broken", "PUT /invitations/{email}", "500", "500"},
		"cut off":       {http.MethodGet, "/invitations/ada@example.com?code=panic", "GET /invitations/{email}", "", ""},
		"not found":     {http.MethodGet, "/ada@example.com", "GET", "404", ""},
		"a made-up one": {"ADA", "/ada@example.com", "_OTHER", "405", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			router, spans := tracedRouter(zerolog.Nop())
			r := httptest.NewRequest(test.method, test.target, nil)
			r.Header.Set("User-Agent", "ada@example.com")
			r.Header.Set("X-Request-Id", "ada-at-example")
			func() {
				defer func() { _ = recover() }()
				router.ServeHTTP(httptest.NewRecorder(), r)
			}()
			ended := spans.Ended()
			if len(ended) != 1 || ended[0].Name() != test.span {
				t.Fatalf("the spans are %v", ended)
			}
			got := map[string]string{}
			for _, pair := range ended[0].Attributes() {
				got[string(pair.Key)] = pair.Value.String()
				if text := strings.ToLower(pair.Value.String()); strings.Contains(text, "ada") || strings.Contains(text, "secret") {
					t.Errorf("%s is %s", pair.Key, text)
				}
			}
			if got["http.response.status_code"] != test.status || got["error.type"] != test.failed {
				t.Errorf("the attributes are %v", got)
			}
		})
	}
}

func TestFilesAndHealthChecksAreNoSpans(t *testing.T) {
	t.Parallel()
	router, spans := tracedRouter(zerolog.Nop())
	for _, target := range []string{"/healthz", "/assets/site.css"} {
		w := httptest.NewRecorder()
		router.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		if w.Code != http.StatusOK {
			t.Errorf("%s answers %d", target, w.Code)
		}
	}
	if got := spans.Started(); len(got) > 0 {
		t.Errorf("the spans are %v", got)
	}
}

func TestAClientsTraceIsLinkedAndLogLinesHaveOurs(t *testing.T) {
	t.Parallel()
	const theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
	var log outputtest.Buffer
	router, spans := tracedRouter(zerolog.New(&log))
	r := httptest.NewRequest(http.MethodGet, "/invitations/x", nil)
	r.Header.Set("Traceparent", "00-"+theirs+"-00f067aa0ba902b7-01")
	router.ServeHTTP(httptest.NewRecorder(), r)
	span := spans.Ended()[0]
	ours := span.SpanContext().TraceID().String()
	if links := span.Links(); ours == theirs || span.Parent().IsValid() || len(links) != 1 || links[0].SpanContext.TraceID().String() != theirs {
		t.Errorf("the trace is %s with the links %v", ours, span.Links())
	}
	if !strings.Contains(log.String(), `"trace_id":"`+ours+`","span_id":"`) {
		t.Errorf("the log is %s", log.String())
	}
}
