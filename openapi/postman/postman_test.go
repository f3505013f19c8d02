package postman_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/openapi/postman"
)

const tides = `{
  "openapi": "3.0.3",
  "info": {"title": "Seamark", "version": "1", "description": "All *tides*."},
  "servers": [{"url": "https://document.example.com"}],
  "security": [{"key": []}],
  "tags": [{"name": "Tides", "description": "High and low"}, {"name": "Ports"}],
  "paths": {
    "/ports/{port}/tides/{day}.json": {"get": {
      "tags": ["Tides", "Ports"], "summary": "Read tides",
      "parameters": [
        {"name": "port", "in": "path", "required": true, "description": "A port", "example": "le havre", "schema": {"type": "string"}},
        {"name": "day", "in": "path", "required": true, "example": "2026-11-27", "schema": {"type": "string"}},
        {"name": "unit", "in": "query", "required": true, "example": "m&ft", "schema": {"type": "string"}},
        {"name": "fields", "in": "query", "example": ["a", "b"], "schema": {"type": "array", "items": {"type": "string"}}},
        {"name": "X-Trace", "in": "header", "example": "t1", "schema": {"type": "string"}}
      ],
      "responses": {
        "200": {"description": "The tides\nof a day", "content": {"application/json": {"schema": {"type": "object"}, "example": {"height": 4.2}}}},
        "4XX": {"description": "Wrong"}, "default": {"description": "Other"}
      }
    }},
    "/:odd/tides": {"post": {
      "deprecated": true, "security": [{"basic": []}], "servers": [{"url": "https://evil.example.com"}],
      "requestBody": {"content": {"application/json": {"schema": {"type": "object"}, "example": {"note": "<a> & 'b'"}}}},
      "responses": {"201": {"description": ""}}
    }},
    "/open": {"get": {"tags": ["Ports"], "security": [], "responses": {"204": {"description": "Nothing"}}}},
    "/token": {"get": {"tags": ["Ports"], "security": [{"bearer": []}], "responses": {"204": {"description": "Nothing"}}}}
  },
  "components": {"securitySchemes": {
    "key": {"type": "apiKey", "in": "header", "name": "x-api-key"}, "basic": {"type": "http", "scheme": "basic"}, "bearer": {"type": "http", "scheme": "bearer"}
  }}
}`

type object = map[string]any

func convert(t *testing.T, source []byte) object {
	t.Helper()
	doc, err := openapi.Load(source)
	if err != nil {
		t.Fatal(err)
	}
	written, err := postman.Collection(doc, "https://api.example.com/v1/")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := postman.Collection(doc, "https://api.example.com/v1/"); !bytes.Equal(written, again) {
		t.Error("the collection differs the second time")
	}
	var collection object
	if err := json.Unmarshal(written, &collection); err != nil {
		t.Fatal(err)
	}
	checkCollection(t, collection)
	return collection
}

func list(v any) []any    { l, _ := v.([]any); return l }
func member(v any) object { m, _ := v.(object); return m }

// checkCollection holds a collection to what the schema of format 2.1 requires of the parts
// that are written, and to its lists of values.
func checkCollection(t *testing.T, c object) {
	t.Helper()
	info := member(c["info"])
	if info["name"] == "" || info["schema"] != "https://schema.getpostman.com/json/collection/v2.1.0/collection.json" {
		t.Errorf("info is %v", info)
	}
	only(t, c, "info item auth variable")
	for _, v := range list(c["variable"]) {
		only(t, member(v), "key value description")
	}
	for _, f := range list(c["item"]) {
		only(t, member(f), "name description item")
		if len(list(member(f)["item"])) == 0 {
			t.Errorf("the folder %v is empty", member(f)["name"])
		}
		for _, i := range list(member(f)["item"]) {
			only(t, member(i), "name request response")
			checkRequest(t, member(member(i)["request"]))
			for _, r := range list(member(i)["response"]) {
				only(t, member(r), "name originalRequest status code _postman_previewlanguage header body")
				checkRequest(t, member(member(r)["originalRequest"]))
				if code, ok := member(r)["code"].(float64); !ok || code < 100 || code > 599 {
					t.Errorf("the code is %v", member(r)["code"])
				}
			}
		}
	}
}

