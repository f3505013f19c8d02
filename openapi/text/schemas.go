package text

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

const (
	// maxNesting is how deep the list of a schema is nested, and maxProperties how many entries it
	// has.
	maxNesting    = 6
	maxProperties = 500
	// maxValues is how many values of an enumeration are shown.
	maxValues = 50
)

// schemas knows which components a text has described.
type schemas struct {
	// apart says that components are described once, after the operations, and only named before.
	apart bool
	// named are the components that are named, each once.
	named []*openapi.Schema
	known map[*openapi.Schema]bool
	// inside are those that the entry being written is part of.
	inside []*openapi.Schema
	left   int
}

func newSchemas() *schemas { return &schemas{known: map[*openapi.Schema]bool{}} }

// schema describes a schema: a paragraph on the whole, and a list of its parts.
func (w *writer) schema(s *openapi.Schema, before string) {
	if s == nil {
		w.paragraph(strings.TrimSuffix(before, ": "))
		return
	}
	w.paragraph(before + typeOf(s) + "." + w.remark(s))
	if !w.later(s) {
		w.partsOf(s)
	}
}

// component describes a component.
func (w *writer) component(name string, s *openapi.Schema) {
	w.heading(code(name))
	w.quote(s.Description)
	w.paragraph("Type: " + inline(cmp.Or(s.Type, "any")) + about(s) + ".")
	w.schemas.known[s] = true
	w.partsOf(s)
}

// partsOf lists what a schema consists of.
func (w *writer) partsOf(s *openapi.Schema) {
	w.schemas.left, w.schemas.inside = maxProperties, []*openapi.Schema{s}
	before := w.Len()
	w.parts(s, 0)
	if w.Len() > before {
		w.WriteString("\n")
	}
}

// later reports whether a component is described elsewhere: after the operations, or before.
func (w *writer) later(s *openapi.Schema) bool {
	if s.Name == "" {
		return false
	}
	known := w.schemas.known[s]
	w.schemas.known[s] = true
	if w.schemas.apart {
		if !known {
			w.schemas.named = append(w.schemas.named, s)
		}
		return true
	}
	return known
}

// remark says where a component is described that is not described here.
func (w *writer) remark(s *openapi.Schema) string {
	switch {
	case s.Name == "":
		return ""
	case w.schemas.apart:
		return " See Schemas."
	case w.schemas.known[s]:
		return " Described above."
	}
	return ""
}

// parts lists the properties, elements and alternatives of a schema.
func (w *writer) parts(s *openapi.Schema, depth int) {
	for _, property := range s.Properties {
		notes := ""
		if property.Required {
			notes = ", required"
		}
		w.entry(code(property.Name), notes, property.Schema, depth)
	}
	if s.Items != nil && composite(s.Items) {
		w.entry("each element", "", s.Items, depth)
	}
	if s.Additional != nil && (len(s.Properties) > 0 || composite(s.Additional)) {
		w.entry("any other property", "", s.Additional, depth)
	}
	for i, one := range slices.Concat(s.OneOf, s.AnyOf) {
		w.entry(fmt.Sprintf("alternative %d", i+1), "", one, depth)
	}
}

// composite reports whether a schema says more than its type.
func composite(s *openapi.Schema) bool {
	return s.Name != "" || s.Description != "" || len(s.Properties)+len(s.OneOf)+len(s.AnyOf)+len(s.Enum)+len(s.Constraints) > 0 ||
		s.Items != nil || s.Additional != nil
}

// entry writes an item of the list, and those below it.
func (w *writer) entry(name, notes string, s *openapi.Schema, depth int) {
	if s == nil {
		return
	}
	w.schemas.left--
	indent := strings.Repeat("  ", depth)
	switch {
	case w.schemas.left < 0:
		return
	case w.schemas.left == 0 || w.full():
		w.schemas.left = 0 // for the entries around
		w.WriteString(indent + "- and more\n")
		return
	}
	line := indent + "- " + name + " (" + typeOf(s) + about(s) + notes + ")"
	if description := plain(s.Description); description != "" {
		line += ": " + description
	}
	w.WriteString(line + "\n")
	if w.inside(s) || w.later(s) || depth+1 >= maxNesting {
		return
	}
	w.schemas.inside = append(w.schemas.inside, s)
	w.parts(s, depth+1)
	w.schemas.inside = w.schemas.inside[:len(w.schemas.inside)-1]
}

func (w *writer) inside(s *openapi.Schema) bool {
	return slices.ContainsFunc(w.schemas.inside, func(outer *openapi.Schema) bool {
		return outer == s || s.Name != "" && outer.Name == s.Name
	})
}

func typeOf(s *openapi.Schema) string {
	switch {
	case s.Name == "":
		return inline(cmp.Or(s.Type, "any"))
	case s.Nullable:
		return code(s.Name) + " or null"
	}
	return code(s.Name)
}

// about returns the format, limits and values of a schema, each after a comma.
func about(s *openapi.Schema) string {
	var list []string
	if s.Format != "" {
		list = append(list, inline(s.Format))
	}
	for _, constraint := range s.Constraints {
		list = append(list, inline(constraint))
	}
	if s.Const != "" {
		list = append(list, "always "+code(s.Const))
	}
	if len(s.Enum) > 0 {
		list = append(list, "one of "+values(s.Enum))
	}
	if s.Default != "" {
		list = append(list, "default "+code(s.Default))
	}
	if s.ReadOnly {
		list = append(list, "only in responses")
	}
	if s.WriteOnly {
		list = append(list, "only in requests")
	}
	if s.Deprecated {
		list = append(list, "deprecated")
	}
	if len(list) == 0 {
		return ""
	}
	return ", " + strings.Join(list, ", ")
}

func values(list []string) string {
	var spans []string
	for _, value := range list[:min(len(list), maxValues)] {
		if span := code(value); span != "" {
			spans = append(spans, span)
		} else {
			spans = append(spans, "an empty string")
		}
	}
	if more := len(list) - maxValues; more > 0 {
		spans = append(spans, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(spans, ", ")
}
