package app

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

func health(t *testing.T, operators http.Handler, path string) (status int, body map[string]string) {
	t.Helper()
	w := httptest.NewRecorder()
	operators.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%s: %v: %s", path, err, w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("%s is %q", path, got)
	}
	return w.Code, body
}

func TestReadinessFollowsDependenciesAndHealthDoesNot(t *testing.T) {
	t.Parallel()
	server, err := localaws.Open(localaws.Options{Dir: t.TempDir(), Addr: "127.0.0.1:0", NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := LoadConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	clock := time.Now()
	p := Process{AWS: server.AWSConfig(), Config: cfg, Log: zerolog.Nop(), Metrics: NewMetrics("worker"), Now: func() time.Time {
		clock = clock.Add(readyFor)
		return clock
	}}
	p.AWS.RetryMaxAttempts = 1
	operators := Operators(p)

	status, body := health(t, operators, "/readyz")
	want := map[string]string{"status": "unavailable", "tables": "does not answer", "queues": "does not answer"}
	if diff := cmp.Diff(want, body); status != http.StatusServiceUnavailable || diff != "" {
		t.Errorf("before set-up: %d (-want +got):\n%s", status, diff)
	}
	if err := Setup(t.Context(), p.AWS, p.Config); err != nil {
		t.Fatal(err)
	}
	status, body = health(t, operators, "/readyz")
	ok := map[string]string{"status": "ok", "tables": "ok", "queues": "ok"}
	if diff := cmp.Diff(ok, body); status != http.StatusOK || diff != "" {
		t.Errorf("after set-up: %d (-want +got):\n%s", status, diff)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	status, body = health(t, operators, "/readyz")
	if diff := cmp.Diff(want, body); status != http.StatusServiceUnavailable || diff != "" {
		t.Errorf("without AWS: %d (-want +got):\n%s", status, diff)
	}
	status, body = health(t, operators, "/healthz")
	if diff := cmp.Diff(map[string]string{"status": "ok"}, body); status != http.StatusOK || diff != "" {
		t.Errorf("healthy: %d (-want +got):\n%s", status, diff)
	}
}

func TestOperatorsPortServesOnlyHealthAndMetrics(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	p.observeCalls()("CreateApiKey", "ok")
	operators := Operators(p)
	w := httptest.NewRecorder()
	operators.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{"\ngo_goroutines ", "\nprocess_start_time_seconds ", `gatehouse_control_plane_calls_total{operation="CreateApiKey",outcome="ok"} 1`, "\ngatehouse_dependency_up{dependency=\"tables\"} "} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("there is no %s in the metrics", strings.TrimSpace(want))
		}
	}
	for request, want := range map[string]int{
		"GET /": http.StatusNotFound, "GET /api/v1/me": http.StatusNotFound, "GET /debug/pprof/": http.StatusNotFound,
		"POST /healthz": http.StatusMethodNotAllowed, "HEAD /healthz": http.StatusOK,
	} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		operators.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if w.Code != want {
			t.Errorf("%s is answered %d, want %d", request, w.Code, want)
		}
	}
}

func TestProfilesAreServedToOperatorsWhoAskForThem(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]int{"off": http.StatusNotFound, "on": http.StatusOK} {
		p := testProcess(t, "GATEHOUSE_PPROF="+setting)
		operators := Operators(p)
		for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/goroutine?debug=1", "/debug/pprof/cmdline", "/debug/pprof/symbol", "/debug/pprof/trace?seconds=0.01"} {
			w := httptest.NewRecorder()
			operators.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			if w.Code != want {
				t.Errorf("%s: %s is answered %d, want %d", setting, path, w.Code, want)
			}
		}
	}
}

func TestThePublicPortServesNoProfilesAndNoMetrics(t *testing.T) {
	t.Parallel()
	p := testProcess(t, "GATEHOUSE_PPROF=on")
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	portal, err := NewPortal(t.Context(), p)
	ok(t, err)
	t.Cleanup(func() { ok(t, portal.Close()) })
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/profile", "/metrics", "/readyz"} {
		w := httptest.NewRecorder()
		portal.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("%s is answered %d", path, w.Code)
		}
	}
}

func TestReadinessIsCheckedOnceASecond(t *testing.T) {
	t.Parallel()
	clock, looks := time.Now(), 0
	r := &readiness{now: func() time.Time { return clock }, check: func(ctx context.Context) map[string]error {
		looks++
		clock = clock.Add(readyTime) // AWS does not answer
		return map[string]error{"tables": ctx.Err()}
	}}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		if found := r.ask(gone); found["tables"] != nil {
			t.Fatalf("a caller that has gone makes it %v", found)
		}
	}
	if looks != 1 {
		t.Errorf("a hundred questions within a second are %d looks", looks)
	}
	clock = clock.Add(time.Second)
	if r.ask(t.Context()); looks != 2 {
		t.Errorf("a second later there were %d looks", looks)
	}
}

func TestOperatorsPortIsOnLoopbackByDefault(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{portalOperators, workerOperators} {
		host, _, err := net.SplitHostPort(addr)
		if err != nil || !net.ParseIP(host).IsLoopback() {
			t.Errorf("operators are served at %s, which is not loopback", addr)
		}
	}
}
