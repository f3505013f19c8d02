package plain_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/library/librarytest"
	"github.com/gatehouse-portal/gatehouse/plain"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const base = "https://portal.example.com"

// site is the documents over a catalog, as one person sees them; nil is a stranger.
func site(t *testing.T, c *librarytest.Catalog, who *identity.Identity) http.Handler {
	t.Helper()
	router := chi.NewRouter()
	documents := plain.New(plain.Config{
		Library: c.Library(), BaseURL: base, Name: func() string { return "Sea *Portal*" }, Tagline: func() string { return "APIs of the sea." },
		Error: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, portal.MessageOf(err), api.Status(err))
		},
	})
	documents.Routes(router, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if who != nil {
				r = r.WithContext(identity.With(r.Context(), *who))
			}
			next.ServeHTTP(w, r)
		})
	})
	return router
}

func get(h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var crew = &identity.Identity{Account: "crew", Groups: []string{"crew"}}

// paths are the documents of the product that strangers see, and of the portal.
var paths = map[string]struct{ page, contains string }{
	"/pages/getting-started.md":                           {"/pages/getting-started", "# Getting started\n\nSign up, and set sail."},
	"/apis/seamark.md":                                    {"/apis/seamark", "# Seamark\n\nTides and harbours of the northern seas.\n"},
	"/apis/seamark/plans.md":                              {"/apis/seamark/plans", "| Free | `plan-free` | 5 requests a second | 10 requests | 1000 requests a day | 0 € | none needed |"},
	"/apis/seamark/changelog.md":                          {"/apis/seamark/changelog", "# Changelog of Seamark\n\n## 2026-11-01"},
	"/apis/seamark/pages/units.md":                        {"/apis/seamark/pages/units", "# Units\n\nMetres."},
	"/apis/seamark/docs/tides.md":                         {"/apis/seamark/docs/tides", "Predict the tides of a harbour"},
	"/apis/seamark/docs/tides/operations/tides-of.md":     {"/apis/seamark/docs/tides/operations/tides-of", "curl --include 'https://api.seamark.example/v2/harbours/kiel/tides'"},
	"/apis/seamark/docs/tides/operations/stormWarning.md": {"/apis/seamark/docs/tides/operations/stormWarning", "# A storm warning\n\n`POST stormWarning`\n\nThe API sends this request to you.\n"},
	"/apis/seamark/docs/tides/tags/Harbours.md":           {"/apis/seamark/docs/tides/tags/Harbours", "# Harbours\n\n> Where ships land.\n\n## List the harbours\n"},
	"/apis/seamark/docs/tides/tags/-webhooks.md":          {"/apis/seamark/docs/tides/tags/-webhooks", "# Webhooks\n\n## A storm warning\n"},
	"/apis/seamark/docs/tides/schemas/Harbour.md":         {"/apis/seamark/docs/tides/schemas/Harbour", "# Harbour\n\n- `Harbour`, `object`\n  - `id`: `string`\n"},
}

func TestEveryPageIsThereAsMarkdown(t *testing.T) {
	t.Parallel()
	h := site(t, librarytest.Seamark(), nil)
	for path, want := range paths {
		w := get(h, path)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/markdown; charset=utf-8" || !strings.Contains(w.Body.String(), want.contains) {
			t.Errorf("%s: %d, %s:\n%s", path, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
		if got := w.Header().Get("Link"); got != "<"+base+want.page+`>; rel="canonical"` {
			t.Errorf("%s: Link is %q", path, got)
		}
	}
}

func TestAProductsMarkdownHasItsFactsAndEscapesTheirText(t *testing.T) {
	t.Parallel()
	body := get(site(t, librarytest.Seamark(), nil), "/apis/seamark.md").Body.String()
	for _, want := range []string{
		"- Version: 2\n", "- Category: Sea\n", "- Tags: tides, ports\n", "- Owner: Harbour office office@seamark.example\n",
		"- [Tides 1.2](https://portal.example.com/apis/seamark/docs/tides.md) Base URL: `https://api.seamark.example/v2`\n",
		"- Inner Only callers inside its owner's network can call it.\n",
		`- [Units \| and \[more\]](https://portal.example.com/apis/seamark/pages/units.md)`,
		"- [Changelog](https://portal.example.com/apis/seamark/changelog.md)\n", "\n---\n\nSeamark knows **every** tide. ",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is missing in:\n%s", want, body)
		}
	}
}

func TestWhatAPersonDoesNotSeeIsNowhere(t *testing.T) {
	t.Parallel()
	c := librarytest.Seamark()
	stranger := site(t, c, nil)
	all := []string{"/llms.txt", "/llms-full.txt", "/sitemap.xml", "/sitemaps/1.xml"}
	for path := range paths {
		all = append(all, path)
	}
	for _, path := range all {
		for _, secret := range librarytest.Secrets {
			if body := get(stranger, path).Body.String(); strings.Contains(body, secret) {
				t.Errorf("%s shows %q to a stranger:\n%s", path, secret, body)
			}
		}
	}
	unknown := get(stranger, "/apis/nothing.md")
	for _, path := range []string{"/apis/smuggler.md", "/apis/smuggler/plans.md", "/apis/smuggler/changelog.md", "/apis/smuggler/pages/contraband.md", "/apis/smuggler/docs/contraband.md", "/apis/smuggler/docs/contraband/operations/listContraband.md",
		"/apis/smuggler/docs/contraband/tags/contraband.md", "/apis/smuggler/docs/contraband/schemas/Contraband.md", "/apis/lighthouse.md"} {
		w := get(stranger, path)
		if w.Code != http.StatusNotFound || w.Body.String() != unknown.Body.String() {
			t.Errorf("%s: %d %s, want what an unknown product gets: %d %s", path, w.Code, w.Body, unknown.Code, unknown.Body)
		}
	}
	member := site(t, c, crew)
	for path, want := range map[string]string{
		"/llms.txt": "smuggler.md", "/llms-full.txt": "Contraband is hidden here.", "/apis/smuggler.md": "# Smuggler", "/apis/lighthouse/docs/beacons.md": "Beacons",
	} {
		w := get(member, path)
		if !strings.Contains(w.Body.String(), want) || w.Header().Get("Cache-Control") != "private, no-store" {
			t.Errorf("%s: %s does not say %q:\n%s", path, w.Header().Get("Cache-Control"), want, w.Body)
		}
	}
	if sitemap := get(member, "/sitemap.xml").Body.String(); strings.Contains(sitemap, "smuggler") {
		t.Errorf("the sitemap is not that of a stranger:\n%s", sitemap)
	}
}

func TestTheIndexLinksEveryDocument(t *testing.T) {
	t.Parallel()
	h := site(t, librarytest.Seamark(), nil)
	w := get(h, "/llms.txt")
	body := w.Body.String()
	if w.Header().Get("Content-Type") != "text/plain; charset=utf-8" || !strings.HasPrefix(body, "# Sea \\*Portal\\*\n\n> APIs of the sea.\n\n") {
		t.Errorf("%s:\n%s", w.Header().Get("Content-Type"), body)
	}
	links := 0
	for _, part := range strings.Split(body, "]("+base)[1:] {
		path, _, _ := strings.Cut(part, ")")
		links++
		if got := get(h, path); got.Code != http.StatusOK {
			t.Errorf("%s is linked and answers %d", path, got.Code)
		}
	}
	if links != 5 {
		t.Errorf("%d links, want 5:\n%s", links, body)
	}
	full := get(h, "/llms-full.txt").Body.String()
	for _, want := range []string{"Sign up, and set sail.", "# Seamark", "Metres.", "Tides for Kiel.", "<!-- https://portal.example.com/apis/seamark/docs/tides.md -->"} {
		if !strings.Contains(full, want) {
			t.Errorf("llms-full.txt lacks %q:\n%s", want, full)
		}
	}
}

func TestANameThatEndsWithTheVersionDoesNotRepeatIt(t *testing.T) {
	t.Parallel()
	c := librarytest.New()
	c.Publish(catalog.Document{Products: []catalog.Product{
		{ID: "sea-0", Name: "Sea 0", Version: "0", Status: catalog.StatusDeprecated}, {ID: "sea", Name: "Sea", Version: "1"}, {ID: "sea10", Name: "Sea 10", Version: "0"},
	}})
	body := get(site(t, c, nil), "/llms.txt").Body.String()
	for _, want := range []string{"[Sea 0 (deprecated)]", "[Sea 1]", "[Sea 10 0]"} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing:\n%s", want, body)
		}
	}
}

