package library

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/openapi"
)

// specs returns a shelf with the real documents, each as an API named after its file.
func specs(t testing.TB) *Shelf {
	t.Helper()
	folder := os.Getenv("GATEHOUSE_SPECS")
	if folder == "" {
		t.Skip("NOT RUN: GATEHOUSE_SPECS is not set")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	s := store()
	product := catalog.Product{ID: "specs", Name: "Specs"}
	for _, file := range files {
		if filepath.Ext(file) == ".md" {
			continue
		}
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		normal, err := openapi.Normalize(body)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		product.APIs = append(product.APIs, catalog.API{Slug: filepath.Base(file), Name: filepath.Base(file), Definition: s.put(string(normal))})
	}
	s.publish(product)
	shelf := shelf(t, s.library(t, func(c *Config) { c.Load = openapi.Load }), stranger)
	<-shelf.library.indexer.first
	return shelf
}

func TestOperationsOfRealDocumentsAreFound(t *testing.T) {
	t.Parallel()
	shelf := specs(t)
	for query, want := range map[string]string{
		"find pet by id":               "/apis/specs/docs/petstore-3.0.yaml/operations/getPetById",
		"/pet/findByStatus":            "/apis/specs/docs/petstore-3.0.yaml/operations/findPetsByStatus",
		"train trips":                  "/apis/specs/docs/train-travel-3.1.yaml/operations/get-trips",
		"create a bokking":             "/apis/specs/docs/train-travel-3.1.yaml/operations/create-booking",
		"send message twilio messages": "",
	} {
		results := search(t, shelf, query)
		urls := []string{}
		for _, one := range results.Items {
			urls = append(urls, one.URL)
		}
		if want != "" && !slices.Contains(urls[:min(3, len(urls))], want) {
			t.Errorf("%q finds %v, want %s among the first", query, urls, want)
		}
	}
	for _, api := range shelf.Products[0].APIs {
		document, err := shelf.Definition(t.Context(), "specs", api.Slug)
		if err != nil {
			t.Errorf("%s: %v", api.Slug, err)
			continue
		}
		for _, tag := range document.Tags {
			for _, op := range tag.Operations {
				results, err := shelf.Search(t.Context(), op.Method+" "+op.Path, MaxResults)
				if err != nil {
					t.Fatal(err)
				}
				found := slices.ContainsFunc(results.Items, func(r Result) bool { return r.URL == OperationPath("specs", api.Slug, op.ID) })
				if !found && !results.More {
					t.Errorf("%s %s of %s is not found by its path", op.Method, op.Path, api.Slug)
				}
			}
		}
	}
}

func BenchmarkSpecs(b *testing.B) {
	before := heap()
	shelf := specs(b)
	kept := heap() - before
	for b.Loop() {
		if _, err := shelf.Search(b.Context(), "message", 20); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(kept)/(1<<20), "kept-MB")
}
