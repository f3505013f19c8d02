package openapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func load(t testing.TB, data []byte) *openapi.Document {
	t.Helper()
	doc, err := openapi.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func operation(t testing.TB, doc *openapi.Document, id string) *openapi.Operation {
	t.Helper()
	op, ok := doc.Operation(id)
	if !ok {
		t.Fatalf("there is no operation %s", id)
	}
	return op
}

func schema(t testing.TB, doc *openapi.Document, name string) *openapi.Schema {
	t.Helper()
	s, ok := doc.Schema(name)
	if !ok {
		t.Fatalf("there is no schema %s", name)
	}
	return s
}

func property(t testing.TB, s *openapi.Schema, name string) openapi.Property {
	t.Helper()
	at := slices.IndexFunc(s.Properties, func(p openapi.Property) bool { return p.Name == name })
	if at < 0 {
		t.Fatalf("%s has no property %s", s.Name, name)
	}
	return s.Properties[at]
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	if !bytes.Equal(g, w) {
		t.Errorf("%s is %s, want %s", what, g, w)
	}
}

func TestOpenAPI31(t *testing.T) {
	doc := load(t, fixture(t, "harbour-3.1.yaml"))
	equal(t, "the title", doc.Title, "Harbours")
	equal(t, "the summary", doc.Summary, "Harbours and berths")
	equal(t, "the description", doc.Description, "All **harbours**.\n")
	equal(t, "the servers", doc.Servers, []openapi.Server{{URL: "https://eu.example.com/v2", Description: "Production"}})
	equal(t, "the tags", tags(doc), []string{"berths (berths): berths-post", "harbours (harbours): harbours-get berths-post", " (other): GET-berths"})
	equal(t, "the schema names", doc.SchemaNames(), []string{"Base", "Harbour", "Berth"})
	equal(t, "the webhooks", []any{len(doc.Webhooks), doc.Webhooks[0].ID, doc.Webhooks[0].Path, doc.Webhooks[0].Method}, []any{1, "tide", "tide", "POST"})
	if _, found := doc.Operation("tide"); found {
		t.Error("a webhook is found as an operation, which people could try")
	}

	get := operation(t, doc, "harbours-get")
	equal(t, "the operation", []any{get.OperationID, get.Method, get.Path, get.Summary}, []any{"harbours/get", "GET", "/harbours/{harbour}", "One harbour"})
	var params []string
	for _, p := range get.Parameters {
		params = append(params, fmt.Sprintf("%s %s required=%v deprecated=%v %q = %s", p.Key(), p.Schema.Type, p.Required, p.Deprecated, p.Schema.Constraints, p.Example))
	}
	equal(t, "the parameters", params, []string{
		`path.harbour string required=true deprecated=false ["3 to 8 characters" "matches ^[A-Z]+$"] = AAAA`,
		`query.depth number required=false deprecated=false ["more than 0, at most 30" "a multiple of 0.5"] = 0.5`,
		`header.trace string required=false deprecated=true [] = abc`,
	})
	var responses []string
	for _, r := range get.Responses {
		responses = append(responses, r.Status+" "+r.Description)
	}
	equal(t, "the responses", responses, []string{"200 The harbour", "404 No such harbour", "4XX A problem", "default A problem"})
	equal(t, "a response header", get.Responses[0].Headers[0].Name+" "+get.Responses[0].Headers[0].Schema.Type, "X-Left integer")
	equal(t, "the security", get.Security, [][]string{{"key"}, {}})
	equal(t, "open, takes and needs a key", []bool{get.Open(), get.TakesKey(), get.NeedsKey()}, []bool{true, true, false})

	post := operation(t, doc, "berths-post")
	equal(t, "open, takes and needs a key", []bool{post.Open(), post.TakesKey(), post.NeedsKey(), post.Deprecated}, []bool{true, false, false, true})
	equal(t, "the examples", post.Body.Content[0].Examples, []openapi.Example{
		{Name: "small", Summary: "A small one", Text: "{\n  \"length\": 5\n}"}, {Name: "large", Summary: "A large one", Text: "{\n  \"length\": 300\n}"},
	})
	equal(t, "the callbacks", []any{len(post.Callbacks), post.Callbacks[0].Method, post.Callbacks[0].Path}, []any{1, "POST", "{$request.body#/callback}"})
	equal(t, "the servers of an operation", operation(t, doc, "GET-berths").Servers, []openapi.Server{{URL: "https://berths.example.com"}})
	if !slices.ContainsFunc(doc.Warnings, func(w string) bool { return strings.Contains(w, "javascript:alert(1)") }) {
		t.Errorf("the warnings are %q, want one about the server that is a script", doc.Warnings)
	}
}

func tags(doc *openapi.Document) []string {
	var all []string
	for _, tag := range doc.Tags {
		line := fmt.Sprintf("%s (%s):", tag.Name, tag.Slug)
		for _, op := range tag.Operations {
			line += " " + op.ID
		}
		all = append(all, line)
	}
	return all
}

func TestSchemas31(t *testing.T) {
	doc := load(t, fixture(t, "harbour-3.1.yaml"))
	harbour := schema(t, doc, "Harbour")
	var properties []string
	for _, p := range harbour.Properties {
		properties = append(properties, fmt.Sprintf("%s %s %v %q", p.Name, p.Type, p.Required, p.Constraints))
	}
	equal(t, "the properties", properties, []string{
		`id string true []`,
		`kind string true []`,
		`name string or null true []`,
		`neighbour object or null false []`,
		`berths array of Berth false ["1 to 5 items" "no duplicates"]`,
		`lights object false []`,
	})
	kind := property(t, harbour, "kind")
	equal(t, "a property of two parts", []string{kind.Description, kind.Const}, []string{"Which kind", "harbour"})
	neighbour := property(t, harbour, "neighbour")
	equal(t, "a nullable reference", []any{neighbour.Name, neighbour.Schema.Name, neighbour.Nullable, neighbour.Description}, []any{"neighbour", "Harbour", true, "The next one"})
	equal(t, "a read-only property", property(t, harbour, "id").ReadOnly, true)
	equal(t, "an example", property(t, harbour, "name").Example, "Kiel")
	equal(t, "further properties", property(t, harbour, "lights").Additional.Type, "integer")
	berth := schema(t, doc, "Berth")
	equal(t, "a closed object", berth.Constraints, []string{"no other properties"})
	equal(t, "an enum", []any{property(t, berth, "size").Enum, property(t, berth, "size").Type}, []any{[]string{"s", "m", "l"}, "string"})
	equal(t, "alternatives", property(t, berth, "ship").Type, "Base or string")
	if property(t, harbour, "berths").Items != berth {
		t.Error("a reference does not lead to the component")
	}
	response := operation(t, doc, "harbours-get").Responses[0].Content[0].Examples[0]
	for _, want := range []string{`"id": "3fa85f64-`, `"kind": "harbour"`, `"name": "Kiel"`, `"length": 10`, `"key": 1`} {
		if !strings.Contains(response.Text, want) {
			t.Errorf("the example has no %s:\n%s", want, response.Text)
		}
	}
	if strings.Contains(response.Text, "secret") {
		t.Errorf("the example of a response has a property that is write-only:\n%s", response.Text)
	}
}

func TestOpenAPI30FromAPIGateway(t *testing.T) {
	doc := load(t, fixture(t, "harbour-3.0.json"))
	equal(t, "the server", doc.Servers, []openapi.Server{{URL: "https://abc.execute-api.eu-west-1.amazonaws.com/prod"}})
	var methods []string
	for _, op := range doc.Operations() {
		methods = append(methods, op.Method+" "+op.Path+" "+op.ID)
	}
	equal(t, "the operations", methods, []string{
		"GET /files/{proxy+} GET-files-proxy", "PUT /files/{proxy+} files-put", "POST /files/{proxy+} files-post", "DELETE /files/{proxy+} files-delete",
		"OPTIONS /files/{proxy+} files-options", "HEAD /files/{proxy+} files-head", "PATCH /files/{proxy+} files-patch", "GET /keyed GET-keyed",
	})
	put := operation(t, doc, "files-put")
	equal(t, "open, takes and needs a key", []bool{put.Open(), put.TakesKey(), put.NeedsKey()}, []bool{false, true, true})
	keyed := operation(t, doc, "GET-keyed")
	equal(t, "an operation with the key as a parameter", []any{keyed.NeedsKey(), len(keyed.Parameters), keyed.Security}, []any{true, 0, [][]string{{"api_key"}}})
	file := schema(t, doc, "File")
	equal(t, "a property that looks like an extension", property(t, file, "x-amazon-name").Type, "string or null")
	equal(t, "an exclusive limit", property(t, file, "size").Constraints, []string{"more than 0"})
	owner := property(t, file, "owner")
	equal(t, "a nullable reference with a description", []any{owner.Schema.Name, owner.Nullable, owner.Description, owner.Properties[1].Type}, []any{"Owner", true, "Who owns the file", "array of File"})
	equal(t, "the example of the schema", operation(t, doc, "GET-files-proxy").Responses[0].Content[0].Examples, []openapi.Example{{Text: "{\n  \"x-amazon-name\": \"a.txt\",\n  \"size\": 3\n}"}})
	if json := string(doc.JSON()); strings.Contains(json, "x-amazon-apigateway") || strings.Contains(json, "arn:aws") {
		t.Errorf("extensions of API Gateway are left: %s", json)
	}
}

func TestSwagger20(t *testing.T) {
	doc := load(t, fixture(t, "harbour-2.0.json"))
	equal(t, "the version", doc.Version, "1.5")
	equal(t, "the server", doc.Servers, []openapi.Server{{URL: "https://api.example.com/v1"}})
	put := operation(t, doc, "putZone")
	equal(t, "needs a key", put.NeedsKey(), true)
	equal(t, "the example of a path parameter", put.Parameters[0].Key()+"="+put.Parameters[0].Example, "path.zone=7")
	equal(t, "the body", []any{put.Body.Required, put.Body.Content[0].Type, put.Body.Content[0].Schema.Name}, []any{true, "application/json", "Zone"})
	equal(t, "the example of a response", put.Responses[0].Content[0].Examples, []openapi.Example{{Text: "{\n  \"name\": \"North\"\n}"}})
	var names []string
	for _, p := range schema(t, doc, "Zone").Properties {
		names = append(names, p.Name+" "+p.Type)
	}
	equal(t, "the properties, in the order of the document", names, []string{"zulu string or null", "name string", "alpha number"})
	post := operation(t, doc, "POST-zones-zone")
	equal(t, "the form", []any{post.Body.Content[0].Type, post.Body.Content[0].Schema.Properties[0].Name}, []any{"multipart/form-data", "chart"})
	equal(t, "a reference into paths", post.Responses[0].Content[0].Schema.Name, "Zone")
	if !slices.ContainsFunc(doc.Warnings, func(w string) bool { return strings.Contains(w, "#/definitions/Missing") }) {
		t.Errorf("the warnings are %q, want one about the definition that is missing", doc.Warnings)
	}
	request, err := put.Request("https://api.example.com/v1", openapi.Values{Parameters: map[string]string{
		"path.zone": "4", "query.tags": "a b,c", "query.codes": "1,2",
	}, Body: "{}"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the URL", request.URL, "https://api.example.com/v1/zones/4?tags=a%20b&tags=c&codes=1%7C2")
}

// The library reads OpenAPI strictly, so it judges what Normalize writes.
func TestNormalizedDocumentsAreOpenAPI(t *testing.T) {
	for _, name := range []string{"harbour-2.0.json", "harbour-3.0.json"} {
		t.Run(name, func(t *testing.T) {
			normal, err := openapi.Normalize(fixture(t, name))
			if err != nil {
				t.Fatal(err)
			}
			loader := openapi3.NewLoader()
			doc, err := loader.LoadFromData(normal)
			if err != nil {
				t.Fatal(err)
			}
			if err := doc.Validate(loader.Context, openapi3.DisableExamplesValidation()); err != nil && !strings.Contains(err.Error(), "proxy") {
				t.Error(err)
			}
		})
	}
}

func TestNormalizingTwiceChangesNothing(t *testing.T) {
	documents := map[string][]byte{}
	for _, name := range []string{"harbour-2.0.json", "harbour-3.0.json", "harbour-3.1.yaml"} {
		documents[name] = fixture(t, name)
	}
	if os.Getenv("GATEHOUSE_SPECS") != "" {
		for name, body := range specs(t) {
			documents[name] = body
		}
	}
	for name, body := range documents {
		t.Run(name, func(t *testing.T) {
			once, err := openapi.Normalize(body)
			if err != nil {
				t.Fatal(err)
			}
			for range 5 {
				again, err := openapi.Normalize(body)
				if err != nil || !bytes.Equal(once, again) {
					t.Fatalf("the same document is normalized in two ways (%v)", err)
				}
			}
			twice, err := openapi.Normalize(once)
			if err != nil || !bytes.Equal(once, twice) {
				t.Errorf("the normalized document is changed by Normalize (%v)", err)
			}
			if doc := load(t, once); !bytes.Equal(doc.JSON(), once) {
				t.Error("JSON differs from what Normalize returns")
			}
		})
	}
}

var fitID = regexp.MustCompile(`^[\p{L}\p{N}_-]{1,110}$`)

func TestIDsAreUniqueAndFit(t *testing.T) {
	ids := []string{"a/b", "a b", "a.b", "a-b", "../../etc", `<script>alert(1)</script>`, "a\"onload='x'", "", "", "%2e%2e", "日本", "名前", ".", "..", "👍", strings.Repeat("x", 5000), strings.Repeat("x", 5001), "A-B", "a-b-2"}
	paths, all := object{}, []any{}
	for i, id := range ids {
		op := object{"operationId": id, "tags": []any{id}, "responses": object{}}
		paths[fmt.Sprintf("/p%03d", i)] = object{"get": op}
		all = append(all, object{"name": id})
	}
	data, err := json.Marshal(object{"openapi": "3.0.0", "info": object{"title": "T"}, "paths": paths, "tags": all})
	if err != nil {
		t.Fatal(err)
	}
	doc := load(t, data)
	equal(t, "the number of operations", len(doc.Operations()), len(ids))
	seen := map[string]bool{}
	for _, op := range doc.Operations() {
		if !fitID.MatchString(op.ID) || seen[op.ID] {
			t.Errorf("the id %q (of %.50q) is unfit or not unique", op.ID, op.OperationID)
		}
		seen[op.ID] = true
		if found, ok := doc.Operation(op.ID); !ok || found != op {
			t.Errorf("the operation %s is not found", op.ID)
		}
	}
	slugs := map[string]bool{}
	for _, tag := range doc.Tags {
		if !fitID.MatchString(tag.Slug) || slugs[tag.Slug] {
			t.Errorf("the slug %q (of %.50q) is unfit or not unique", tag.Slug, tag.Name)
		}
		slugs[tag.Slug] = true
	}
}

// These documents break rules, and can be shown all the same.
func TestImperfectDocumentsAreShown(t *testing.T) {
	paths := func(operation string) string {
		return `{"openapi":"3.0.0","info":{"title":"T"},"paths":{"/a/{id}":{"get":` + operation + `}}}`
	}
	cases := []struct{ name, data, warning string }{
		{"no paths", `{"openapi":"3.0.0","info":{"title":"T"}}`, ""},
		{"a path without a slash", `{"openapi":"3.0.0","info":{},"paths":{"a":{}}}`, "/paths/a: a path must begin with a slash"},
		{"an operation that is a text", paths(`"x"`), "/paths/~1a~1{id}/get: this is not an operation"},
		{"a path parameter that is not described", paths(`{"responses":{}}`), "the path parameter {id} is not described"},
		{"a path parameter that the path lacks", paths(`{"parameters":[{"name":"x","in":"path"}]}`), "the path has no {x}"},
		{"a parameter without a name", paths(`{"parameters":[{"in":"query"}]}`), "the parameter has no name"},
		{"a parameter that is missing", paths(`{"parameters":[{"$ref":"#/components/parameters/x"}]}`), "the parameter has no name"},
		{"a response that is missing", paths(`{"responses":{"200":{"$ref":"#/components/responses/x"}}}`), "the response cannot be found"},
		{"a body that is missing", paths(`{"requestBody":{"$ref":"#/nothing"}}`), "the request body cannot be found"},
		{"a schema that is missing", document(`{"A":{"$ref":"#/components/schemas/B"}}`), "#/components/schemas/B leads nowhere"},
		{"a security scheme that is missing", paths(`{"security":[{"x":[]}]}`), `the security scheme "x" is not in components`},
		{"two operations with one id", `{"openapi":"3.0.0","info":{},"paths":{"/a":{"get":{"operationId":"x"},"put":{"operationId":"x"}}}}`, `the operationId "x" is used more than once`},
		{"types of the wrong kind", `{"openapi":"3.0.0","info":{"title":5,"version":1.0,"description":[]},"tags":{},"servers":"x","security":5,"paths":{"/a":{"get":{"summary":1,"parameters":{},"responses":[],"tags":"x","callbacks":[],"requestBody":{"content":[]}},"post":{"requestBody":5}}},"components":{"schemas":{"A":5,"B":{"type":7,"properties":[],"required":"x","enum":{},"minimum":"x","allOf":{}},"C":true}}}`, ""},
		{"a repeated key", `{"openapi":"3.0.0","info":{"title":"a","title":"b"}}`, `the key "title" is repeated`},
		{"a repeated key in YAML", "openapi: 3.0.0\ninfo:\n  title: a\n  title: b\n", `line 4: the key "title" is repeated`},
		{"bytes that are not UTF-8 in JSON", "{\"openapi\":\"3.0.0\",\"info\":{\"title\":\"caf\xe9\"}}", ""},
		{"a byte order mark", "\uFEFFopenapi: 3.0.0\ninfo: {title: T}", ""},
		{"nulls", `{"openapi":"3.0.0","info":null,"servers":[null],"paths":{"/a":null,"/b":{"get":null}},"components":{"schemas":{"A":null}}}`, "/paths/~1a: this is not a path item"},
		{"nulls in Swagger", `{"swagger":"2.0","info":null,"paths":{"/a":null,"/b":{"get":null,"post":{"parameters":[null],"responses":null}}},"definitions":{"A":null}}`, ""},
		{"a Swagger parameter that is missing", `{"swagger":"2.0","paths":{"/a":{"get":{"parameters":[{"$ref":"#/parameters/x"}],"responses":{}}}}}`, `"#/parameters/x" leads nowhere`},
		{"numbers in Swagger where text is meant", `{"swagger":"2.0","info":{"title":1,"version":2},"paths":{"/a":{"get":{"summary":1,"tags":[2019],"responses":{"200":{"description":5}}}}}}`, ""},
		{"a Swagger definition that is itself", `{"swagger":"2.0","paths":{},"definitions":{"A":{"$ref":"#/definitions/A"}}}`, "leads nowhere"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			doc := load(t, []byte(c.data))
			if c.warning != "" && !slices.ContainsFunc(doc.Warnings, func(w string) bool { return strings.Contains(w, c.warning) }) {
				t.Errorf("the warnings are %q, want %q", doc.Warnings, c.warning)
			}
			if !json.Valid(doc.JSON()) {
				t.Errorf("the normalized document is not JSON: %s", doc.JSON())
			}
			load(t, doc.JSON())
		})
	}
}

func TestWarningsAreFew(t *testing.T) {
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, `,"a%d":{}`, i)
	}
	doc := load(t, []byte(`{"openapi":"3.0.0","info":{},"paths":{"x":{}`+b.String()+`}}`))
	if len(doc.Warnings) != 101 || doc.Warnings[100] != "and 4901 more" {
		t.Errorf("there are %d warnings, the last is %q", len(doc.Warnings), doc.Warnings[len(doc.Warnings)-1])
	}
}

