package openapi

// walk calls visit for every object of OpenAPI and its schemas, outer ones first. It skips data
// (examples, defaults, enums), and objects whose keys the author chose, such as properties, but
// not their values.
func walk(n *node, visit func(n *node, at *place) error) error {
	return walker{visit}.fields(n, nil)
}

type walker struct {
	visit func(*node, *place) error
}

func (w walker) fields(n *node, at *place) error {
	switch {
	case n.is(arrayKind):
		for i, item := range n.items {
			if !hasParts(item) {
				continue
			}
			if err := w.fields(item, at.toIndex(i)); err != nil {
				return err
			}
		}
		return nil
	case !n.is(objectKind):
		return nil
	}
	if err := w.visit(n, at); err != nil {
		return err
	}
	for key, value := range n.members {
		if !hasParts(value) || isData(key) {
			continue
		}
		descend := w.fields
		if hasNames(key) && value.is(objectKind) {
			descend = w.names
		}
		if err := descend(value, at.to(key)); err != nil {
			return err
		}
	}
	return nil
}

func (w walker) names(n *node, at *place) error {
	for key, value := range n.members {
		if !hasParts(value) {
			continue
		}
		if err := w.fields(value, at.to(key)); err != nil {
			return err
		}
	}
	return nil
}

func hasParts(n *node) bool { return n.is(arrayKind) || n.is(objectKind) }

func isData(field string) bool {
	switch field {
	case "example", "examples", "x-example", "x-examples", "default", "enum", "const", "value":
		return true
	}
	return false
}

// hasNames reports whether the author chose the keys of the field's value.
func hasNames(field string) bool {
	switch field {
	case "properties", "patternProperties", "definitions", "$defs", "dependentSchemas",
		"schemas", "responses", "parameters", "requestBodies", "headers", "securitySchemes",
		"securityDefinitions", "links", "callbacks", "pathItems", "paths", "webhooks", "content",
		"encoding", "variables", "scopes", "mapping":
		return true
	}
	return false
}
