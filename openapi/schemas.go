package openapi

import (
	"cmp"
	"slices"
	"strings"
)

// schemas builds every schema of a document once. It hands out a schema before it fills it, so
// that schemas can contain themselves.
type schemas struct {
	*resolver
	warn  *warnings
	built map[*node]*Schema
	names map[*node]string
	queue []draft
	all   []*Schema
	// merges and visits limit what allOf costs: a few schemas could otherwise need millions of
	// copies.
	merges, visits int
	both           map[[2]*node]*node
	// isCombined has the nodes in both. Their own properties are not combined further.
	isCombined map[*node]bool
	limited    bool
	lost       map[string]bool
	anything   *Schema
}

type draft struct {
	schema *Schema
	from   *node
	at     *place
}

func newSchemas(r *resolver, warn *warnings) *schemas {
	return &schemas{
		resolver:   r,
		warn:       warn,
		built:      map[*node]*Schema{},
		names:      map[*node]string{},
		merges:     maxMerges,
		visits:     maxVisits,
		both:       map[[2]*node]*node{},
		isCombined: map[*node]bool{},
		lost:       map[string]bool{},
	}
}

func (b *schemas) name(name string, n *node) {
	if !n.has("$ref") {
		b.names[n] = name
	}
}

func (b *schemas) schema(n *node, at *place) *Schema {
	if n == nil {
		return nil
	}
	from := n
	if ref := n.get("$ref"); ref.is(stringKind) && !hasSiblings(n) {
		if from = b.follow(n); from == nil {
			b.nowhere(ref.text, at)
			from = n
		}
	}
	if s, ok := b.built[from]; ok {
		return s
	}
	s := &Schema{Name: b.names[from], from: from}
	b.built[from] = s
	b.all = append(b.all, s)
	b.queue = append(b.queue, draft{s, from, at})
	return s
}

func (b *schemas) nowhere(ref string, at *place) {
	if !b.lost[ref] {
		b.lost[ref] = true
		b.warn.add(at, "the reference %s leads nowhere", shorten(ref, 200))
	}
}

func hasSiblings(n *node) bool {
	for _, key := range n.keys {
		switch key {
		case "$ref", "summary", "$comment":
		default:
			if len(key) < 2 || key[:2] != "x-" {
				return true
			}
		}
	}
	return false
}

func (b *schemas) finish() {
	for len(b.queue) > 0 {
		last := len(b.queue) - 1
		d := b.queue[last]
		b.queue = b.queue[:last]
		b.fill(d)
	}
	for _, s := range b.all {
		s.describeType(0)
	}
}

func (b *schemas) dropNodes() {
	for _, s := range b.all {
		s.value, s.from = nil, nil
	}
}

func (b *schemas) fill(d draft) {
	parts := b.parts(d.from, d.at)
	s := d.schema
	required := map[string]bool{}
	at := map[string]int{}
	// The later part is more specific, so it wins.
	for _, part := range slices.Backward(parts) {
		b.scalars(s, part, len(parts) == 1 || part.whole)
	}
	for _, part := range parts {
		for _, name := range part.node.get("required").list() {
			required[name.string()] = true
		}
		b.properties(d, part, at)
	}
	for i, p := range s.Properties {
		s.Properties[i].Required = required[p.Name]
		delete(required, p.Name)
	}
	for _, name := range sortedKeys(required) {
		if name != "" {
			s.Properties = append(s.Properties, Property{Name: name, Required: true, Schema: b.any()})
		}
	}
	s.Constraints = constraints(s, parts)
}

