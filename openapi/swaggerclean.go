package openapi

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// clean corrects mistakes of real Swagger documents for which the converter would refuse the whole
// document: nulls, a version that is a number, references that lead nowhere or into paths.
func clean(root *node, warn *warnings) {
	c := cleaner{resolver: resolver{root: root, found: map[string]*node{}}, warn: warn, lost: map[string]bool{}, moved: map[string]string{}}
	for _, key := range []string{"info", "paths"} {
		if !root.get(key).is(objectKind) {
			root.set(key, object())
		}
	}
	_ = walk(root, func(n *node, at *place) error {
		c.nulls(n)
		c.scalars(n)
		c.elements(n, at)
		c.reference(n, at)
		return nil
	})
	definitions := root.get("definitions")
	if len(c.extra) > 0 && !definitions.is(objectKind) {
		definitions = object()
		root.set("definitions", definitions)
	}
	for _, d := range c.extra {
		definitions.add(d.name, d.value)
	}
}

type cleaner struct {
	resolver
	warn *warnings
	lost map[string]bool
	// moved has new references for those into paths, extra the definitions that they lead to.
	moved map[string]string
	extra []definition
}

type definition struct {
	name  string
	value *node
}

func (c *cleaner) nulls(n *node) {
	if slices.ContainsFunc(n.items, isNullValue) {
		keys, items := n.keys, n.items
		n.keys, n.items, n.index = nil, nil, nil
		for i, item := range items {
			if !isNullValue(item) {
				n.add(keys[i], item)
			}
		}
	}
	for i, item := range n.items {
		switch {
		case isData(n.keys[i]):
		case item.is(arrayKind):
			item.items = slices.DeleteFunc(item.items, isNullValue)
		case item.is(objectKind) && hasNames(n.keys[i]):
			c.nullNames(item)
		}
	}
}

func (c *cleaner) nullNames(n *node) {
	kept := object()
	for key, value := range n.members {
		if !isNullValue(value) {
			kept.add(key, value)
		}
	}
	n.keys, n.items, n.index = kept.keys, kept.items, nil
}

func isNullValue(n *node) bool { return n.is(nullKind) }

// These members of Swagger 2.0 have one type each.
var (
	texts    = []string{"title", "version", "description", "summary", "name", "in", "format", "pattern", "operationId", "host", "basePath", "collectionFormat", "termsOfService", "url", "email"}
	switches = []string{"deprecated", "uniqueItems", "readOnly", "allowEmptyValue", "exclusiveMinimum", "exclusiveMaximum"}
	amounts  = []string{"minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"}
)

// scalars gives scalars the required type, and removes those that cannot have it.
func (c *cleaner) scalars(n *node) {
	for i, key := range n.keys {
		value := n.items[i]
		switch {
		case slices.Contains(texts, key):
			if !value.is(stringKind) && !hasParts(value) {
				n.items[i] = text(value.text)
			}
		case slices.Contains(switches, key):
			if value.is(stringKind) {
				n.items[i] = boolean(value.text == "true")
			}
		case slices.Contains(amounts, key):
			if _, err := strconv.ParseFloat(value.text, 64); value.is(stringKind) && err == nil && jsonNumeral.MatchString(value.text) {
				n.items[i] = number(value.text)
			}
		case key == "required" && value.is(stringKind):
			n.items[i] = boolean(value.text == "true")
		case key == "tags" && value.is(arrayKind):
			for j, tag := range value.items {
				if tag.is(numberKind) || tag.is(boolKind) {
					value.items[j] = text(tag.text)
				}
			}
		}
	}
}

func (c *cleaner) elements(n *node, at *place) {
	parameters := n.get("parameters")
	if !parameters.is(arrayKind) {
		return
	}
	parameters.items = slices.DeleteFunc(parameters.items, func(p *node) bool {
		ref := p.get("$ref")
		lost := !p.is(objectKind) || ref.is(stringKind) && c.lookup(ref.text) == nil
		if lost {
			c.nowhere(ref.string(), at.to("parameters"))
		}
		return lost
	})
}

// reference removes a reference that leads nowhere, and moves the value that one into paths leads
// to: the converter changes the content of paths.
func (c *cleaner) reference(n *node, at *place) {
	ref := n.get("$ref")
	if !ref.is(stringKind) || isComponent(ref.text) && c.lookup(ref.text) != nil {
		return
	}
	target := c.lookup(ref.text)
	if !target.is(objectKind) || target == c.root {
		c.nowhere(ref.text, at)
		n.keys, n.items, n.index = nil, nil, nil
		return
	}
	to, ok := c.moved[ref.text]
	if !ok {
		name := fmt.Sprintf("Inline%d", len(c.moved)+1)
		for c.root.get("definitions").has(name) {
			name += "_"
		}
		to = "#/definitions/" + name
		c.moved[ref.text] = to
		c.extra = append(c.extra, definition{name, target})
	}
	n.set("$ref", text(to))
}

func (c *cleaner) nowhere(ref string, at *place) {
	if !c.lost[ref] {
		c.lost[ref] = true
		c.warn.add(at, "the reference %q leads nowhere", shorten(ref, 200))
	}
}

func isComponent(ref string) bool {
	for _, prefix := range []string{"#/definitions/", "#/parameters/", "#/responses/"} {
		if name, ok := strings.CutPrefix(ref, prefix); ok && !strings.Contains(name, "/") {
			return true
		}
	}
	return false
}

// maxNesting limits the work of the converter, which reads each value's text once for every
// level of its depth.
const maxNesting = 400_000_000

func nesting(n *node, depth int) int {
	sum := (len(n.text) + 10) * depth
	for _, key := range n.keys {
		sum += len(key) * depth
	}
	for _, item := range n.items {
		if sum += nesting(item, depth+1); sum > maxNesting {
			break
		}
	}
	return sum
}
