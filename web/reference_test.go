package web_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const harbourDocument = `{
  "openapi": "3.1.0",
  "info": {"title": "Harbours", "version": "2.0", "description": "About **harbours**. <script>alert(1)</script> [a](javascript:alert(1))"},
  "servers": [{"url": "https://api.example.com/v2"}],
  "tags": [{"name": "Harbours", "description": "Places to moor."}, {"name": "Tides & more"}],
  "security": [{"key": []}],
  "components": {
    "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
    "schemas": {
      "Harbour": {"type": "object", "required": ["id"], "properties": {
        "id": {"type": "string", "examples": ["far-ness"]},
        "kind": {"type": "string", "enum": ["marina", "port"], "description": "What *kind*."},
        "depth": {"type": "number", "minimum": 0, "deprecated": true},
        "near": {"type": "array", "items": {"$ref": "#/components/schemas/Harbour"}}
      }}
    }
  },
  "paths": {
    "/harbours": {
      "get": {"operationId": "listHarbours", "tags": ["Harbours"], "summary": "List harbours",
        "parameters": [
          {"name": "kind", "in": "query", "schema": {"type": "string", "enum": ["marina", "port"]}},
          {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 50}, "example": 10}
        ],
        "responses": {"200": {"description": "The harbours.", "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Harbour"}}, "example": [{"id": "far-ness"}]}}}, "404": {"description": "None."}}},
      "post": {"operationId": "addHarbour", "tags": ["Harbours"], "summary": "Add a harbour", "deprecated": true,
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Harbour"}}}},
        "responses": {"201": {"description": "Added."}}}
    },
    "/harbours/{id}/tides": {
      "get": {"operationId": "tides", "tags": ["Tides & more"], "summary": "Tides of a harbour", "security": [],
        "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}, "example": "far-ness"}],
        "responses": {"200": {"description": "OK"}}}
    }
  },
  "webhooks": {"warning": {"post": {"summary": "A storm warning", "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Harbour"}}}}, "responses": {"204": {"description": "Thanks."}}}}}
}`

// harbours has one documented API behind one plan.
func harbours() *fake {
	f := &fake{}
	f.catalog = published(catalog.Product{
		ID: "harbours", Name: "Harbours", Description: "Where to moor.", Tags: []string{"sea"},
		Overview:  f.put("## Why\n\nIt has *every* harbour. See the [guide](pages/start.md) and [nothing](nowhere.md).\n\n<img src=x onerror=alert(1)>"),
		Changelog: f.put("## 2026-11-02: Depths\n\nHarbours have depths.\n\n## 2026-10-01\n\nFirst version."),
		Pages:     []catalog.Page{{Name: "start", Title: "Getting started", Hash: f.put("Read this first.\n\n## One\n\n## Two")}},
		Plans:     []catalog.Plan{{ID: "plan-harbours", Name: "Basic", Price: "Free", Stages: []portal.Stage{{API: "harbours", Stage: "v2"}}}},
		APIs: []catalog.API{{
			ID: "harbours", Slug: "main", Name: "Harbours API", Stage: "v2", Kind: catalog.REST, Endpoint: "https://api.example.com/v2",
			Definition: f.put(harbourDocument), SDKs: []catalog.SDK{{Type: "java", Hash: "x", File: "harbours.zip"}},
		}},
	})
	return f
}

const harbourDocs = "/apis/harbours/docs/main"

func TestDocumentationHasEverythingOnOnePageForASmallAPI(t *testing.T) {
	t.Parallel()
	doc := document(t, visit(harbours()).get(harbourDocs), http.StatusOK)
	says(t, doc, "h1", "Harbours API 2.0")
	says(t, doc, "#authentication ~ .auth", "Send your key as the header x-api-key.")
	says(t, doc, "#server-0", "https://api.example.com/v2")
	if got := doc.Find(".operation").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("id", "") }); len(got) != 4 || !slices.Equal(got[:3], []string{"op-listHarbours", "op-addHarbour", "op-tides"}) {
		t.Errorf("the operations are %v", got)
	}
	if got := doc.Find(".reference-nav .nav-tag").Map(func(_ int, s *goquery.Selection) string { return text(s) }); len(got) != 3 || got[0] != "Harbours 2 operations" || got[1] != "Tides & more 1 operation" {
		t.Errorf("the tags are %q", got)
	}
	list := "#op-listHarbours "
	says(t, doc, list+".auth-line", "Needs an API key in the header x-api-key.")
	says(t, doc, list+".snippet code", "curl")
	says(t, doc, list+".snippet code", "YOUR_API_KEY")
	says(t, doc, list+`.operation-text > .fields > li:nth-child(1)`, "One of marina, port")
	says(t, doc, list+`.operation-text > .fields > li:nth-child(2)`, "Example 10")
	says(t, doc, "#op-tides .auth-line", "Needs no authentication.")
	if html, _ := doc.Find("#op-tides .snippet code").Html(); strings.Contains(html, "x-api-key") || !strings.Contains(html, "harbours/far-ness/tides") {
		t.Errorf("the snippet is %s", html)
	}
	one(t, doc, "#op-addHarbour h3.gone")
	says(t, doc, "#op-addHarbour .operation-text > .schema > .fields > li:nth-child(1)", "id string required")
	none(t, doc, "main script, main [onerror], main a[href^=javascript]")
	for _, name := range []string{"openapi.json", "openapi.yaml", "postman.json", "sdk/java"} {
		one(t, doc, `.downloads a[href="/api/v1/catalog/harbours/apis/main/`+name+`"]`)
	}
}