func TestYAMLIsReadAsJSONMeansIt(t *testing.T) {
	doc := load(t, []byte(`
openapi: 3.0.0
info: {title: T, version: 1.0}
paths:
  /a:
    get:
      parameters: &params
        - {name: since, in: query, example: 2024-01-31, schema: {type: string, format: date}}
        - {name: flags, in: query, example: 0x1F, schema: {type: integer}}
        - {name: yes, in: query, example: yes, schema: {type: string}}
        - {name: big, in: query, example: 12345678901234567890, schema: {type: integer}}
      responses:
        200: &ok {description: OK}
        on: *ok
    post:
      parameters: *params
      responses: {<<: {201: *ok}}
`))
	equal(t, "the version", doc.Version, "1.0")
	for _, op := range doc.Operations() {
		var got []string
		for _, p := range op.Parameters {
			got = append(got, p.Name+"="+p.Example)
		}
		equal(t, "the examples", got, []string{"since=2024-01-31", "flags=31", "yes=yes", "big=12345678901234567890"})
	}
	equal(t, "the status", operation(t, doc, "POST-a").Responses[0].Status, "201")
}

func TestModelsAreSafeForConcurrentUse(t *testing.T) {
	doc := load(t, fixture(t, "harbour-3.1.yaml"))
	done := make(chan bool)
	for range 8 {
		go func() {
			defer func() { done <- true }()
			for _, op := range doc.Operations() {
				op.ExampleRequest("https://example.com")
				_, _ = op.Request("https://example.com", openapi.Values{})
				doc.Schema("Harbour")
			}
		}()
	}
	for range 8 {
		<-done
	}
}

