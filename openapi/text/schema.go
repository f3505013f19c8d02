package text

import (
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

// maxDepth and maxLines bound how far a schema is written out. Deeper schemas are only named.
const (
	maxDepth = 6
	maxLines = 300
)

type outline struct {
	lines  []string
	inside []*openapi.Schema
	full   bool
}

func outlineOf(s *openapi.Schema) string {
	o := &outline{}
	o.item("", s, false)
	return strings.Join(o.lines, "\n")
}

// item writes a line for the schema, and its parts below it. The label is a property's name,
// or our words.
func (o *outline) item(label string, s *openapi.Schema, required bool) {
	if s == nil || o.full {
		return
	}
	indent := strings.Repeat("  ", len(o.inside))
	if len(o.lines) == maxLines {
		o.lines = append(o.lines, indent+"- (The rest is left out.)")
		o.full = true
		return
	}
	line := indent + "- "
	if label != "" {
		line += label + ": "
	}
	if s.Name != "" {
		line += span(s.Name, false) + ", "
	}
	line += span(typeOf(s), false)
	if required {
		line += ", required"
	}
	o.lines = append(o.lines, line+details(s, false))
	if slices.Contains(o.inside, s) || s.Name != "" && slices.ContainsFunc(o.inside, func(outer *openapi.Schema) bool { return outer.Name == s.Name }) {
		o.lines[len(o.lines)-1] += " (as above)"
		return
	}
	if len(o.inside) == maxDepth {
		return
	}
	o.inside = append(o.inside, s)
	o.parts(s)
	o.inside = o.inside[:len(o.inside)-1]
}

func (o *outline) parts(s *openapi.Schema) {
	for _, p := range s.Properties {
		o.item(span(p.Name, false), p.Schema, p.Required)
	}
	o.item("each item", s.Items, false)
	o.item("each further property", s.Additional, false)
	for _, one := range s.OneOf {
		o.item("one of", one, false)
	}
	for _, one := range s.AnyOf {
		o.item("any of", one, false)
	}
}

func typeOf(s *openapi.Schema) string {
	switch {
	case s.Type == "":
		return "any"
	case s.Format != "":
		return s.Type + " (" + s.Format + ")"
	}
	return s.Type
}

func details(s *openapi.Schema, cell bool) string {
	var b strings.Builder
	for _, flag := range []struct {
		set  bool
		name string
	}{{s.Deprecated, "deprecated"}, {s.ReadOnly, "read only"}, {s.WriteOnly, "write only"}} {
		if flag.set {
			b.WriteString(", " + flag.name)
		}
	}
	for _, constraint := range s.Constraints {
		b.WriteString(", " + inlineConstraint(constraint, cell))
	}
	if len(s.Enum) > 0 {
		b.WriteString(", one of " + spans(s.Enum, cell))
	}
	if s.Const != "" {
		b.WriteString(", always " + span(s.Const, cell))
	}
	if s.Default != "" {
		b.WriteString(", default " + span(s.Default, cell))
	}
	if description := inline(s.Description); description != "" {
		b.WriteString(". " + description)
	}
	return b.String()
}

func inlineConstraint(constraint string, cell bool) string {
	if pattern, ok := strings.CutPrefix(constraint, "matches "); ok {
		return "matches " + span(pattern, cell)
	}
	return inline(constraint)
}

// maxValues is how many of an enum's values are listed.
const maxValues = 50

func spans(values []string, cell bool) string {
	var b strings.Builder
	for i, value := range values {
		if i == maxValues {
			b.WriteString(" and others")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(span(value, cell))
	}
	return b.String()
}
