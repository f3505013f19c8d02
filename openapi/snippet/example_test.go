package snippet_test

import (
	"go/format"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/openapi/snippet"
)

const secured = `{
  "openapi": "3.0.3", "info": {"title": "a", "version": "1"},
  "paths": {
    "/key": {"get": {"security": [{"bearer": []}, {"key": []}], "responses": {"200": {"description": "a"}}}},
    "/bearer": {"get": {"security": [{"bearer": []}], "responses": {"200": {"description": "a"}}}},
    "/basic": {"get": {"security": [{"basic": []}], "responses": {"200": {"description": "a"}}}},
    "/query": {"get": {"security": [{"query": []}], "parameters": [{"name": "a", "in": "query", "required": true, "example": "b", "schema": {"type": "string"}}], "responses": {"200": {"description": "a"}}}},
    "/cookie": {"get": {"security": [{"cookie": []}], "responses": {"200": {"description": "a"}}}},
    "/optional": {"get": {"security": [{}, {"bearer": []}], "responses": {"200": {"description": "a"}}}},
    "/open": {"get": {"responses": {"200": {"description": "a"}}}}
  },
  "components": {"securitySchemes": {
    "key": {"type": "apiKey", "in": "header", "name": "x-api-key"}, "query": {"type": "apiKey", "in": "query", "name": "api key"}, "cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
    "bearer": {"type": "http", "scheme": "bearer"}, "basic": {"type": "http", "scheme": "basic"}
  }}
}`

func TestExamplesHavePlaceholdersForAuthentication(t *testing.T) {
	t.Parallel()
	doc, err := openapi.Load([]byte(secured))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"/key": "x-api-key: YOUR_API_KEY", "/bearer": "Authorization: Bearer YOUR_TOKEN", "/basic": "Authorization: Basic YOUR_BASE64_CREDENTIALS",
		"/query": "https://api.example.com/v1/query?a=b&api+key=YOUR_API_KEY", "/cookie": "Cookie: sid=YOUR_API_KEY", "/optional": "", "/open": "",
	}
	for _, op := range doc.Operations() {
		program, err := snippet.Write("curl", snippet.Example(op, "https://api.example.com/v1"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(program, want[op.Path]) || (want[op.Path] == "" && strings.Contains(program, "YOUR_")) {
			t.Errorf("%s: %q is missing in\n%s", op.Path, want[op.Path], program)
		}
	}
}

func TestEveryOperationOfRealDocumentsHasPrograms(t *testing.T) {
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
		doc, err := openapi.Load(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range doc.Operations() {
			for _, language := range snippet.Languages {
				program, err := snippet.Write(language.ID, snippet.Example(op, "https://api.example.com/v1"))
				// fetch sends no body with GET, and none of these operations has one.
				if err != nil {
					t.Errorf("%s, %s, %s: %v", filepath.Base(file), op.ID, language.ID, err)
					continue
				}
				if language.ID != "go" {
					continue
				}
				if formatted, err := format.Source([]byte(program)); err != nil || !slices.Equal(formatted, []byte(program)) {
					t.Errorf("%s, %s: %v\n%s", filepath.Base(file), op.ID, err, program)
				}
			}
		}
	}
}
