package openapi

import (
	"encoding/json"
	"fmt"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
)

// fromSwagger converts Swagger 2.0 to OpenAPI 3.0. It changes root. The converter sorts
// members by name; fromSwagger restores their order.
func fromSwagger(root *node, warn *warnings) (*node, error) {
	if nesting(root, 0) > maxNesting {
		return nil, invalid("", "the Swagger 2.0 document is too large for its depth; convert it to OpenAPI 3 and use the result")
	}
	clean(root, warn)
	converted, err := convert(root)
	if err != nil {
		return nil, invalid("", "the Swagger 2.0 document cannot be converted to OpenAPI 3: %s; correct this, or convert the document and use the result", shorten(err.Error(), 200))
	}
	out, err := readJSON(converted, &warnings{})
	if err != nil {
		return nil, err
	}
	if !out.get("paths").is(objectKind) {
		out.set("paths", object())
	}
	like(out.get("paths"), root.get("paths"))
	components := out.get("components")
	like(components.get("schemas"), root.get("definitions"))
	like(components.get("responses"), root.get("responses"))
	like(components.get("securitySchemes"), root.get("securityDefinitions"))
	return out, nil
}

// convert turns a panic of the converter, which hostile documents can cause, into an error.
func convert(root *node) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the converter failed: %v", p)
		}
	}()
	var two openapi2.T
	if err := json.Unmarshal(root.encode(), &two); err != nil {
		return nil, err
	}
	three, err := openapi2conv.ToV3(&two)
	if err != nil {
		return nil, err
	}
	return json.Marshal(three)
}

// like orders members as in the original, wherever both have objects. New members come last.
func like(n, original *node) {
	if !n.is(objectKind) || !original.is(objectKind) {
		return
	}
	sorted := object()
	for key := range original.members {
		if value := n.get(key); value != nil {
			like(value, original.get(key))
			sorted.add(key, value)
		}
	}
	for key, value := range n.members {
		if !original.has(key) {
			sorted.add(key, value)
		}
	}
	n.keys, n.items, n.index = sorted.keys, sorted.items, nil
}
