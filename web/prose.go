package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/markdown"
)

type place struct {
	// level is that of its highest headings.
	level int
	// file is the path in the catalog folder, "" without relative links. shelf and hash resolve
	// those.
	file  string
	shelf *library.Shelf
}

func inProduct(shelf *library.Shelf, product catalog.Product, file string, level int) place {
	return place{level: level, file: product.ID + "/" + file, shelf: shelf}
}

func (p place) link(target string) string {
	if p.file == "" {
		return ""
	}
	address, _ := p.shelf.Address(p.file, target)
	return address
}

// key is the same for places where a text renders alike.
func (p place) key() string {
	if p.file == "" {
		return strconv.Itoa(p.level)
	}
	return strconv.Itoa(p.level) + " " + p.file + " " + p.shelf.Hash
}

// rendered turns Markdown into harmless HTML, and keeps it while it is in
// use.
func (s *Web) rendered(ctx context.Context, shelf *library.Shelf, source string, at place) markdown.Page {
	if strings.TrimSpace(source) == "" {
		return markdown.Page{}
	}
	sum := sha256.Sum256([]byte(source))
	hash := hex.EncodeToString(sum[:])
	options := markdown.Options{Level: at.level, Origin: s.baseURL, Link: at.link, Image: at.link, Prefix: "text-"}
	if at.file == "" { // there may be several on a page
		options.Prefix += hash[:8] + "-"
	}
	page, err := library.Keep(ctx, shelf, "text "+hash+" "+at.key(), func(context.Context) (markdown.Page, int, error) {
		page := markdown.Render(source, options)
		return page, len(page.HTML), nil
	})
	if err != nil { // the request ends
		return markdown.Page{}
	}
	return page
}

type readingPage struct {
	Head     productHead
	Title    string
	HTML     template.HTML
	Contents []markdown.Heading
	Pages    []tab
}

func (s *Web) changelog(w http.ResponseWriter, r *http.Request, shelf *library.Shelf, product catalog.Product) error {
	page, err := shelf.Changelog(r.Context(), product.ID)
	if err != nil {
		return err
	}
	page.Title = tabChangelog
	return s.reading(w, r, shelf, product, page, "changelog.md", tabChangelog)
}

func (s *Web) guide(w http.ResponseWriter, r *http.Request, shelf *library.Shelf, product catalog.Product) error {
	name, err := param(r, "page")
	if err != nil {
		return err
	}
	page, err := shelf.Page(r.Context(), product.ID, name)
	if err != nil {
		return err
	}
	return s.reading(w, r, shelf, product, page, catalog.PagesFolder+"/"+name+".md", tabOverview)
}

func (s *Web) reading(w http.ResponseWriter, r *http.Request, shelf *library.Shelf, product catalog.Product, page library.Page, file, current string) error {
	text := s.rendered(r.Context(), shelf, page.Markdown, inProduct(shelf, product, file, 2))
	body := readingPage{Head: s.head(r, shelf, product, current), Title: page.Title, HTML: text.HTML, Contents: text.Contents}
	body.Head.Current = page.Title
	if current == tabOverview {
		for _, other := range product.Pages {
			body.Pages = append(body.Pages, tab{link{other.Title, escapedPath("apis", product.ID, "pages", other.Name)}, other.Name == page.Name})
		}
	}
	s.render(w, r, http.StatusOK, view{page: "reading", Title: page.Title + " · " + product.Name, Section: "apis", Body: body, About: product.Description})
	return nil
}

func (s *Web) productFile(w http.ResponseWriter, r *http.Request, shelf *library.Shelf, product catalog.Product) error {
	name, err := url.PathUnescape(chi.URLParam(r, "*"))
	if err != nil {
		return errNothing
	}
	file, err := shelf.PageFile(r.Context(), product.ID, name)
	if err != nil {
		return err
	}
	serveFile(w, r, file)
	return nil
}
