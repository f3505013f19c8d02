package demo_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
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

type document struct {
	OpenAPI string `json:"openapi"`
	// Paths map each path to its operations by verb, and its parameters.
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas map[string]struct {
			Required   []string       `json:"required"`
			Properties map[string]any `json:"properties"`
		} `json:"schemas"`
	} `json:"components"`
}

func parsed(t *testing.T) document {
	t.Helper()
	var doc document
	if err := json.Unmarshal(demo.OpenAPI, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestTheDocumentAndTheAPIAgree(t *testing.T) {
	t.Parallel()
	doc := parsed(t)
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("it is OpenAPI %s", doc.OpenAPI)
	}
	_, about := ask(t, "GET", "/", "")
	var paths []any
	for path, item := range doc.Paths {
		paths = append(paths, path)
		for verb := range item {
			if verb == "parameters" {
				continue
			}
			sample := strings.NewReplacer("/harbours/{id}", "/harbours/dunmarrow", "/lights/{id}", "/lights/far-ness").Replace(path)
			status, out := ask(t, strings.ToUpper(verb), sample+"?date=2026-06-21", `{"from": "alder-quay", "to": "dunmarrow", "speed_kn": 4, "departs": "2026-06-21T06:30:00Z"}`)
			if status != http.StatusOK {
				t.Errorf("%s %s: %d %v", verb, path, status, out)
			}
		}
	}
	byName := func(a, b any) int { return strings.Compare(a.(string), b.(string)) }
	slices.SortFunc(paths, byName)
	if diff := cmp.Diff(paths, about["paths"]); diff != "" {
		t.Errorf("the root and the document name different paths: %s", diff)
	}
}

func TestAnswersHaveTheMembersOfTheirSchema(t *testing.T) {
	t.Parallel()
	doc := parsed(t)
	first := func(out map[string]any, list string) map[string]any {
		items, _ := out[list].([]any)
		if len(items) == 0 {
			t.Fatalf("no %s in %v", list, out)
		}
		item, _ := items[0].(map[string]any)
		return item
	}
	get := func(path string) map[string]any {
		_, out := ask(t, "GET", path, "")
		return out
	}
	tides := get("/harbours/elver-bay/tides?date=2026-06-21")
	_, passage := ask(t, "POST", "/passages", `{"from": "alder-quay", "to": "dunmarrow", "speed_kn": 4, "departs": "2026-06-21T06:30:00Z"}`)
	answers := map[string]map[string]any{
		"Harbour": first(get("/harbours"), "items"), "Light": first(get("/lights"), "items"),
		"TideTable": tides, "Water": first(tides, "waters"), "Passage": passage, "Error": get("/nothing"),
	}
	for name, out := range answers {
		schema := doc.Components.Schemas[name]
		for member := range out {
			if _, ok := schema.Properties[member]; !ok {
				t.Errorf("%s: %s is not in the schema", name, member)
			}
		}
		for _, member := range schema.Required {
			if _, ok := out[member]; !ok {
				t.Errorf("%s: %s is missing", name, member)
			}
		}
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
