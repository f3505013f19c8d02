package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// catalogOf is a catalog whose JSON has about that size.
func catalogOf(size int, definition string) catalog.Document {
	var document catalog.Document
	for sum := 0; sum < size; {
		one := product(len(document.Products)+1, definition)
		document.Products = append(document.Products, one)
		body, err := json.Marshal(one)
		if err != nil {
			panic(err)
		}
		sum += len(body) - len(`,"definition":""`) - len(definition) // which responses do not have
	}
	return document
}

var words = strings.Fields(`orders invoices shipments customers suppliers prices offers returns stock shelves routes carriers
	payments refunds taxes currencies discounts reports forecasts alerts history archives exports partners stores markets`)

func product(n int, definition string) catalog.Product {
	random := rand.New(rand.NewPCG(uint64(n), 0)) // so that the catalog compresses like a real one
	id := func() string { return strconv.FormatUint(1<<50|random.Uint64()>>13, 36)[:10] }
	sentence := func() string {
		text := "For"
		for range 8 {
			text += " " + words[random.IntN(len(words))]
		}
		return text + "."
	}
	api := id()
	stages := []portal.Stage{{API: api, Stage: "v1"}}
	plan := func(name string, rate float64, limit int) catalog.Plan {
		return catalog.Plan{
			ID: portal.PlanID(id()), Name: name, Description: sentence(),
			Throttle: &catalog.Throttle{Rate: rate, Burst: int(2 * rate)}, Quota: &catalog.Quota{Limit: limit, Period: "MONTH"}, Stages: stages,
		}
	}
	return catalog.Product{
		ID: fmt.Sprintf("product-%d", n), Name: fmt.Sprintf("Product %d", n), Description: sentence(),
		Category: "Commerce", Tags: []string{"orders", "invoices", "shipments"}, Owner: &catalog.Owner{Name: "Shop team", Email: "shop@example.com"},
		Plans: []catalog.Plan{plan("small", 5, 10_000), plan("medium", 50, 1_000_000), plan("large", 500, 50_000_000)},
		APIs: []catalog.API{{
			ID: api, Slug: "orders", Name: "Orders", Description: sentence(), Version: "1.4", Stage: "v1", Kind: catalog.REST,
			Endpoint: fmt.Sprintf("https://%s.execute-api.eu-west-1.amazonaws.com/v1", api), Definition: definition,
		}},
	}
}

const operations = 40

func definition() []byte {
	order := map[string]any{"type": "object", "required": []string{"id"}, "properties": map[string]any{
		"id": map[string]any{"type": "string"}, "status": map[string]any{"type": "string", "enum": []string{"open", "paid", "sent"}},
		"total": map[string]any{"type": "number"}, "lines": map[string]any{"type": "array", "items": map[string]any{"$ref": "#/components/schemas/Line"}},
	}}
	line := map[string]any{"type": "object", "properties": map[string]any{"product": map[string]any{"type": "string"}, "count": map[string]any{"type": "integer"}}}
	answer := map[string]any{"200": map[string]any{"description": "The order.", "content": map[string]any{
		"application/json": map[string]any{"schema": map[string]any{"$ref": "#/components/schemas/Order"}},
	}}}
	paths := map[string]any{}
	for n := range operations {
		paths[fmt.Sprintf("/orders%d/{id}", n)] = map[string]any{"get": map[string]any{
			"operationId": fmt.Sprintf("getOrder%d", n), "summary": fmt.Sprintf("Get order %d", n), "description": "Answers with the order as it is now.",
			"tags":       []string{fmt.Sprintf("Orders %d", n/10)},
			"parameters": []any{map[string]any{"name": "id", "in": "path", "required": true, "schema": map[string]any{"type": "string"}}},
			"responses":  answer,
		}}
	}
	body, err := json.Marshal(map[string]any{
		"openapi": "3.0.1", "info": map[string]any{"title": "Orders", "version": "1.4"}, "paths": paths,
		"components": map[string]any{"schemas": map[string]any{"Order": order, "Line": line}},
	})
	if err != nil {
		panic(err)
	}
	return body
}
