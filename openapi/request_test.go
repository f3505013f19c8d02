package openapi_test

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

// one returns an operation with these parameters, as JSON.
func one(t testing.TB, path, parameters string) *openapi.Operation {
	t.Helper()
	doc := load(t, []byte(`{"openapi":"3.0.0","info":{},"paths":{"`+path+`":{"get":{"operationId":"it","parameters":[`+parameters+`]}}}}`))
	return operation(t, doc, "it")
}

// The expected values are those of the tables of styles in the OpenAPI Specification.
func TestStyles(t *testing.T) {
	const array, fields = `{"type":"array","items":{"type":"string"}}`, `{"type":"object"}`
	const list, colours = `["blue","black","brown"]`, `{"R":100,"G":200,"B":150}`
	cases := []struct{ in, style, schema, given, want string }{
		{"path", `"style":"simple"`, array, list, "/blue,black,brown"},
		{"path", `"style":"simple","explode":true`, fields, colours, "/R=100,G=200,B=150"},
		{"path", `"style":"simple"`, fields, colours, "/R,100,G,200,B,150"},
		{"path", `"style":"label"`, array, list, "/.blue,black,brown"},
		{"path", `"style":"label","explode":true`, array, list, "/.blue.black.brown"},
		{"path", `"style":"label","explode":true`, fields, colours, "/.R=100.G=200.B=150"},
		{"path", `"style":"matrix"`, array, list, "/;p=blue,black,brown"},
		{"path", `"style":"matrix","explode":true`, array, list, "/;p=blue;p=black;p=brown"},
		{"path", `"style":"matrix"`, fields, colours, "/;p=R,100,G,200,B,150"},
		{"path", `"style":"matrix","explode":true`, fields, colours, "/;R=100;G=200;B=150"},
		{"query", `"style":"form"`, array, list, "?p=blue&p=black&p=brown"},
		{"query", `"style":"form","explode":false`, array, list, "?p=blue,black,brown"},
		{"query", `"style":"form","explode":false`, fields, colours, "?p=R,100,G,200,B,150"},
		{"query", `"style":"form"`, fields, colours, "?R=100&G=200&B=150"},
		{"query", `"style":"spaceDelimited"`, array, list, "?p=blue%20black%20brown"},
		{"query", `"style":"pipeDelimited"`, array, list, "?p=blue%7Cblack%7Cbrown"},
		{"query", `"style":"deepObject"`, fields, colours, "?p%5BR%5D=100&p%5BG%5D=200&p%5BB%5D=150"},
		{"query", `"style":"form"`, array, "blue, black,brown", "?p=blue&p=black&p=brown"},
		{"query", `"style":"form"`, `{"type":"string"}`, "a b&c=d+é%#", "?p=a%20b%26c%3Dd%2B%C3%A9%25%23"},
		{"query", `"content":{"application/json":{}}`, `{}`, `{"a":1}`, "?p=%7B%22a%22%3A1%7D"},
	}
	for _, c := range cases {
		t.Run(c.in+" "+c.style+" "+c.schema, func(t *testing.T) {
			path := map[string]string{"path": "/{p}", "query": "/"}[c.in]
			op := one(t, path, `{"name":"p","in":"`+c.in+`","schema":`+c.schema+`,`+c.style+`}`)
			request, err := op.Request("https://example.com/v1/", openapi.Values{Parameters: map[string]string{c.in + ".p": c.given}})
			if err != nil {
				t.Fatal(err)
			}
			want := "https://example.com/v1" + c.want
			if c.in == "query" {
				want = "https://example.com/v1/" + c.want
			}
			if request.URL != want {
				t.Errorf("the URL is %s, want %s", request.URL, want)
			}
		})
	}
}

