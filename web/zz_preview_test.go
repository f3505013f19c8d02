package web_test

import (
	"net/http"
	"os"
	"testing"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestPreview(t *testing.T) {
	if os.Getenv("PREVIEW") == "" {
		t.Skip()
	}
	f := harbours()
	p := f.catalog.Products[0]
	p.Owner = &catalog.Owner{Name: "Seamark team", Email: "team@example.com"}
	p.Category = "Maritime"
	p.Status = "new"
	p.Tags = []string{"sea", "tides"}
	p.Plans = append(weather().Plans, p.Plans...)
	p.Plans[1].Recommended = true
	p.Plans[1].Price = "29 € a month"
	p.Plans[0].Price = "Free"
	products := []catalog.Product{p, rates(), weather()}
	products = append(products, harbourProducts()...)
	for name, file := range map[string]string{"train": "train-travel-3.1.yaml", "twilio": "twilio-3.0.json", "pets": "petstore-3.0.yaml", "old": "petstore-apigateway-export-2.0.json"} {
		raw, err := os.ReadFile("/work/shared/specs/" + file)
		if err != nil {
			t.Fatal(err)
		}
		body, err := openapi.Normalize(raw)
		if err != nil {
			t.Fatal(err)
		}
		products = append(products, catalog.Product{ID: name, Name: name, Description: "A spec of " + name, Tags: []string{"specs"}, APIs: []catalog.API{{Slug: "main", Name: name, Kind: catalog.Docs, Endpoint: "https://api.example.com/" + name, Definition: f.put(string(body))}}})
	}
	f.catalog = published(products...)
	f.account = registered(subscription("plan-free", "Free", projections.SubscriptionActive))
	go http.ListenAndServe("127.0.0.1:18501", signedIn(f).handler)
	t.Fatal(http.ListenAndServe("127.0.0.1:18500", visit(f).handler))
}
