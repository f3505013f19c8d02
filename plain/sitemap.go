package plain

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/openapi"
)

// maxURLs is how many URLs one sitemap may list (https://www.sitemaps.org/protocol.html).
const maxURLs = 50_000

// maxSitemaps bounds the sitemaps and their memory.
const maxSitemaps = 20

// sitemap lists the pages that everybody sees, or, if they are too many for one file, its parts.
func (d *Documents) sitemap(r *http.Request) (document, error) {
	shelf, err := d.Library.For(r.Context(), catalog.Viewer{})
	if err != nil {
		return document{}, err
	}
	return d.remembered(r.Context(), shelf, "sitemap", xmlType, "", func(ctx context.Context) ([]byte, error) {
		pages, err := d.remembersAddresses(ctx, shelf)
		if err != nil {
			return nil, err
		}
		if len(pages) <= maxURLs {
			return d.urls(pages), nil
		}
		var parts []string
		for number := range min((len(pages)+maxURLs-1)/maxURLs, maxSitemaps) {
			parts = append(parts, fmt.Sprintf("/sitemaps/%d.xml", number+1))
		}
		return d.list("sitemapindex", "sitemap", parts), nil
	})
}

func (d *Documents) sitemapPart(r *http.Request) (document, error) {
	number, err := strconv.Atoi(chi.URLParam(r, "number"))
	if err != nil || number < 1 || number > maxSitemaps {
		return document{}, errNothing
	}
	shelf, err := d.Library.For(r.Context(), catalog.Viewer{})
	if err != nil {
		return document{}, err
	}
	return d.remembered(r.Context(), shelf, "sitemap "+strconv.Itoa(number), xmlType, "", func(ctx context.Context) ([]byte, error) {
		pages, err := d.remembersAddresses(ctx, shelf)
		if err != nil {
			return nil, err
		}
		from := (number - 1) * maxURLs
		if from >= len(pages) {
			return nil, errNothing
		}
		return d.urls(pages[from:min(from+maxURLs, len(pages))]), nil
	})
}

// remembersAddresses lists the paths once for each shelf, since that reads all OpenAPI documents.
func (d *Documents) remembersAddresses(ctx context.Context, shelf *library.Shelf) ([]string, error) {
	return library.Keep(ctx, shelf, "addresses "+shelf.Hash, func(ctx context.Context) ([]string, int, error) {
		pages, err := d.addresses(ctx, shelf)
		size := 0
		for _, page := range pages {
			size += len(page) + 16
		}
		return pages, size, err
	})
}

// addresses lists the paths of the shelf's pages, without the operations of unreadable
// documents.
func (d *Documents) addresses(ctx context.Context, shelf *library.Shelf) ([]string, error) {
	pages := []string{"/", "/apis"}
	for _, page := range shelf.Pages {
		pages = append(pages, path("pages", page.Name))
	}
	for _, product := range shelf.Products {
		pages = append(pages, path("apis", product.ID))
		if len(product.Plans) > 0 {
			pages = append(pages, path("apis", product.ID, "plans"))
		}
		if product.Changelog != "" {
			pages = append(pages, path("apis", product.ID, "changelog"))
		}
		for _, page := range product.Pages {
			pages = append(pages, path("apis", product.ID, "pages", page.Name))
		}
		for _, api := range product.Documented() {
			pages = append(pages, path("apis", product.ID, "docs", api.Slug))
			definition, err := shelf.Definition(ctx, product.ID, api.Slug)
			if err != nil {
				continue
			}
			pages = append(pages, described(path("apis", product.ID, "docs", api.Slug), definition)...)
		}
	}
	return pages, ctx.Err()
}

func described(docs string, definition *openapi.Document) []string {
	var pages []string
	tags := tagsOf(definition)
	for _, tag := range tags {
		pages = append(pages, docs+path("tags", tag.Slug))
	}
	seen := map[string]bool{} // an operation with several tags is one page
	for _, tag := range tags {
		for _, operation := range tag.Operations {
			if !seen[operation.ID] {
				seen[operation.ID] = true
				pages = append(pages, docs+path("operations", operation.ID))
			}
		}
	}
	for _, name := range definition.SchemaNames() {
		pages = append(pages, docs+path("schemas", name))
	}
	return pages
}

func (d *Documents) urls(pages []string) []byte { return d.list("urlset", "url", pages) }

func (d *Documents) list(root, element string, pages []string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s<%s xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n", xml.Header, root)
	for _, page := range pages {
		fmt.Fprintf(&b, "<%s><loc>", element)
		_ = xml.EscapeText(&b, []byte(d.BaseURL+page))
		fmt.Fprintf(&b, "</loc></%s>\n", element)
	}
	fmt.Fprintf(&b, "</%s>\n", root)
	return b.Bytes()
}
