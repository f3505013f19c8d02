package openapi

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"net/url"
	"strings"
)

type xmlNames struct {
	name      string
	attribute bool
	wrapped   bool
}

func (x xmlNames) or(n *node) xmlNames {
	return xmlNames{
		name:      cmp.Or(x.name, n.str("name")),
		attribute: x.attribute || n.get("attribute").true(),
		wrapped:   x.wrapped || n.get("wrapped").true(),
	}
}

func writeXML(value *node, s *Schema) string {
	root := "root"
	if s != nil {
		root = cmp.Or(s.xml.name, s.Name, root)
	}
	w := xmlWriter{}
	w.out.WriteString(`<?xml version="1.0" encoding="UTF-8"?>`)
	w.element(root, value, s, 0)
	return w.out.String()
}

type xmlWriter struct {
	out bytes.Buffer
}

func (w *xmlWriter) element(name string, value *node, s *Schema, depth int) {
	if value.is(arrayKind) {
		w.list(name, value, s, depth)
		return
	}
	name = xmlName(name)
	w.line(depth)
	w.out.WriteString("<" + name)
	children := object()
	for key, child := range value.members {
		if p := property(s, key); p != nil && p.xml.attribute && !hasParts(child) {
			w.out.WriteString(" " + xmlName(cmp.Or(p.xml.name, key)) + `="`)
			_ = xml.EscapeText(&w.out, []byte(child.plain()))
			w.out.WriteString(`"`)
			continue
		}
		children.add(key, child)
	}
	w.out.WriteString(">")
	for key, child := range children.members {
		p := property(s, key)
		if p != nil && p.xml.name != "" && !child.is(arrayKind) {
			key = p.xml.name
		}
		w.element(key, child, p, depth+1)
	}
	switch {
	case len(children.keys) > 0:
		w.line(depth)
	case !hasParts(value):
		_ = xml.EscapeText(&w.out, []byte(value.plain()))
	}
	w.out.WriteString("</" + name + ">")
}

// list repeats an element, inside another if the schema wants it wrapped. An array at the top must
// be wrapped.
func (w *xmlWriter) list(name string, value *node, s *Schema, depth int) {
	var items *Schema
	wrapped := depth == 0
	inner := name
	if s != nil {
		items = s.Items
		wrapped = wrapped || s.xml.wrapped
		if items != nil {
			inner = cmp.Or(items.xml.name, name)
		}
		name = cmp.Or(s.xml.name, name)
	}
	if depth == 0 && inner == name {
		inner = "item"
	}
	if wrapped {
		w.line(depth)
		w.out.WriteString("<" + xmlName(name) + ">")
		depth++
	}
	for _, item := range value.items {
		w.element(inner, item, items, depth)
	}
	if wrapped {
		w.line(depth - 1)
		w.out.WriteString("</" + xmlName(name) + ">")
	}
}

func (w *xmlWriter) line(depth int) {
	w.out.WriteString("\n" + strings.Repeat("  ", depth))
}

func xmlName(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ':' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
	if clean == "" || strings.ContainsRune("-.:0123456789", rune(clean[0])) {
		return "_" + clean
	}
	return clean
}

func property(s *Schema, name string) *Schema {
	if s == nil {
		return nil
	}
	for _, p := range s.Properties {
		if p.Name == name {
			return p.Schema
		}
	}
	return nil
}

// writeForm writes application/x-www-form-urlencoded. Lists repeat their name; objects are
// JSON.
func writeForm(value *node) string {
	var pairs []string
	for key, field := range value.members {
		fields := []*node{field}
		if field.is(arrayKind) {
			fields = field.items
		}
		for _, f := range fields {
			pairs = append(pairs, url.QueryEscape(key)+"="+url.QueryEscape(f.plain()))
		}
	}
	return strings.Join(pairs, "&")
}

const boundary = "example-boundary"

func writeMultipart(value *node, s *Schema) string {
	var b strings.Builder
	for key, field := range value.members {
		p := property(s, key)
		b.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + quoteName(key) + `"`)
		switch {
		case p != nil && (p.Format == "binary" || p.Format == "byte"):
			b.WriteString("; filename=\"file\"\r\nContent-Type: application/octet-stream")
		case hasParts(field):
			b.WriteString("\r\nContent-Type: application/json")
		}
		b.WriteString("\r\n\r\n" + field.plain() + "\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	return b.String()
}

func quoteName(name string) string {
	return strings.NewReplacer("\r", "%0D", "\n", "%0A", `"`, "%22").Replace(name)
}
