package openapi

import (
	"cmp"
	"slices"
	"strconv"
)

// generator makes examples of schemas: valid if possible, small, and reproducible.
type generator struct {
	direction direction
	inside    map[*Schema]bool
	// values is how many more values the example may have before optional ones are left out;
	// steps is how many more schemas it may try.
	values, steps int
	total         int
	patterns      map[string]*string
}

const (
	exampleValues = 120
	exampleSteps  = 5_000
	totalSteps    = 20_000_000
	optionalDepth = 4
	maxItems      = 64
)

func newGenerator() *generator {
	return &generator{inside: map[*Schema]bool{}, total: totalSteps, patterns: map[string]*string{}}
}

func (g *generator) generate(s *Schema, d direction) *node {
	g.direction, g.values = d, exampleValues
	g.steps = min(exampleSteps, max(g.total, 200))
	before := g.steps
	n := g.value(s, 0)
	g.total -= before - g.steps
	return n
}

func (g *generator) value(s *Schema, depth int) *node {
	if g.steps--; g.steps < 0 || s == nil || g.values < -exampleValues*4 {
		return nil
	}
	if s.value != nil {
		g.values -= s.value.size()
		return s.value
	}
	if g.inside[s] || depth > maxDepth {
		return orNull(nil, s)
	}
	g.values--
	g.inside[s] = true
	defer delete(g.inside, s)
	return orNull(g.ofType(s, depth), s)
}

func orNull(n *node, s *Schema) *node {
	if n == nil && s.Nullable {
		return null()
	}
	return n
}

func (n *node) size() int {
	count := 1
	for _, item := range n.items {
		if count += item.size(); count > exampleValues {
			break
		}
	}
	return count
}

func (g *generator) ofType(s *Schema, depth int) *node {
	options := s.OneOf
	if options == nil {
		options = s.AnyOf
	}
	if len(options) > 0 {
		return g.choice(s, options, depth)
	}
	kind := ""
	if len(s.Types) > 0 {
		kind = s.Types[0]
	}
	switch kind {
	case "object":
		return g.object(s, depth)
	case "array":
		return g.array(s, depth)
	case "integer", "number":
		return numberFor(s.Rules, kind)
	case "boolean":
		return boolean(true)
	case "string":
		return g.string(s)
	}
	if s.Nullable && s.Type == "null" {
		return null()
	}
	if depth == 0 {
		return object()
	}
	return text("string")
}

func (g *generator) choice(s *Schema, options []*Schema, depth int) *node {
	for _, option := range options {
		n := g.value(option, depth)
		if n == nil {
			continue
		}
		if n.is(objectKind) {
			n = g.joined(s, option, n, depth)
		}
		if n != nil {
			return n
		}
	}
	return nil
}

func (g *generator) joined(s, option *Schema, n *node, depth int) *node {
	own := g.object(s, depth)
	if own == nil {
		return nil
	}
	joined := object()
	for key, value := range own.members {
		joined.add(key, value)
	}
	for key, value := range n.members {
		joined.set(key, value)
	}
	if s.Discriminator != "" && option.Name != "" && !isFixed(option, s.Discriminator) {
		joined.set(s.Discriminator, text(cmp.Or(s.mapping[option], option.Name)))
	}
	return joined
}

func isFixed(s *Schema, property string) bool {
	return slices.ContainsFunc(s.Properties, func(p Property) bool {
		return p.Name == property && (p.Const != "" || len(p.Enum) > 0)
	})
}

func (g *generator) object(s *Schema, depth int) *node {
	n := object()
	for _, p := range s.Properties {
		if p.ReadOnly && g.direction == inRequest || p.WriteOnly && g.direction == inResponse {
			continue
		}
		if !p.Required && !g.optional(p, depth) {
			continue
		}
		value := g.value(p.Schema, depth+1)
		switch {
		case value != nil:
			n.add(p.Name, value)
		case p.Required:
			return nil
		}
	}
	return g.further(s, n, depth)
}

func (g *generator) optional(p Property, depth int) bool {
	return !p.Deprecated && g.values > 0 && depth < optionalDepth
}

// further adds properties without a name: one to show how they look, or as many as the object
// needs.
func (g *generator) further(s *Schema, n *node, depth int) *node {
	least := 0
	if s.Rules != nil && s.Rules.MinProperties != nil {
		least = min(*s.Rules.MinProperties, maxItems)
	}
	if s.Additional != nil && len(n.keys) == 0 && g.values > 0 && depth < optionalDepth {
		least = max(least, 1)
	}
	if s.closed && s.Additional == nil {
		return n
	}
	names := [...]string{"key", "another", "third"}
	for i := 0; len(n.keys) < least; i++ {
		name := "key" + strconv.Itoa(i)
		if i < len(names) {
			name = names[i]
		}
		if n.has(name) {
			continue
		}
		value := text("string")
		if s.Additional != nil {
			value = g.value(s.Additional, depth+1)
		}
		if value == nil {
			break
		}
		n.add(name, value)
	}
	return n
}

func (g *generator) array(s *Schema, depth int) *node {
	least, most := 0, 1
	if r := s.Rules; r != nil {
		if r.MinItems != nil {
			least = min(*r.MinItems, maxItems)
		}
		if r.MaxItems != nil {
			most = min(most, *r.MaxItems)
		}
	}
	count := max(least, most)
	if least == 0 && (g.values <= 0 || depth > optionalDepth) {
		count = 0
	}
	list := array()
	for i := range count {
		item := g.item(s, i, depth)
		if item == nil {
			break
		}
		list.items = append(list.items, item)
	}
	if len(list.items) < least {
		return nil
	}
	return list
}

// item returns an element. Elements that must differ do so if that is simple.
func (g *generator) item(s *Schema, i, depth int) *node {
	if s.Items == nil {
		return text("string" + suffix(i))
	}
	unique := s.Rules != nil && s.Rules.UniqueItems
	if unique && i < len(s.Items.Enum) {
		return enumValue(s.Items, i)
	}
	n := g.value(s.Items, depth+1)
	if !unique || i == 0 || n == nil {
		return n
	}
	switch n.kind {
	case stringKind:
		return text(n.text + suffix(i))
	case numberKind:
		return addTo(n, i)
	}
	return n
}

func suffix(i int) string {
	if i == 0 {
		return ""
	}
	return strconv.Itoa(i + 1)
}

func enumValue(s *Schema, i int) *node {
	if slices.Contains(s.Types, "integer") || slices.Contains(s.Types, "number") {
		return number(s.Enum[i])
	}
	return text(s.Enum[i])
}
