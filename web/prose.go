package web

import (
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/markdown"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// place is where Markdown is shown.
type place struct {
	// level is that of its highest headings.
	level int
	// link returns the address of a relative link, false if it leads nowhere. Nil means that all
	// relative links lead nowhere.
	link func(target string) (string, bool)
	// name tells apart places where links lead to different addresses.
	name string
}

// inProduct is a file of a product's folder.
func inProduct(shelf *library.Shelf, product catalog.Product, file string, level int) place {
	return place{level: level, name: shelf.Hash + " " + product.ID + "/" + file, link: func(target string) (string, bool) {
		return shelf.Address(product.ID+"/"+file, target)
	}}
}

// texts remembers rendered Markdown, which depends on nothing but its source and place.
type texts struct {
	mu   sync.Mutex
	size int
	kept map[string]markdown.Page
}

// maxTexts bounds the bytes of remembered sources. Beyond it, all are forgotten.
const maxTexts = 16 << 20

func newTexts() *texts { return &texts{kept: map[string]markdown.Page{}} }

func (t *texts) find(key string) (markdown.Page, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	page, ok := t.kept[key]
	return page, ok
}

func (t *texts) keep(key string, page markdown.Page) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.size += 2 * len(key); t.size > maxTexts {
		t.size, t.kept = 0, map[string]markdown.Page{}
	}
	t.kept[key] = page
}

// rendered turns Markdown into harmless HTML.
func (s *Web) rendered(source string, at place) (markdown.Page, error) {
	if strings.TrimSpace(source) == "" {
		return markdown.Page{}, nil
	}
	key := strconv.Itoa(at.level) + " " + at.name + "\n" + source
	if page, ok := s.texts.find(key); ok {
		return page, nil
	}
	page, err := markdown.Render(source, markdown.Options{Level: at.level, Link: at.link})
	if err != nil {
		return markdown.Page{}, err
	}
	s.texts.keep(key, page)
	return page, nil
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
	text, err := s.rendered(page.Markdown, inProduct(shelf, product, file, 2))
	if err != nil {
		return err
	}
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

// productFile serves an image that a product's Markdown shows.
func (s *Web) productFile(w http.ResponseWriter, r *http.Request, shelf *library.Shelf, product catalog.Product) error {
	return portal.Fail(portal.NotFound, "There is no such file.")
}
