package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/branding"
	"github.com/gatehouse-portal/gatehouse/web"
)

func TestPagesTellPreviewsWhatTheyAre(t *testing.T) {
	t.Parallel()
	s := built(web.Config{BaseURL: "https://portal.example.com", Branding: func() *branding.Branding {
		return &branding.Branding{Name: "Acme", Tagline: `All that "moves" <parcels>.`}
	}})
	doc := document(t, s.get("/apis?q=%22"), http.StatusOK)
	for selector, want := range map[string]string{
		`meta[name="description"]`: `All that "moves" <parcels>.`, `meta[property="og:site_name"]`: "Acme", `meta[property="og:title"]`: "APIs",
		`meta[property="og:description"]`: `All that "moves" <parcels>.`, `meta[property="og:url"]`: "https://portal.example.com/apis",
	} {
		if got := attr(t, one(t, doc, selector), "content"); got != want {
			t.Errorf("%s is %q, want %q", selector, got, want)
		}
	}
	if got := attr(t, one(t, doc, `link[rel="canonical"]`), "href"); got != "https://portal.example.com/apis" {
		t.Errorf("the canonical address is %q", got)
	}
	none(t, doc, `link[rel="alternate"]`)
	product := document(t, s.get("/apis/weather"), http.StatusOK)
	if got := attr(t, one(t, product, `link[rel="alternate"][type="text/markdown"]`), "href"); got != "/apis/weather.md" {
		t.Errorf("the product as Markdown is at %q", got)
	}
}

func TestErrorPagesAreNotIndexed(t *testing.T) {
	t.Parallel()
	doc := document(t, visit(&fake{}).get("/apis/nothing"), http.StatusNotFound)
	one(t, doc, `meta[name="robots"][content="noindex"]`)
	none(t, doc, `link[rel="canonical"], meta[property^="og:"], link[rel="alternate"]`)
}

func TestRobotsNamesTheSitemap(t *testing.T) {
	t.Parallel()
	w := built(web.Config{BaseURL: "https://portal.example.com"}).get("/robots.txt")
	if !strings.HasSuffix(w.Body.String(), "\n\nSitemap: https://portal.example.com/sitemap.xml\n") {
		t.Errorf("%s", w.Body)
	}
}