func TestTheSitemapListsEveryPage(t *testing.T) {
	t.Parallel()
	w := get(site(t, librarytest.Seamark(), nil), "/sitemap.xml")
	for _, page := range []string{
		"/", "/apis", "/pages/getting-started", "/apis/seamark", "/apis/seamark/plans", "/apis/seamark/changelog", "/apis/seamark/pages/units",
		"/apis/seamark/docs/tides", "/apis/seamark/docs/tides/tags/Harbours", "/apis/seamark/docs/tides/operations/listHarbours", "/apis/seamark/docs/tides/operations/tides-of",
		"/apis/seamark/docs/tides/tags/-webhooks", "/apis/seamark/docs/tides/operations/stormWarning", "/apis/seamark/docs/tides/schemas/Harbour",
	} {
		if !strings.Contains(w.Body.String(), "<url><loc>"+base+page+"</loc></url>\n") {
			t.Errorf("%s is missing:\n%s", page, w.Body)
		}
	}
	if got := strings.Count(w.Body.String(), "<loc>"); got != 14 || w.Header().Get("Cache-Control") != "public, max-age=3600" {
		t.Errorf("%d pages, %s:\n%s", got, w.Header().Get("Cache-Control"), w.Body)
	}
}

func TestDocumentsAreRevalidated(t *testing.T) {
	t.Parallel()
	c := librarytest.Seamark()
	h := site(t, c, nil)
	for _, path := range []string{"/llms.txt", "/llms-full.txt", "/sitemap.xml", "/apis/seamark.md", "/apis/seamark/docs/tides.md"} {
		first := get(h, path)
		tag := first.Header().Get("ETag")
		if again := get(h, path, "If-None-Match", tag); again.Code != http.StatusNotModified || again.Body.Len() != 0 || tag == "" {
			t.Errorf("%s with its ETag %q: %d", path, tag, again.Code)
		}
		if path != "/sitemap.xml" && (first.Header().Get("Cache-Control") != "no-cache" || strings.Join(first.Header().Values("Vary"), ",") != "Cookie,Authorization") {
			t.Errorf("%s: %v", path, first.Header())
		}
	}
	tag := get(h, "/llms.txt").Header().Get("ETag")
	published, err := c.Catalog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	published.Document.Products[1].Name = "Renamed" // Seamark
	c.Publish(published.Document)
	if w := get(h, "/llms.txt", "If-None-Match", tag); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Renamed") {
		t.Errorf("after a change: %d\n%s", w.Code, w.Body)
	}
}

