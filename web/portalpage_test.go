package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/gatehouse-portal/gatehouse/branding"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library/librarytest"
	"github.com/gatehouse-portal/gatehouse/web"
)

// guided returns the site of a portal with pages of its own.
func guided() site {
	c := librarytest.New()
	c.Publish(catalog.Document{
		Pages: []catalog.Page{
			{Name: "getting-started", Title: "Getting <started>", Hash: c.Put("Sign up *first*.\n\n![A map](map.png)\n\n## Next\n\n[Terms](terms.md), [API](../seamark/overview.md), [nowhere](nothing.md)\n\n## Then\n\n<script>alert(1)</script>[bad](javascript:alert(1)) ![far](https://evil.example/a.png)\n")},
			{Name: "terms", Title: "Terms", Hash: c.Put("Be kind.\n")},
		},
		Files:    []catalog.File{{Name: "map.png", Hash: c.Put("the map"), Type: "image/png"}},
		Products: []catalog.Product{{ID: "seamark", Name: "Seamark"}},
	})
	return built(web.Config{Library: c.Library(), BaseURL: "https://portal.example.com"})
}

// acme returns the site with the branding in testdata.
func acme() site {
	loaded, err := branding.Load("testdata/branding", web.Palette())
	if err != nil {
		panic(err)
	}
	return built(web.Config{Library: librarytest.Seamark().Library(), Branding: func() *branding.Branding { return loaded }})
}

func TestAPortalPageIsRenderedAndLinked(t *testing.T) {
	t.Parallel()
	s := guided()
	doc := document(t, s.get("/pages/getting-started"), http.StatusOK)
	says(t, doc, "h1", "Getting <started>")
	says(t, doc, ".prose em", "first")
	for _, selector := range []string{
		`.prose a[href="/pages/terms"]`, `.prose a[href="/apis/seamark"]`, `.prose img[src="/pages/files/map.png"][alt="A map"]`,
		`nav[aria-label="Main"] a[href="/pages/getting-started"][aria-current="page"]`, `nav[aria-label="Footer"] a[href="/pages/terms"]`,
		`link[rel="alternate"][href="/pages/getting-started.md"]`, `meta[name="description"][content="Sign up first."]`,
	} {
		one(t, doc, selector)
	}
	contents := doc.Find(`nav[aria-labelledby="contents"] a`)
	if contents.Length() != 2 || text(contents.First()) != "Next" {
		t.Errorf("the table of contents is %q", text(contents))
	}
	contents.Each(func(_ int, link *goquery.Selection) {
		one(t, doc, "#"+strings.TrimPrefix(attr(t, link, "href"), "#"))
	})
	none(t, doc, `.prose script, .prose [href^="javascript"], .prose [src^="https:"]`)
	// The other pages link it, too, also one that reads nothing.
	for _, path := range []string{"/", "/apis", "/problems/conflict", "/nothing"} {
		w := s.get(path)
		one(t, document(t, w, w.Code), `nav[aria-label="Main"] a[href="/pages/getting-started"]:not([aria-current])`)
	}
}

func TestTheImageOfAPortalPageIsServed(t *testing.T) {
	t.Parallel()
	s := guided()
	w := s.get("/pages/files/map.png")
	if w.Code != http.StatusOK || w.Body.String() != "the map" || w.Header().Get("Content-Type") != "image/png" || w.Header().Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors 'none'" {
		t.Errorf("%d %v: %s", w.Code, w.Header(), w.Body)
	}
	for _, path := range []string{"/pages/files/nothing.png", "/pages/files/", "/pages/files/..%2fmap.png", "/pages/nothing", "/pages/%00"} {
		if w := s.get(path); w.Code != http.StatusNotFound {
			t.Errorf("%s is answered %d", path, w.Code)
		}
	}
}

func TestAPortalWithoutPagesLinksNone(t *testing.T) {
	t.Parallel()
	doc := document(t, built(web.Config{Library: librarytest.New().Library()}).get("/apis"), http.StatusOK)
	none(t, doc, `a[href^="/pages/"]`)
}

func TestTheHomePageHasTheOperatorsWords(t *testing.T) {
	t.Parallel()
	own := &branding.Branding{
		Tagline: "APIs of the sea.", Action: branding.Link{Text: "Set sail", URL: "/pages/getting-started"},
		HomeTop: "Storm **warning**.", Home: "## News\n\nA new mark. <script>alert(1)</script>\n",
	}
	s := built(web.Config{Library: librarytest.New().Library(), Branding: func() *branding.Branding { return own }})
	doc := document(t, s.get("/"), http.StatusOK)
	says(t, doc, "h1", "APIs of the sea.")
	says(t, doc, `.actions a.button[href="/pages/getting-started"]`, "Set sail")
	says(t, doc, "main > .prose strong", "warning")
	says(t, doc, "main > section.prose h2", "News")
	none(t, doc, "main script")
	plain := document(t, built(web.Config{Library: librarytest.New().Library()}).get("/"), http.StatusOK)
	says(t, plain, "h1", "Find an API, get a key, make your first call.")
	says(t, plain, `.actions a.button:not(.secondary)[href="/apis"]`, "Browse APIs")
	none(t, plain, "main > .prose")
}
