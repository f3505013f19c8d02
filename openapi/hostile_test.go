package openapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

// document wraps schemas into a document with an operation that uses the schema A.
func document(schemas string) string {
	return `{"openapi":"3.0.3","info":{"title":"T","version":"1"},"paths":{"/a":{"get":{"responses":{"200":{"description":"OK",
		"content":{"application/json":{"schema":{"$ref":"#/components/schemas/A"}}}}}}}},"components":{"schemas":` + schemas + `}}`
}

func TestHostileDocumentsAreRefused(t *testing.T) {
	fetched := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fetched = true }))
	defer server.Close()

	cases := []struct {
		name, data, want string
	}{
		{"a reference to an address", document(`{"A":{"$ref":"` + server.URL + `/x.json"}}`), "/components/schemas/A/$ref: the reference leads to another document"},
		{"a reference to a file", document(`{"A":{"$ref":"file:///etc/passwd"}}`), "leads to another document (file:///etc/passwd)"},
		{"a reference to a relative file", document(`{"A":{"type":"object","properties":{"a":{"$ref":"../../etc/passwd#/a"}}}}`), "/components/schemas/A/properties/a/$ref"},
		{"a reference to another document in a Swagger document", `{"swagger":"2.0","info":{"title":"T","version":"1"},"paths":{},"definitions":{"A":{"$ref":"http://127.0.0.1/a"}}}`, "/definitions/A/$ref"},
		{"a reference to a path item elsewhere", `{"openapi":"3.0.0","info":{},"paths":{"/a":{"$ref":"other.yaml#/a"}}}`, "/paths/~1a/$ref"},
		{"a dynamic reference elsewhere", `{"openapi":"3.1.0","info":{},"paths":{},"components":{"schemas":{"A":{"$dynamicRef":"https://example.com/#x"}}}}`, "$dynamicRef"},
		{"a reference hidden in a property called default", document(`{"A":{"properties":{"default":{"$ref":"http://example.com"}}}}`), "/properties/default/$ref"},
		{"JSON that is too deep", document(`{"A":` + strings.Repeat(`{"not":`, 5000) + `{}` + strings.Repeat(`}`, 5000) + `}`), "more than 200 levels"},
		{"arrays that are too deep", `{"openapi":"3.0.0","x":` + strings.Repeat(`[`, 100_000), "more than 200 levels"},
		{"YAML that is too deep", "openapi: 3.0.0\nx: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "more than 200 levels"},
		{"YAML that is far too deep", "openapi: 3.0.0\nx: " + strings.Repeat("[", 200_000), "depth"},
		{"a document that is too large", `{"openapi":"3.0.0","x":"` + strings.Repeat("a", 33<<20) + `"}`, "at most 32 MB"},
		{"too many values in JSON", `{"openapi":"3.0.0","x":[` + strings.Repeat("1,", 5_000_000) + `1]}`, "too many values"},
		{"too many values in YAML", "openapi: 3.0.0\nx: [" + strings.Repeat("1,", 5_000_000) + "1]", "too many values"},
		{"YAML aliases that multiply", bomb(), "too many values"},
		{"YAML aliases of one long text", "openapi: 3.0.0\na: &a " + strings.Repeat("x", 1<<20) + "\nb: [" + strings.Repeat("*a, ", 5000) + "]", "too many values"},
		{"a YAML anchor inside itself", "openapi: 3.0.0\na: &a [1, *a]", "contains itself"},
		{"YAML merges that multiply", mergeBomb(), "too many values"},
		{"a YAML alias without an anchor", "openapi: 3.0.0\na: *b", "unknown anchor"},
		{"YAML with a list as key", "openapi: 3.0.0\n? [a]\n: b", "a key must be text"},
		{"a NUL", "openapi: 3.0.0\ntitle: a\x00b", "not UTF-8"},
		{"UTF-16", "\xff\xfeo\x00p\x00e\x00n\x00", "not UTF-8"},
		{"Latin-1", "openapi: 3.0.0\ntitle: caf\xe9", "not UTF-8"},
		{"nothing", "", "empty"},
		{"only a comment", "# nothing", "empty"},
		{"a list", "[1, 2]", "must be an object"},
		{"a text", "hello", "must be an object"},
		{"broken JSON", "{\n  \"openapi\": \"3.0.0\",\n  \"info\": oops\n}", "line 3: this is not JSON"},
		{"JSON that ends too early", `{"openapi":"3.0.0",`, "ends too early"},
		{"two JSON documents", `{"openapi":"3.0.0"} {}`, "after the end"},
		{"broken YAML", "openapi: 3.0.0\ninfo:\n  title: [", "this is not YAML"},
		{"no version", `{"info":{"title":"T"}}`, "add the member openapi"},
		{"a version of the future", `{"openapi":"4.0.0"}`, "OpenAPI 4.0.0 cannot be read"},
		{"an old Swagger", `{"swagger":"1.2"}`, "Swagger 1.2 cannot be read"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := openapi.Load([]byte(c.data))
			if wrong := (*openapi.Invalid)(nil); !errors.As(err, &wrong) {
				t.Fatalf("the error is %T (%v), want *Invalid", err, err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %q, want %q in it", err, c.want)
			}
			if len(err.Error()) > 500 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			if _, normalizeErr := openapi.Normalize([]byte(c.data)); normalizeErr == nil {
				t.Error("Normalize takes the document")
			}
		})
	}
	if fetched {
		t.Error("loading a document has fetched another one")
	}
}

