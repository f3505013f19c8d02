package web

import (
	"context"
	"html/template"
	"net/http"
	"strings"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/markdown"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// pagePlace is where Markdown is shown: its relative links start at the product, and its first
// headings have the level.
type pagePlace struct {
	product string
	level   int
}

// markdown renders a page that the catalog names by hash; an empty hash is an empty page.
func (s *Web) markdown(ctx context.Context, shelf *library.Shelf, hash string, place pagePlace) (markdown.Page, error) {
	if hash == "" {
		return markdown.Page{}, nil
	}
	source, err := shelf.Blob(ctx, hash)
	if err != nil {
		return markdown.Page{}, err
	}
	return markdown.Render(string(source), place.options())
}

func (s *Web) rendered(source string, place pagePlace) (template.HTML, error) {
	if strings.TrimSpace(source) == "" {
		return "", nil
	}
	page, err := markdown.Render(source, place.options())
	return page.HTML, err
}

// readingPage is a page of text: a guide or a changelog.
type readingPage struct {
	Head     productHead
	Title    string
	HTML     template.HTML
	Contents []markdown.Heading
	Pages    []tab
}

func (s *Web) changelog(w http.ResponseWriter, r *http.Request, shelf *library.Shelf, product catalog.Product) error {
	if product.Changelog == "" {
		return portal.Fail(portal.NotFound, "This product has no changelog.")
	}
	return s.reading(w, r, shelf, product, catalog.Page{Title: tabChangelog, Hash: product.Changelog}, tabChangelog)
}

func (s *Web) guide(w http.ResponseWriter, r *http.Request, shelf *library.Shelf, product catalog.Product) error {
	name, err := param(r, "page")
	if err != nil {
		return err
	}
	for _, page := range product.Pages {
		if page.Name == name {
			return s.reading(w, r, shelf, product, page, tabOverview)
		}
	}
	return portal.Fail(portal.NotFound, "There is no such page.")
}

func (s *Web) reading(w http.ResponseWriter, r *http.Request, shelf *library.Shelf, product catalog.Product, page catalog.Page, current string) error {
	rendered, err := s.markdown(r.Context(), shelf, page.Hash, pagePlace{product: product.ID, level: 2})
	if err != nil {
		return err
	}
	body := readingPage{Head: s.head(r, shelf, product, current), Title: page.Title, HTML: rendered.HTML, Contents: rendered.Contents}
	body.Head.Current = page.Title
	if current == tabOverview {
		for _, other := range product.Pages {
			body.Pages = append(body.Pages, tab{link{other.Title, escapedPath("apis", product.ID, "pages", other.Name)}, other.Name == page.Name})
		}
	}
	s.render(w, r, http.StatusOK, view{page: "reading", Title: page.Title + " · " + product.Name, Section: "apis", Body: body, About: product.Description})
	return nil
}
