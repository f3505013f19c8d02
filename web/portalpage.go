package web

import (
	"bytes"
	"context"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/branding"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/markdown"
)

// startPage is the name of the page that the main navigation links.
const startPage = "getting-started"

func (s *Web) portalPages(r chi.Router) {
	get(r, "/pages/{page}", s.page(s.portalPage))
	get(r, "/pages/files/*", s.page(s.portalFile))
}

type portalLinks struct {
	Start  *link
	Footer []link
}

// remembersPages notes the operator's pages, so that pages which read nothing can link to them,
// too.
func (s *Web) remembersPages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.library != nil {
			if shelf, err := s.library.For(r.Context(), catalog.Viewer{}); err == nil {
				s.ownPages.Store(&shelf.Pages)
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Web) portalLinks() portalLinks {
	var links portalLinks
	pages := s.ownPages.Load()
	if pages == nil {
		return links
	}
	for _, page := range *pages {
		to := link{page.Title, escapedPath("pages", page.Name)}
		if page.Name == startPage {
			links.Start = &to
		} else {
			links.Footer = append(links.Footer, to)
		}
	}
	return links
}

type portalPage struct {
	Title    string
	HTML     template.HTML
	Contents []markdown.Heading
}

func (s *Web) portalPage(w http.ResponseWriter, r *http.Request) error {
	name, err := url.PathUnescape(chi.URLParam(r, "page"))
	if err != nil {
		return errNothing
	}
	shelf, err := s.library.For(r.Context(), library.Viewer(r.Context()))
	if err != nil {
		return err
	}
	found, err := shelf.Page(r.Context(), "", name)
	if err != nil {
		return err
	}
	body, err := library.Keep(r.Context(), shelf, "portal page "+shelf.Hash+" "+name, func(context.Context) (portalPage, int, error) {
		text := markdown.Render(found.Markdown, s.inPortal(shelf, name))
		return portalPage{Title: found.Title, HTML: text.HTML, Contents: text.Contents}, len(text.HTML), nil
	})
	if err != nil {
		return err
	}
	section := ""
	if name == startPage {
		section = startPage
	}
	s.render(w, r, http.StatusOK, view{page: "portal-page", Title: found.Title, Section: section, Body: body, About: markdown.FirstParagraph(found.Markdown)})
	return nil
}

// inPortal resolves relative links of a portal page.
func (s *Web) inPortal(shelf *library.Shelf, name string) markdown.Options {
	address := func(target string) string {
		found, _ := shelf.Address(catalog.PagesFolder+"/"+name+".md", target)
		return found
	}
	return markdown.Options{Level: 2, Origin: s.baseURL, Link: address, Image: address}
}

func (s *Web) portalFile(w http.ResponseWriter, r *http.Request) error {
	name, err := url.PathUnescape(chi.URLParam(r, "*"))
	if err != nil {
		return errNothing
	}
	shelf, err := s.library.For(r.Context(), library.Viewer(r.Context()))
	if err != nil {
		return err
	}
	file, err := shelf.PageFile(r.Context(), "", name)
	if err != nil {
		return err
	}
	serveFile(w, r, file)
	return nil
}

func serveFile(w http.ResponseWriter, r *http.Request, file library.File) {
	w.Header().Set("Content-Security-Policy", filePolicy)
	w.Header().Set("Content-Type", file.Type)
	w.Header().Set("ETag", `"`+file.Hash+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file.Body))
}

// filePolicy keeps an image that is opened alone from running scripts (SVG can).
const filePolicy = "default-src 'none'; frame-ancestors 'none'"

type fragments struct {
	of          *branding.Branding
	Top, Bottom template.HTML
}

// homeFragments renders the texts once for each branding.
func (s *Web) homeFragments() fragments {
	b := s.branding()
	if known := s.fragments.Load(); known != nil && known.of == b {
		return *known
	}
	made := fragments{of: b}
	for _, text := range []struct {
		source, prefix string
		into           *template.HTML
	}{{b.HomeTop, "top-", &made.Top}, {b.Home, "home-", &made.Bottom}} {
		if text.source != "" {
			*text.into = markdown.Render(text.source, markdown.Options{Level: 2, Prefix: text.prefix, Origin: s.baseURL}).HTML
		}
	}
	s.fragments.Store(&made)
	return made
}
