package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/tryit"
)

// everyMarkdown has everything that Markdown can have, and too much of it for a small window.
const everyMarkdown = "A [link](https://example.com/" + longWord + "), `code`, **bold**, ~~struck~~ and <https://example.com>.\n\n" +
	"## Lists\n\n- one\n  - two\n    1. three\n- [x] done\n- [ ] to do\n\n1. first\n2. " + longWord + "\n\n" +
	"## Code and tables\n\n```json\n{\"a\": \"" + longWord + longWord + "\"}\n```\n\n```\nplain text that is longer than any small window, so it has to scroll in its box\n```\n\n" +
	"| Name | What it is | Unit | Since | Where it comes from |\n|---|---|---|---:|---|\n| `depth` | The depth below chart datum | m | 2019 | [Survey](start.md) |\n| " + longWord + " | x | m | 2020 | y |\n\n" +
	"### Deeper\n\n> A quotation\n> of two lines.\n\n---\n\n#### Deepest\n\n![A chart of the harbour](chart.png)\n\nThe end.\n"

// busyDocument has everything an OpenAPI document can have, with long names.
const busyDocument = `{
  "openapi": "3.1.0",
  "info": {"title": "Cranes", "version": "1.0.0", "description": "About **cranes**.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n` + "```sh\\ncurl https://example.com/" + longWord + "\\n```" + `"},
  "servers": [{"url": "https://api.example.com/cranes"}],
  "tags": [{"name": "Cranes", "description": "They [lift](https://example.com)."}, {"name": "` + longWord + `"}],
  "security": [{"key": []}],
  "components": {
    "securitySchemes": {
      "key": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "Your *key*."},
      "token": {"type": "http", "scheme": "bearer"}, "login": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://example.com/token", "scopes": {}}}}
    },
    "schemas": {
      "Crane": {"type": "object", "required": ["id", "load"], "description": "A *crane*.", "properties": {
        "id": {"type": "string", "pattern": "^[a-z]{2}-[0-9]{4}$", "description": "Its id."},
        "` + longWord + `": {"type": "string", "format": "date-time", "readOnly": true},
        "load": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0, "exclusiveMaximum": 1000000}},
        "parts": {"type": "array", "minItems": 1, "items": {"oneOf": [{"$ref": "#/components/schemas/Hook"}, {"type": "string"}]}},
        "owner": {"type": ["object", "null"], "deprecated": true, "properties": {"name": {"type": "string", "default": "nobody"}, "of": {"$ref": "#/components/schemas/Crane"}}}
      }},
      "Hook": {"type": "object", "properties": {"kind": {"const": "hook"}, "weight": {"type": "integer", "enum": [1, 2, 3, 5, 8, 13, 21, 34, 55, 89]}}}
    }
  },
  "paths": {
    "/cranes/{craneIdentifier}/positions/{positionIdentifier}/observations": {
      "parameters": [{"name": "craneIdentifier", "in": "path", "required": true, "schema": {"type": "string"}, "example": "ab-1234"}, {"name": "positionIdentifier", "in": "path", "required": true, "schema": {"type": "string"}, "example": "7"}],
      "put": {"operationId": "observe", "tags": ["Cranes"], "deprecated": true, "summary": "Record an observation of a crane at one of its positions and everything that it lifts",
        "description": "It *replaces* the last.\n\n- one\n- two",
        "parameters": [
          {"name": "` + longWord + `", "in": "query", "schema": {"type": "string"}, "description": "Long."},
          {"name": "dry", "in": "query", "schema": {"type": "boolean"}}, {"name": "size", "in": "query", "deprecated": true, "schema": {"type": "string", "enum": ["s", "m", "l"]}},
          {"name": "If-Match", "in": "header", "schema": {"type": "string"}}, {"name": "session", "in": "cookie", "schema": {"type": "string"}}
        ],
        "requestBody": {"required": true, "description": "The *observation*.", "content": {
          "application/json": {"schema": {"$ref": "#/components/schemas/Crane"}, "examples": {"small": {"summary": "A small one", "value": {"id": "ab-1234", "load": {"left": 1}}}, "large": {"value": {"id": "cd-0001", "load": {}}}}},
          "application/xml": {"schema": {"type": "string"}}
        }},
        "responses": {
          "200": {"description": "Recorded.", "headers": {"X-Rate-Left": {"description": "How many.", "schema": {"type": "integer"}}}, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Crane"}}}},
          "4XX": {"description": "Your mistake."}, "503": {"description": "Ours."}, "default": {"description": "Something else."}
        },
        "callbacks": {"moved": {"{$request.body#/id}": {"post": {"summary": "It moved", "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Hook"}}}}, "responses": {"204": {"description": "Fine."}}}}}}
      }
    },
    "/open": {"get": {"operationId": "open", "tags": ["` + longWord + `"], "security": [], "responses": {"200": {"description": "OK", "content": {"text/plain": {"schema": {"type": "string"}}}}}},
      "delete": {"operationId": "close", "summary": "Close", "tags": ["` + longWord + `"], "security": [{"token": []}, {"login": []}], "responses": {"204": {"description": "Closed."}}}}
  },
  "webhooks": {"warning": {"post": {"summary": "A warning", "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Hook"}}}}, "responses": {"204": {"description": "Thanks."}}}}}
}`

