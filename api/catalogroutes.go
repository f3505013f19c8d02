package api

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

const (
	jsonType    = "application/json"
	openAPIJSON = "application/openapi+json"
	openAPIYAML = "application/openapi+yaml"
)

var imageTypes = []string{"image/svg+xml", "image/png", "image/jpeg", "image/webp", "image/avif"}

func (s *service) registerCatalog(api huma.API) {
	const product = "/catalog/{product}"
	const definition = product + "/apis/{api}"
	document, binary := &huma.Schema{Type: huma.TypeObject}, &huma.Schema{Type: huma.TypeString, Format: "binary"}
	get := func(id, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Tags: []string{tagCatalog}, Method: http.MethodGet, Path: path, Summary: summary}
	}
	registerStored(api, get("list-products", "/catalog", "List the products"), s.listProducts, schemaOf[List[Product]](api), jsonType)
	registerStored(api, get("get-product", product, "Get a product"), s.product, schemaOf[Product](api), jsonType)
	registerStored(api, get("get-product-image", product+"/image", "Get a product's image"), s.image, binary, imageTypes...)
	registerStored(api, get("get-openapi-json", definition+"/openapi.json", "Get an API's OpenAPI document as JSON"),
		s.definition("openapi.json", openAPIJSON, asJSON), document, openAPIJSON)
	registerStored(api, get("get-openapi-yaml", definition+"/openapi.yaml", "Get an API's OpenAPI document as YAML"),
		s.definition("openapi.yaml", openAPIYAML, asYAML), &huma.Schema{Type: huma.TypeString}, openAPIYAML)
	registerStored(api, get("get-postman", definition+"/postman.json", "Get an API's operations as a Postman collection"), s.postman, document, jsonType)
	registerStored(api, get("get-sdk", definition+"/sdk/{type}", "Get an SDK that API Gateway generated"), s.sdk, binary, "application/zip")
	huma.Register(api, get("search", "/search", "Search products, pages, operations and schemas"), s.search)
}

// registerStored registers an operation that answers with a body from memory, and describes the
// responses, which huma cannot see.
func registerStored[I any](api huma.API, op huma.Operation, handler func(context.Context, *I) (*storedOutput, error), schema *huma.Schema, contentTypes ...string) {
	huma.Register(api, op, handler)
	etag := header("ETag", "Send it as If-None-Match with the next request.")
	ok := &huma.Response{Description: "OK", Headers: etag, Content: map[string]*huma.MediaType{}}
	for _, contentType := range contentTypes {
		ok.Content[contentType] = &huma.MediaType{Schema: schema}
	}
	responses := api.OpenAPI().Paths[op.Path].Get.Responses
	delete(responses, "204") // which huma takes for the answer
	responses["200"] = ok
	responses["304"] = &huma.Response{Description: "Not modified since the response with that ETag.", Headers: etag}
}

func schemaOf[T any](api huma.API) *huma.Schema {
	return api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
}
