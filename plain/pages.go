package plain

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/openapi/text"
	"github.com/gatehouse-portal/gatehouse/portal"
)

var errNothing = portal.Fail(portal.NotFound, "There is no such page.")

const markdownSuffix = ".md"

// param returns an unescaped segment of the path, without ".md".
func param(r *http.Request, name string) (string, error) {
	value, err := url.PathUnescape(chi.URLParam(r, name))
	if err != nil || strings.Contains(value, "\x00") {
		return "", errNothing
	}
	return strings.TrimSuffix(value, markdownSuffix), nil
}

func (d *Documents) portalPage(r *http.Request) (document, error) {
	name, err := param(r, "page")
	if err != nil {
		return document{}, err
	}
	shelf, err := d.shelf(r)
	if err != nil {
		return document{}, err
	}
	page, err := shelf.Page(r.Context(), "", name)
	if err != nil {
		return document{}, err
	}
	return newDocument(markdownType, path("pages", name), []byte(d.Page(shelf, page))), nil
}

// onProduct finds the product in the path. Its old address leads to the same document at the
// present one.
func (d *Documents) onProduct(r *http.Request, make func(*library.Shelf, catalog.Product) (document, error)) (document, error) {
	id, err := param(r, "product")
	if err != nil {
		return document{}, err
	}
	shelf, err := d.shelf(r)
	if err != nil {
		return document{}, err
	}
	product, err := shelf.Product(id)
	if err != nil {
		return document{}, err
	}
	if product.ID == id {
		return make(shelf, product)
	}
	rest, whole := strings.CutPrefix(r.URL.EscapedPath(), path("apis", id))
	if !whole {
		return document{}, errNothing
	}
	return document{moved: path("apis", product.ID) + rest}, nil
}

func (d *Documents) productPage(r *http.Request) (document, error) {
	return d.onProduct(r, func(shelf *library.Shelf, product catalog.Product) (document, error) {
		body, err := d.Product(r.Context(), shelf, product)
		return newDocument(markdownType, path("apis", product.ID), []byte(body)), err
	})
}

func (d *Documents) productPart(r *http.Request) (document, error) {
	return d.onProduct(r, func(shelf *library.Shelf, product catalog.Product) (document, error) {
		part, err := param(r, "part")
		if err != nil {
			return document{}, err
		}
		page := path("apis", product.ID, part)
		if part == "plans" {
			if len(product.Plans) == 0 {
				return document{}, errNoPlans
			}
			var b strings.Builder
			b.WriteString("# Plans of " + inline(product.Name) + "\n")
			plans(&b, product)
			return newDocument(markdownType, page, []byte(b.String())), nil
		}
		changelog, err := shelf.Changelog(r.Context(), product.ID)
		if err != nil {
			return document{}, err
		}
		changelog.Title = "Changelog of " + product.Name
		return newDocument(markdownType, page, []byte(d.Page(shelf, changelog))), nil
	})
}

func (d *Documents) guide(r *http.Request) (document, error) {
	return d.onProduct(r, func(shelf *library.Shelf, product catalog.Product) (document, error) {
		name, err := param(r, "page")
		if err != nil {
			return document{}, err
		}
		page, err := shelf.Page(r.Context(), product.ID, name)
		if err != nil {
			return document{}, err
		}
		return newDocument(markdownType, path("apis", product.ID, "pages", name), []byte(d.Page(shelf, page))), nil
	})
}

func (d *Documents) reference(r *http.Request) (document, error) {
	return d.onProduct(r, func(shelf *library.Shelf, product catalog.Product) (document, error) {
		slug, err := param(r, "api")
		if err != nil {
			return document{}, err
		}
		api, _, err := shelf.API(product.ID, slug)
		if err != nil {
			return document{}, err
		}
		page := path("apis", product.ID, "docs", slug)
		return d.remembered(r.Context(), shelf, page, markdownType, page, func(ctx context.Context) ([]byte, error) {
			definition, err := shelf.Definition(ctx, product.ID, slug)
			if err != nil {
				return nil, err
			}
			return bounded(text.Document(definition, api.Endpoint, maxDocument), d.parts(page, definition)), nil
		})
	})
}

