package mcp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/markdown"
	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/openapi/text"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	// perPage bounds the items of a list, found the results of a search.
	perPage = 50
	found   = 20
	// maxName and maxQuery bound what callers send, in characters.
	maxName  = 200
	maxQuery = 200
	maxText  = 100 << 10
	// perProduct bounds a product's APIs, plans and pages in a list of products.
	perProduct = 10
)

func (s *Server) addTools(server *sdk.Server, c call) {
	add(server, c, "list_products", "List API products", "Lists the API products of this portal, with their APIs and plans. Optionally only those with a tag.", s.listProducts)
	add(server, c, "search", "Search", "Finds products, pages, operations and schemas by words, such as \"tide\" or \"/harbours/{id}\".", s.search)
	add(server, c, "get_product", "Read a product", "Reads a product as Markdown: overview, APIs, plans with their limits, pages.", s.product)
	add(server, c, "list_operations", "List operations", "Lists the operations of an API, with method, path and summary.", s.operations)
	add(server, c, "get_operation", "Read an operation", "Reads an operation as Markdown: parameters, body, responses, authentication, and an example request.", s.operation)
	add(server, c, "get_schema", "Read a schema", "Reads a named schema of an API as Markdown.", s.schema)
	add(server, c, "get_page", "Read a page", "Reads a guide of the portal, or a page or the changelog of a product, as Markdown.", s.page)
}

type listProducts struct {
	Tag    string `json:"tag,omitempty" jsonschema:"only products with this tag"`
	Offset int    `json:"offset,omitempty" jsonschema:"how many products to skip; see next_offset"`
}

type products struct {
	Products []product `json:"products"`
	Total    int       `json:"total"`
	// NextOffset leads to the next part of the list, 0 at its end.
	NextOffset int `json:"next_offset,omitempty" jsonschema:"the offset of the next part of the list; missing at the end"`
}

