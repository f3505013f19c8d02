package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/gatehouse-portal/gatehouse/api"
)

// transferred returns how many bytes a browser receives for a page with its styles, scripts and
// images, when nothing is in its cache.
func transferred(t *testing.T, s site, path string) int {
	t.Helper()
	handler := api.Compress(s.handler)
	fetch := func(path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Fatalf("%s answers %d", path, w.Code)
		}
		return w
	}
	total := fetch(path).Body.Len()
	doc := document(t, s.get(path), http.StatusOK)
	idsAreUnique(t, doc, path)
	at, err := url.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	doc.Find(`link[rel="stylesheet"], link[rel="icon"], script[src], img[src]`).Each(func(_ int, e *goquery.Selection) {
		target, err := at.Parse(e.AttrOr("src", e.AttrOr("href", "")))
		if err != nil || seen[target.Path] {
			return
		}
		seen[target.Path] = true
		total += fetch(target.RequestURI()).Body.Len()
	})
	if len(seen) < 3 {
		t.Fatalf("%s loads only %d files", path, len(seen))
	}
	return total
}

func idsAreUnique(t *testing.T, doc *goquery.Document, path string) {
	t.Helper()
	seen := map[string]bool{}
	doc.Find("[id]").Each(func(_ int, e *goquery.Selection) {
		id := e.AttrOr("id", "")
		if seen[id] {
			t.Errorf("%s has several elements with the id %q", path, id)
		}
		seen[id] = true
	})
}

const (
	pageLimit      = 100_000
	largePageLimit = 300_000
)

func TestEveryPageIsLight(t *testing.T) {
	t.Parallel()
	all := documentationStates()
	all["docs of 1,000 operations in one tag"] = large(1, 1000, "")
	all["the tag of 1,000 operations"] = large(1, 1000, "/tags/Resources-0")
	all["an operation among 1,000 in one tag"] = large(1, 1000, "/operations/getPart7OfResource0")
	all["docs of 2,000 tags"] = large(2000, 1, "")
	all["a tag among 2,000"] = large(2000, 1, "/tags/Resources-7")
	all["an operation among 2,000 tags"] = large(2000, 1, "/operations/getPart0OfResource7")
	all["a schema among 2,000 tags"] = large(2000, 1, "/schemas/Part")
	f := &fake{}
	f.documenting("dense", "Dense", dense(25))
	for name, path := range map[string]string{
		"docs of 25 operations with nested schemas": "", "a tag with nested schemas": "/tags/Machines", "an operation with nested schemas": "/operations/machine7", "a nested schema": "/schemas/Level0",
	} {
		all[name] = shown{site: visit(f), path: "/apis/dense/docs/main" + path}
	}
	for name, page := range all {
		if page.post != "" {
			continue
		}
		got := transferred(t, page.site, page.path)
		if testing.Verbose() {
			t.Logf("%6d bytes: %s", got, name)
		}
		if got >= pageLimit {
			t.Errorf("%s transfers %d bytes", name, got)
		}
	}
}

// large is a page of the documentation of a generated document.
func large(tags, operations int, path string) shown {
	f := &fake{}
	f.documenting("large", "Large", generated(tags, operations))
	return shown{site: visit(f), path: "/apis/large/docs/main" + path}
}

// specs returns the folder of real OpenAPI documents.
func specs(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("GATEHOUSE_SPECS")
	if dir == "" {
		t.Skip("NOT RUN: GATEHOUSE_SPECS is not set")
	}
	return dir
}

func TestPagesOfRealDocumentsAreLight(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(specs(t), "*-*.*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no documents: %v", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f := &fake{}
		f.documenting("real", "Real", string(body))
		s := visit(f)
		limit := pageLimit
		if len(body) > 1_000_000 {
			limit = largePageLimit
		}
		start := "/apis/real/docs/main"
		doc := document(t, s.get(start), http.StatusOK)
		pages := []string{start}
		doc.Find(".reference-nav a, .operations a, .operation .anchor").Each(func(i int, a *goquery.Selection) {
			target, err := url.Parse(attr(t, a, "href"))
			if err == nil && target.EscapedPath() != start && (limit == pageLimit || i%7 == 0) {
				pages = append(pages, target.EscapedPath())
			}
		})
		heaviest, at := 0, ""
		for _, page := range pages {
			if got := transferred(t, s, page); got > heaviest {
				heaviest, at = got, page
			}
		}
		t.Logf("%s: %d pages, the heaviest is %s with %d bytes", filepath.Base(file), len(pages), at, heaviest)
		if heaviest >= limit {
			t.Errorf("%s of %s transfers %d bytes", at, filepath.Base(file), heaviest)
		}
	}
}

func TestTheStartOfALargeDocumentIsWhole(t *testing.T) {
	t.Parallel()
	page := large(2000, 1, "")
	doc := document(t, page.site.get(page.path), http.StatusOK)
	if got := doc.Find(".reference-nav .nav-tag").Length(); got == 0 {
		t.Error("the navigation is empty")
	}
	page = large(1, 1000, "/tags/Resources-0")
	doc = document(t, page.site.get(page.path), http.StatusOK)
	if got := doc.Find(".operations a").Length(); got != 1000 {
		t.Errorf("the tag lists %d of its 1,000 operations", got)
	}
}
