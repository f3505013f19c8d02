package library

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	// maxText bounds the text of an entry, in bytes.
	maxText       = 16 << 10
	maxProperties = 300
	// maxDepth bounds the depth of inline schemas that are searched for named
	// ones.
	maxDepth = 12
)

type entry struct {
	kind          string
	product, slug string
	title, url    string
	method, path  string
	// A word of title or names counts most, one of text least.
	names, summary, text string
	// parameters are an operation's names; they count like text.
	parameters string
}

type source struct {
	// name changes with everything that the entries are made from.
	name     string
	audience string
	make     func(context.Context) ([]entry, error)
}

const everybody = "pages"

// audience names who sees the product. It only saves searches work; the shelf decides.
func audience(product catalog.Product) string {
	groups := slices.Sorted(slices.Values(product.Groups))
	return strings.Join(append([]string{product.Visibility}, groups...), "\x00")
}

// sources lists what to index: products first, then OpenAPI documents, which take longer.
func (l *Library) sources(document catalog.Document) (products, definitions []source) {
	products = append(products, l.ownPages(document.Pages))
	for _, product := range document.Products {
		products = append(products, l.productSource(product))
		for _, api := range product.APIs {
			if api.Definition != "" {
				definitions = append(definitions, l.definitionSource(product, api, document.TakesKeys(api)))
			}
		}
	}
	return products, definitions
}

func (l *Library) ownPages(pages []catalog.Page) source {
	return source{name: nameOf(everybody, pages), audience: everybody, make: func(ctx context.Context) ([]entry, error) {
		return l.pageEntries(ctx, "", pages)
	}}
}

func (l *Library) productSource(product catalog.Product) source {
	return source{name: nameOf("product", product), audience: audience(product), make: func(ctx context.Context) ([]entry, error) {
		one := entry{kind: KindProduct, product: product.ID, title: product.Name, names: product.ID, url: ProductPath(product.ID)}
		summary := append([]string{product.Description, product.Category}, product.Tags...)
		var text []string
		for _, api := range product.APIs {
			one.names += "\n" + api.Name
			summary = append(summary, api.Description)
		}
		for _, plan := range product.Plans {
			text = append(text, plan.Name, plan.Description)
		}
		if product.Owner != nil {
			text = append(text, product.Owner.Name)
		}
		var failed error
		if product.Overview != "" {
			overview, err := l.text(ctx, product.Overview)
			failed, text = err, append(text, readable(overview))
		}
		one.summary, one.text = cut(lines(summary...)), cut(lines(text...))
		pages, err := l.pageEntries(ctx, product.ID, product.Pages)
		if failed == nil {
			failed = err
		}
		return append([]entry{one}, pages...), failed
	}}
}

func (l *Library) pageEntries(ctx context.Context, product string, pages []catalog.Page) ([]entry, error) {
	var all []entry
	var failed error
	for _, page := range pages {
		text, err := l.text(ctx, page.Hash)
		if err != nil {
			failed = err
		}
		one := entry{kind: KindPage, product: product, title: page.Title, url: PagePath(page.Name), text: cut(readable(text))}
		if product != "" {
			one.url = ProductPagePath(product, page.Name)
		}
		all = append(all, one)
	}
	return all, failed
}

func (l *Library) definitionSource(product catalog.Product, api catalog.API, keyed bool) source {
	name := nameOf("definition", []string{product.ID, audience(product), api.Slug, api.Definition})
	return source{name: name, audience: audience(product), make: func(ctx context.Context) ([]entry, error) {
		document, err := l.definition(ctx, api.Definition, keyed)
		if err != nil {
			return nil, fmt.Errorf("the OpenAPI document of %s of %s: %w", api.Slug, product.ID, err)
		}
		return definitionEntries(product.ID, api.Slug, document), nil
	}}
}

func definitionEntries(product, slug string, document *openapi.Document) []entry {
	var all []entry
	operations, schemas := map[string]bool{}, map[string]bool{}
	for _, tag := range document.Tags {
		for _, op := range tag.Operations {
			if operations[op.ID] { // an operation can have several tags
				continue
			}
			operations[op.ID] = true
			all = append(all, operationEntry(op, product, slug))
			eachSchema(op, schemas, func(s *openapi.Schema) {
				all = append(all, entry{
					kind: KindSchema, product: product, slug: slug, title: s.Name, url: SchemaPath(product, slug, s.Name), names: s.Title,
					summary: cut(lines(propertyNames(s)...)), text: cut(readable(s.Description)),
				})
			})
		}
	}
	return all
}

func operationEntry(op *openapi.Operation, product, slug string) entry {
	title := op.Summary
	if title == "" {
		title = op.Method + " " + op.Path
	}
	var parameters []string
	for _, parameter := range op.Parameters {
		parameters = append(parameters, parameter.Name)
	}
	return entry{
		kind: KindOperation, product: product, slug: slug, title: title, url: OperationPath(product, slug, op.ID), method: op.Method, path: op.Path,
		names: lines(op.OperationID, op.Path, op.Method), summary: lines(op.Tags...),
		text: cut(readable(op.Description)), parameters: cut(strings.Join(parameters, ", ")),
	}
}

func propertyNames(s *openapi.Schema) []string {
	var names []string
	for _, property := range s.Properties[:min(len(s.Properties), maxProperties)] {
		names = append(names, property.Name)
	}
	return names
}

func eachSchema(op *openapi.Operation, seen map[string]bool, visit func(*openapi.Schema)) {
	var walk func(*openapi.Schema, int)
	walk = func(s *openapi.Schema, depth int) {
		if s == nil || depth > maxDepth {
			return
		}
		if s.Name != "" {
			if seen[s.Name] {
				return
			}
			seen[s.Name], depth = true, 0
			visit(s)
		}
		for _, property := range s.Properties {
			walk(property.Schema, depth+1)
		}
		walk(s.Items, depth+1)
		walk(s.Additional, depth+1)
		for _, one := range slices.Concat(s.OneOf, s.AnyOf) {
			walk(one, depth+1)
		}
	}
	for _, parameter := range op.Parameters {
		walk(parameter.Schema, 0)
	}
	if op.Body != nil {
		for _, media := range op.Body.Content {
			walk(media.Schema, 0)
		}
	}
	for _, response := range op.Responses {
		for _, media := range response.Content {
			walk(media.Schema, 0)
		}
	}
}

func nameOf(kind string, of any) string {
	body, err := json.Marshal(of)
	if err != nil {
		panic(fmt.Errorf("naming a part of the catalog: %w", err)) // only plain data is named
	}
	return kind + " " + catalog.HashOf(body)
}

func lines(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(text string) bool { return text == "" }), "\n")
}

func cut(text string) string {
	if len(text) > maxText {
		return strings.ToValidUTF8(strings.Clone(text[:maxText]), "")
	}
	return text
}

// entries turns a panic over a hostile document into an error.
func (s source) entries(ctx context.Context) (made []entry, err error) {
	err = portal.Guard(func() (err error) {
		made, err = s.make(ctx)
		return err
	})()
	return made, err
}