// generated returns an OpenAPI document of that many tags with that many operations each.
func generated(tags, operations int) string {
	type object = map[string]any
	paths := object{}
	for t := range tags {
		for o := range operations {
			paths[fmt.Sprintf("/resources-%d/{id}/parts-%d", t, o)] = object{"get": object{
				"operationId": fmt.Sprintf("getPart%dOfResource%d", o, t), "summary": fmt.Sprintf("Read part %d of resource %d", o, t),
				"description": "It reads a part of a resource, **if** the caller may see both.", "tags": []string{fmt.Sprintf("Resources %d", t)},
				"parameters": []object{
					{"name": "id", "in": "path", "required": true, "schema": object{"type": "string"}, "description": "The id of the resource.", "example": "r-1"},
					{"name": "limit", "in": "query", "schema": object{"type": "integer", "maximum": 100, "default": 20}, "description": "How many there are on a page."},
				},
				"responses": object{"200": object{"description": "The part.", "content": object{"application/json": object{"schema": object{"$ref": "#/components/schemas/Part"}}}}, "404": object{"description": "There is none."}},
			}}
		}
	}
	body, err := json.Marshal(object{
		"openapi": "3.1.0", "info": object{"title": "Everything", "version": "1"}, "servers": []object{{"url": "https://api.example.com/all"}}, "paths": paths,
		"components": object{"schemas": object{"Part": object{"type": "object", "properties": object{"id": object{"type": "string"}, "next": object{"$ref": "#/components/schemas/Part"}}}}},
	})
	if err != nil {
		panic(err)
	}
	return string(body)
}

// documenting adds a product to the catalog whose only API has that document.
func (f *fake) documenting(id, name, definition string) {
	f.catalog.Products = append(f.catalog.Products, catalog.Product{
		ID: id, Name: name, Description: "What " + id + " do.",
		APIs: []catalog.API{{Slug: "main", Name: name + " API", Kind: catalog.Docs, Endpoint: "https://api.example.com/" + id, Definition: f.put(definition)}},
	})
}

