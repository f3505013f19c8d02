package openapi

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// and returns the rules with those of a node; the tighter limit wins. Without any limit it is
// nil.
func (r *Rules) and(n *node) *Rules {
	more, any := rulesOf(n)
	if !any {
		return r
	}
	if r == nil {
		return &more
	}
	both := *r
	if higher(more.Minimum, both.Minimum) {
		both.Minimum, both.ExclusiveMinimum = more.Minimum, more.ExclusiveMinimum
	}
	if higher(both.Maximum, more.Maximum) || both.Maximum == nil {
		both.Maximum, both.ExclusiveMaximum = more.Maximum, more.ExclusiveMaximum
	}
	if both.MultipleOf == nil {
		both.MultipleOf = more.MultipleOf
	}
	if both.Pattern == "" {
		both.Pattern = more.Pattern
	}
	both.UniqueItems = both.UniqueItems || more.UniqueItems
	both.MinLength, both.MaxLength = larger(both.MinLength, more.MinLength), smaller(both.MaxLength, more.MaxLength)
	both.MinItems, both.MaxItems = larger(both.MinItems, more.MinItems), smaller(both.MaxItems, more.MaxItems)
	both.MinProperties, both.MaxProperties = larger(both.MinProperties, more.MinProperties), smaller(both.MaxProperties, more.MaxProperties)
	return &both
}

func rulesOf(n *node) (r Rules, any bool) {
	for key, value := range n.members {
		switch key {
		case "minimum":
			r.Minimum = value.float()
		case "maximum":
			r.Maximum = value.float()
		case "multipleOf":
			if step := value.float(); step != nil && *step > 0 {
				r.MultipleOf = step
			}
		case "minLength":
			r.MinLength = value.count()
		case "maxLength":
			r.MaxLength = value.count()
		case "minItems":
			r.MinItems = value.count()
		case "maxItems":
			r.MaxItems = value.count()
		case "minProperties":
			r.MinProperties = value.count()
		case "maxProperties":
			r.MaxProperties = value.count()
		case "uniqueItems":
			r.UniqueItems = value.true()
		case "pattern":
			r.Pattern = value.string()
		}
	}
	// Exclusive limits are booleans in OpenAPI 3.0 and numbers in 3.1.
	r.ExclusiveMinimum = n.get("exclusiveMinimum").true() && r.Minimum != nil
	if limit := n.get("exclusiveMinimum").float(); limit != nil && (r.Minimum == nil || *limit >= *r.Minimum) {
		r.Minimum, r.ExclusiveMinimum = limit, true
	}
	r.ExclusiveMaximum = n.get("exclusiveMaximum").true() && r.Maximum != nil
	if limit := n.get("exclusiveMaximum").float(); limit != nil && (r.Maximum == nil || *limit <= *r.Maximum) {
		r.Maximum, r.ExclusiveMaximum = limit, true
	}
	return r, r != Rules{}
}

func (n *node) float() *float64 {
	if !n.is(numberKind) {
		return nil
	}
	f, err := strconv.ParseFloat(n.text, 64)
	if err != nil || math.IsInf(f, 0) {
		return nil
	}
	return &f
}

func (n *node) count() *int {
	f := n.float()
	if f == nil || *f < 0 || *f != math.Trunc(*f) {
		return nil
	}
	i := int(min(*f, math.MaxInt32))
	return &i
}

func higher(a, b *float64) bool { return a != nil && (b == nil || *a > *b) }

func larger(a, b *int) *int {
	if a == nil || b != nil && *b > *a {
		return b
	}
	return a
}

func smaller(a, b *int) *int {
	if a == nil || b != nil && *b < *a {
		return b
	}
	return a
}

func (r *Rules) text() bool {
	return r != nil && (r.MinLength != nil || r.MaxLength != nil || r.Pattern != "")
}

func constraints(s *Schema, parts []part) []string {
	var phrases []string
	add := func(phrase string) {
		if phrase != "" {
			phrases = append(phrases, phrase)
		}
	}
	if r := s.Rules; r != nil {
		add(span(r))
		if r.MultipleOf != nil {
			add("a multiple of " + decimal(*r.MultipleOf))
		}
		add(amount(r.MinLength, r.MaxLength, "character", "characters"))
		if r.Pattern != "" {
			add("matches " + r.Pattern)
		}
		add(amount(r.MinItems, r.MaxItems, "item", "items"))
		if r.UniqueItems {
			add("no duplicates")
		}
		add(amount(r.MinProperties, r.MaxProperties, "property", "properties"))
	}
	if s.closed {
		add("no other properties")
	}
	for _, p := range parts {
		for pattern := range p.node.get("patternProperties").members {
			add("properties whose names match " + pattern)
		}
	}
	return slices.Compact(phrases)
}

func span(r *Rules) string {
	switch {
	case r.Minimum == nil && r.Maximum == nil:
		return ""
	case r.Maximum == nil && r.ExclusiveMinimum:
		return "more than " + decimal(*r.Minimum)
	case r.Maximum == nil:
		return "at least " + decimal(*r.Minimum)
	case r.Minimum == nil && r.ExclusiveMaximum:
		return "less than " + decimal(*r.Maximum)
	case r.Minimum == nil:
		return "at most " + decimal(*r.Maximum)
	case r.ExclusiveMinimum || r.ExclusiveMaximum:
		lower, upper := *r, *r
		lower.Maximum, upper.Minimum = nil, nil
		return span(&lower) + ", " + span(&upper)
	}
	return decimal(*r.Minimum) + " to " + decimal(*r.Maximum)
}

func amount(least, most *int, one, many string) string {
	unit := func(count int) string {
		if count == 1 {
			return one
		}
		return many
	}
	if least != nil && *least == 0 {
		least = nil
	}
	switch {
	case least == nil && most == nil:
		return ""
	case most == nil:
		return fmt.Sprintf("at least %d %s", *least, unit(*least))
	case least == nil:
		return fmt.Sprintf("at most %d %s", *most, unit(*most))
	case *least == *most:
		return fmt.Sprintf("exactly %d %s", *least, unit(*least))
	}
	return fmt.Sprintf("%d to %d %s", *least, *most, many)
}

func decimal(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e18 {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}
