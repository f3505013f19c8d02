package openapi

import (
	"cmp"
	"slices"
	"strings"
)

func (b *builder) parameters(op *Operation, ofPath, own *node, at *place) []Parameter {
	var params []Parameter
	index := map[[2]string]int{}
	for _, list := range []*node{ofPath, own} {
		for i, n := range list.list() {
			place := at.to("parameters").toIndex(i)
			resolved := b.follow(n)
			name, in := resolved.str("name"), resolved.str("in")
			if name == "" || !slices.Contains([]string{"path", "query", "header", "cookie"}, in) {
				b.warn.add(place, "the parameter has no name, or no place (path, query, header or cookie); it is not shown")
				continue
			}
			if in == "header" && isControlled(name) {
				continue // OpenAPI: such definitions are ignored
			}
			if in == "header" && strings.EqualFold(name, "x-api-key") {
				op.key = keyOptional
				if resolved.get("required").true() {
					op.key = keyRequired
				}
				continue // it is a way to authenticate, see secure
			}
			param := b.parameterOf(name, in, resolved, place)
			if in == "path" && !hasPlaceholder(op.Path, name) {
				b.warn.add(place, "the path has no {%s}; the parameter is not shown", shorten(name, 100))
				continue
			}
			key := [2]string{in, name}
			if i, known := index[key]; known {
				params[i] = param
				continue
			}
			index[key] = len(params)
			params = append(params, param)
		}
	}
	return append(b.undeclared(op, params, at), params...)
}

func (b *builder) undeclared(op *Operation, params []Parameter, at *place) []Parameter {
	var missing []Parameter
	for name := range placeholders(op.Path) {
		if strings.HasPrefix(name, "$") {
			continue // a runtime expression in the address of a callback
		}
		same := func(p Parameter) bool { return p.In == "path" && p.Name == name }
		if slices.ContainsFunc(params, same) || slices.ContainsFunc(missing, same) {
			continue
		}
		b.warn.add(at, "the path parameter {%s} is not described", shorten(name, 100))
		n := object()
		n.add("schema", object())
		n.get("schema").add("type", text("string"))
		missing = append(missing, b.parameterOf(name, "path", n, at))
	}
	return missing
}

func isControlled(header string) bool {
	return strings.EqualFold(header, "accept") || strings.EqualFold(header, "content-type")
}

func (b *builder) parameterOf(name, in string, n *node, at *place) Parameter {
	p := Parameter{
		Name:        name,
		In:          in,
		Required:    n.get("required").true() || in == "path",
		Deprecated:  n.get("deprecated").true(),
		Description: n.str("description"),
		Style:       cmp.Or(n.str("style"), defaultStyle(in)),
	}
	p.Explode = p.Style == "form" || p.Style == "deepObject"
	if explode := n.get("explode"); explode.is(boolKind) {
		p.Explode = explode.true()
	}
	schema := n.get("schema")
	p.given = b.givenExample(n)
	for mediaType, media := range n.get("content").members {
		p.Media, schema = mediaType, media.get("schema")
		if p.given == nil {
			p.given = b.givenExample(media)
		}
		break
	}
	if schema == nil {
		schema = b.untyped()
	}
	p.Schema = b.schema(schema, at.to("schema"))
	return p
}

func (b *builder) untyped() *node {
	if b.nothing == nil {
		b.nothing = object()
	}
	return b.nothing
}

func defaultStyle(in string) string {
	if in == "query" || in == "cookie" {
		return "form"
	}
	return "simple"
}

func (b *builder) givenExample(n *node) *node {
	if example := n.get("example"); example != nil {
		return example
	}
	for _, example := range n.get("examples").members {
		if value := b.follow(example).get("value"); value != nil {
			return value
		}
	}
	return n.get("x-example")
}

// placeholders yields the names in braces of a path template, without API Gateway's plus
// sign for "the rest of the path".
func placeholders(path string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for {
			_, rest, ok := strings.Cut(path, "{")
			if !ok {
				return
			}
			name, after, ok := strings.Cut(rest, "}")
			if !ok {
				return
			}
			if name = strings.TrimSuffix(name, "+"); name != "" && !yield(name) {
				return
			}
			path = after
		}
	}
}

func hasPlaceholder(path, name string) bool {
	return strings.Contains(path, "{"+name+"}") || strings.Contains(path, "{"+name+"+}")
}