// port is a catalog of every kind of product, for a person with a key.
func port() *fake {
	f := subscribed()
	harbour := &f.catalog.Products[0]
	harbour.Category, harbour.Version, harbour.VersionOf, harbour.Status = "Sea", "2.0", "harbours", catalog.StatusNew
	harbour.Owner = &catalog.Owner{Name: "Harbour office", Email: "office@harbours.example", URL: "https://harbours.example"}
	harbour.Image = &catalog.Image{Hash: "h", Type: "image/svg+xml", Alt: "A lighthouse"}
	harbour.Featured, harbour.Tags = true, []string{"sea", "maps", "tides"}
	harbour.Pages = append(harbour.Pages, catalog.Page{Name: "everything", Title: "Everything", Hash: f.put(everyMarkdown)})
	harbour.Files = []catalog.File{{Name: "pages/chart.png", Hash: f.put(mark), Type: "image/svg+xml"}}
	harbour.Overview = f.put("Every harbour, its depth and its tides.\n\n" + everyMarkdown)
	harbour.Plans = append(harbour.Plans,
		catalog.Plan{
			ID: "plan-more", Name: "More", Description: "For those who moor a lot.", Price: "29 € a month", Recommended: true, Approval: catalog.ApprovalManual, Stages: harbour.Plans[0].Stages,
			Throttle: &catalog.Throttle{Rate: 100, Burst: 200}, Quota: &catalog.Quota{Limit: 5_000_000, Period: "MONTH"},
			Methods: []catalog.MethodLimit{{API: "harbours", Stage: "v2", Path: "/harbours/{id}/tides", Method: "GET", Rate: 5, Burst: 10}},
		},
		catalog.Plan{ID: "plan-market", Name: "Fleet", Price: "From 400 $ a month", Marketplace: true, Listing: &catalog.Listing{Product: "abc", URL: "https://aws.amazon.com/marketplace/pp/prodview-1"}},
	)
	old := *harbour
	old.ID, old.Version, old.Status, old.Sunset, old.Successor, old.Featured = "harbours-1", "1.9", catalog.StatusDeprecated, "2027-03-31", "harbours", false
	old.Plans, old.Image = nil, nil
	f.catalog.Products = append(f.catalog.Products, old, weather(), rates())
	f.documenting("cranes", "Cranes", busyDocument)
	f.documenting("everything", "Everything", generated(40, 3))
	f.documenting("crowd", "Crowd", generated(1, 60))
	last := len(f.catalog.Products)
	for id, visibility := range map[string]string{"members": catalog.VisibleSignedIn, "crew": catalog.VisibleGroups, "secret": catalog.VisibleHidden} {
		f.catalog.Products = append(f.catalog.Products, catalog.Product{
			ID: id, Name: "For " + id, Description: strings.Repeat("Only some may see it. ", 12), Visibility: visibility, Groups: []string{"crew"}, Status: catalog.StatusBeta,
			Category: "Land", Tags: []string{"maps", longWord}, Plans: []catalog.Plan{{ID: portal.PlanID("plan-" + id), Name: longName}},
		})
	}
	f.catalog.Products[last-1].Category = "Land"
	return f
}

// illustrated is the site with the images of products.
func illustrated(s site) site {
	return s.with("/api/v1/catalog/{product}/image", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/svg+xml")
		_, _ = w.Write([]byte(mark))
	})
}

// admin sees everything.
func admin(f *fake) site {
	id := ada
	id.Admin, id.Groups = true, []string{"crew"}
	return siteOf(f, &id)
}

// indexed waits until the search can find everything, and returns the site.
func indexed(s site) site {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		if !strings.Contains(s.get("/search?q=zebra").Body.String(), "getting ready") {
			return s
		}
	}
	panic("the search never got ready")
}

// keyless is a registered person without a key.
func keyless() *fake {
	f := harbours()
	f.account = registered()
	f.account.Keys = nil
	return f
}

// answering is a catalog for a person with a key whose attempts lead to that exchange.
func answering(exchange tryit.Exchange) site {
	f := subscribed()
	f.exchange = exchange
	return signedIn(f)
}

// answers are the kinds of exchanges that look different.
func answers() map[string]tryit.Exchange {
	long := `[{"id": "far-ness", "text": "` + longWord + longWord + `"}` + strings.Repeat(",\n{\"id\": \"far-ness\"}", 60) + "]"
	ok := exchanged(200, tryit.KindJSON, long)
	limit := int64(1000)
	ok.Left = &tryit.Left{Remaining: 998, Limit: &limit}
	ok.Response.Headers = []tryit.Header{{Name: "Content-Type", Value: "application/json"}, {Name: "X-Trace", Value: longWord}}
	ok.Request.URL += "?near=" + url.QueryEscape(longWord)
	ok.Request.Dropped = []string{"Host", "Cookie"}
	forbidden := exchanged(403, tryit.KindJSON, `{"message": "Forbidden"}`)
	forbidden.Explanation = "The API did not accept the key. A new subscription can take a minute to work."
	broken := exchanged(502, tryit.KindText, "<h1>Bad gateway</h1>")
	binary := exchanged(201, tryit.KindBinary, "")
	binary.Response.Body.Type, binary.Response.Body.Note = "image/png", "The body is not text. Copy the code to get it."
	empty := exchanged(304, tryit.KindNone, "")
	timeout := tryit.Exchange{Request: ok.Request, Failure: "timeout", Explanation: "The API did not answer within 29 seconds.", TookMS: 29_000}
	return map[string]tryit.Exchange{"found": ok, "forbidden": forbidden, "broken": broken, "binary": binary, "empty": empty, "too slow": timeout}
}

