package web_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/branding"
	"github.com/gatehouse-portal/gatehouse/web"
)

const mark = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z"/></svg>`

// branded returns the site with the branding of a folder of these files.
func branded(t *testing.T, files map[string]string) site {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := branding.Load(dir, web.Palette())
	if err != nil {
		t.Fatal(err)
	}
	return built(web.Config{Branding: func() *branding.Branding { return loaded }})
}

func TestTheBrandingIsOnEveryPage(t *testing.T) {
	t.Parallel()
	s := branded(t, map[string]string{
		"branding.yaml": `
name: Acme APIs
colours: {light: {accent: "#8a1c5b"}}
footer: [{text: "Imprint <b>", url: "https://acme.example/imprint"}, {text: Mail, url: "mailto:apis@acme.example"}]
links: {terms: /pages/terms}
`, "logo.svg": mark, "logo-dark.svg": mark + "<!-- dark -->", "favicon.svg": mark + "<!-- icon -->",
	})
	for _, path := range []string{"/", "/apis", "/nothing", "/problems/conflict"} {
		w := s.get(path)
		doc := document(t, w, w.Code)
		says(t, doc, ".brand", "Acme APIs")
		if title := doc.Find("title").Text(); !strings.HasSuffix(title, "Acme APIs") {
			t.Errorf("%s: the title is %q", path, title)
		}
		if alt := attr(t, one(t, doc, ".brand img"), "alt"); alt != "" {
			t.Errorf("%s: the logo repeats the name as %q", path, alt)
		}
		for selector, want := range map[string]string{
			`footer a[href="https://acme.example/imprint"]`: "Imprint <b>", `footer a[href="mailto:apis@acme.example"]`: "Mail", `footer a[href="/pages/terms"]`: "Terms",
		} {
			says(t, doc, selector, want)
		}
		files := []string{attr(t, one(t, doc, ".brand img"), "src"), attr(t, one(t, doc, ".brand source"), "srcset"), attr(t, one(t, doc, `link[rel="icon"]`), "href")}
		sheets := doc.Find(`link[rel="stylesheet"]`)
		if sheets.Length() != 2 || !strings.HasPrefix(attr(t, sheets.Eq(1), "href"), "/branding.") {
			t.Fatalf("%s: the branding's stylesheet does not follow the portal's own", path)
		}
		for _, file := range append(files, attr(t, sheets.Eq(1), "href")) {
			w := s.get(file)
			if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Body.Len() == 0 {
				t.Errorf("%s: %d, %s", file, w.Code, w.Header().Get("Cache-Control"))
			}
		}
		none(t, doc, "[style]")
	}
	if w := s.get("/favicon.ico"); !strings.Contains(w.Body.String(), "icon") || w.Header().Get("Content-Type") != "image/svg+xml" {
		t.Errorf("favicon.ico: %s: %s", w.Header().Get("Content-Type"), w.Body)
	}
}

func TestALogoWithTheNameIsNamedForPeopleWhoDoNotSeeIt(t *testing.T) {
	t.Parallel()
	s := branded(t, map[string]string{"branding.yaml": "name: Acme APIs\nlogo_contains_name: true\n", "logo.svg": mark})
	doc := document(t, s.get("/apis"), http.StatusOK)
	if alt := attr(t, one(t, doc, ".brand img"), "alt"); alt != "Acme APIs" {
		t.Errorf("the logo is described as %q", alt)
	}
	none(t, doc, ".brand span")
}

func TestWithoutABrandingThereAreNoFilesOfIt(t *testing.T) {
	t.Parallel()
	s := visit(&fake{})
	for _, path := range []string{"/branding.000000000000.css", "/branding/logo.svg", "/branding/..%2fbranding.yaml"} {
		document(t, s.get(path), http.StatusNotFound)
	}
	one(t, document(t, s.get("/"), http.StatusOK), ".brand svg")
}

func TestTheSchemaOfTheBrandingIsServed(t *testing.T) {
	t.Parallel()
	if w := visit(&fake{}).get("/schemas/branding.json"); w.Code != http.StatusOK || w.Body.String() != string(branding.Schema) {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
}
