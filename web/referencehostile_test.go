package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

// documentedBy has one API that is not on API Gateway, with this OpenAPI document.
func documentedBy(definition string) *fake {
	f := &fake{}
	f.catalog = published(catalog.Product{ID: "wild", Name: "Wild", APIs: []catalog.API{{Slug: "main", Name: "Wild", Kind: catalog.Docs, Definition: f.put(definition)}}})
	return f
}

const wildDocs = "/apis/wild/docs/main"

// answering is a document with one operation that answers with the schema S0.
func documentOf(schemas string) string {
	return `{"openapi": "3.0.3", "info": {"title": "Wild", "version": "1"}, "paths": {"/a": {"get": {"operationId": "a", "responses": {"200": {"description": "OK",
		"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}}}}}}}, "components": {"schemas": {` + schemas + `}}}`
}

func TestAPropertyThatIsTheSchemaAroundItLeadsToItsPage(t *testing.T) {
	t.Parallel()
	f := documentedBy(documentOf(`"S0": {"type": "object", "properties": {"parent": {"$ref": "#/components/schemas/S0"}}}`))
	for _, address := range []string{wildDocs, wildDocs + "/operations/a", wildDocs + "/schemas/S0"} {
		doc := document(t, visit(f).get(address), http.StatusOK)
		if link := doc.Find(`.fields a[href="` + wildDocs + `/schemas/S0"]`).First(); link.Text() != "See S0" {
			t.Errorf("%s: the property's link says %q", address, link.Text())
		}
	}
}

func TestSchemasOfManyPropertiesDoNotMultiply(t *testing.T) {
	t.Parallel()
	var schemas []string
	for i := range 6 {
		var properties []string
		for j := range 150 {
			properties = append(properties, fmt.Sprintf(`"p%d": {"$ref": "#/components/schemas/S%d"}`, j, (i+1+j)%6))
		}
		schemas = append(schemas, fmt.Sprintf(`"S%d": {"type": "object", "properties": {%s}}`, i, strings.Join(properties, ",")))
	}
	f := documentedBy(documentOf(strings.Join(schemas, ",")))
	for _, address := range []string{wildDocs, wildDocs + "/operations/a", wildDocs + "/schemas/S0"} {
		body := visit(f).get(address)
		if doc := document(t, body, http.StatusOK); doc.Find(`.fields a[href="`+wildDocs+`/schemas/S2"]`).Length() == 0 {
			t.Errorf("%s: what is not expanded is not linked", address)
		}
		if size := body.Body.Len(); size > 2<<20 {
			t.Errorf("%s has %d bytes", address, size)
		}
	}
}

func TestAnEnumOfManyValuesIsCut(t *testing.T) {
	t.Parallel()
	var values []string
	for i := range 50_000 {
		values = append(values, fmt.Sprintf(`"value-%d"`, i))
	}
	f := documentedBy(documentOf(`"S0": {"type": "object", "properties": {"kind": {"type": "string", "enum": [` + strings.Join(values, ",") + `]}}}`))
	w := visit(f).get(wildDocs)
	doc := document(t, w, http.StatusOK)
	says(t, doc, ".fields", "value-0")
	says(t, doc, ".fields", "and 49800 more")
	if size := w.Body.Len(); size > 200<<10 {
		t.Errorf("the page has %d bytes", size)
	}
}

func TestAListOfItselfEnds(t *testing.T) {
	t.Parallel()
	for name, schema := range map[string]string{
		"a list of itself":             `"S0": {"type": "array", "items": {"$ref": "#/components/schemas/S0"}}`,
		"two lists of each other":      `"S0": {"type": "array", "items": {"$ref": "#/components/schemas/S1"}}, "S1": {"type": "array", "items": {"$ref": "#/components/schemas/S0"}}`,
		"a list of objects of a list":  `"S0": {"type": "array", "items": {"type": "object", "properties": {"list": {"$ref": "#/components/schemas/S0"}}}}`,
		"a map of itself":              `"S0": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/S0"}}`,
		"alternatives of itself":       `"S0": {"oneOf": [{"$ref": "#/components/schemas/S0"}, {"type": "array", "items": {"$ref": "#/components/schemas/S0"}}]}`,
		"a list of a list of itself":   `"S0": {"type": "array", "items": {"type": "array", "items": {"$ref": "#/components/schemas/S0"}}}`,
		"a combination out of itself":  `"S0": {"allOf": [{"$ref": "#/components/schemas/S0"}]}`,
		"what is nothing but a circle": `"S0": {"$ref": "#/components/schemas/S1"}, "S1": {"$ref": "#/components/schemas/S0"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := documentedBy(documentOf(schema))
			for _, address := range []string{wildDocs, wildDocs + "/operations/a", wildDocs + "/schemas/S0"} {
				w := visit(f).get(address)
				if w.Code >= http.StatusInternalServerError && name != "what is nothing but a circle" {
					t.Errorf("%s: status %d", address, w.Code)
				}
				if w.Body.Len() > 100<<10 {
					t.Errorf("%s has %d bytes", address, w.Body.Len())
				}
			}
		})
	}
}

func TestNoNameTurnsTheTextAroundIt(t *testing.T) {
	t.Parallel()
	f := documentedBy(`{"openapi": "3.0.3", "info": {"title": "gpj\u202eexe\u0000", "version": "1"}, "paths": {"/a": {"get": {"operationId": "a", "summary": "\u202dx",
		"responses": {"200": {"description": "\u202bOK"}}}}}}`)
	for _, address := range []string{"/apis/wild", wildDocs, wildDocs + "/operations/a"} {
		body := visit(f).get(address).Body.String()
		if strings.ContainsAny(body, "\u202a\u202b\u202c\u202d\u202e\x00") {
			t.Errorf("%s has characters that turn text", address)
		}
	}
}
