package openapi_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

// randomSchema makes schemas that some value satisfies. Components are A to D.
func randomSchema(t *rapid.T, depth int) object {
	kinds := []string{"string", "integer", "number", "boolean", "format", "enum", "const", "pattern", "null", "ref"}
	if depth > 0 {
		kinds = append(kinds, "object", "object", "array", "map", "oneOf", "anyOf", "allOf")
	}
	between := func(least, most int) int { return rapid.IntRange(least, most).Draw(t, "number") }
	switch kind := rapid.SampledFrom(kinds).Draw(t, "kind"); kind {
	case "string":
		least := between(0, 20)
		return object{"type": "string", "minLength": least, "maxLength": least + between(0, 5)}
	case "integer":
		step := between(1, 7)
		least := between(-50, 50)
		return object{"type": "integer", "minimum": least, "maximum": least + 2*step, "multipleOf": step}
	case "number":
		least := between(-5, 5)
		return object{"type": "number", "exclusiveMinimum": least, "exclusiveMaximum": least + between(1, 3)}
	case "format":
		return object{"type": "string", "format": rapid.SampledFrom([]string{"date-time", "date", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uri-reference", "uuid", "json-pointer", "regex"}).Draw(t, "format")}
	case "enum":
		return object{"enum": []any{"red", "green", 3, nil}}
	case "const":
		return object{"const": rapid.SampledFrom([]any{"fixed", 7, true}).Draw(t, "const")}
	case "pattern":
		return object{"type": "string", "pattern": rapid.SampledFrom([]string{`^[a-z]{3,5}$`, `^\d{4}-\d{2}$`, `^(cus|acct)_[A-Za-z0-9]+$`, `^\+?[0-9]{7,14}$`, `^[^@]+@[^@]+$`, `^#[0-9a-fA-F]{6}$`, `x`}).Draw(t, "pattern")}
	case "null":
		return object{"type": []string{"string", "null"}, "minLength": between(0, 3)}
	case "ref":
		// Optional and in a list, so that a value exists even where schemas contain each other.
		return object{"type": "array", "items": ref("schemas/" + rapid.SampledFrom([]string{"A", "B", "C", "D"}).Draw(t, "component"))}
	case "array":
		least := between(0, 4)
		s := object{"type": "array", "items": randomSchema(t, depth-1), "minItems": least}
		if rapid.Bool().Draw(t, "most") {
			s["maxItems"] = least + between(0, 2)
		}
		return s
	case "map":
		return object{"type": "object", "additionalProperties": randomSchema(t, depth-1), "minProperties": between(0, 5)}
	case "oneOf":
		return object{"oneOf": []any{object{"type": "object", "required": []string{"a"}, "properties": object{"a": randomSchema(t, depth-1)}}, object{"type": "string"}}}
	case "anyOf":
		return object{"anyOf": []any{randomSchema(t, depth-1), object{"type": "null"}, randomSchema(t, depth-1)}}
	case "allOf":
		return object{"allOf": []any{randomObject(t, depth-1, "x"), randomObject(t, depth-1, "y")}}
	case "object":
		s := randomObject(t, depth-1, "p")
		s["additionalProperties"] = false
		return s
	default:
		return object{"type": kind}
	}
}

func randomObject(t *rapid.T, depth int, prefix string) object {
	properties, required := object{}, []string{}
	for i := range rapid.IntRange(0, 4).Draw(t, "properties") {
		name := fmt.Sprintf("%s%d", prefix, i)
		properties[name] = randomSchema(t, max(depth, 0))
		if rapid.Bool().Draw(t, "required") {
			required = append(required, name)
		}
	}
	return object{"type": "object", "properties": properties, "required": required}
}

func TestGeneratedExamplesSatisfyTheirSchema(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := object{}
		for _, name := range []string{"A", "B", "C", "D"} {
			all[name] = randomSchema(t, 3)
		}
		data, err := json.Marshal(object{
			"openapi": "3.1.0", "info": object{"title": "T", "version": "1"}, "components": object{"schemas": all},
			"paths": object{"/a": object{"get": object{"responses": object{"200": object{"content": object{"application/json": object{"schema": ref("schemas/A")}}}}}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		doc, err := openapi.Load(data)
		if err != nil {
			t.Fatal(err)
		}
		example := doc.Operations()[0].Responses[0].Content[0].Examples[0]
		checkExample(t, doc, "A", example.Text)
	})
}

func checkExample(t rapid.TB, doc *openapi.Document, name, text string) {
	root, err := jsonschema.UnmarshalJSON(strings.NewReader(string(doc.JSON())))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("https://example.com/api.json", root); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("https://example.com/api.json#/components/schemas/" + url.PathEscape(name))
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("the example %q is not JSON: %v", text, err)
	}
	if err := compiled.Validate(value); err != nil {
		t.Fatalf("%v\nschema: %s\nexample: %s", err, doc.JSON(), text)
	}
}

func TestGeneratedExamples(t *testing.T) {
	cases := []struct{ name, schemas, want string }{
		{"an optional circle ends", `{"A":{"type":"object","properties":{"name":{"type":"string"},"a":{"$ref":"#/components/schemas/A"}}}}`, `{"name":"string"}`},
		{"a circle of lists ends", `{"A":{"type":"object","required":["list"],"properties":{"list":{"type":"array","items":{"$ref":"#/components/schemas/A"}}}}}`, `{"list":[]}`},
		{"a circle that may be null ends", `{"A":{"type":"object","required":["a"],"properties":{"a":{"allOf":[{"$ref":"#/components/schemas/A"}],"nullable":true}}}}`, `{"a":{"a":null}}`},
		{"an endless alternative is left out", `{"A":{"oneOf":[{"type":"object","required":["a"],"properties":{"a":{"$ref":"#/components/schemas/A"}}},{"type":"string"}]}}`, `"string"`},
		{"a schema without a finite value has no example", `{"A":{"type":"object","required":["a"],"properties":{"a":{"$ref":"#/components/schemas/A"}}}}`, ``},
		{"the schema's example wins", `{"A":{"type":"object","example":{"x":1},"properties":{"y":{"type":"string"}}}}`, `{"x":1}`},
		{"a property's default wins", `{"A":{"type":"object","properties":{"y":{"type":"string","default":"d"}}}}`, `{"y":"d"}`},
		{"deprecated optional properties are left out", `{"A":{"type":"object","properties":{"y":{"type":"string","deprecated":true},"z":{"type":"boolean"}}}}`, `{"z":true}`},
		{"the discriminator names the alternative", `{"A":{"oneOf":[{"$ref":"#/components/schemas/Cat"},{"type":"object"}],"discriminator":{"propertyName":"pet","mapping":{"kitten":"#/components/schemas/Cat"}}},"Cat":{"type":"object","properties":{"pet":{"type":"string"}}}}`, `{"pet":"kitten"}`},
		{"unique items differ", `{"A":{"type":"array","minItems":3,"uniqueItems":true,"items":{"enum":["a","b","c"],"type":"string"}}}`, `["a","b","c"]`},
		{"a required property that is not described", `{"A":{"type":"object","required":["x"]}}`, `{"x":"string"}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			doc := load(t, []byte(document(c.schemas)))
			got := doc.Operations()[0].Responses[0].Content[0].Examples[0]
			compact := strings.NewReplacer("\n", "", " ", "").Replace(got.Text)
			if compact != c.want {
				t.Errorf("the example is %s, want %s", compact, c.want)
			}
		})
	}
}