func TestOperationsTagsAndSchemasHaveAddresses(t *testing.T) {
	t.Parallel()
	s := visit(harbours())
	for path, heading := range map[string]string{
		"/operations/listHarbours": "List harbours", "/operations/tides": "Tides of a harbour",
		"/tags/Harbours": "Harbours", "/tags/-webhooks": "Webhooks", "/operations/POST-warning": "A storm warning", "/schemas/Harbour": "Harbour", "": "Harbours API 2.0",
	} {
		doc := document(t, s.get(harbourDocs+path), http.StatusOK)
		says(t, doc, "main h1", heading)
		one(t, doc, `.reference-nav`)
		one(t, doc, `link[rel="alternate"][type="text/markdown"][href="`+harbourDocs+path+`.md"]`)
	}
	start := document(t, s.get(harbourDocs), http.StatusOK)
	start.Find(".reference-nav a, .operation .anchor").Each(func(_ int, a *goquery.Selection) {
		path, _, _ := strings.Cut(attr(t, a, "href"), "#")
		if w := s.get(path); w.Code != http.StatusOK {
			t.Errorf("%s answers %d", path, w.Code)
		}
	})
	for _, path := range []string{"/operations/none", "/tags/none", "/schemas/none", "/operations/..%2f..", "x"} {
		if w := s.get(harbourDocs + path); w.Code != http.StatusNotFound {
			t.Errorf("%s answers %d", path, w.Code)
		}
	}
	if w := s.get("/apis/harbours/docs"); w.Code != http.StatusFound || w.Header().Get("Location") != harbourDocs {
		t.Errorf("the documentation is at %d %s", w.Code, w.Header().Get("Location"))
	}
}

func TestASchemaThatContainsItselfLinksToItself(t *testing.T) {
	t.Parallel()
	f := &fake{}
	f.documenting("parts", "Parts", generated(1, 1))
	for _, path := range []string{"/schemas/Part", "", "/operations/getPart0OfResource0"} {
		doc := document(t, visit(f).get("/apis/parts/docs/main"+path), http.StatusOK)
		if got := text(doc.Find(`main a[href="/apis/parts/docs/main/schemas/Part"]`).First()); got != "See Part" {
			t.Errorf("%s says %q", path, got)
		}
	}
}

func TestSchemasWithoutRoomLinkToTheirPages(t *testing.T) {
	t.Parallel()
	f := &fake{}
	f.documenting("dense", "Dense", dense(25))
	doc := document(t, visit(f).get("/apis/dense/docs/main"), http.StatusOK)
	if got := doc.Find(".fields > li").Length(); got > 2000 {
		t.Errorf("the page lists %d properties", got)
	}
	last := doc.Find(".operation").Last()
	if got := last.Find(`.schema a[href="/apis/dense/docs/main/schemas/Level0"]`).Length(); got != 1 {
		t.Errorf("the last operation has %d links to its schema", got)
	}
	if got := text(last); !strings.Contains(got, "The example is in the OpenAPI document.") {
		t.Errorf("the last operation says %q", got)
	}
	one(t, document(t, visit(f).get("/apis/dense/docs/main/operations/machine24"), http.StatusOK), "#op-machine24-200-a-a")
}

func TestTheLanguageOfSnippetsIsRemembered(t *testing.T) {
	t.Parallel()
	s := visit(harbours())
	w := s.get(harbourDocs + "/operations/listHarbours?language=python")
	says(t, document(t, w, http.StatusOK), ".snippet code", "import requests")
	if len(w.Result().Cookies()) != 1 {
		t.Fatalf("the cookies are %v", w.Result().Cookies())
	}
	r := httptest.NewRequest(http.MethodGet, harbourDocs, nil)
	r.AddCookie(w.Result().Cookies()[0])
	doc := document(t, s.do(r), http.StatusOK)
	says(t, doc, "#op-listHarbours .snippet code", "import requests")
	says(t, doc, "#op-listHarbours .languages [aria-current]", "Python")
	if w := s.get(harbourDocs + "?language=cobol"); len(w.Result().Cookies()) != 0 || w.Code != http.StatusOK {
		t.Errorf("an unknown language answers %d with %v", w.Code, w.Result().Cookies())
	}
}

