package plain_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library/librarytest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestALongSitemapIsSplit(t *testing.T) {
	t.Parallel()
	c := librarytest.New()
	product := catalog.Product{ID: "huge & <more>", Name: "Huge"}
	for i := range 70_000 {
		product.Pages = append(product.Pages, catalog.Page{Name: fmt.Sprint("page-", i), Title: "Page", Hash: "none"})
	}
	c.Publish(catalog.Document{Products: []catalog.Product{product}})
	h := site(t, c, nil)
	index := get(h, "/sitemap.xml").Body.String()
	if strings.Count(index, "<sitemap><loc>") != 2 || !strings.Contains(index, "<loc>https://portal.example.com/sitemaps/2.xml</loc>") {
		t.Fatalf("the index is:\n%.500s", index)
	}
	for number, want := range map[int]int{1: 50_000, 2: 20_003} {
		part := get(h, fmt.Sprintf("/sitemaps/%d.xml", number)).Body.String()
		if got := strings.Count(part, "<url><loc>"); got != want {
			t.Errorf("part %d has %d pages, want %d", number, got, want)
		}
	}
	if w := get(h, "/sitemaps/3.xml"); w.Code != http.StatusNotFound {
		t.Errorf("part 3 is answered %d", w.Code)
	}
	if body := get(h, "/sitemaps/1.xml").Body.String(); !strings.Contains(body, "/apis/huge%20&amp;%20%3Cmore%3E</loc>") {
		t.Errorf("the product's address is not escaped:\n%.600s", body)
	}
}

func TestAllDocumentsInOneAreBounded(t *testing.T) {
	t.Parallel()
	c := librarytest.New()
	hash := c.Put(strings.Repeat("A long line of text that says nothing.\n", 25_000))
	product := catalog.Product{ID: "long", Name: "Long"}
	for i := range 8 {
		product.Pages = append(product.Pages, catalog.Page{Name: fmt.Sprint("page-", i), Title: fmt.Sprint("Page ", i), Hash: hash})
	}
	c.Publish(catalog.Document{Products: []catalog.Product{product}})
	body := get(site(t, c, nil), "/llms-full.txt").Body.String()
	if len(body) > 4<<20+10_000 || !strings.Contains(body, "# Further documents") || !strings.Contains(body, "(https://portal.example.com/apis/long/pages/page-7.md)") {
		t.Errorf("%d bytes, ending in:\n%s", len(body), body[len(body)-600:])
	}
}

func TestADocumentThatCannotBeReadLeavesOutOnlyItself(t *testing.T) {
	t.Parallel()
	c := librarytest.New()
	api := func(slug, definition string) catalog.API {
		return catalog.API{Slug: slug, Name: slug, Kind: catalog.Docs, Definition: c.Put(definition)}
	}
	c.Publish(catalog.Document{Products: []catalog.Product{{ID: "mixed", Name: "Mixed", APIs: []catalog.API{api("broken", "not OpenAPI"), api("whole", librarytest.Tides)}}}})
	h := site(t, c, nil)
	full := get(h, "/llms-full.txt").Body.String()
	if !strings.Contains(full, "# Mixed: broken\n\nThe portal cannot read this document at the moment.") || !strings.Contains(full, "Tides") {
		t.Errorf("llms-full.txt:\n%s", full)
	}
	if sitemap := get(h, "/sitemap.xml").Body.String(); !strings.Contains(sitemap, "whole/operations/listHarbours") || !strings.Contains(sitemap, "/docs/broken<") {
		t.Errorf("the sitemap:\n%s", sitemap)
	}
	if w := get(h, "/apis/mixed/docs/broken.md"); w.Code < 500 {
		t.Errorf("the broken document is answered %d %s", w.Code, w.Body)
	}
}

func TestAnUnreadableCatalogIsUnavailable(t *testing.T) {
	t.Parallel()
	c := librarytest.Seamark()
	c.Fail(&portal.Error{Code: portal.Unavailable, Message: "Not now.", Err: errors.New("no database")})
	for path := range paths {
		if w := get(site(t, c, nil), path); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "database") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestAnEmptyCatalogHasDocuments(t *testing.T) {
	t.Parallel()
	h := site(t, librarytest.New(), nil)
	for path, want := range map[string]string{"/llms.txt": "# Sea", "/llms-full.txt": "# Sea", "/sitemap.xml": "<url><loc>https://portal.example.com/apis</loc></url>"} {
		if w := get(h, path); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d\n%s", path, w.Code, w.Body)
		}
	}
}

