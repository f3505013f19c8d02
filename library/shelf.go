package library

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Shelf is the catalog as some viewers see it. It is immutable and safe for concurrent use. What
// the viewers do not see is NotFound, exactly like what does not exist.
type Shelf struct {
	// Document has only what the viewers see. Do not change it.
	catalog.Document
	// Hash changes with Document only. It is "" if no catalog has been published.
	Hash string
	// Public says that people who are not signed in see the same.
	Public bool

	library   *Library
	products  map[string]int
	audiences []string
}

func newShelf(e *edition, viewer catalog.Viewer) *Shelf {
	s := &Shelf{Document: e.document.For(viewer), library: e.library, products: map[string]int{}}
	audiences := map[string]bool{everybody: true}
	for i, product := range s.Products {
		s.products[product.ID] = i
		audiences[audience(product)] = true
	}
	s.audiences = slices.Sorted(maps.Keys(audiences))
	if e.hash != "" {
		hash, err := s.Document.Hash()
		if err != nil {
			hash = e.hash
			e.library.log.Error().Err(err).Msg("a shelf of the catalog has no hash of its own")
		}
		s.Hash = hash
	}
	return s
}

var (
	errNoProduct  = portal.Fail(portal.NotFound, "There is no such product.")
	errNoAPI      = portal.Fail(portal.NotFound, "The product has no such API.")
	errNoDocument = portal.Fail(portal.NotFound, "There is no OpenAPI document for this API.")
	errNoPage     = portal.Fail(portal.NotFound, "There is no such page.")
	errNoSDK      = portal.Fail(portal.NotFound, "There is no such SDK for this API.")
	errNoImage    = portal.Fail(portal.NotFound, "The product has no image.")
)

// Product finds a product by its id or an earlier id. In the second case the returned product
// has another id.
func (s *Shelf) Product(id string) (catalog.Product, error) {
	if i, ok := s.products[id]; ok {
		return s.Products[i], nil
	}
	if product, ok := s.Document.Product(id); ok {
		return product, nil
	}
	return catalog.Product{}, errNoProduct
}

// API finds an API of a product by its slug.
func (s *Shelf) API(product, slug string) (catalog.API, catalog.Product, error) {
	found, err := s.Product(product)
	if err != nil {
		return catalog.API{}, catalog.Product{}, err
	}
	for _, api := range found.APIs {
		if api.Slug == slug {
			return api, found, nil
		}
	}
	return catalog.API{}, catalog.Product{}, errNoAPI
}

// Definition returns an API's OpenAPI document. The process parses each document once while it is
// in use, and remembers failures for a while.
//
// If a plan covers the API (catalog.Document.TakesKeys), and the document says nothing about
// authentication, each operation needs an API key here. Source returns the document as written.
func (s *Shelf) Definition(ctx context.Context, product, slug string) (*openapi.Document, error) {
	api, _, err := s.API(product, slug)
	if err != nil {
		return nil, err
	}
	if api.Definition == "" {
		return nil, errNoDocument
	}
	return s.library.definition(ctx, api.Definition, s.TakesKeys(api))
}

func (l *Library) definition(ctx context.Context, hash string, keyed bool) (*openapi.Document, error) {
	return remember(ctx, l.memory, fmt.Sprintf("definition %s %t", hash, keyed), func(ctx context.Context) (*openapi.Document, int, error) {
		var document *openapi.Document
		size := 0
		err := l.parsing.do(ctx, func() ([]byte, error) { return l.blob(ctx, hash) }, func(body []byte) (err error) {
			document, err = l.load(body)
			size = openapi.KeptMemory * len(body)
			return err
		})
		if err != nil {
			return nil, 0, fmt.Errorf("reading OpenAPI document %s: %w", hash, err)
		}
		if keyed {
			document = document.WithKey()
		}
		return document, size, nil
	})
}

// Source returns an API's OpenAPI document as stored, as JSON. It is neither parsed nor kept in
// memory.
func (s *Shelf) Source(ctx context.Context, product, slug string) ([]byte, error) {
	api, _, err := s.API(product, slug)
	if err != nil {
		return nil, err
	}
	if api.Definition == "" {
		return nil, errNoDocument
	}
	return s.library.blob(ctx, api.Definition)
}

