package api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/gatehouse-portal/gatehouse/traces"
)

// Traces begins a trace with each request, except for files of pages and health checks. The span has the
// route, and neither the path nor the query. A trace that the client names is linked, and not continued:
// clients must not choose ids, or what is sampled.
func Traces(tracer *traces.Tracer) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/healthz" || strings.HasPrefix(r.URL.Path, "/assets/") {
				next.ServeHTTP(w, r)
				return
			}
			client := traces.Remote{Parent: r.Header.Get("traceparent"), State: r.Header.Get("tracestate")}
			ctx, span := tracer.Begin(r.Context(), traces.Server, knownMethod(r.Method), "", client)
			defer span.End()
			answer := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			r = r.WithContext(ctx)
			returned := false
			defer func() {
				status := answer.Status()
				if returned && status == 0 { // the handler wrote nothing, so net/http sends 200
					status = http.StatusOK
				}
				served(span, r, status)
			}()
			next.ServeHTTP(answer, r)
			returned = true
		})
	}
}

// served runs after a panic, too. Then there may be no status.
func served(span traces.Span, r *http.Request, status int) {
	method := knownMethod(r.Method)
	span.Set(traces.HTTPMethod, method)
	if pattern := route(r); pattern != "" {
		span.Set(traces.HTTPRoute, pattern)
		span.Rename(method + " " + pattern)
	}
	if status > 0 {
		span.SetInt(traces.HTTPStatus, status)
	}
	if status >= http.StatusInternalServerError {
		span.Fail(strconv.Itoa(status))
	}
}

// knownMethod is "_OTHER" for made-up methods, as the semantic conventions want it.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
		http.MethodConnect, http.MethodTrace:
		return method
	}
	return "_OTHER"
}