func TestADocumentThatIsTooLongLeavesRoomForShorterOnes(t *testing.T) {
	t.Parallel()
	c := librarytest.New()
	long := c.Put(strings.Repeat("A long line of text that says nothing.\n", 110_000))
	product := catalog.Product{ID: "mixed", Name: "Mixed", Pages: []catalog.Page{
		{Name: "long", Title: "Long", Hash: long}, {Name: "short", Title: "Short", Hash: c.Put("This one is short.")},
	}}
	fill := c.Put(strings.Repeat("Word ", 200_000))
	for i := range 6 {
		product.Pages = append(product.Pages, catalog.Page{Name: fmt.Sprint("fill-", i), Title: "Fill", Hash: fill})
	}
	c.Publish(catalog.Document{Products: []catalog.Product{product}})
	body := get(site(t, c, nil), "/llms-full.txt").Body.String()
	if !strings.Contains(body, "This one is short.") || !strings.Contains(body, "/apis/mixed/pages/fill-5.md)") {
		t.Errorf("%d bytes, ending in:\n%s", len(body), body[max(0, len(body)-600):])
	}
}

func TestAReferenceThatIsCutNamesItsParts(t *testing.T) {
	t.Parallel()
	c := librarytest.New()
	var operations []string
	for i := range 1200 {
		operations = append(operations, fmt.Sprintf(`"/things/%d": {"get": {"tags": ["tag %d"], "description": %q, "responses": {"200": {"description": "OK"}}}}`, i, i%3, strings.Repeat("A long description of it. ", 200)))
	}
	definition := `{"openapi": "3.1.0", "info": {"title": "Long", "version": "1"}, "paths": {` + strings.Join(operations, ",") + `}, "webhooks": {"storm": {"post": {"responses": {}}}}}`
	c.Publish(catalog.Document{Products: []catalog.Product{{ID: "long", Name: "Long", APIs: []catalog.API{{Slug: "api", Name: "API", Kind: catalog.Docs, Definition: c.Put(definition)}}}}})
	h := site(t, c, nil)
	body := get(h, "/apis/long/docs/api.md").Body.String()
	_, parts, cut := strings.Cut(body, "\nThis document is cut here, since it is too long. Read its parts:\n\n")
	if want := "- [tag 0](https://portal.example.com/apis/long/docs/api/tags/tag-0.md)\n"; !cut || len(body) > 5<<20 || !strings.HasPrefix(parts, want) || strings.Count(parts, "\n") != 4 {
		t.Fatalf("%d bytes, with the parts %q", len(body), parts)
	}
	for _, link := range strings.Split(parts, "](https://portal.example.com")[1:] {
		path, _, _ := strings.Cut(link, ")")
		if w := get(h, path); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "cut here") {
			t.Errorf("%s is answered %d with %d bytes", path, w.Code, w.Body.Len())
		}
	}
}

func TestNoNameDisturbsTheTextAroundIt(t *testing.T) {
	t.Parallel()
	c := librarytest.New()
	definition := c.Put(`{"openapi": "3.0.3", "info": {"title": "gpj\u202eexe\u0000\u001b[31m", "version": "1"}, "paths": {"/a": {"get": {"operationId": "a",
		"summary": "\u202dx", "responses": {"200": {"description": "\u202bOK"}}}}}}`)
	c.Publish(catalog.Document{Products: []catalog.Product{{
		ID: "wild", Name: "Wi\u202eld\x00", APIs: []catalog.API{{Slug: "main", Name: "M\u202ain", Kind: catalog.Docs, Definition: definition}},
	}}})
	h := site(t, c, nil)
	for _, address := range []string{"/llms.txt", "/llms-full.txt", "/apis/wild.md", "/apis/wild/docs/main.md", "/apis/wild/docs/main/operations/a.md"} {
		w := get(h, address)
		if body := w.Body.String(); w.Code != http.StatusOK || strings.ContainsAny(body, "\u202a\u202b\u202c\u202d\u202e\x00\x1b") {
			t.Errorf("%s: %d %q", address, w.Code, body)
		}
	}
}
