package demo_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/catalog/folder"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/openapi"
)

func TestTheCatalogFolderHasNoProblem(t *testing.T) {
	t.Parallel()
	f, err := folder.Read(demo.Catalog)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range f.Problems {
		t.Errorf("%s:%d: %s", p.Where, p.Line, p.Text)
	}
	var products, plans []string
	for _, p := range f.Products {
		products = append(products, p.Product.ID+" "+p.Product.Status)
		for _, plan := range p.Plans {
			plans = append(plans, plan.Named)
		}
	}
	if diff := cmp.Diff([]string{"harbour-directory beta", "seamark ", "seamark-v0 deprecated"}, products); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Seamark Free", "Seamark Plus", "Seamark Pro"}, plans); diff != "" {
		t.Error(diff)
	}
	if len(f.Pages) != 2 || f.Pages[0].Name != "getting-started" {
		t.Errorf("pages are %+v", f.Pages)
	}
	checkVersions(t, f)
}

func checkVersions(t *testing.T, f catalog.Folder) {
	t.Helper()
	seamark, old := f.Products[1].Product, f.Products[2].Product
	if seamark.VersionOf != "seamark" || old.VersionOf != "seamark" || old.Successor != "seamark" || old.Sunset == "" {
		t.Errorf("versions are %+v and %+v", seamark, old)
	}
}

// answers checks the API's answers against the document.
type answers struct {
	compiler *jsonschema.Compiler
	document *openapi.Document
}

const documentURL = "https://demo.invalid/openapi.json"

// documented reads the document for checks. Every object is closed, so that an answer may not
// have members that the document does not mention.
func documented(t *testing.T) answers {
	t.Helper()
	document, err := openapi.Load(demo.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	if len(document.Warnings) > 0 {
		t.Errorf("the document has warnings: %q", document.Warnings)
	}
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(demo.OpenAPI))
	if err != nil {
		t.Fatal(err)
	}
	closeObjects(raw)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(documentURL, raw); err != nil {
		t.Fatal(err)
	}
	return answers{compiler, document}
}

func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["properties"].(map[string]any); ok && v["type"] == "object" {
			v["additionalProperties"] = false
		}
		for _, member := range v {
			closeObjects(member)
		}
	case []any:
		for _, member := range v {
			closeObjects(member)
		}
	}
}

// check validates an answer against the schema at a JSON pointer.
func (a answers) check(t *testing.T, pointer string, body []byte) {
	t.Helper()
	schema, err := a.compiler.Compile(documentURL + "#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("%s does not describe %s: %v", pointer, body, err)
	}
}

func pointerTo(path, method string) string {
	return "/paths/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(path) + "/" + strings.ToLower(method)
}

// The example request of each operation gets exactly the example answer.
func TestEveryOperationAnswersItsExampleAsDocumented(t *testing.T) {
	t.Parallel()
	a := documented(t)
	seen := map[string]bool{}
	for _, tag := range a.document.Tags {
		for _, op := range tag.Operations {
			seen[op.Path] = true
			request := op.ExampleRequest("https://api.example.com")
			r := httptest.NewRequest(request.Method, request.URL, strings.NewReader(request.Body))
			w := httptest.NewRecorder()
			demo.API().ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				t.Errorf("%s %s: %d %s", request.Method, request.URL, w.Code, w.Body)
				continue
			}
			a.check(t, pointerTo(op.Path, op.Method)+"/responses/200/content/application~1json/schema", w.Body.Bytes())
			example := op.Responses[0].Content[0].Examples[0]
			if example.Generated {
				t.Errorf("%s %s has no example of its answer", op.Method, op.Path)
			}
			if diff := cmp.Diff(parsedJSON(t, example.Text), parsedJSON(t, w.Body.String())); diff != "" {
				t.Errorf("%s %s answers differently from its example: %s", op.Method, op.Path, diff)
			}
		}
	}
	_, about := ask(t, "GET", "/", "")
	paths, _ := about["paths"].([]any)
	for _, path := range paths {
		if text, _ := path.(string); !seen[text] {
			t.Errorf("the document lacks %v", path)
		}
	}
	if len(seen) != len(paths)+1 {
		t.Errorf("the document has the paths %v, and the root names %v", seen, paths)
	}
	if about["version"] != a.document.Version {
		t.Errorf("the root is version %v, the document %s", about["version"], a.document.Version)
	}
}

func parsedJSON(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func TestErrorsAreAnsweredAsDocumented(t *testing.T) {
	t.Parallel()
	a := documented(t)
	for call, path := range map[string]string{
		"GET /harbours?min_depth_m=deep":        "/harbours",
		"GET /harbours/atlantis":                "/harbours/{id}",
		"GET /harbours/dunmarrow/tides":         "/harbours/{id}/tides",
		"GET /harbours/atlantis/tides":          "/harbours/{id}/tides",
		"GET /tides?date=2026-06-21":            "/tides",
		"GET /tides?harbour=dunmarrow&date=now": "/tides",
		"GET /lights?colour=blue":               "/lights",
		"GET /lights/none":                      "/lights/{id}",
		"POST /passages":                        "/passages",
	} {
		method, url, _ := strings.Cut(call, " ")
		w := httptest.NewRecorder()
		demo.API().ServeHTTP(w, httptest.NewRequest(method, url, strings.NewReader("{}")))
		op, ok := a.operation(method, path)
		if !ok {
			t.Errorf("the document lacks %s %s", method, path)
			continue
		}
		documented := slices.ContainsFunc(op.Responses, func(r openapi.Response) bool { return r.Status == strconv.Itoa(w.Code) })
		if w.Code < 400 || !documented {
			t.Errorf("%s answers %d, which is not documented", call, w.Code)
		}
		a.check(t, "/components/schemas/Error", w.Body.Bytes())
	}
}

func (a answers) operation(method, path string) (*openapi.Operation, bool) {
	for _, tag := range a.document.Tags {
		for _, op := range tag.Operations {
			if op.Method == method && op.Path == path {
				return op, true
			}
		}
	}
	return nil, false
}

func TestExamplesInTheDocumentsFitTheirSchemas(t *testing.T) {
	t.Parallel()
	a := documented(t)
	body, _ := a.operation("POST", "/passages")
	a.check(t, "/components/schemas/PassageRequest", []byte(body.Body.Content[0].Examples[0].Text))
	for name, schema := range map[string]string{"Invalid": "Error", "NotFound": "Error", "Forbidden": "Refusal", "TooMany": "Refusal"} {
		var document struct {
			Components struct {
				Responses map[string]struct {
					Content map[string]struct {
						Examples map[string]struct{ Value json.RawMessage }
					}
				}
			}
		}
		if err := json.Unmarshal(demo.OpenAPI, &document); err != nil {
			t.Fatal(err)
		}
		examples := document.Components.Responses[name].Content["application/json"].Examples
		if len(examples) == 0 {
			t.Errorf("the response %s has no example", name)
		}
		for _, example := range examples {
			a.check(t, "/components/schemas/"+schema, example.Value)
		}
	}
}
