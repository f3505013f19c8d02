package web

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"
)

// defaultTagline is the sentence of the home page unless the branding has one.
const defaultTagline = "Find an API, get a key, make your first call."

// Tagline returns the one sentence that says what the portal is for.
func (s *Web) Tagline() string { return cmp.Or(s.branding().Tagline, defaultTagline) }

// meta is what the page's head tells search engines, link previews and language models.
type meta struct {
	Indexed     bool
	Description string
	URL, Image  string
	Markdown    string
}

// asMarkdown lists the pages that package plain serves as Markdown with ".md".
var asMarkdown = []string{
	"/apis/{product}", "/apis/{product}/plans", "/apis/{product}/changelog", "/apis/{product}/pages/{page}",
	"/apis/{product}/docs/{api}", "/apis/{product}/docs/{api}/operations/{operation}",
	"/apis/{product}/docs/{api}/tags/{tag}", "/apis/{product}/docs/{api}/schemas/{schema}", "/pages/{page}",
}

func (s *Web) meta(r *http.Request, status int, v view) meta {
	if status != http.StatusOK || v.Private {
		return meta{}
	}
	m := meta{Indexed: true, Description: cmp.Or(v.About, s.Tagline())}
	if s.baseURL != "" {
		m.URL = s.baseURL + r.URL.EscapedPath()
		if v.Image != "" {
			m.Image = s.baseURL + v.Image
		}
	}
	if route := chi.RouteContext(r.Context()); route != nil && slices.Contains(asMarkdown, route.RoutePattern()) {
		m.Markdown = r.URL.EscapedPath() + ".md"
	}
	return m
}
