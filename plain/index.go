package plain

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/openapi/text"
)

// index is llms.txt (https://llmstxt.org), with a link to the Markdown of each page.
func (d *Documents) index(r *http.Request) (document, error) {
	shelf, err := d.shelf(r)
	if err != nil {
		return document{}, err
	}
	return d.remembered(r.Context(), shelf, "llms.txt", textType, "", func(context.Context) ([]byte, error) {
		var b strings.Builder
		d.top(&b)
		fmt.Fprintf(&b, "Every page of documentation is also there as Markdown: add .md to its address. "+
			"%s has all of it in one file. An MCP server answers at %s/mcp, and a JSON API is described at %s/api/v1/openapi.json.\n",
			d.link("llms-full.txt", "/llms-full.txt"), d.BaseURL, d.BaseURL)
		if len(shelf.Pages) > 0 {
			b.WriteString("\n## Guides\n\n")
			for _, page := range shelf.Pages {
				b.WriteString(d.item(page.Title, path("pages", page.Name)+markdownSuffix, ""))
			}
		}
		if len(shelf.Products) > 0 {
			b.WriteString("\n## API products\n\n")
		}
		for _, product := range shelf.Products {
			b.WriteString(d.item(nameOf(product), path("apis", product.ID)+markdownSuffix, product.Description))
			for _, api := range product.Documented() {
				b.WriteString("  " + d.item(api.Name+" reference", path("apis", product.ID, "docs", api.Slug)+markdownSuffix, api.Description))
			}
			for _, page := range product.Pages {
				b.WriteString("  " + d.item(page.Title, path("apis", product.ID, "pages", page.Name)+markdownSuffix, ""))
			}
		}
		return []byte(b.String()), nil
	})
}

func (d *Documents) top(b *strings.Builder) {
	fmt.Fprintf(b, "# %s\n\n", inline(d.Name()))
	if tagline := d.Tagline(); tagline != "" {
		fmt.Fprintf(b, "> %s\n\n", inline(tagline))
	}
}

func nameOf(product catalog.Product) string {
	if product.Status == catalog.StatusDeprecated {
		return product.FullName() + " (deprecated)"
	}
	return product.FullName()
}

// full is llms-full.txt: all documents in one. It names a document that cannot be read, and
// the last ones if all are too long.
func (d *Documents) full(r *http.Request) (document, error) {
	shelf, err := d.shelf(r)
	if err != nil {
		return document{}, err
	}
	return d.remembered(r.Context(), shelf, "llms-full.txt", textType, "", func(ctx context.Context) ([]byte, error) {
		var b strings.Builder
		d.top(&b)
		collected := collection{text: &b, documents: d}
		for _, page := range shelf.Pages {
			collected.add(page.Title, path("pages", page.Name), func() (string, error) { return d.pageText(shelf)(shelf.Page(ctx, "", page.Name)) })
		}
		for _, product := range shelf.Products {
			d.collectProduct(ctx, &collected, shelf, product)
		}
		collected.nameTheRest()
		return []byte(b.String()), ctx.Err()
	})
}

func (d *Documents) pageText(shelf *library.Shelf) func(library.Page, error) (string, error) {
	return func(page library.Page, err error) (string, error) {
		if err != nil {
			return "", err
		}
		return d.Page(shelf, page), nil
	}
}

func (d *Documents) collectProduct(ctx context.Context, all *collection, shelf *library.Shelf, product catalog.Product) {
	name := nameOf(product)
	all.add(name, path("apis", product.ID), func() (string, error) { return d.Product(ctx, shelf, product) })
	for _, page := range product.Pages {
		all.add(name+": "+page.Title, path("apis", product.ID, "pages", page.Name), func() (string, error) {
			return d.pageText(shelf)(shelf.Page(ctx, product.ID, page.Name))
		})
	}
	for _, api := range product.Documented() {
		all.add(name+": "+api.Name, path("apis", product.ID, "docs", api.Slug), func() (string, error) {
			definition, err := shelf.Definition(ctx, product.ID, api.Slug)
			if err != nil {
				return "", err
			}
			return text.Document(definition, api.Endpoint, maxDocument), nil
		})
	}
	if product.Changelog != "" {
		all.add(name+": Changelog", path("apis", product.ID, "changelog"), func() (string, error) { return d.pageText(shelf)(shelf.Changelog(ctx, product.ID)) })
	}
}

type collection struct {
	text      *strings.Builder
	documents *Documents
	rest      []string
	long      int
}

// maxLong is how many documents that do not fit may be made. Later ones are only named.
const maxLong = 5

// add adds a page's document, if it fits.
func (c *collection) add(title, page string, make func() (string, error)) {
	if c.long >= maxLong {
		c.rest = append(c.rest, c.documents.item(title, page+markdownSuffix, ""))
		return
	}
	body, err := make()
	if err != nil {
		body = "# " + inline(title) + "\n\nThe portal cannot read this document at the moment.\n"
	}
	if c.text.Len()+len(body) > maxDocument {
		c.long++
		c.rest = append(c.rest, c.documents.item(title, page+markdownSuffix, ""))
		return
	}
	fmt.Fprintf(c.text, "\n<!-- %s%s%s -->\n\n%s\n", c.documents.BaseURL, strings.ReplaceAll(page, "--", "%2D%2D"), markdownSuffix, strings.TrimSpace(body))
}

func (c *collection) nameTheRest() {
	if len(c.rest) == 0 {
		return
	}
	c.text.WriteString("\n# Further documents\n\nThis file is full. These are elsewhere:\n\n")
	for _, line := range c.rest {
		if c.text.Len() > maxDocument {
			c.text.WriteString("- and more, which " + c.documents.link("llms.txt", "/llms.txt") + " lists\n")
			return
		}
		c.text.WriteString(line)
	}
}
