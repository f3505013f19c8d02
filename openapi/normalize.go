package openapi

import (
	"slices"
	"strings"
)

// Normalize checks a document and returns it as JSON: OpenAPI 3.0 or 3.1, in the original
// order, without Amazon API Gateway's extensions, and with its "any" methods expanded. The
// error is an *Invalid. Normalizing a normalized document changes nothing.
func Normalize(data []byte) ([]byte, error) {
	_, normal, _, err := read(data)
	return normal, err
}

const anyMethod = "x-amazon-apigateway-any-method"

var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"}

// anyMethods are what API Gateway means by ANY.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-any-method.html
var anyMethods = []string{"get", "put", "post", "delete", "options", "head", "patch"}

func expandAny(root *node) {
	for _, item := range root.get("paths").members {
		operation := item.get(anyMethod)
		if !operation.is(objectKind) {
			continue
		}
		for _, method := range anyMethods {
			if item.has(method) {
				continue
			}
			item.add(method, withMethodID(operation, method))
		}
	}
}

// withMethodID copies an operation for one method with an id of its own.
func withMethodID(operation *node, method string) *node {
	id := operation.str("operationId")
	if id == "" {
		return operation
	}
	specific := &node{kind: objectKind, keys: slices.Clone(operation.keys), items: slices.Clone(operation.items)}
	specific.set("operationId", text(id+"-"+method))
	return specific
}

// stripAmazon removes API Gateway's extensions, which describe integrations and authorizers that
// only the API's owner should see.
func stripAmazon(root *node) {
	_ = walk(root, func(n *node, _ *place) error {
		if !slices.ContainsFunc(n.keys, isAmazon) {
			return nil
		}
		keys, items := n.keys, n.items
		n.keys, n.items, n.index = nil, nil, nil
		for i, key := range keys {
			if !isAmazon(key) {
				n.add(key, items[i])
			}
		}
		return nil
	})
}

func isAmazon(key string) bool { return strings.HasPrefix(key, "x-amazon-") }