func (d *Documents) operation(r *http.Request) (document, error) {
	return d.onProduct(r, func(shelf *library.Shelf, product catalog.Product) (document, error) {
		slug, err := param(r, "api")
		if err != nil {
			return document{}, err
		}
		id, err := param(r, "operation")
		if err != nil {
			return document{}, err
		}
		body, err := d.Operation(r.Context(), shelf, product.ID, slug, id)
		return newDocument(markdownType, path("apis", product.ID, "docs", slug, "operations", id), []byte(body)), err
	})
}

// Operation writes an operation or webhook as Markdown.
func (d *Documents) Operation(ctx context.Context, shelf *library.Shelf, product, slug, id string) (string, error) {
	api, _, err := shelf.API(product, slug)
	if err != nil {
		return "", err
	}
	definition, err := shelf.Definition(ctx, product, slug)
	if err != nil {
		return "", err
	}
	operation, ok := definition.Operation(id)
	if !ok {
		operation, ok = definition.Webhook(id)
	}
	if !ok {
		return "", portal.Fail(portal.NotFound, "The API has no such operation.")
	}
	return text.Operation(definition, operation, api.Endpoint), nil
}

func (d *Documents) tag(r *http.Request) (document, error) {
	return d.onProduct(r, func(shelf *library.Shelf, product catalog.Product) (document, error) {
		slug, err := param(r, "api")
		if err != nil {
			return document{}, err
		}
		tag, err := param(r, "tag")
		if err != nil {
			return document{}, err
		}
		api, _, err := shelf.API(product.ID, slug)
		if err != nil {
			return document{}, err
		}
		definition, err := shelf.Definition(r.Context(), product.ID, slug)
		if err != nil {
			return document{}, err
		}
		found, ok := definition.Tag(tag)
		if !ok { // nothing is remembered of tags that callers make up
			return document{}, portal.Fail(portal.NotFound, "There is no such part of the documentation.")
		}
		page := path("apis", product.ID, "docs", slug, "tags", tag)
		return d.remembered(r.Context(), shelf, page, markdownType, page, func(context.Context) ([]byte, error) {
			return bounded(text.Tag(definition, found, api.Endpoint, maxDocument), ""), nil
		})
	})
}

func (d *Documents) schema(r *http.Request) (document, error) {
	return d.onProduct(r, func(shelf *library.Shelf, product catalog.Product) (document, error) {
		slug, err := param(r, "api")
		if err != nil {
			return document{}, err
		}
		name, err := param(r, "schema")
		if err != nil {
			return document{}, err
		}
		definition, err := shelf.Definition(r.Context(), product.ID, slug)
		if err != nil {
			return document{}, err
		}
		body, ok := text.Schema(definition, name)
		if !ok { // a schema can be called Read.md
			name += markdownSuffix
			body, ok = text.Schema(definition, name)
		}
		if !ok {
			return document{}, portal.Fail(portal.NotFound, "The API has no such schema.")
		}
		return newDocument(markdownType, path("apis", product.ID, "docs", slug, "schemas", name), []byte(body)), nil
	})
}

// maxDocument bounds a document, in bytes.
const maxDocument = 4 << 20

// bounded cuts a long text at the end of a line, and says where the rest is: in the parts, a list, or
// in the operations if that is "".
func bounded(text, parts string) []byte {
	if len(text) <= maxDocument {
		return []byte(text)
	}
	cut := text[:maxDocument]
	cut = cut[:strings.LastIndexByte(cut, '\n')+1]
	if parts == "" {
		return []byte(cut + "\nThis document is cut here, since it is too long. Read the operations one by one.\n")
	}
	return []byte(cut + "\nThis document is cut here, since it is too long. Read its parts:\n\n" + parts)
}

const maxParts = 1000

// parts lists the documents of tags and webhooks below an API's first page.
func (d *Documents) parts(docs string, definition *openapi.Document) string {
	var b strings.Builder
	tags := tagsOf(definition)
	for _, tag := range tags[:min(len(tags), maxParts)] {
		b.WriteString(d.item(cmp.Or(tag.Name, "Other operations"), docs+path("tags", tag.Slug)+markdownSuffix, ""))
	}
	return b.String()
}

func tagsOf(definition *openapi.Document) []openapi.Tag {
	if hooks, ok := definition.Tag(openapi.WebhooksSlug); ok {
		return append(slices.Clip(definition.Tags), hooks)
	}
	return definition.Tags
}
