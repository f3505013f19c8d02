package openapi_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

type object = map[string]any

func ref(name string) object { return object{"$ref": "#/components/" + name} }

// largeDocument makes a document of the size and shape of the largest public ones: operations
// that share parameters, responses and headers, schemas that contain each other in circles, trees
// of oneOf and allOf, and examples of several kilobytes.
func largeDocument(operations, schemaCount int) []byte {
	all := object{}
	for i := range schemaCount {
		name := func(step int) object { return ref(fmt.Sprintf("schemas/Thing%d", (i*7+step)%schemaCount)) }
		props := object{
			"id":         object{"type": "string", "format": "uuid", "readOnly": true, "description": strings.Repeat("The id of the thing. ", 5)},
			"kind":       object{"type": "string", "enum": []string{"first", "second", "third"}, "description": "Which kind of thing it is."},
			"created_at": object{"type": "string", "format": "date-time"},
			"count":      object{"type": "integer", "minimum": 0, "maximum": 1000},
			"parent":     object{"allOf": []any{name(1)}, "nullable": true, "description": "The thing above."},
			"children":   object{"type": "array", "items": name(2)},
			"owner":      object{"anyOf": []any{object{"type": "string", "maxLength": 5000}, name(3), name(4), name(5)}, "description": strings.Repeat("Who owns it. ", 10)},
			"labels":     object{"type": "object", "additionalProperties": object{"type": "string"}},
			"nested": object{"type": "object", "required": []string{"a"}, "properties": object{
				"a": object{"type": "string", "description": strings.Repeat("Some words about a. ", 8)},
				"b": object{"type": "number"}, "c": name(6), "d": object{"type": "boolean"},
			}},
		}
		s := object{"type": "object", "title": fmt.Sprintf("Thing %d", i), "required": []string{"id", "kind"}, "properties": props}
		switch i % 10 {
		case 3:
			s = object{"allOf": []any{name(1), object{"properties": props, "type": "object"}}, "description": "A special thing."}
		case 7:
			s = object{"oneOf": []any{name(1), name(2), name(3)}, "discriminator": object{"propertyName": "kind"}}
		}
		all[fmt.Sprintf("Thing%d", i)] = s
	}
	example := object{}
	for i := range 40 {
		example[fmt.Sprintf("field_%d", i)] = strings.Repeat("some text ", 6)
	}
	examples := object{}
	for i := range 200 {
		examples[fmt.Sprintf("example-%d", i)] = object{"summary": "An example.", "value": example}
	}
	paths := object{}
	for i := range operations {
		thing := ref(fmt.Sprintf("schemas/Thing%d", i%schemaCount))
		many := object{"type": "array", "items": thing}
		get := object{
			"operationId": fmt.Sprintf("things/get-%d", i), "tags": []string{fmt.Sprintf("tag %d", i%60)},
			"summary": "Get a thing", "description": strings.Repeat("This reads a thing, and *everything* in it. ", 12),
			"parameters": []any{ref("parameters/per-page"), ref("parameters/page"), object{"name": "filter", "in": "query", "style": "deepObject", "schema": object{"type": "object", "properties": object{"a": object{"type": "string"}}}}},
			"responses": object{
				"200": object{"description": "OK", "headers": object{"Link": ref("headers/link")}, "content": object{"application/json": object{"schema": many, "examples": object{"default": ref(fmt.Sprintf("examples/example-%d", i%200))}}}},
				"404": ref("responses/not-found"), "422": ref("responses/invalid"), "default": ref("responses/not-found"),
			},
		}
		post := object{
			"operationId": fmt.Sprintf("things/post-%d", i), "tags": []string{fmt.Sprintf("tag %d", i%60)},
			"summary": "Make a thing", "description": strings.Repeat("This makes a thing. ", 20),
			"requestBody": object{"required": true, "content": object{"application/json": object{"schema": thing}, "application/x-www-form-urlencoded": object{"schema": thing}}},
			"responses":   object{"201": object{"description": "Created", "content": object{"application/json": object{"schema": thing}}}, "422": ref("responses/invalid")},
			"callbacks":   object{"made": object{"{$request.body#/callbackUrl}": object{"post": object{"requestBody": object{"content": object{"application/json": object{"schema": thing}}}, "responses": object{"200": object{"description": "OK"}}}}}},
		}
		paths[fmt.Sprintf("/things-%d/{id}", i)] = object{
			"parameters": []any{object{"name": "id", "in": "path", "required": true, "schema": object{"type": "string"}}},
			"get":        get, "post": post,
		}
	}
	problem := object{"description": "An error", "content": object{"application/json": object{"schema": object{"type": "object", "properties": object{"message": object{"type": "string"}}}}}}
	body, err := json.MarshalIndent(object{
		"openapi": "3.0.3", "info": object{"title": "Everything", "version": "1"}, "paths": paths,
		"servers": []any{object{"url": "https://api.example.com"}},
		"components": object{
			"schemas": all, "examples": examples,
			"parameters": object{
				"page":     object{"name": "page", "in": "query", "schema": object{"type": "integer", "default": 1}},
				"per-page": object{"name": "per_page", "in": "query", "schema": object{"type": "integer", "maximum": 100}},
			},
			"headers":   object{"link": object{"schema": object{"type": "string"}, "example": `<https://example.com>; rel="next"`}},
			"responses": object{"not-found": problem, "invalid": problem},
		},
	}, "", "  ")
	if err != nil {
		panic(err)
	}
	return body
}

var large = sync.OnceValue(func() []byte { return largeDocument(1600, 2200) })

func TestALargeDocumentLoads(t *testing.T) {
	data := large()
	if size := len(data) >> 20; size < 12 || size > 20 {
		t.Fatalf("the document has %d MB, and 12 to 20 are meant", size)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	doc, err := openapi.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	t.Logf("document %d MB, kept %d MB, allocated %d MB", len(data)>>20, (after.HeapAlloc-before.HeapAlloc)>>20, (after.TotalAlloc-before.TotalAlloc)>>20)
	if got, want := len(doc.Operations()), 3200; got != want {
		t.Errorf("%d operations, want %d", got, want)
	}
	if kept, most := after.HeapAlloc-before.HeapAlloc, uint64(openapi.KeptMemory*len(doc.JSON())); kept > most*5/4 || kept < most/2 {
		t.Errorf("the document keeps %d MB of memory, and %d MB are counted for it", kept>>20, most>>20)
	}
	for _, op := range doc.Operations() {
		for _, r := range op.Responses {
			for _, m := range r.Content {
				if len(m.Examples) == 0 || m.Examples[0].Text == "" {
					t.Fatalf("%s %s has no example", op.ID, r.Status)
				}
				if len(m.Examples[0].Text) > 20_000 {
					t.Fatalf("the example of %s has %d bytes", op.ID, len(m.Examples[0].Text))
				}
			}
		}
	}
	runtime.KeepAlive(doc)
}

func BenchmarkLoadLarge(b *testing.B) { benchmarkLoad(b, large()) }

func BenchmarkLoadLargeNormalized(b *testing.B) {
	normal, err := openapi.Normalize(large())
	if err != nil {
		b.Fatal(err)
	}
	benchmarkLoad(b, normal)
}

func BenchmarkNormalizeLarge(b *testing.B) {
	data := large()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := openapi.Normalize(data); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkLoad(b *testing.B, data []byte) {
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := openapi.Load(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoadSpecs(b *testing.B) {
	for name, data := range specs(b) {
		b.Run(name, func(b *testing.B) { benchmarkLoad(b, data) })
	}
}
