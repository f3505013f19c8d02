package dynamodb

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

type placeholders struct {
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues Item
}

type expressionText struct {
	kind kind
	text *string
}

// bound holds a request's expressions with their placeholders' values, checked as far as
// possible without an item.
type bound struct {
	names  map[string]string
	values Item

	update     []change // with concrete paths
	projection []path   // concrete
	condition  *node
	key        *node
	filter     *node
}

// bind parses and checks expressions. texts must be in the order of AWS's error messages.
func (s *Service) bind(given placeholders, texts ...expressionText) (*bound, error) {
	if err := checkPlaceholders(given, texts); err != nil {
		return nil, err
	}
	if err := normalizeValues(given.ExpressionAttributeValues); err != nil {
		return nil, err
	}
	b := &bound{names: given.ExpressionAttributeNames, values: given.ExpressionAttributeValues}
	var parsed []*expression
	for _, t := range texts {
		if t.text == nil {
			continue
		}
		e, err := s.expressions.parse(t.kind, *t.text)
		if err != nil {
			return nil, err
		}
		if problem := b.take(e); problem != "" {
			return nil, invalid("Invalid %s: %s", t.kind, problem)
		}
		parsed = append(parsed, e)
	}
	return b, b.checkUnused(parsed)
}

func (b *bound) take(e *expression) string {
	if problem := b.checkDefined(e); problem != "" {
		return problem
	}
	switch e.kind {
	case updateKind:
		b.update = slices.Clone(e.changes)
		paths := make([]path, len(b.update))
		for i := range b.update {
			b.update[i].path = b.concrete(b.update[i].path)
			paths[i] = b.update[i].path
		}
		if problem := checkOverlap(paths); problem != "" {
			return problem
		}
		for _, c := range b.update {
			if problem := b.checkChange(c); problem != "" {
				return problem
			}
		}
		return ""
	case projectionKind:
		b.projection = make([]path, len(e.paths))
		for i, p := range e.paths {
			b.projection[i] = b.concrete(p)
		}
		return checkOverlap(b.projection)
	case keyKind:
		b.key = e.condition
	case filterKind:
		b.filter = e.condition
	default:
		b.condition = e.condition
	}
	return b.checkTypes(e.condition)
}

func (b *bound) concrete(p path) path {
	isPlaceholder := func(s step) bool { return strings.HasPrefix(s.name, "#") }
	if !slices.ContainsFunc(p, isPlaceholder) {
		return p
	}
	replaced := slices.Clone(p)
	for i, s := range p {
		if isPlaceholder(s) {
			replaced[i].name = b.names[s.name]
		}
	}
	return replaced
}

// checkKeyPaths refuses paths into key attributes, which are scalars.
func (b *bound) checkKeyPaths(t *table) error {
	for _, k := range t.keys() {
		into := func(p path) bool { return len(p) > 1 && b.top(p) == k.Name }
		if slices.ContainsFunc(b.projection, into) || slices.ContainsFunc(b.update, func(c change) bool {
			return into(c.path) || c.operand.anyPath(into)
		}) || b.condition.anyPath(into) || b.filter.anyPath(into) {
			return invalid("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: %s", k.Name)
		}
	}
	return nil
}

func (b *bound) top(p path) string { return b.concrete(p[:1])[0].name }

var (
	nameKey  = regexp.MustCompile(`^#[0-9A-Za-z_]+$`)
	valueKey = regexp.MustCompile(`^:[0-9A-Za-z_]+$`)
)

func checkPlaceholders(given placeholders, texts []expressionText) error {
	sent := func(t expressionText) bool { return t.text != nil }
	if given.ExpressionAttributeNames != nil {
		if !slices.ContainsFunc(texts, sent) {
			return invalid("ExpressionAttributeNames can only be specified when using expressions")
		}
		if err := checkPlaceholderKeys("ExpressionAttributeNames", given.ExpressionAttributeNames, nameKey); err != nil {
			return err
		}
		for key, name := range given.ExpressionAttributeNames {
			switch {
			case name == "":
				return invalid("ExpressionAttributeNames contains invalid value: Empty attribute name for key %s", key)
			case len(name) > maxNameSize:
				return invalid("ExpressionAttributeNames contains invalid value: Attribute name is too large, must be less than 65536 bytes for key %s", key)
			}
		}
	}
	if given.ExpressionAttributeValues == nil {
		return nil
	}
	takers := slices.DeleteFunc(slices.Clone(texts), func(t expressionText) bool { return t.kind == projectionKind })
	if !slices.ContainsFunc(takers, sent) {
		return invalid("ExpressionAttributeValues can only be specified when using expressions: %s null", areNull(takers))
	}
	return checkPlaceholderKeys("ExpressionAttributeValues", given.ExpressionAttributeValues, valueKey)
}

func areNull(texts []expressionText) string {
	names := make([]string, len(texts))
	for i, t := range texts {
		names[i] = string(t.kind)
	}
	if len(names) == 1 {
		return names[0] + " is"
	}
	return strings.Join(names, " and ") + " are"
}

func checkPlaceholderKeys[V any](parameter string, given map[string]V, form *regexp.Regexp) error {
	if len(given) == 0 {
		return invalid("%s must not be empty", parameter)
	}
	for key := range given {
		if !form.MatchString(key) {
			return invalid("%s contains invalid key: Syntax error; key: \"%s\"", parameter, key)
		}
	}
	return nil
}

func normalizeValues(given Item) error {
	for key, v := range given {
		if err := v.normalize(1); err != nil {
			return invalid("ExpressionAttributeValues contains invalid value: %s for key %s", messageOf(err), key)
		}
		given[key] = v
	}
	return nil
}

func (b *bound) checkDefined(e *expression) string {
	for _, name := range e.names {
		if _, ok := b.names[name]; !ok {
			return "An expression attribute name used in the document path is not defined; attribute name: " + name
		}
	}
	for _, name := range e.values {
		if _, ok := b.values[name]; !ok {
			return "An expression attribute value used in expression is not defined; attribute value: " + name
		}
	}
	return ""
}

func (b *bound) checkUnused(parsed []*expression) error {
	unused := func(given []string, of func(*expression) []string) string {
		slices.Sort(given)
		return strings.Join(slices.DeleteFunc(given, func(key string) bool {
			return slices.ContainsFunc(parsed, func(e *expression) bool { return slices.Contains(of(e), key) })
		}), ", ")
	}
	names := unused(slices.Collect(maps.Keys(b.names)), func(e *expression) []string { return e.names })
	if names != "" {
		return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", names)
	}
	values := unused(slices.Collect(maps.Keys(b.values)), func(e *expression) []string { return e.values })
	if values != "" {
		return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", values)
	}
	return nil
}

// checkOverlap refuses paths that contain each other, or use a value as both a list and
// a map.
func checkOverlap(paths []path) string {
	for i, one := range paths {
		for _, two := range paths[:i] {
			if problem := overlap(two, one); problem != "" {
				return "Two document paths " + problem + " with each other; must remove or rewrite one of these paths; " +
					"path one: " + two.String() + ", path two: " + one.String()
			}
		}
	}
	return ""
}

func overlap(one, two path) string {
	for i := range min(len(one), len(two)) {
		switch {
		case one[i].isIndex() != two[i].isIndex():
			return "conflict"
		case one[i] != two[i]:
			return ""
		}
	}
	return "overlap"
}