func TestBadAddressesAreNotFound(t *testing.T) {
	t.Parallel()
	h := site(t, librarytest.Seamark(), nil)
	for _, path := range []string{
		"/apis/.md", "/apis/%00.md", "/apis/%zz.md", "/apis/seamark/pages/nothing.md", "/apis/seamark/docs/nothing.md", "/apis/seamark/docs/inner.md",
		"/apis/seamark/docs/tides/operations/nothing.md", "/apis/seamark/docs/tides/tags/nothing.md", "/apis/seamark/docs/tides/schemas/nothing.md", "/pages/..%2f..%2fetc%2fpasswd.md", "/pages/nothing.md", "/sitemaps/0.xml", "/sitemaps/2.xml",
		"/sitemaps/99999999999999999999.xml", "/sitemaps/x.xml", "/apis/" + strings.Repeat("x", 10_000) + ".md",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path, r.URL.RawPath = path, ""
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != http.StatusNotFound {
			t.Errorf("%.100s: %d, want 404: %.200s", path, w.Code, w.Body)
		}
	}
}

func TestOldAddressesOfAProductRedirect(t *testing.T) {
	t.Parallel()
	c := librarytest.Seamark()
	published, err := c.Catalog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	published.Document.Moved = map[string]portal.PlanID{"old mark": "plan-free"}
	c.Publish(published.Document)
	h := site(t, c, nil)
	for path, want := range map[string]string{
		"/apis/old%20mark.md": "/apis/seamark.md", "/apis/old%20mark/docs/tides/operations/listHarbours.md": "/apis/seamark/docs/tides/operations/listHarbours.md",
	} {
		if w := get(h, path); w.Code != http.StatusFound || w.Header().Get("Location") != want {
			t.Errorf("%s: %d to %s", path, w.Code, w.Header().Get("Location"))
		}
	}
}

func TestTheCompressedDocumentIsTheSame(t *testing.T) {
	t.Parallel()
	h := site(t, librarytest.Seamark(), nil)
	for _, path := range []string{"/llms-full.txt", "/sitemap.xml", "/apis/seamark/docs/tides.md"} {
		w := get(h, path, "Accept-Encoding", "br, gzip")
		if w.Header().Get("Content-Encoding") != "gzip" {
			t.Fatalf("%s is not compressed: %v", path, w.Header())
		}
		unzipped, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(unzipped)
		if plain := get(h, path); err != nil || string(body) != plain.Body.String() || plain.Header().Get("ETag") != w.Header().Get("ETag") {
			t.Errorf("%s: %v: %s", path, err, body)
		}
	}
}

func TestLinksInMarkdownLeadToPagesThatThePersonSees(t *testing.T) {
	t.Parallel()
	c := librarytest.Seamark()
	for _, path := range []string{"/apis/seamark.md", "/llms-full.txt"} {
		stranger, member := get(site(t, c, nil), path).Body.String(), get(site(t, c, crew), path).Body.String()
		if want := "[Units](https://portal.example.com/apis/seamark/pages/units.md), [others](#), ![a map](#)"; !strings.Contains(stranger, want) {
			t.Errorf("%s of a stranger lacks %q:\n%s", path, want, stranger)
		}
		if want := "[others](https://portal.example.com/apis/smuggler.md)"; !strings.Contains(member, want) {
			t.Errorf("%s of a member lacks %q:\n%s", path, want, member)
		}
	}
}

func TestADocumentThatSaysNothingAboutAuthenticationNeedsAKeyInEveryText(t *testing.T) {
	t.Parallel()
	h := site(t, librarytest.Seamark(), nil)
	for _, path := range []string{"/llms-full.txt", "/apis/seamark/docs/tides.md", "/apis/seamark/docs/tides/tags/Harbours.md", "/apis/seamark/docs/tides/operations/listHarbours.md"} {
		body := get(h, path).Body.String()
		if !strings.Contains(body, "Authentication: `x-api-key`") || !strings.Contains(body, "API key in the header `x-api-key`") || !strings.Contains(body, "--header 'x-api-key: YOUR_API_KEY'") {
			t.Errorf("%s does not say that the operation needs an API key:\n%s", path, body)
		}
	}
}
