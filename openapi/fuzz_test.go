package openapi_test

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

// FuzzLoad checks that no document makes Load panic, and what holds for each that it takes.
func FuzzLoad(f *testing.F) {
	names, err := filepath.Glob("testdata/harbour-*")
	if err != nil || len(names) == 0 {
		f.Fatal("there are no seeds", err)
	}
	for _, name := range names {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte("openapi: 3.0.0\na: &a [1]\nb: *a\n<<: {c: 1}"))
	f.Add([]byte(document(`{"A":{"allOf":[{"$ref":"#/components/schemas/A"}],"oneOf":[{"$ref":"#"}],"items":{"$ref":"#/paths/~1a"}}}`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := openapi.Load(data)
		if err != nil {
			if err.Error() == "" {
				t.Error("the error says nothing")
			}
			return
		}
		again, err := openapi.Normalize(doc.JSON())
		if err != nil || !bytes.Equal(again, doc.JSON()) {
			t.Fatalf("normalizing again gives %.200q (%v), not %.200q", again, err, doc.JSON())
		}
		for _, op := range doc.Operations() {
			request := op.ExampleRequest("https://example.com/base")
			u, err := url.Parse(request.URL)
			if err != nil || u.Host != "example.com" || !strings.HasPrefix(u.Path, "/base/") {
				t.Errorf("the example request of %q leads to %q (%v)", op.Path, request.URL, err)
			}
			for _, r := range op.Responses {
				for _, m := range r.Content {
					if len(m.Examples) == 0 || m.Schema == nil {
						t.Error("a body has no example or no schema")
					}
				}
			}
		}
	})
}
