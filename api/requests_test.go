package api_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/operations"
)

var sortedFlaws = cmpopts.SortSlices(func(a, b api.Flaw) bool { return a.Location < b.Location })

func TestARequestReachesOperationsAsItWasSent(t *testing.T) {
	t.Parallel()
	const id, key = "request-12345678", "a key, with (signs) in it"
	caller := operations.Caller{Account: ada.Account, Viewer: catalog.Viewer{SignedIn: true, Groups: ada.Groups}, IdempotencyKey: key, Correlation: id}
	for request, want := range map[string]asked{
		"POST /register":                  {"register", caller, ""},
		"PUT /subscriptions/plus free":    {"change", caller, "plus for free"},
		"PUT /subscriptions/plus null":    {"subscribe", caller, "plus"},
		"PUT /subscriptions/plan-max":     {"subscribe", caller, "plan-max"},
		"DELETE /subscriptions/plan-max":  {"unsubscribe", caller, "plan-max"},
		"PUT /subscriptions/a%20b%2Fc":    {"subscribe", caller, "a b/c"},
		"DELETE /subscriptions/%C3%BCber": {"unsubscribe", caller, "über"},
		// A reveal is not an operation, so it has no idempotency key.
		"POST /keys/key-1/reveal": {"reveal", operations.Caller{Account: ada.Account, Correlation: id}, "key-1"},
	} {
		t.Run(request, func(t *testing.T) {
			t.Parallel()
			method, path, _ := strings.Cut(request, " ")
			path, replaces, _ := strings.Cut(path, " ")
			var body io.Reader
			switch replaces {
			case "null":
				body = strings.NewReader(`{"replaces": null}`)
			case "free":
				body = strings.NewReader(`{"replaces": "free"}`)
			}
			f := full()
			a := signedIn(t, f).do(method, path, body, "Idempotency-Key", key, api.RequestIDHeader, id)
			if a.Code >= 300 || a.Header().Get(api.RequestIDHeader) != id {
				t.Errorf("answered %d to request %q: %s", a.Code, a.Header().Get(api.RequestIDHeader), a.Body)
			}
			if diff := cmp.Diff([]asked{want}, f.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAClientsRequestIDIsUsedIfItIsPlain(t *testing.T) {
	t.Parallel()
	drawn := regexp.MustCompile(`^[0-9a-hjkmnp-tv-z]{26}$`)
	for name, c := range map[string]struct {
		sent  string
		taken bool
	}{
		"a plain word":                    {"abc-DEF_1.2", true},
		"the shortest":                    {"12345678", true},
		"the longest":                     {strings.Repeat("a", 64), true},
		"none":                            {"", false},
		"too short":                       {"1234567", false},
		"too long":                        {strings.Repeat("a", 65), false},
		"with a space":                    {"request 12345", false},
		"with another line":               {"request-12345\nlevel=error", false},
		"that would be JSON":              {`request","level":"error`, false},
		"with a letter that is not ASCII": {"request-ü-12345", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := full()
			s := signedIn(t, f)
			first := s.do(http.MethodPost, "/register", nil, api.RequestIDHeader, c.sent).want(http.StatusAccepted).Header().Get(api.RequestIDHeader)
			if (first == c.sent) != c.taken || (!c.taken && !drawn.MatchString(first)) {
				t.Errorf("%q becomes %q", c.sent, first)
			}
			if line := s.log.line(t, "request"); line["correlation_id"] != first || f.asked[0].Caller.Correlation != first {
				t.Errorf("the log has %v and the message %q, want %q", line["correlation_id"], f.asked[0].Caller.Correlation, first)
			}
			second := s.do(http.MethodPost, "/register", nil, api.RequestIDHeader, c.sent).Header().Get(api.RequestIDHeader)
			if (first == second) != c.taken {
				t.Errorf("the next request has the same id %q", second)
			}
		})
	}
}

func TestOutsideARequestThereIsNoID(t *testing.T) {
	t.Parallel()
	if got := api.RequestID(t.Context()); got != "" {
		t.Errorf("the id is %q", got)
	}
}

func TestARequestIsMeasuredByItsRoute(t *testing.T) {
	t.Parallel()
	var got []string
	router := chi.NewRouter()
	router.Use(api.RequestIDs(zerolog.Nop(), func(method, route string, status int, took time.Duration) {
		if took < 0 {
			t.Errorf("it took %v", took)
		}
		got = append(got, fmt.Sprintf("%s %q %d", method, route, status))
	}))
	router.Get("/apis/{product}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	router.Get("/silent", func(http.ResponseWriter, *http.Request) {})
	for _, path := range []string{"/apis/tides?secret=1", "/silent", "/nowhere"} {
		router.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
	}
	want := []string{`GET "/apis/{product}" 418`, `GET "/silent" 0`, `GET "" 404`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestARequestIsLoggedByItsRouteAndNeverByItsQuery(t *testing.T) {
	t.Parallel()
	for request, want := range map[string]map[string]any{
		"PUT /subscriptions/secret-plan":              {"method": "PUT", "route": "/api/v1/subscriptions/{plan}", "status": 202.0, "level": "info"},
		"GET /operations/secret-operation":            {"method": "GET", "route": "/api/v1/operations/{operation}", "status": 200.0, "level": "info"},
		"GET /me?token=secret":                        {"method": "GET", "route": "/api/v1/me", "status": 422.0, "level": "info"},
		"GET /me?%zz=secret":                          {"method": "GET", "route": "/api/v1/*", "status": 400.0, "level": "info"},
		"GET /secret/nothing?code=secret":             {"method": "GET", "route": "/api/v1/*", "status": 404.0, "level": "info"},
		"POST /keys/secret-key/reveal?access=secret#": {"method": "POST", "route": "/api/v1/keys/{key}/reveal", "status": 422.0, "level": "info"},
	} {
		t.Run(request, func(t *testing.T) {
			t.Parallel()
			s := signedIn(t, full())
			method, path, _ := strings.Cut(request, " ")
			a := s.do(method, path, nil, "Authorization", "Bearer secret", "Cookie", "session=secret", "Idempotency-Key", "secret")
			line := s.log.line(t, "request")
			for member, value := range want {
				if line[member] != value {
					t.Errorf("%s is %v, want %v", member, line[member], value)
				}
			}
			if line["bytes"] != float64(a.Body.Len()) || line["took"] == nil {
				t.Errorf("the line is %v, and %d bytes were sent", line, a.Body.Len())
			}
			if strings.Contains(s.log.String(), "secret") || strings.Contains(s.log.String(), keyValue) {
				t.Errorf("the log discloses: %s", s.log)
			}
		})
	}
}