func TestOverviewGuidesAndChangelogAreHarmlessAndLinked(t *testing.T) {
	t.Parallel()
	s := visit(harbours())
	doc := document(t, s.get("/apis/harbours"), http.StatusOK)
	says(t, doc, ".prose", "It has every harbour.")
	one(t, doc, `.prose a[href="/apis/harbours/pages/start"]`)
	none(t, doc, `main [onerror], .prose a[href*="nowhere"]`)
	if got := doc.Find(".tabs a").Map(func(_ int, a *goquery.Selection) string { return text(a) }); !slices.Equal(got, []string{"Overview", "Docs", "Plans", "Changelog"}) {
		t.Errorf("the tabs are %v", got)
	}
	doc = document(t, s.get("/apis/harbours/pages/start"), http.StatusOK)
	says(t, doc, "main h1", "Getting started")
	if got := doc.Find(`nav[aria-labelledby="contents"] a`).Length(); got != 2 {
		t.Errorf("%d headings are listed", got)
	}
	doc = document(t, s.get("/apis/harbours/changelog"), http.StatusOK)
	says(t, doc, "main h1", "Changelog")
	says(t, document(t, s.get("/"), http.StatusOK), ".news", "Harbours Depths Harbours have depths. 2 November 2026")
	says(t, document(t, s.get("/apis/harbours/plans"), http.StatusOK), "#plan-plan-harbours", "Free")
	for _, path := range []string{"/apis/harbours/pages/none", "/apis/weather/changelog", "/apis/weather/plans"} {
		if w := s.get(path); w.Code != http.StatusNotFound {
			t.Errorf("%s answers %d", path, w.Code)
		}
	}
}

func TestTheFirstCallIsOneThatWorks(t *testing.T) {
	t.Parallel()
	says(t, document(t, visit(harbours()).get("/"), http.StatusOK), "#first-call", "https://api.example.com/v2/harbours")
}

// Rendered again each time, such a page would take more allocations than this test allows.
func TestADocumentationPageIsRenderedOnce(t *testing.T) {
	site := visit(harbours())
	for _, path := range []string{harbourDocs, harbourDocs + "/operations/addHarbour", harbourDocs + "/tags/Harbours", harbourDocs + "/schemas/Harbour"} {
		first := document(t, site.get(path), http.StatusOK).Find(".reference").Text()
		if again := document(t, site.get(path), http.StatusOK).Find(".reference").Text(); again != first {
			t.Errorf("%s differs the second time", path)
		}
		if n := testing.AllocsPerRun(20, func() { site.get(path) }); n > 1300 {
			t.Errorf("%s takes %.0f allocations, want at most 1300", path, n)
		}
	}
}

func TestKeptDocumentationHasNothingPersonal(t *testing.T) {
	t.Parallel()
	site := visit(harbours())
	known := func(path string) *httptest.ResponseRecorder {
		return site.do(httptest.NewRequestWithContext(identity.With(t.Context(), ada), http.MethodGet, path, nil))
	}
	for range 2 {
		says(t, document(t, site.get(harbourDocs), http.StatusOK), ".auth a", "Get an API key")
		says(t, document(t, known(harbourDocs), http.StatusOK), ".auth a", "Your keys")
		says(t, document(t, known(harbourDocs+"/operations/listHarbours"), http.StatusOK), ".console", "your first subscription")
		says(t, document(t, site.get(harbourDocs+"/operations/listHarbours"), http.StatusOK), ".console", "Sign in to use yours")
	}
	const java = "HttpRequest.newBuilder"
	if text := document(t, site.get(harbourDocs+"?language=java"), http.StatusOK).Find(".operation").Text(); !strings.Contains(text, java) {
		t.Errorf("no Java in %s", text)
	}
	if text := document(t, site.get(harbourDocs), http.StatusOK).Find(".operation").Text(); strings.Contains(text, java) {
		t.Error("the next visitor gets Java, too")
	}
}

func TestADocumentThatSaysNothingAboutAuthenticationNeedsAKeyOnEveryPage(t *testing.T) {
	t.Parallel()
	f := harbours()
	f.catalog.Document.Products[0].APIs[0].Definition = f.put(`{"openapi": "3.0.3", "info": {"title": "Silent", "version": "1"}, "paths": {"/berths": {"get": {"operationId": "listBerths", "responses": {"200": {"description": "OK"}}}}}}`)
	for _, path := range []string{"", "/operations/listBerths"} {
		doc := document(t, visit(f).get(harbourDocs+path), http.StatusOK)
		says(t, doc, ".auth-line", "Needs an API key in the header x-api-key.")
		says(t, doc, ".snippet code", "YOUR_API_KEY")
	}
	says(t, document(t, visit(f).get(harbourDocs), http.StatusOK), "#authentication ~ .auth", "Send your key as the header x-api-key.")
}