func checkRequest(t *testing.T, r object) {
	t.Helper()
	only(t, r, "method description auth header url body")
	if r["method"] == "" {
		t.Error("a request has no method")
	}
	for _, h := range list(r["header"]) {
		only(t, member(h), "key value description disabled")
	}
	address := member(r["url"])
	only(t, address, "raw host path query variable")
	if raw, _ := address["raw"].(string); !strings.HasPrefix(raw, "{{baseUrl}}/") || !reflect.DeepEqual(address["host"], []any{"{{baseUrl}}"}) {
		t.Errorf("a request goes to %v", address)
	}
	var variables, named []string
	for _, v := range list(address["variable"]) {
		variables = append(variables, ":"+member(v)["key"].(string))
	}
	for _, p := range list(address["path"]) {
		if strings.HasPrefix(p.(string), ":") {
			named = append(named, p.(string))
		}
	}
	if !slices.Equal(variables, named) {
		t.Errorf("the path has %v, its variables are %v", named, variables)
	}
	if a := member(r["auth"]); a != nil && !slices.Contains([]any{"noauth", "apikey", "basic", "bearer"}, a["type"]) {
		t.Errorf("the auth is %v", a)
	}
	if b := member(r["body"]); b != nil && b["mode"] != "raw" {
		t.Errorf("the body is %v", b)
	}
}

// only checks the members of an object. Without event there are no scripts.
func only(t *testing.T, o object, members string) {
	t.Helper()
	for name := range o {
		if !slices.Contains(strings.Fields(members), name) {
			t.Errorf("%s is none of %s", name, members)
		}
	}
}

func TestAnAPIBecomesACollection(t *testing.T) {
	t.Parallel()
	c := convert(t, []byte(tides))
	var names []string
	items := map[string]object{}
	for _, f := range list(c["item"]) {
		for _, i := range list(member(f)["item"]) {
			name := member(f)["name"].(string) + "/" + member(i)["name"].(string)
			names, items[name] = append(names, name), member(i)
		}
	}
	if want := []string{"Tides/Read tides", "Ports/GET /open", "Ports/GET /token", "Other operations/POST /:odd/tides (deprecated)"}; !slices.Equal(names, want) {
		t.Fatalf("%q, want %q", names, want)
	}
	read := items["Tides/Read tides"]
	equal(t, "the URL", member(read["request"])["url"], `{
		"raw": "{{baseUrl}}/ports/:port/tides/2026-11-27.json?unit=m%26ft", "host": ["{{baseUrl}}"], "path": ["ports", ":port", "tides", "2026-11-27.json"],
		"query": [{"key": "unit", "value": "m%26ft"}, {"key": "fields", "value": "a", "disabled": true}, {"key": "fields", "value": "b", "disabled": true}],
		"variable": [{"key": "port", "value": "le havre", "description": "A port"}]}`)
	equal(t, "the headers", member(read["request"])["header"], `[{"key": "X-Trace", "value": "t1", "disabled": true}, {"key": "Accept", "value": "application/json"}]`)
	if len(list(read["response"])) != 2 {
		t.Fatalf("%v, want two answers", read["response"])
	}
	saved := member(list(read["response"])[0])
	delete(saved, "originalRequest")
	equal(t, "the answer", saved, `{"name": "The tides", "status": "OK", "code": 200, "_postman_previewlanguage": "json",
		"header": [{"key": "Content-Type", "value": "application/json"}], "body": "{\n  \"height\": 4.2\n}"}`)
	write := member(items["Other operations/POST /:odd/tides (deprecated)"]["request"])
	equal(t, "the body", write["body"], `{"mode": "raw", "raw": "{\n  \"note\": \"<a> & 'b'\"\n}", "options": {"raw": {"language": "json"}}}`)
	equal(t, "the path", member(write["url"])["path"], `["%3Aodd", "tides"]`)
	equal(t, "basic", member(write["auth"])["type"], `"basic"`)
	equal(t, "open", member(items["Ports/GET /open"]["request"])["auth"], `{"type": "noauth"}`)
	equal(t, "bearer", member(items["Ports/GET /token"]["request"])["auth"], `{"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}]}`)
	equal(t, "inherited", member(read["request"])["auth"], `null`)
	equal(t, "the collection's", c["auth"], `{"type": "apikey", "apikey": [{"key": "key", "value": "x-api-key", "type": "string"}, {"key": "value", "value": "{{apiKey}}", "type": "string"}, {"key": "in", "value": "header", "type": "string"}]}`)
	equal(t, "the variables", c["variable"], `[{"key": "baseUrl", "value": "https://api.example.com/v1"}, {"key": "apiKey", "value": ""}, {"key": "token", "value": ""}, {"key": "username", "value": ""}, {"key": "password", "value": ""}]`)
}

func equal(t *testing.T, what string, got any, want string) {
	t.Helper()
	var wanted any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(what, err)
	}
	if !reflect.DeepEqual(got, wanted) {
		text, _ := json.Marshal(got)
		t.Errorf("%s is %s, want %s", what, text, want)
	}
}

func TestRealDocumentsBecomeCollections(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("GATEHOUSE_SPECS")
	if folder == "" {
		t.Skip("NOT RUN: GATEHOUSE_SPECS is not set")
	}
	files, _ := filepath.Glob(folder + "/*[0-9].[jy]*")
	if len(files) == 0 {
		t.Fatal("no documents")
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if c := convert(t, data); len(list(c["item"])) == 0 {
			t.Errorf("%s has no folders", file)
		}
	}
}
