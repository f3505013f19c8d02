package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func portalOf(t *testing.T) http.Handler {
	t.Helper()
	p := testProcess(t)
	if err := Setup(t.Context(), p.AWS, p.Config); err != nil {
		t.Fatal(err)
	}
	handler, err := NewPortal(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := handler.Close(); err != nil {
			t.Error(err)
		}
	})
	return handler
}

func TestErrorsAreProblemsUnderTheAPIAndPagesElsewhere(t *testing.T) {
	t.Parallel()
	handler := portalOf(t)
	for request, want := range map[string]struct {
		status      int
		contentType string
	}{
		"GET /api/v1/nothing":         {http.StatusNotFound, "application/problem+json"},
		"GET /nothing":                {http.StatusNotFound, "text/html; charset=utf-8"},
		"GET /api/v1x/nothing":        {http.StatusNotFound, "text/html; charset=utf-8"},
		"BREW /api/v1/me":             {http.StatusMethodNotAllowed, "application/problem+json"},
		"BREW /dashboard":             {http.StatusMethodNotAllowed, "text/html; charset=utf-8"},
		"GET /sign-out":               {http.StatusMethodNotAllowed, "text/html; charset=utf-8"},
		"PUT /api/v1/subscriptions/p": {http.StatusForbidden, "application/problem+json"},
		"DELETE /apis":                {http.StatusForbidden, "text/html; charset=utf-8"},
		"GET /api/v1/catalog":         {http.StatusUnauthorized, "application/problem+json"},
		"GET /apis":                   {http.StatusUnauthorized, "text/html; charset=utf-8"},
	} {
		t.Run(request, func(t *testing.T) {
			t.Parallel()
			method, path, _ := strings.Cut(request, " ")
			r := httptest.NewRequest(method, path, nil)
			switch want.status {
			case http.StatusForbidden:
				r.Header.Set("Sec-Fetch-Site", "cross-site")
			case http.StatusUnauthorized:
				r.Header.Set("Authorization", "Bearer nonsense")
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if got := w.Header().Get("Content-Type"); w.Code != want.status || got != want.contentType {
				t.Errorf("answered %d as %s, want %d as %s", w.Code, got, want.status, want.contentType)
			}
			if id := w.Header().Get("X-Request-Id"); id == "" || !strings.Contains(w.Body.String(), id) {
				t.Errorf("the request's id %q is not told: %s", id, w.Body)
			}
		})
	}
}

func TestPortalWithoutSetupFails(t *testing.T) {
	t.Parallel()
	p := testProcess(t, "GATEHOUSE_PREFIX=acme")
	if _, err := NewPortal(t.Context(), p); err == nil || !strings.Contains(err.Error(), "acme-journal") || !strings.Contains(err.Error(), "`gatehouse setup`") {
		t.Errorf("it says: %v", err)
	}
}