func TestWrongValuesAreNamed(t *testing.T) {
	cases := []struct{ schema, given, want string }{
		{`{"type":"integer"}`, "1.5", "must be a whole number"},
		{`{"type":"integer"}`, "0x10", "must be a whole number"},
		{`{"type":"integer"}`, "1.0", ""},
		{`{"type":"number"}`, "NaN", "must be a number"},
		{`{"type":"number"}`, "one", "must be a number"},
		{`{"type":"number","minimum":1,"maximum":5}`, "6", "must be 1 to 5"},
		{`{"type":"number","minimum":1,"exclusiveMinimum":true}`, "1", "must be more than 1"},
		{`{"type":"number","multipleOf":0.1}`, "0.3", ""},
		{`{"type":"number","multipleOf":0.1}`, "0.35", "must be a multiple of 0.1"},
		{`{"type":"boolean"}`, "yes", "must be true or false"},
		{`{"type":"string","enum":["a","b"]}`, "c", "must be one of a, b"},
		{`{"type":"string","maxLength":3}`, "äöü", ""},
		{`{"type":"string","maxLength":3}`, "abcd", "must have at most 3 characters"},
		{`{"type":"string","minLength":3}`, "ab", "must have at least 3 characters"},
		{`{"type":"string","pattern":"^[a-z]+$"}`, "A", "must match ^[a-z]+$"},
		{`{"type":"string","pattern":"^(?=a)"}`, "b", ""},
		{`{"type":"array","maxItems":1,"items":{"type":"string"}}`, "a,b", "must have at most 1 item"},
		{`{"type":"array","uniqueItems":true,"items":{"type":"string"}}`, "a,a", "must not have the same item twice"},
		{`{"type":"array","items":{"type":"integer"}}`, "1,b", "has a wrong item 2, which must be a whole number"},
		{`{"type":"array","items":{"type":"integer"}}`, "[1,", "must be a list"},
		{`{"type":"object"}`, "a", "must be a JSON object"},
		{`{"type":"object","required":["a"],"properties":{"a":{}}}`, "{}", `must have the property "a"`},
		{`{"oneOf":[{"type":"integer"},{"type":"boolean"}]}`, "true", ""},
		{`{"oneOf":[{"type":"integer"},{"type":"boolean"}]}`, "x", "must be a whole number"},
	}
	for _, c := range cases {
		t.Run(c.schema+" "+c.given, func(t *testing.T) {
			op := one(t, "/", `{"name":"limit","in":"query","schema":`+c.schema+`}`)
			_, err := op.Request("https://example.com", openapi.Values{Parameters: map[string]string{"query.limit": c.given}})
			if c.want == "" {
				if err != nil {
					t.Errorf("the error is %v, want none", err)
				}
				return
			}
			var problems openapi.Problems
			if !errors.As(err, &problems) || len(problems) != 1 || problems[0].Parameter != "query.limit" || !strings.HasPrefix(problems[0].Text, c.want) {
				t.Errorf("the error is %v, want one problem: %s", err, c.want)
			}
		})
	}
}

