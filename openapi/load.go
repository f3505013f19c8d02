package openapi

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Load reads a document as JSON or YAML: OpenAPI 3.1, 3.0 or Swagger 2.0. It never reads another
// file or address. Mistakes that leave the document readable become Warnings; the error is an
// *Invalid.
func Load(data []byte) (*Document, error) {
	root, normal, warn, err := read(data)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(normal, data) {
		normal = data
	}
	doc := build(root, len(normal), warn)
	doc.json = normal
	doc.Warnings = warn.all()
	return doc, nil
}

func read(data []byte) (*node, []byte, *warnings, error) {
	warn := &warnings{}
	root, err := parse(data, warn)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := checkRefs(root); err != nil {
		return nil, nil, nil, err
	}
	expandAny(root)
	stripAmazon(root)
	if isSwagger(root) {
		if root, err = fromSwagger(root, warn); err != nil {
			return nil, nil, nil, err
		}
	}
	normal := root.encode()
	if len(normal) > maxBytes {
		return nil, nil, nil, tooLarge(len(normal))
	}
	return root, normal, warn, nil
}

func tooLarge(size int) *Invalid {
	return invalid("", "the document has %d MB, and at most %d MB can be read; split the API into several documents", size>>20, maxBytes>>20)
}

func parse(data []byte, warn *warnings) (*node, error) {
	if len(data) > maxBytes {
		return nil, tooLarge(len(data))
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if bytes.IndexByte(data, 0) >= 0 {
		return nil, invalid("", "the document is not UTF-8 text; save it as UTF-8")
	}
	root, err := parseText(data, warn)
	if err != nil {
		return nil, err
	}
	if !root.is(objectKind) {
		return nil, invalid("", "the document is no OpenAPI document; it must be an object with the members openapi, info and paths")
	}
	return root, checkVersion(root)
}

func parseText(data []byte, warn *warnings) (*node, error) {
	trimmed := bytes.TrimLeft(data, " \t\r\n")
	if len(trimmed) > 0 && trimmed[0] == '{' {
		return readJSON(data, warn)
	}
	if !utf8.Valid(data) {
		return nil, invalid("", "the document is not UTF-8 text; save it as UTF-8")
	}
	return readYAML(data, warn)
}

func isSwagger(root *node) bool { return root.has("swagger") }

func checkVersion(root *node) error {
	if v := root.get("swagger"); v != nil {
		if v.string() == "2.0" || v.string() == "2" {
			return nil
		}
		return invalid("/swagger", "Swagger %s cannot be read; convert the document to OpenAPI 3", shorten(v.plain(), 20))
	}
	v := root.get("openapi")
	if v == nil {
		return invalid("", "the document does not say which OpenAPI it follows; add the member openapi, such as openapi: 3.0.3")
	}
	if strings.HasPrefix(v.string(), "3.") {
		return nil
	}
	return invalid("/openapi", "OpenAPI %s cannot be read; OpenAPI 3.0 and 3.1 and Swagger 2.0 can", shorten(v.plain(), 20))
}