// Page is unsanitized Markdown.
type Page struct {
	Name     string
	Title    string
	Markdown string
	Hash     string
	// File is its path in the catalog folder, for catalog.Document.Address.
	File string
}

// Page returns a product's page or, with product "", one of the portal's own.
func (s *Shelf) Page(ctx context.Context, product, name string) (Page, error) {
	pages, folder := s.Pages, catalog.PagesFolder
	if product != "" {
		found, err := s.Product(product)
		if err != nil {
			return Page{}, err
		}
		pages, folder = found.Pages, found.ID+"/"+catalog.PagesFolder
	}
	for _, page := range pages {
		if page.Name == name {
			return s.page(ctx, page, folder)
		}
	}
	return Page{}, errNoPage
}

// Overview returns a product's overview.
func (s *Shelf) Overview(ctx context.Context, product string) (Page, error) {
	found, err := s.Product(product)
	if err != nil {
		return Page{}, err
	}
	return s.page(ctx, catalog.Page{Name: "overview", Title: found.Name, Hash: found.Overview}, found.ID)
}

// Changelog returns a product's changelog.
func (s *Shelf) Changelog(ctx context.Context, product string) (Page, error) {
	found, err := s.Product(product)
	if err != nil {
		return Page{}, err
	}
	return s.page(ctx, catalog.Page{Name: "changelog", Title: found.Name, Hash: found.Changelog}, found.ID)
}

func (s *Shelf) page(ctx context.Context, page catalog.Page, folder string) (Page, error) {
	if page.Hash == "" {
		return Page{}, errNoPage
	}
	text, err := s.library.text(ctx, page.Hash)
	return Page{Name: page.Name, Title: page.Title, Markdown: text, Hash: page.Hash, File: folder + "/" + page.Name + ".md"}, err
}

func (l *Library) text(ctx context.Context, hash string) (string, error) {
	return remember(ctx, l.memory, "text "+hash, func(ctx context.Context) (string, int, error) {
		body, err := l.blob(ctx, hash)
		return string(body), len(body), err
	})
}

// File is an image or an SDK's archive.
type File struct {
	Body       []byte // do not change it
	Type, Name string
	Hash       string
}

// Image returns a product's image.
func (s *Shelf) Image(ctx context.Context, product string) (File, error) {
	found, err := s.Product(product)
	if err != nil {
		return File{}, err
	}
	if found.Image == nil {
		return File{}, errNoImage
	}
	body, err := s.file(ctx, found.Image.Hash)
	return File{Body: body, Type: found.Image.Type, Hash: found.Image.Hash}, err
}

// SDK returns an archive of one of the types of catalog.SDK.
func (s *Shelf) SDK(ctx context.Context, product, slug, kind string) (File, error) {
	api, _, err := s.API(product, slug)
	if err != nil {
		return File{}, err
	}
	for _, sdk := range api.SDKs {
		if sdk.Type == kind {
			body, err := s.file(ctx, sdk.Hash)
			return File{Body: body, Type: "application/zip", Name: sdk.File, Hash: sdk.Hash}, err
		}
	}
	return File{}, errNoSDK
}

func (s *Shelf) file(ctx context.Context, hash string) ([]byte, error) {
	return remember(ctx, s.library.memory, "file "+hash, func(ctx context.Context) ([]byte, int, error) {
		body, err := s.library.blob(ctx, hash)
		return body, len(body), err
	})
}

// blob reads a blob. A missing one is a fault of the portal's data and not NotFound, since the
// catalog names it.
func (l *Library) blob(ctx context.Context, hash string) ([]byte, error) {
	body, err := l.blobs.LoadBlob(ctx, hash)
	if err != nil {
		return nil, &portal.Error{Code: portal.Unavailable, Message: "The portal cannot read its data right now. Try again in a moment.", Err: err}
	}
	return body, nil
}