func TestEveryWrongValueIsReported(t *testing.T) {
	doc := load(t, fixture(t, "harbour-3.1.yaml"))
	_, err := operation(t, doc, "harbours-get").Request("https://example.com", openapi.Values{
		Parameters: map[string]string{"query.depth": "x", "query.other": "1"}, Body: "{}",
	})
	want := "harbour is required; depth must be a number; other is not a parameter of this operation; body is not taken by this operation"
	if err == nil || err.Error() != want {
		t.Errorf("the error is %v, want %s", err, want)
	}
	post := operation(t, doc, "berths-post")
	for body, want := range map[string]string{"": "body is required", "{": "body is not JSON: line 1: the JSON ends too early; close every brace, bracket and quote"} {
		if _, err := post.Request("https://example.com", openapi.Values{Body: body}); err == nil || err.Error() != want {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
	if _, err := post.Request("https://example.com", openapi.Values{Body: "a", ContentType: "text/plain\r\nX: y"}); err == nil {
		t.Error("a body is taken in a media type that the operation does not have")
	}
}

func TestRequestsCannotLeaveTheBase(t *testing.T) {
	const base = "https://api.example.com/prod"
	values := []string{"..", "../..", "../../admin", "..%2f..", "%2e%2e", "%2E%2E/", "//evil.example", "/", "\\..\\", "a/../../b", ".", "@evil.example", ":80@evil.example", "?x=y", "#x", "\r\nHost: evil", "..;/", "\x00", "https://evil.example/"}
	paths := []string{"/a/{p}", "/{p}", "/{p}/{p}", "/a{p}b", "/{p}{p}", "/{p+}", "/a/{p+}/b", "/../{p}", "/..{p}", "/100%/{p}", "/a%2f..%2f..%2f..%2f{p}", "//evil.example/{p}", "/%2e%2e/{p}", "/\\\\evil.example/{p}", "/./{p}", "/a?x={p}"}
	for _, template := range paths {
		for _, given := range values {
			op := one(t, strings.ReplaceAll(template, `\`, `\\`), `{"name":"p","in":"path","schema":{"type":"string"}}`)
			example := op.ExampleRequest(base)
			requests := []openapi.Request{example}
			if request, err := op.Request(base, openapi.Values{Parameters: map[string]string{"path.p": given}}); err == nil {
				requests = append(requests, request)
			}
			for _, request := range requests {
				u, err := url.Parse(request.URL)
				if err != nil {
					t.Fatalf("%s with %q: %v", template, given, err)
				}
				// A server may decode the path before it resolves dots.
				decoded, err := url.PathUnescape(u.EscapedPath())
				if err != nil {
					t.Fatal(err)
				}
				resolved := u.ResolveReference(&url.URL{Path: "x"})
				if u.Host != "api.example.com" || u.User != nil || !strings.HasPrefix(path.Clean(decoded)+"/", "/prod/") || !strings.HasPrefix(resolved.Path, "/prod/") || strings.ContainsAny(request.URL, "\r\n\\\x00 ") {
					t.Errorf("%s with %q leads to %s", template, given, request.URL)
				}
				for segment := range strings.SplitSeq(u.EscapedPath(), "/") {
					if plain := strings.ReplaceAll(strings.ToLower(segment), "%2e", "."); plain == "." || plain == ".." {
						t.Errorf("%s with %q climbs: %s", template, given, request.URL)
					}
				}
			}
		}
	}
}

func TestAGreedyPathKeepsItsSlashes(t *testing.T) {
	op := one(t, "/files/{proxy+}", `{"name":"proxy","in":"path","schema":{"type":"string"}}`)
	request, err := op.Request("https://example.com", openapi.Values{Parameters: map[string]string{"path.proxy": "a/b c/d"}})
	if err != nil || request.URL != "https://example.com/files/a/b%20c/d" {
		t.Errorf("the URL is %s (%v)", request.URL, err)
	}
	_, err = op.Request("https://example.com", openapi.Values{Parameters: map[string]string{"path.proxy": "a/../b"}})
	if want := `proxy must not contain the path segment "." or ".."`; err == nil || err.Error() != want {
		t.Errorf("the error is %v, want %s", err, want)
	}
}

func TestHeadersCannotBeSmuggled(t *testing.T) {
	for name, given := range map[string]string{
		"X-A": "a\r\nX-Evil: b", "X-B": "a\nb", "Host": "evil.example", "Content-Length": "5", "Transfer-Encoding": "chunked",
		"X-Bad\\r\\nY": "a", "X Y": "a", "Cookie": "session=x", "X-C": "a\x00b",
	} {
		op := one(t, "/", `{"name":"`+name+`","in":"header","schema":{"type":"string"}}`)
		key := "header." + strings.ReplaceAll(name, "\\r\\n", "\r\n")
		request, err := op.Request("https://example.com", openapi.Values{Parameters: map[string]string{key: given}})
		if err == nil {
			t.Errorf("the header %q: %q is taken: %v", name, given, request.Header)
		}
	}
}

func TestBasesThatAreNoURLsAreRefused(t *testing.T) {
	op := one(t, "/a", "")
	for _, base := range []string{"javascript:alert(1)", "//evil.example", "https://example.com/?a=b", "https://example.com/#a", "https://exa mple.com", "mailto:a@example.com"} {
		if request, err := op.Request(base, openapi.Values{}); err == nil {
			t.Errorf("the base %s is taken: %s", base, request.URL)
		}
	}
	for base, want := range map[string]string{"": "/a", "/v1": "/v1/a", "https://example.com": "https://example.com/a"} {
		if request, err := op.Request(base, openapi.Values{}); err != nil || request.URL != want {
			t.Errorf("the base %q leads to %s (%v), want %s", base, request.URL, err, want)
		}
	}
}

func TestExampleRequests(t *testing.T) {
	doc := load(t, fixture(t, "harbour-2.0.json"))
	put := operation(t, doc, "putZone").ExampleRequest("https://api.example.com/v1")
	equal(t, "the request", put, openapi.Request{
		Method: "PUT", URL: "https://api.example.com/v1/zones/7",
		Header: []openapi.Header{{Name: "Accept", Value: "application/json"}, {Name: "Content-Type", Value: "application/json"}},
		Body:   "{\n  \"zulu\": \"string\",\n  \"name\": \"string\",\n  \"alpha\": 1\n}",
	})
	form := operation(t, doc, "POST-zones-zone").ExampleRequest("https://api.example.com/v1")
	equal(t, "the media type", form.Header[1].Value, "multipart/form-data; boundary=example-boundary")
	if !strings.Contains(form.Body, "--example-boundary\r\nContent-Disposition: form-data; name=\"chart\"; filename=\"file\"\r\n") {
		t.Errorf("the body is %q", form.Body)
	}
}

func TestExampleRequestsOfRealDocumentsFitTheirRules(t *testing.T) {
	for name, body := range specs(t) {
		doc := load(t, body)
		for _, op := range doc.Operations() {
			request := op.ExampleRequest("https://example.com/base")
			if u, err := url.Parse(request.URL); err != nil || u.Host != "example.com" || !strings.HasPrefix(u.Path, "/base/") || strings.Contains(request.URL, "{") {
				t.Errorf("%s %s: the URL is %s (%v)", name, op.ID, request.URL, err)
			}
			values := openapi.Values{Parameters: map[string]string{}}
			for i := range op.Parameters {
				values.Parameters[op.Parameters[i].Key()] = op.Parameters[i].Example
			}
			if op.Body != nil {
				values.Body = op.Body.Content[0].Examples[0].Text
			}
			if _, err := op.Request("https://example.com/base", values); err != nil {
				t.Errorf("%s %s: its own examples are refused: %v", name, op.ID, err)
			}
		}
	}
}

func TestTenThousandUnknownParametersAreNotAllListed(t *testing.T) {
	t.Parallel()
	values := openapi.Values{Parameters: map[string]string{}}
	for i := range 10_000 {
		values.Parameters[fmt.Sprintf("query.p%05d", i)] = "x"
	}
	_, err := (&openapi.Operation{Method: "GET", Path: "/"}).Request("", values)
	var problems openapi.Problems
	if !errors.As(err, &problems) || len(problems) != 10_000 {
		t.Fatalf("%d problems", len(problems))
	}
	if text := err.Error(); len(text) > 2000 || !strings.HasPrefix(text, "p00000 is not a parameter") || !strings.HasSuffix(text, "; and 9990 more") {
		t.Errorf("the error is %.2000s", text)
	}
}