func sortedKeys(set map[string]bool) []string {
	keys := make([]string, 0, len(set))
	for key := range set {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func (b *schemas) any() *Schema {
	if b.anything == nil {
		b.anything = &Schema{from: object()}
		b.all = append(b.all, b.anything)
	}
	return b.anything
}

// part is a node that a schema combines: its own, or one of allOf.
type part struct {
	*node
	at *place
	// whole parts describe the whole schema, not just what it shares with others.
	whole bool
}

// parts returns all that the node takes over with $ref and allOf, and last the node itself.
func (b *schemas) parts(n *node, at *place) []part {
	var parts []part
	seen := map[*node]bool{}
	var visit func(n *node, at *place, whole bool, depth int)
	visit = func(n *node, at *place, whole bool, depth int) {
		if n == nil || seen[n] {
			return
		}
		if depth > maxAllOf || !b.spend(n) {
			b.limit(at)
			return
		}
		seen[n] = true
		if ref := n.get("$ref"); ref.is(stringKind) {
			target := b.lookup(ref.text)
			if target == nil {
				b.nowhere(ref.text, at)
			}
			visit(target, at, whole, depth+1)
		}
		members := n.get("allOf").list()
		for i, member := range members {
			visit(member, at.to("allOf").toIndex(i), whole && (len(members) == 1 || b.isCombined[n]), depth+1)
		}
		for _, key := range []string{"oneOf", "anyOf"} {
			if only, ok := onlyAlternative(n.get(key)); ok {
				visit(only, at.to(key), whole, depth+1)
			}
		}
		parts = append(parts, part{n, at, whole})
	}
	visit(n, at, true, 0)
	return parts
}

func (b *schemas) spend(n *node) bool {
	b.visits -= 1 + len(n.keys)
	for _, key := range []string{"required", "enum", "oneOf", "anyOf", "allOf", "patternProperties", "discriminator"} {
		if value := n.get(key); value != nil {
			b.visits -= len(value.items) + len(value.get("mapping").names())
		}
	}
	return b.visits >= 0
}

func (b *schemas) limit(at *place) {
	if !b.limited {
		b.limited = true
		b.warn.add(at, "allOf combines too many schemas; some of what they have in common is not shown")
	}
}

// onlyAlternative returns the one alternative besides null. Some programs write a nullable value
// like this.
func onlyAlternative(alternatives *node) (*node, bool) {
	var only *node
	for _, n := range alternatives.list() {
		if isNull(n) {
			continue
		}
		if only != nil {
			return nil, false
		}
		only = n
	}
	return only, only != nil
}

func isNull(n *node) bool {
	t := n.get("type")
	return t.string() == "null" || t.is(arrayKind) && len(t.items) == 1 && t.items[0].string() == "null"
}

// scalars takes over what the schema lacks from an earlier part. Only whole parts name the
// schema and give examples.
func (b *schemas) scalars(s *Schema, p part, whole bool) {
	n := p.node
	if whole {
		s.Name = cmp.Or(s.Name, b.names[n])
		s.Title = cmp.Or(s.Title, n.str("title"))
		s.Description = cmp.Or(s.Description, n.str("description"))
		s.Deprecated = s.Deprecated || n.get("deprecated").true()
		s.ReadOnly = s.ReadOnly || n.get("readOnly").true()
		s.WriteOnly = s.WriteOnly || n.get("writeOnly").true()
		b.example(s, n)
	}
	b.presets(s, n)
	b.types(s, n)
	s.Format = cmp.Or(s.Format, n.str("format"))
	s.Discriminator = cmp.Or(s.Discriminator, n.get("discriminator").str("propertyName"), n.str("discriminator"))
	b.mappings(s, n.get("discriminator").get("mapping"))
	if s.Enum == nil {
		for _, value := range n.get("enum").list() {
			s.Enum = append(s.Enum, value.plain())
			s.prefer(value)
		}
	}
	if s.Items == nil {
		s.Items = b.member(p, "items")
	}
	b.additional(s, n, p.at)
	if s.OneOf == nil {
		s.OneOf = b.alternatives(s, p, "oneOf")
	}
	if s.AnyOf == nil {
		s.AnyOf = b.alternatives(s, p, "anyOf")
	}
	s.Rules = s.Rules.and(n)
	s.xml = s.xml.or(n.get("xml"))
}

func (b *schemas) example(s *Schema, n *node) {
	value := n.get("example")
	if values := n.get("examples").list(); value == nil && len(values) > 0 {
		value = values[0]
	}
	if value == nil {
		value = n.get("x-example")
	}
	s.Example = cmp.Or(s.Example, value.plain())
	s.prefer(value)
}

func (b *schemas) presets(s *Schema, n *node) {
	constant, preset := n.get("const"), n.get("default")
	if constant != nil && s.Const == "" {
		s.Const, s.value = constant.plain(), constant
	}
	s.Default = cmp.Or(s.Default, preset.plain())
	s.prefer(preset)
}

func (s *Schema) prefer(value *node) {
	if s.value == nil && value != nil && value.kind != nullKind {
		s.value = value
	}
}

func (b *schemas) member(p part, key string) *Schema {
	n := p.node.get(key)
	if n == nil {
		return nil
	}
	return b.schema(n, p.at.to(key))
}

func (b *schemas) mappings(s *Schema, n *node) {
	for value, target := range n.members {
		ref := target.string()
		if !strings.HasPrefix(ref, "#") {
			ref = "#/components/schemas/" + ref
		}
		found := b.follow(b.lookup(ref))
		if found == nil {
			continue
		}
		if s.mapping == nil {
			s.mapping = map[*Schema]string{}
		}
		s.mapping[b.schema(found, nil)] = value
	}
}

func (b *schemas) types(s *Schema, n *node) {
	s.Nullable = s.Nullable || n.get("nullable").true() || n.get("x-nullable").true()
	named := n.get("type").list()
	if single := n.get("type"); single.is(stringKind) {
		named = []*node{single}
	}
	known := s.Types != nil
	for _, t := range named {
		switch name := t.string(); {
		case name == "null":
			s.Nullable = true
		case !known && name != "" && !slices.Contains(s.Types, name):
			s.Types = append(s.Types, name)
		}
	}
}

func (b *schemas) additional(s *Schema, n *node, at *place) {
	key := "additionalProperties"
	if !n.has(key) && n.has("unevaluatedProperties") {
		key = "unevaluatedProperties"
	}
	switch more := n.get(key); {
	case more.isFalse():
		s.closed = true
	case more.is(objectKind) && s.Additional == nil:
		s.Additional = b.schema(more, at.to(key))
	}
}

func (b *schemas) alternatives(s *Schema, p part, key string) []*Schema {
	n := p.node.get(key)
	if _, ok := onlyAlternative(n); ok {
		s.Nullable = s.Nullable || len(n.list()) > 1
		return nil
	}
	var alternatives []*Schema
	for i, alternative := range n.list() {
		if isNull(alternative) {
			s.Nullable = true
			continue
		}
		alternatives = append(alternatives, b.schema(alternative, p.at.to(key).toIndex(i)))
	}
	return alternatives
}

// properties adds a part's properties. A property of several parts combines them.
func (b *schemas) properties(d draft, p part, at map[string]int) {
	s := d.schema
	for name, n := range p.node.get("properties").members {
		if b.merges--; b.merges < 0 {
			b.limit(p.at)
			return
		}
		if n.isFalse() {
			continue
		}
		place := p.at.to("properties", name)
		i, known := at[name]
		if !known {
			at[name] = len(s.Properties)
			s.Properties = append(s.Properties, Property{Name: name, Schema: b.schema(n, place)})
			continue
		}
		if b.isCombined[d.from] {
			s.Properties[i].Schema = b.schema(n, place)
			continue
		}
		s.Properties[i].Schema = b.combined(s.Properties[i].Schema, n, place)
	}
}

// combined returns the schema of a property in two parts: the later description, with what
// only the earlier one says.
func (b *schemas) combined(earlier *Schema, later *node, at *place) *Schema {
	first := earlier.from
	if first == later {
		return earlier
	}
	key := [2]*node{first, later}
	both, ok := b.both[key]
	if !ok {
		both = object()
		both.add("allOf", array(first, later))
		b.both[key], b.isCombined[both] = both, true
	}
	return b.schema(both, at)
}
