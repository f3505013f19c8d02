package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// MethodNotAllowed answers 405 and lists the methods that the resource supports (RFC 9110,
// section 15.5.6). The outer router must use it under Prefix, too, since it answers
// methods unknown to HTTP before it looks at the path.
func MethodNotAllowed(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", strings.Join(allowed(r), ", "))
	writeProblem(w, newProblem(r.Context(), http.StatusMethodNotAllowed, methodNotAllowed, "This resource does not support that method."))
}

func allowed(r *http.Request) []string {
	routes, path := chi.RouteContext(r.Context()).Routes, r.URL.Path
	if r.URL.RawPath != "" {
		path = r.URL.RawPath
	}
	var methods []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if routes.Match(chi.NewRouteContext(), method, path) {
			methods = append(methods, method)
		}
	}
	if slices.Contains(methods, http.MethodGet) {
		methods = append(methods, http.MethodHead)
	}
	return methods
}

// headAsGet routes HEAD like GET (RFC 9110, section 9.3.2); net/http leaves out the body.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			chi.RouteContext(r.Context()).RouteMethod = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// plainMediaType lowercases the body's media type for huma. Case does not matter (RFC
// 9110, section 8.3.1).
func plainMediaType(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if given := r.Header.Get("Content-Type"); given != "" {
			mediaType, parameters, more := strings.Cut(given, ";")
			if mediaType = strings.ToLower(strings.TrimSpace(mediaType)); more {
				mediaType += ";" + parameters
			}
			r.Header.Set("Content-Type", mediaType)
		}
		next.ServeHTTP(w, r)
	})
}

// readableQuery refuses a malformed query string, of which net/url would drop parts.
func readableQuery(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
			WriteProblem(w, r, portal.Fail(portal.Invalid, "The query string cannot be read: something in it is not properly encoded."))
			return
		}
		next.ServeHTTP(w, r)
	})
}
