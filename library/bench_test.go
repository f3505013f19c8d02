package library

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/openapi"
)

var (
	verbs = []string{"List", "Get", "Create", "Update", "Delete", "Archive", "Restore", "Export"}
	nouns = []string{"invoice", "customer", "payment", "refund", "shipment", "address", "contract", "ledger", "ticket", "warehouse", "carrier", "coupon", "product", "session", "webhook", "report"}
)

// manyOperations is a document like those of large public APIs.
func manyOperations(count int) *openapi.Document {
	document := &openapi.Document{}
	for i := range count {
		verb, noun := verbs[i%len(verbs)], nouns[i/len(verbs)%len(nouns)]+fmt.Sprint(i/len(verbs)/len(nouns))
		schema := &openapi.Schema{Name: fmt.Sprintf("%s%sBody", verb, noun), Type: "object"}
		for p := range 12 {
			schema.Properties = append(schema.Properties, openapi.Property{Name: fmt.Sprintf("%s_%s", nouns[(i+p)%len(nouns)], nouns[p]), Schema: &openapi.Schema{Type: "string"}})
		}
		document.Tags = append(document.Tags, openapi.Tag{Name: noun, Operations: []*openapi.Operation{{
			ID: fmt.Sprint("op", i), OperationID: verb + strings.ToUpper(noun[:1]) + noun[1:], Method: "GET", Path: fmt.Sprintf("/v1/%ss/{id}/%s", noun, strings.ToLower(verb)),
			Summary: verb + " a " + noun, Tags: []string{noun},
			Description: strings.Repeat("Answers with the "+noun+" as it was when the request arrived, with everything that belongs to it. ", 4),
			Responses:   []openapi.Response{{Status: "200", Content: []openapi.Media{{Type: "application/json", Schema: schema}}}},
		}}})
	}
	return document
}

func withOperations(b *testing.B, count int) *Shelf {
	b.Helper()
	s := store()
	document := manyOperations(count)
	s.parsesBy(func([]byte) (*openapi.Document, error) { return document, nil })
	s.publish(catalog.Product{ID: "p", Name: "Product", APIs: []catalog.API{{Slug: "a", Definition: s.put("a")}}})
	shelf := shelf(b, s.library(b), stranger)
	<-shelf.library.indexer.first
	return shelf
}

func BenchmarkSearch(b *testing.B) {
	for _, count := range []int{1000, 10_000} {
		shelf := withOperations(b, count)
		for name, query := range map[string]string{"one word": "invoice", "two words": "refund customer", "a letter": "r", "prefix": "cu", "typo": "invioce", "wrong letter": "shipmant", "path": "/v1/invoices0/{id}", "everything": "answers with"} {
			b.Run(fmt.Sprintf("%d operations/%s", count, name), func(b *testing.B) {
				for b.Loop() {
					if _, err := shelf.Search(b.Context(), query, 20); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkIndex(b *testing.B) {
	for _, count := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("%d operations", count), func(b *testing.B) {
			of := []sourced{{audience: everybody, entries: definitionEntries("p", "a", manyOperations(count))}}
			for b.Loop() {
				i, err := newIndex(b.Context(), of)
				if err != nil {
					b.Fatal(err)
				}
				if err := i.bleve.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			before := heap()
			i, err := newIndex(b.Context(), of)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(heap()-before)/float64(len(of[0].entries)), "kept-B/entry")
			if err := i.bleve.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return int64(now.HeapAlloc)
}
