package plain_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library/librarytest"
	"github.com/gatehouse-portal/gatehouse/openapi"
)

// TestRealDocumentsAreWritten reads the documents of other people in the folder GATEHOUSE_SPECS.
func TestRealDocumentsAreWritten(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("GATEHOUSE_SPECS")
	if dir == "" {
		t.Skip("NOT RUN: GATEHOUSE_SPECS is not set")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s holds no documents: %v", dir, err)
	}
	written := 0
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		document, err := openapi.Load(body)
		if err != nil {
			continue // package openapi tests which documents load
		}
		written++
		c := librarytest.New()
		c.Publish(catalog.Document{Products: []catalog.Product{{ID: "real", Name: "Real", APIs: []catalog.API{
			{Slug: "api", Name: "API", Kind: catalog.Docs, Endpoint: "https://api.example.com", Definition: c.Put(string(body))},
		}}}})
		h := site(t, c, nil)
		for _, path := range []string{"/apis/real/docs/api.md", "/llms-full.txt"} {
			if w := get(h, path); w.Code != http.StatusOK || w.Body.Len() < 100 || w.Body.Len() > 5<<20 {
				t.Errorf("%s: %s is answered %d with %d bytes", filepath.Base(file), path, w.Code, w.Body.Len())
			}
		}
		sitemap := get(h, "/sitemap.xml").Body.String()
		for _, tag := range document.Tags {
			for _, operation := range tag.Operations {
				if !strings.Contains(sitemap, "/operations/"+operation.ID+"</loc>") {
					t.Fatalf("%s: the sitemap lacks %s", filepath.Base(file), operation.ID)
				}
			}
			if len(tag.Operations) > 0 {
				path := "/apis/real/docs/api/operations/" + tag.Operations[0].ID + ".md"
				if w := get(h, path); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), tag.Operations[0].Method) {
					t.Errorf("%s: %s is answered %d: %.200s", filepath.Base(file), path, w.Code, w.Body)
				}
			}
		}
	}
	if written == 0 {
		t.Errorf("no document in %s loads", dir)
	}
}
