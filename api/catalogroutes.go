package api

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

func (s *service) registerCatalog(api huma.API) {
	get := func(id, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Tags: []string{tagCatalog}, Method: http.MethodGet, Path: path, Summary: summary}
	}
	schemas := api.OpenAPI().Components.Schemas
	products, product := schemaOf[List[Product]](schemas), schemaOf[Product](schemas)
	document, binary := &huma.Schema{Type: huma.TypeObject}, &huma.Schema{Type: huma.TypeString, Format: "binary"}
	text := &huma.Schema{Type: huma.TypeString}

	huma.Register(api, storedResponse(get("list-products", "/catalog", "List the products"), products, "application/json"), s.listProducts)
	huma.Register(api, storedResponse(get("get-product", "/catalog/{product}", "Get a product"), product, "application/json"), s.product)
	huma.Register(api, storedResponse(get("get-product-image", "/catalog/{product}/image", "Get a product's image"), binary, imageTypes...), s.image)
	huma.Register(api, storedResponse(get("get-openapi-json", "/catalog/{product}/apis/{api}/openapi.json", "Get an API's OpenAPI document as JSON"), document, openAPIJSON),
		s.definition("openapi.json", openAPIJSON, asJSON))
	huma.Register(api, storedResponse(get("get-openapi-yaml", "/catalog/{product}/apis/{api}/openapi.yaml", "Get an API's OpenAPI document as YAML"), text, openAPIYAML),
		s.definition("openapi.yaml", openAPIYAML, asYAML))
	huma.Register(api, storedResponse(get("get-sdk", "/catalog/{product}/apis/{api}/sdk/{type}", "Get an SDK that API Gateway generated"), binary, "application/zip"), s.sdk)
	huma.Register(api, get("search", "/search", "Search products, pages, operations and schemas"), s.search)
}

const (
	openAPIJSON = "application/openapi+json"
	openAPIYAML = "application/openapi+yaml"
)

// imageTypes are the media types of products' images.
var imageTypes = []string{"image/svg+xml", "image/png", "image/jpeg", "image/webp", "image/avif"}

func schemaOf[T any](schemas huma.Registry) *huma.Schema {
	return schemas.Schema(reflect.TypeFor[T](), true, "")
}

// storedResponse adds the responses of a storedOutput to the operation, which huma cannot see.
func storedResponse(op huma.Operation, schema *huma.Schema, contentTypes ...string) huma.Operation {
	etag := header("ETag", "Send it as If-None-Match with the next request.")
	ok := &huma.Response{Description: "OK", Headers: etag, Content: map[string]*huma.MediaType{}}
	for _, contentType := range contentTypes {
		ok.Content[contentType] = &huma.MediaType{Schema: schema}
	}
	op.Responses = map[string]*huma.Response{
		"200": ok,
		"304": {Description: "Not modified since the response with that ETag.", Headers: etag},
	}
	return op
}