// bomb is the "billion laughs" in YAML.
func bomb() string {
	var b strings.Builder
	b.WriteString("openapi: 3.0.0\na0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return b.String()
}

func mergeBomb() string {
	var b strings.Builder
	b.WriteString("openapi: 3.0.0\na0: &a0 {x: 1}\n")
	for i := 1; i < 30; i++ {
		fmt.Fprintf(&b, "a%d: &a%d\n  <<: [*a%d, *a%d]\n  k%d: *a%d\n", i, i, i-1, i-1, i, i-1)
	}
	return b.String()
}

// These documents are allowed, and must cost little.
func TestIntricateDocumentsStaySmall(t *testing.T) {
	chain := func(n int) string {
		var b strings.Builder
		b.WriteString(`{"A":{"allOf":[{"$ref":"#/components/schemas/S0"}]}`)
		for i := range n {
			fmt.Fprintf(&b, `,"S%d":{"allOf":[{"$ref":"#/components/schemas/S%d"}],"properties":{"p%d":{"type":"string"}}}`, i, i+1, i)
		}
		return b.String() + "}"
	}
	doubling := func(each string) string {
		var b strings.Builder
		b.WriteString(`{"A":{"$ref":"#/components/schemas/S0"}`)
		for i := range 60 {
			next := fmt.Sprintf(`{"$ref":"#/components/schemas/S%d"}`, i+1)
			fmt.Fprintf(&b, `,"S%d":%s`, i, strings.ReplaceAll(each, "NEXT", next))
		}
		return b.String() + `,"S60":{"type":"string"}}`
	}
	wide := func() string {
		var b strings.Builder
		b.WriteString(`{"A":{"type":"object","properties":{"p":{}`)
		for i := range 3000 {
			fmt.Fprintf(&b, `,"p%d":{}`, i)
		}
		b.WriteString("}}")
		for i := range 3000 {
			fmt.Fprintf(&b, `,"S%d":{"allOf":[{"$ref":"#/components/schemas/A"}],"description":"x"}`, i)
		}
		return b.String() + "}"
	}
	tangle := func() string {
		var b strings.Builder
		b.WriteString(`{"A":{"allOf":[{"$ref":"#/components/schemas/S0"},{"$ref":"#/components/schemas/S1"}]}`)
		for i := range 50 {
			fmt.Fprintf(&b, `,"S%d":{"properties":{`, i)
			for p := range 20 {
				fmt.Fprintf(&b, `"p%d":{"allOf":[{"$ref":"#/components/schemas/S%d"},{"$ref":"#/components/schemas/S%d"}]},`, p, (i+p+1)%50, (i*p+3)%50)
			}
			b.WriteString(`"q":{}}}`)
		}
		return b.String() + "}"
	}
	patterns := func() string {
		var b strings.Builder
		b.WriteString(`{"A":{"type":"object","properties":{"p":{}`)
		for i := range 5000 {
			fmt.Fprintf(&b, `,"p%d":{"type":"string","pattern":"^(\\pL{1,900}\\pN{1,%d})$"}`, i, i%900+1)
		}
		return b.String() + "}}}"
	}
	cases := []struct{ name, data string }{
		{"a schema that is itself", document(`{"A":{"$ref":"#/components/schemas/A"}}`)},
		{"schemas that are each other", document(`{"A":{"$ref":"#/components/schemas/B"},"B":{"$ref":"#/components/schemas/A"}}`)},
		{"a schema that must contain itself", document(`{"A":{"type":"object","required":["a"],"properties":{"a":{"$ref":"#/components/schemas/A"}}}}`)},
		{"a schema that is all of itself", document(`{"A":{"allOf":[{"$ref":"#/components/schemas/A"}]}}`)},
		{"a schema that is one of itself", document(`{"A":{"oneOf":[{"$ref":"#/components/schemas/A"},{"$ref":"#/components/schemas/A"}]}}`)},
		{"a list of itself", document(`{"A":{"type":"array","minItems":1,"items":{"$ref":"#/components/schemas/A"}}}`)},
		{"a map of itself", document(`{"A":{"type":"object","additionalProperties":{"$ref":"#/components/schemas/A"}}}`)},
		{"a reference to the whole document", document(`{"A":{"$ref":"#"}}`)},
		{"references into schemas", document(`{"A":{"properties":{"a":{"$ref":"#/components/schemas/A/properties/b"},"b":{"$ref":"#/components/schemas/A/properties/a"}}}}`)},
		{"a long chain of allOf", document(chain(20_000))},
		{"required properties that double", document(doubling(`{"type":"object","required":["a","b"],"properties":{"a":NEXT,"b":NEXT}}`))},
		{"optional properties that double", document(doubling(`{"type":"object","properties":{"a":NEXT,"b":NEXT}}`))},
		{"lists that double", document(doubling(`{"type":"array","minItems":2,"items":NEXT}`))},
		{"alternatives that double", document(doubling(`{"oneOf":[NEXT,NEXT,{"type":"object"}]}`))},
		{"combinations that double", document(doubling(`{"allOf":[NEXT,NEXT]}`))},
		{"maps with many demanded entries", document(doubling(`{"type":"object","minProperties":9999999,"additionalProperties":NEXT}`))},
		{"many schemas that take over many properties", document(wide())},
		{"combinations of combinations", document(tangle())},
		{"expensive patterns", document(patterns())},
		{"a pattern of nested repetitions", document(`{"A":{"type":"string","pattern":"((((a{10}){10}){10}){10}){10}"}}`)},
		{"a very long string demanded", document(`{"A":{"type":"string","minLength":2000000000}}`)},
		{"very many items demanded", document(`{"A":{"type":"array","minItems":2000000000,"items":{"type":"string"}}}`)},
		{"huge numbers", document(`{"A":{"type":"number","minimum":1e308,"exclusiveMinimum":true,"multipleOf":1e-300,"maximum":1e999}}`)},
		{"many media types of one schema", `{"openapi":"3.0.0","info":{},"paths":{"/a":{"get":{"responses":{"200":{"content":{` + many(20_000, `"a/b%d":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/A"}}}`) + `}}}}}},"components":{"schemas":` + wideObject(100) + `}}`},
		{"many repeated keys", `{"openapi":"3.0.0","info":{},"paths":{},"x":{` + many(100_000, `"k%d":1`) + `,` + many(100_000, `"k%d":2`) + `}}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			doc, err := openapi.Load([]byte(c.data))
			runtime.ReadMemStats(&after)
			if err != nil {
				t.Fatal(err)
			}
			if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 700 {
				t.Errorf("loading %d KB has allocated %d MB", len(c.data)>>10, used)
			}
			for _, op := range doc.Operations() {
				for _, r := range op.Responses {
					for _, m := range r.Content {
						if size := len(m.Examples[0].Text); size > 100_000 {
							t.Errorf("the example has %d bytes", size)
						}
						if m.Schema.Type == "" {
							t.Error("the schema has no type")
						}
					}
				}
			}
			t.Logf("%d KB: allocated %d MB; warnings %.300q", len(c.data)>>10, (after.TotalAlloc-before.TotalAlloc)>>20, doc.Warnings)
		})
	}
}

func many(n int, format string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(parts, ",")
}

func wideObject(n int) string {
	return `{"A":{"type":"object","properties":{` + many(n, `"property%d":{"type":"string"}`) + `}}}`
}