// documentationStates are the pages of the catalog, the documentation and the search in every
// state that looks different.
func documentationStates() map[string]shown {
	all := illustrated(admin(port()))
	stranger := illustrated(visit(port()))
	wrong := subscribed()
	wrong.tryErr = portal.Fail(portal.TooManyRequests, "You have tried 60 requests in a minute. Wait a moment.")
	found := indexed(illustrated(admin(port())))
	private := harbours()
	private.catalog.Products[0].APIs[0].Private, private.catalog.Products[0].APIs[0].Endpoint = true, ""
	waiting := port()
	waiting.account = registered(subscription("plan-more", "More", projections.SubscriptionPending))
	pages := map[string]shown{
		"home, news and featured":       {site: stranger, path: "/"},
		"catalog, facets":               {site: stranger, path: "/apis"},
		"catalog, everything":           {site: all, path: "/apis"},
		"catalog, list":                 {site: all, path: "/apis?view=list"},
		"catalog, filtered":             {site: all, path: "/apis?tag=maps&tag=sea&category=Sea"},
		"catalog, filtered and found":   {site: all, path: "/apis?q=harbour&tag=sea&view=list"},
		"catalog, filters find nothing": {site: all, path: "/apis?category=Land&tag=tides"},
		"product, described":            {site: stranger, path: "/apis/harbours"},
		"product, described, held":      {site: all, path: "/apis/harbours"},
		"product, deprecated":           {site: stranger, path: "/apis/harbours-1"},
		"product, for members":          {site: all, path: "/apis/members"},
		"product, for a group":          {site: all, path: "/apis/crew"},
		"product, hidden":               {site: all, path: "/apis/secret"},
		"a purchase, signed out":        {site: purchasing(nil), path: "/marketplace"},
		"purchases":                     {site: purchasing(&ada), path: "/marketplace"},
		"purchases, dashboard":          {site: purchasing(&ada), path: "/dashboard"},
		"dashboard, bought":             {site: signedIn(bought()), path: "/dashboard"},
		"dashboard, renewed":            {site: signedIn(renewed()), path: "/dashboard"},
		"keys, bought":                  {site: signedIn(twice()), path: "/keys"},
		"key, bought":                   {site: signedIn(twice()), path: "/keys/k-b"},
		"plans, local marketplace":      {site: simulated(), path: "/apis/harbours/plans"},
		"no purchase":                   {site: unsold(), path: "/marketplace"},
		"plans":                         {site: stranger, path: "/apis/harbours/plans"},
		"plans, held":                   {site: all, path: "/apis/harbours/plans"},
		"plans, pending":                {site: illustrated(signedIn(waiting)), path: "/apis/harbours/plans"},
		"plans, deprecated":             {site: stranger, path: "/apis/harbours-1/docs/main"},
		"changelog":                     {site: stranger, path: "/apis/harbours/changelog"},
		"guide":                         {site: stranger, path: "/apis/harbours/pages/everything"},
		"docs on one page":              {site: stranger, path: harbourDocs},
		"docs, busy":                    {site: stranger, path: "/apis/cranes/docs/main"},
		"docs by tag":                   {site: stranger, path: "/apis/everything/docs/main"},
		"docs, one large tag":           {site: stranger, path: "/apis/crowd/docs/main"},
		"tag":                           {site: stranger, path: "/apis/everything/docs/main/tags/Resources-3"},
		"tag, busy":                     {site: stranger, path: "/apis/cranes/docs/main/tags/Cranes"},
		"tag, large":                    {site: stranger, path: "/apis/crowd/docs/main/tags/Resources-0"},
		"webhooks":                      {site: stranger, path: "/apis/cranes/docs/main/tags/-webhooks"},
		"schema":                        {site: stranger, path: harbourDocs + "/schemas/Harbour"},
		"schema, busy":                  {site: stranger, path: "/apis/cranes/docs/main/schemas/Crane"},
		"console, signed out":           {site: visit(harbours()), path: listHarbours},
		"console, no key":               {site: signedIn(keyless()), path: listHarbours},
		"console, with a key":           {site: signedIn(subscribed()), path: listHarbours},
		"console, with a body":          {site: signedIn(subscribed()), path: addHarbour},
		"console, needs no key":         {site: visit(harbours()), path: tidesOf},
		"console, busy":                 {site: all, path: "/apis/cranes/docs/main/operations/observe"},
		"console, nothing to fill in":   {site: all, path: "/apis/cranes/docs/main/operations/open"},
		"console, unavailable":          {site: signedIn(private), path: listHarbours},
		"console, field errors":         {site: signedIn(subscribed()), path: addHarbour, post: addHarbour + "/try", form: `document.querySelector("#try-body").value = "{"`},
		"console, refused":              {site: signedIn(wrong), path: listHarbours, post: listHarbours + "/try"},
		"search":                        {site: visit(&fake{}), path: "/search"},
		"search, found":                 {site: found, path: "/search?q=harbours"},
		"search, long":                  {site: found, path: "/search?q=observation"},
		"search, nothing found":         {site: indexed(illustrated(visit(port()))), path: "/search?q=zebra"},
		"page of the portal, terms":     {site: guided(), path: "/pages/terms"},
		"product, branded":              {site: acme(), path: "/apis/seamark"},
		"docs, branded":                 {site: acme(), path: "/apis/seamark/docs/tides"},
	}
	for name, exchange := range answers() {
		pages["console, "+name] = shown{site: answering(exchange), path: listHarbours, post: listHarbours + "/try"}
	}
	return pages
}

