package openapi_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

// specs returns the real documents that other people wrote.
func specs(t testing.TB) map[string][]byte {
	t.Helper()
	folder := os.Getenv("GATEHOUSE_SPECS")
	if folder == "" {
		t.Skip("NOT RUN: GATEHOUSE_SPECS is not set")
	}
	found := map[string][]byte{}
	for _, pattern := range []string{"*.json", "*.yaml"} {
		names, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			body, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			found[filepath.Base(name)] = body
		}
	}
	if len(found) == 0 {
		t.Fatalf("no documents in %s", folder)
	}
	return found
}

func TestRealDocumentsLoad(t *testing.T) {
	for name, body := range specs(t) {
		t.Run(name, func(t *testing.T) {
			doc, err := openapi.Load(body)
			if err != nil {
				t.Fatal(err)
			}
			if len(doc.Operations()) == 0 || doc.Title == "" {
				t.Errorf("the document has %d operations and the title %q", len(doc.Operations()), doc.Title)
			}
			t.Logf("%d operations, %d tags, %d schemas, warnings: %q", len(doc.Operations()), len(doc.Tags), len(doc.SchemaNames()), doc.Warnings)
		})
	}
}
