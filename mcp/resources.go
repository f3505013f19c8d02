package mcp

import (
	"context"
	"net/url"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const markdownType = "text/markdown"

// addResources serves documents at the same addresses as package plain. It lists none:
// list_products, list_operations and search find them.
func (s *Server) addResources(server *sdk.Server, c call) {
	s.addResource(server, c, "/apis/{product}.md", "product", "A product", "Overview, APIs, plans with their limits, and pages of a product.",
		func(ctx context.Context, shelf *library.Shelf, values []string) (string, error) {
			p, err := productOf(shelf, values[0])
			if err != nil {
				return "", err
			}
			return s.Documents.Product(ctx, shelf, p)
		})
	s.addResource(server, c, "/apis/{product}/pages/{page}.md", "product-page", "A page of a product", "A guide of a product.",
		func(ctx context.Context, shelf *library.Shelf, values []string) (string, error) {
			page, err := shelf.Page(ctx, values[0], values[1])
			if err != nil {
				return "", err
			}
			return s.Documents.Page(shelf, page), nil
		})
	s.addResource(server, c, "/apis/{product}/docs/{api}/operations/{operation}.md", "operation", "An operation",
		"Parameters, body, responses, authentication and an example request of an operation.",
		func(ctx context.Context, shelf *library.Shelf, values []string) (string, error) {
			return s.Documents.Operation(ctx, shelf, values[0], values[1], values[2])
		})
}

// addResource adds documents that differ in an address's variables. write gets these in order.
func (s *Server) addResource(server *sdk.Server, c call, address, name, title, description string, write func(context.Context, *library.Shelf, []string) (string, error)) {
	server.AddResourceTemplate(&sdk.ResourceTemplate{
		URITemplate: s.BaseURL + address, Name: name, Title: title, Description: description, MIMEType: markdownType,
	}, func(ctx context.Context, request *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
		uri, markdown := request.Params.URI, ""
		values, ok := valuesOf(address, strings.TrimPrefix(uri, s.BaseURL))
		if !ok {
			return nil, sdk.ResourceNotFoundError(uri)
		}
		err := c.onShelf(ctx, func(ctx context.Context, shelf *library.Shelf) (err error) {
			markdown, err = write(ctx, shelf, values)
			return err
		})
		switch {
		case portal.CodeOf(err) == portal.NotFound:
			return nil, sdk.ResourceNotFoundError(uri)
		case err != nil:
			return nil, c.explain("reading "+name, err)
		}
		return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{{URI: uri, MIMEType: markdownType, Text: shortened(markdown)}}}, nil
	})
}

// valuesOf returns an address's variables in order. Each is a whole segment, except for ".md".
func valuesOf(address, path string) (values []string, ok bool) {
	names, segments := strings.Split(address, "/"), strings.Split(path, "/")
	if len(names) != len(segments) {
		return nil, false
	}
	for i, name := range names {
		if !strings.HasPrefix(name, "{") {
			continue
		}
		segment := segments[i]
		if strings.HasSuffix(name, ".md") {
			segment = strings.TrimSuffix(segment, ".md")
		}
		value, err := url.PathUnescape(segment)
		if err != nil || short("address", value, maxName) != nil {
			return nil, false
		}
		values = append(values, value)
	}
	return values, true
}