type product struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Version     string   `json:"version,omitempty"`
	Status      string   `json:"status,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	APIs        []api    `json:"apis"`
	Plans       []string `json:"plans"`
	Pages       []string `json:"pages,omitempty"`
	More        bool     `json:"more,omitempty" jsonschema:"the product has more APIs, plans or pages than are listed here; get_product has them all"`
	URL         string   `json:"url"`
}

type api struct {
	ID         string `json:"id" jsonschema:"names the API in other tools"`
	Name       string `json:"name"`
	Version    string `json:"version,omitempty"`
	BaseURL    string `json:"base_url,omitempty"`
	Documented bool   `json:"documented" jsonschema:"whether its operations can be listed"`
}

func (s *Server) listProducts(_ context.Context, shelf *library.Shelf, in listProducts) (*sdk.CallToolResult, products, error) {
	if err := short("tag", in.Tag, maxName); err != nil {
		return nil, products{}, err
	}
	var matching []catalog.Product
	for _, p := range shelf.Products {
		if in.Tag == "" || containsFold(p.Tags, in.Tag) {
			matching = append(matching, p)
		}
	}
	part, next, err := paged(matching, in.Offset)
	list := products{Products: []product{}, Total: len(matching), NextOffset: next}
	for _, p := range part {
		list.Products = append(list.Products, s.describe(p))
	}
	return nil, list, err
}

func (s *Server) describe(p catalog.Product) product {
	described := product{
		ID: p.ID, Name: p.Name, Description: p.Description, Version: p.Version, Status: p.Status, Tags: p.Tags,
		APIs: []api{}, Plans: []string{}, URL: s.BaseURL + "/apis/" + p.ID,
	}
	for _, a := range p.APIs[:min(len(p.APIs), perProduct)] {
		described.APIs = append(described.APIs, api{a.Slug, a.Name, a.Version, a.Endpoint, a.Definition != ""})
	}
	for _, plan := range p.Plans[:min(len(p.Plans), perProduct)] {
		described.Plans = append(described.Plans, plan.Name)
	}
	for _, page := range p.Pages[:min(len(p.Pages), perProduct)] {
		described.Pages = append(described.Pages, page.Name)
	}
	described.More = max(len(p.APIs), len(p.Plans), len(p.Pages)) > perProduct
	return described
}

type search struct {
	Query string `json:"query" jsonschema:"words, a path, or the name of an operation"`
}

type results struct {
	Results []result `json:"results"`
	More    bool     `json:"more,omitempty" jsonschema:"there are further results; use more words"`
}

type result struct {
	Kind      string `json:"kind" jsonschema:"product, page, operation or schema"`
	Title     string `json:"title"`
	Product   string `json:"product,omitempty"`
	API       string `json:"api,omitempty"`
	Operation string `json:"operation,omitempty"`
	Method    string `json:"method,omitempty"`
	Path      string `json:"path,omitempty"`
	Excerpt   string `json:"excerpt,omitempty"`
	URL       string `json:"url"`
}

func (s *Server) search(ctx context.Context, shelf *library.Shelf, in search) (*sdk.CallToolResult, results, error) {
	none := results{Results: []result{}}
	if strings.TrimSpace(in.Query) == "" {
		return nil, none, portal.Fail(portal.Invalid, "The query is empty. Send one or more words.")
	}
	if err := short("query", in.Query, maxQuery); err != nil {
		return nil, none, err
	}
	hits, err := shelf.Search(ctx, in.Query, found)
	if err != nil {
		return nil, none, err
	}
	list := results{Results: []result{}, More: hits.More}
	for _, hit := range hits.Items {
		var excerpt strings.Builder
		for _, piece := range hit.Excerpt {
			excerpt.WriteString(piece.Text)
		}
		one := result{
			Kind: hit.Kind, Title: hit.Title, Product: hit.ProductID, API: hit.Slug, Method: hit.Method, Path: hit.Path,
			Excerpt: excerpt.String(), URL: s.BaseURL + hit.URL,
		}
		if _, id, ok := strings.Cut(hit.URL, "/operations/"); ok && hit.Kind == library.KindOperation {
			one.Operation, _, _ = strings.Cut(id, "#")
		}
		list.Results = append(list.Results, one)
	}
	return nil, list, nil
}

type getProduct struct {
	Product string `json:"product" jsonschema:"the product's id"`
}

func (s *Server) product(ctx context.Context, shelf *library.Shelf, in getProduct) (*sdk.CallToolResult, any, error) {
	p, err := productOf(shelf, in.Product)
	if err != nil {
		return nil, nil, err
	}
	return written(s.Documents.Product(ctx, shelf, p))
}

type listOperations struct {
	Product string `json:"product" jsonschema:"the product's id"`
	API     string `json:"api,omitempty" jsonschema:"the API's id; not needed if the product has one API"`
	Tag     string `json:"tag,omitempty" jsonschema:"only operations with this tag"`
	Offset  int    `json:"offset,omitempty" jsonschema:"how many operations to skip; see next_offset"`
}

type operations struct {
	API        string      `json:"api"`
	Operations []operation `json:"operations"`
	Total      int         `json:"total"`
	NextOffset int         `json:"next_offset,omitempty" jsonschema:"the offset of the next part of the list; missing at the end"`
}

type operation struct {
	ID         string   `json:"id"`
	Method     string   `json:"method"`
	Path       string   `json:"path"`
	Summary    string   `json:"summary,omitempty"`
	Tags       []string `json:"tags,omitempty"`
	Deprecated bool     `json:"deprecated,omitempty"`
}

func (s *Server) operations(ctx context.Context, shelf *library.Shelf, in listOperations) (*sdk.CallToolResult, operations, error) {
	none := operations{Operations: []operation{}}
	if err := short("tag", in.Tag, maxName); err != nil {
		return nil, none, err
	}
	id, definition, err := s.definition(ctx, shelf, in.Product, in.API)
	if err != nil {
		return nil, none, err
	}
	var matching []*openapi.Operation
	seen := map[string]bool{}
	for _, tag := range definition.Tags {
		for _, op := range tag.Operations {
			if !seen[op.ID] && (in.Tag == "" || containsFold(op.Tags, in.Tag)) {
				seen[op.ID] = true
				matching = append(matching, op)
			}
		}
	}
	part, next, err := paged(matching, in.Offset)
	list := operations{API: id, Operations: []operation{}, Total: len(matching), NextOffset: next}
	for _, op := range part {
		list.Operations = append(list.Operations, operation{op.ID, op.Method, op.Path, cut(op.Summary, 300), op.Tags, op.Deprecated})
	}
	return nil, list, err
}

type getOperation struct {
	Product   string `json:"product" jsonschema:"the product's id"`
	API       string `json:"api,omitempty" jsonschema:"the API's id; not needed if the product has one API"`
	Operation string `json:"operation" jsonschema:"the operation's id, or its method and path, such as \"GET /harbours/{id}\""`
}

func (s *Server) operation(ctx context.Context, shelf *library.Shelf, in getOperation) (*sdk.CallToolResult, any, error) {
	slug, definition, err := s.definition(ctx, shelf, in.Product, in.API)
	if err != nil {
		return nil, nil, err
	}
	if err := short("operation", in.Operation, maxName); err != nil {
		return nil, nil, err
	}
	op, ok := operationOf(definition, in.Operation)
	if !ok {
		return nil, nil, portal.Fail(portal.NotFound, "The API has no such operation. list_operations lists its operations.")
	}
	return written(s.Documents.Operation(ctx, shelf, in.Product, slug, op.ID))
}

// operationOf finds an operation by its id, the document's id, or method and path.
func operationOf(definition *openapi.Document, name string) (*openapi.Operation, bool) {
	if op, ok := definition.Operation(name); ok {
		return op, true
	}
	method, path, _ := strings.Cut(strings.TrimSpace(name), " ")
	for _, tag := range definition.Tags {
		for _, op := range tag.Operations {
			if op.OperationID == name && name != "" || strings.EqualFold(op.Method, method) && op.Path == strings.TrimSpace(path) {
				return op, true
			}
		}
	}
	return nil, false
}

type getSchema struct {
	Product string `json:"product" jsonschema:"the product's id"`
	API     string `json:"api,omitempty" jsonschema:"the API's id; not needed if the product has one API"`
	Schema  string `json:"schema" jsonschema:"the schema's name"`
}

func (s *Server) schema(ctx context.Context, shelf *library.Shelf, in getSchema) (*sdk.CallToolResult, any, error) {
	_, definition, err := s.definition(ctx, shelf, in.Product, in.API)
	if err != nil {
		return nil, nil, err
	}
	if err := short("schema", in.Schema, maxName); err != nil {
		return nil, nil, err
	}
	markdown, ok := text.Schema(definition, in.Schema)
	if !ok {
		return nil, nil, portal.Fail(portal.NotFound, "The API has no such schema. get_operation names the schemas of an operation.")
	}
	return written(markdown, nil)
}

type getPage struct {
	Product string `json:"product,omitempty" jsonschema:"the product's id; leave it out for a guide of the portal"`
	Page    string `json:"page" jsonschema:"the page's name, or \"changelog\""`
}

func (s *Server) page(ctx context.Context, shelf *library.Shelf, in getPage) (*sdk.CallToolResult, any, error) {
	if err := errors.Join(short("product", in.Product, maxName), short("page", in.Page, maxName)); err != nil {
		return nil, nil, err
	}
	page, err := shelf.Page(ctx, in.Product, in.Page)
	if in.Product != "" && in.Page == "changelog" && portal.CodeOf(err) == portal.NotFound {
		page, err = shelf.Changelog(ctx, in.Product)
	}
	if err != nil {
		return nil, nil, err
	}
	return written(s.Documents.Page(shelf, page), nil)
}

func productOf(shelf *library.Shelf, id string) (catalog.Product, error) {
	if err := short("product", id, maxName); err != nil {
		return catalog.Product{}, err
	}
	return shelf.Product(id)
}

// definition returns an API's OpenAPI document. The API's id may be left out if only one is
// documented.
func (s *Server) definition(ctx context.Context, shelf *library.Shelf, id, slug string) (string, *openapi.Document, error) {
	p, err := productOf(shelf, id)
	if err != nil {
		return "", nil, err
	}
	if err := short("api", slug, maxName); err != nil {
		return "", nil, err
	}
	var slugs []string
	for _, a := range p.APIs {
		if a.Definition != "" {
			slugs = append(slugs, a.Slug)
		}
	}
	switch {
	case slug == "" && len(slugs) == 1:
		slug = slugs[0]
	case slug == "" && len(slugs) == 0:
		return "", nil, portal.Fail(portal.NotFound, "The product has no API whose operations are documented.")
	case slug == "":
		return "", nil, portal.Fail(portal.Invalid, cut("The product has several APIs. Send one as api: "+strings.Join(slugs, ", "), 1000))
	}
	definition, err := shelf.Definition(ctx, p.ID, slug)
	return slug, definition, err
}

func short(name, value string, most int) error {
	switch n := utf8.RuneCountInString(value); {
	case n > most:
		return portal.Fail(portal.Invalid, fmt.Sprintf("The %s has %d characters; at most %d are allowed.", name, n, most))
	case strings.ContainsRune(value, 0):
		return portal.Fail(portal.Invalid, fmt.Sprintf("The %s contains a NUL character.", name))
	}
	return nil
}

// paged returns the part of a list at an offset, and the next offset, 0 at the end.
func paged[T any](list []T, offset int) ([]T, int, error) {
	if offset < 0 || offset > len(list) {
		return nil, 0, portal.Fail(portal.Invalid, fmt.Sprintf("The offset must be between 0 and %d.", len(list)))
	}
	end := min(offset+perPage, len(list))
	if end == len(list) {
		return list[offset:], 0, nil
	}
	return list[offset:end], end, nil
}

func containsFold(list []string, word string) bool {
	for _, one := range list {
		if strings.EqualFold(one, word) {
			return true
		}
	}
	return false
}

func written(body string, err error) (*sdk.CallToolResult, any, error) {
	if err != nil {
		return nil, nil, err
	}
	return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: shortened(body)}}}, nil, nil
}

func shortened(body string) string {
	if len(body) > maxText {
		body = cut(body, maxText) + "\n\nThis text is cut here, since it is too long.\n"
	}
	return string(markdown.Legible([]byte(body)))
}

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + "…"
}

func (c call) explain(tool string, err error) error {
	switch code := portal.CodeOf(err); code {
	case portal.Internal, portal.Unavailable:
		portal.WithStack(c.log.Error().Err(err), err).Str("tool", tool).Msg("a tool failed")
	}
	return errors.New(portal.MessageOf(err))
}
