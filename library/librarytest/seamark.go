package librarytest

import (
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Tides is the OpenAPI document of Seamark's API. It says nothing about authentication; a plan
// covers the API.
const Tides = `{
  "openapi": "3.1.0",
  "info": {"title": "Tides", "version": "1.2", "description": "Tides and harbours."},
  "tags": [{"name": "Harbours", "description": "Where ships land."}],
  "paths": {
    "/harbours": {
      "get": {"operationId": "listHarbours", "summary": "List the harbours", "tags": ["Harbours"],
        "responses": {"200": {"description": "All of them.", "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Harbour"}}}}}}}
    },
    "/harbours/{id}/tides": {
      "get": {"operationId": "tides.of", "summary": "Predict the tides of a harbour", "tags": ["Harbours"],
        "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}, "example": "kiel"}],
        "responses": {"200": {"description": "The next tides."}}}
    }
  },
  "webhooks": {"stormWarning": {"post": {"operationId": "stormWarning", "summary": "A storm warning",
    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Harbour"}}}}, "responses": {"204": {"description": "Received."}}}}},
  "components": {"schemas": {"Harbour": {"type": "object", "properties": {"id": {"type": "string"}, "depth": {"type": "number", "description": "In metres."}}}}}
}`

// Secrets are words that are only in what strangers do not see of Seamark's catalog.
var Secrets = []string{"Smuggler", "smuggler", "Contraband", "contraband", "Lighthouse", "lighthouse", "Beacon", "beacon"}

// Seamark returns a catalog with the products seamark, for everybody; lighthouse, for people
// who are signed in; and smuggler, for the group crew. The portal has the page getting-started.
func Seamark() *Catalog {
	c := New()
	c.Publish(catalog.Document{
		Pages: []catalog.Page{{Name: "getting-started", Title: "Getting started", Hash: c.Put("Sign up, and set sail.\n\n## Next\n\nPick a plan.\n")}},
		Products: []catalog.Product{
			{
				ID: "seamark", Name: "Seamark", Description: "Tides and harbours of the northern seas.", Version: "2", Category: "Sea", Tags: []string{"tides", "ports"},
				Owner: &catalog.Owner{Name: "Harbour office", Email: "office@seamark.example"}, Successor: "smuggler", VersionOf: "smuggler",
				Overview: c.Put("Seamark knows **every** tide. [Units](pages/units.md), [others](../smuggler/overview.md), ![a map](../lighthouse/map.svg)\n"), Changelog: c.Put("## 2026-11-01\n\nTides for Kiel.\n"),
				Pages: []catalog.Page{{Name: "units", Title: "Units | and [more]", Hash: c.Put("# Units\n\nMetres.\n")}},
				Plans: []catalog.Plan{{ID: "plan-free", Name: "Free", Throttle: &catalog.Throttle{Rate: 5, Burst: 10}, Quota: &catalog.Quota{Limit: 1000, Period: "DAY"}, Price: "0 €", Stages: []portal.Stage{{API: "a1", Stage: "prod"}}}},
				APIs: []catalog.API{
					{ID: "a1", Slug: "tides", Name: "Tides", Version: "1.2", Stage: "prod", Endpoint: "https://api.seamark.example/v2", Kind: catalog.REST, Definition: c.Put(Tides)},
					{ID: "a2", Slug: "inner", Name: "Inner", Stage: "prod", Kind: catalog.REST, Private: true},
				},
			},
			{
				ID: "lighthouse", Name: "Lighthouse", Description: "Beacons.", Visibility: catalog.VisibleSignedIn,
				APIs: []catalog.API{{Slug: "beacons", Name: "Beacons", Kind: catalog.Docs, Definition: c.Put(`{"openapi": "3.1.0", "info": {"title": "Beacons", "version": "1"}, "paths": {"/beacons": {"get": {"operationId": "listBeacons", "summary": "List the beacons", "responses": {"200": {"description": "OK"}}}}}}`)}},
			},
			{
				ID: "smuggler", Name: "Smuggler", Description: "Contraband.", Visibility: catalog.VisibleGroups, Groups: []string{"crew"},
				Overview: c.Put("Contraband is hidden here.\n"), Changelog: c.Put("## Contraband\n"), Pages: []catalog.Page{{Name: "contraband", Title: "Contraband", Hash: c.Put("Contraband.\n")}},
				APIs: []catalog.API{{Slug: "contraband", Name: "Contraband", Kind: catalog.Docs, Definition: c.Put(`{"openapi": "3.1.0", "info": {"title": "Contraband", "version": "1"}, "paths": {"/contraband": {"get": {"operationId": "listContraband", "summary": "List the contraband", "responses": {"200": {"description": "OK"}}}}}}`)}},
			},
		},
	})
	return c
}
