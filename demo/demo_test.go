package demo_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/demo"
)

func ask(t *testing.T, method, path, body string) (int, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	demo.API().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	var out map[string]any
	if err := json.NewDecoder(w.Body).Decode(&out); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return w.Code, out
}

func TestTheAPIAnswers(t *testing.T) {
	t.Parallel()
	const passage = `{"from": "alder-quay", "to": "dunmarrow", "speed_kn": 5.5, "departs": "2026-06-21T06:30:00Z"}`
	tests := []struct {
		name, call, body string
		status           int
	}{
		{"the root", "GET /", "", 200},
		{"harbours", "GET /harbours", "", 200},
		{"deep harbours", "GET /harbours?min_depth_m=3", "", 200},
		{"a depth that is not a number", "GET /harbours?min_depth_m=deep", "", 400},
		{"a harbour", "GET /harbours/brackwater", "", 200},
		{"an unknown harbour", "GET /harbours/atlantis", "", 404},
		{"tides", "GET /harbours/elver-bay/tides?date=2026-06-21", "", 200},
		{"tides without a date", "GET /harbours/elver-bay/tides", "", 400},
		{"tides of another century", "GET /harbours/elver-bay/tides?date=1815-06-18", "", 400},
		{"lights", "GET /lights", "", 200},
		{"green lights", "GET /lights?colour=green", "", 200},
		{"lights of an unknown colour", "GET /lights?colour=blue", "", 400},
		{"tides by query", "GET /tides?harbour=elver-bay&date=2026-06-21", "", 200},
		{"tides by query of no harbour", "GET /tides?date=2026-06-21", "", 404},
		{"a light", "GET /lights/low-mole", "", 200},
		{"an unknown light", "GET /lights/none", "", 404},
		{"a passage", "POST /passages", passage, 200},
		{"a passage to an unknown harbour", "POST /passages", strings.Replace(passage, "dunmarrow", "atlantis", 1), 404},
		{"a passage to the same harbour", "POST /passages", strings.Replace(passage, "dunmarrow", "alder-quay", 1), 400},
		{"a passage at speed zero", "POST /passages", strings.Replace(passage, "5.5", "0", 1), 400},
		{"a passage with an unknown member", "POST /passages", strings.Replace(passage, "speed_kn", "speed", 1), 400},
		{"a path with another method", "GET /passages", "", 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			method, path, _ := strings.Cut(tt.call, " ")
			status, out := ask(t, method, path, tt.body)
			if _, refused := out["error"]; status != tt.status || refused != (tt.status >= 400) {
				t.Errorf("got %d %v", status, out)
			}
		})
	}
}

func TestHighAndLowWatersAlternate(t *testing.T) {
	t.Parallel()
	_, out := ask(t, "GET", "/harbours/alder-quay/tides?date=2024-01-11", "")
	waters, _ := out["waters"].([]any)
	if len(waters) < 3 || len(waters) > 4 {
		t.Fatalf("got %d waters", len(waters))
	}
	last := ""
	for _, w := range waters {
		water, _ := w.(map[string]any)
		kind, _ := water["kind"].(string)
		height, _ := water["height_m"].(float64)
		if kind == last || (kind == "high") != (height > 4.6) {
			t.Errorf("after %q came %v", last, water)
		}
		last = kind
	}
}

func TestAPassageTakesAsLongAsItsDistanceSays(t *testing.T) {
	t.Parallel()
	_, out := ask(t, "POST", "/passages", `{"from": "corrie-sound", "to": "brackwater", "speed_kn": 10, "departs": "2026-06-21T06:00:00Z"}`)
	// 10.0' of latitude and 21.7' of longitude at 49 degrees north are about 17.4 miles.
	want := map[string]any{
		"from": "corrie-sound", "to": "brackwater", "distance_nm": 17.4, "course_deg": 235.0,
		"departs": "2026-06-21T06:00:00Z", "arrives": "2026-06-21T07:44:00Z",
	}
	delete(out, "depth_on_arrival_m")
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
}

func TestAPIIsMountedBelowAPrefix(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.StripPrefix("/demo/seamark", demo.API()))
	t.Cleanup(srv.Close)
	resp, err := http.Get(srv.URL + "/demo/seamark/lights/far-ness")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Errorf("got %d %s", resp.StatusCode, body)
	}
}