func TestADocumentWithoutSecuritySchemesReadsAsOneWithAKey(t *testing.T) {
	t.Parallel()
	doc := load(t, []byte(`{"openapi": "3.1.0", "info": {"title": "Silent", "version": "1"}, "paths": {
	  "/a": {"get": {"operationId": "a", "tags": ["One", "Two"], "responses": {}}},
	  "/b": {"get": {"operationId": "b", "security": [{"token": []}, {}, {"x-api-key": []}], "responses": {}}}
	}, "webhooks": {"storm": {"post": {"operationId": "storm", "responses": {}}}}}`))
	keyed := doc.WithKey()
	a, b := operation(t, keyed, "a"), operation(t, keyed, "b")
	equal(t, "an operation that says nothing", []any{a.Security, a.NeedsKey()}, []any{[][]string{{"x-api-key"}}, true})
	equal(t, "an operation that names schemes that are missing", []any{b.Security, b.NeedsKey()}, []any{[][]string{{"token", "x-api-key"}, {"x-api-key"}, {"x-api-key"}}, true})
	equal(t, "the scheme", keyed.Security, []openapi.SecurityScheme{{Name: "x-api-key", Type: "apiKey", In: "header", Parameter: "x-api-key"}})
	equal(t, "the operations", keyed.Operations(), []*openapi.Operation{a, b})
	equal(t, "the tags", tags(keyed), tags(doc))
	for _, tag := range keyed.Tags {
		for _, op := range tag.Operations {
			equal(t, "an operation of a tag is the same", op == operation(t, keyed, op.ID), true)
		}
	}
	storm, _ := keyed.Webhook("storm")
	equal(t, "a webhook needs no key", len(storm.Security), 0)
	equal(t, "the document itself stays", []any{len(doc.Security), operation(t, doc, "a").TakesKey(), len(operation(t, doc, "b").Security[1])}, []any{0, false, 0})
	other := load(t, []byte(`{"openapi": "3.1.0", "info": {"title": "Token", "version": "1"}, "paths": {"/a": {"get": {"operationId": "a", "responses": {}}}},
	  "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}}`))
	equal(t, "a document with schemes", other.WithKey() == other, true)
}