// dense returns an OpenAPI document of that many operations whose schemas refer to each other so
// much that a page with all of them in full would have millions of lines, and whose examples are
// long.
func dense(operations int) string {
	type object = map[string]any
	const levels, wide = 6, 12
	schemas := object{}
	for level := range levels {
		properties := object{}
		for i := range wide {
			properties[fmt.Sprintf("measure_%d_%d", level, i)] = object{"type": "number", "description": fmt.Sprintf("The %d. measure of part %d, in units of %x.", i, level, (i+7)*(level+3)*7919)}
			if level+1 < levels {
				properties[fmt.Sprintf("part_%d_%d", level, i)] = object{"$ref": fmt.Sprintf("#/components/schemas/Level%d", level+1)}
			}
		}
		schemas[fmt.Sprintf("Level%d", level)] = object{"type": "object", "properties": properties}
	}
	var example []object
	for i := range 400 {
		example = append(example, object{"id": fmt.Sprintf("%x", (i+11)*7919*7919), "name": fmt.Sprintf("Part %x", i*104729)})
	}
	paths := object{}
	for i := range operations {
		paths[fmt.Sprintf("/machines/%d", i)] = object{"get": object{
			"operationId": fmt.Sprintf("machine%d", i), "summary": fmt.Sprintf("Read machine %d", i), "tags": []string{"Machines"},
			"responses": object{
				"200": object{"description": "It.", "content": object{"application/json": object{"schema": object{"$ref": "#/components/schemas/Level0"}, "example": example}}},
				"404": object{"description": "None.", "content": object{"application/json": object{"schema": object{"$ref": "#/components/schemas/Level1"}}}},
			},
		}}
	}
	body, err := json.Marshal(object{
		"openapi": "3.1.0", "info": object{"title": "Machines", "version": "1"}, "servers": []object{{"url": "https://api.example.com/machines"}},
		"paths": paths, "components": object{"schemas": schemas},
	})
	if err != nil {
		panic(err)
	}
	return string(body)
}
