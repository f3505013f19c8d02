package openapi

import (
	"cmp"
	"strings"
)

// direction tells which properties a body has: requests have none that are read-only, responses
// none that are write-only.
type direction uint8

const (
	inRequest direction = iota
	inResponse
)

func (b *builder) exemplify() {
	e := &exemplifier{builder: b, generator: newGenerator(), texts: map[textKey]string{}, left: extraExampleText + 4*b.size, given: map[givenKey]string{}}
	for _, op := range b.doc.list {
		e.operation(op, inRequest)
	}
	for _, op := range b.doc.Webhooks {
		e.operation(op, inRequest)
	}
}

type exemplifier struct {
	*builder
	generator *generator
	texts     map[textKey]string
	given     map[givenKey]string
	left      int
}

type textKey struct {
	schema    *Schema
	format    format
	direction direction
}

type givenKey struct {
	value  *node
	schema *Schema
	format format
}

// extraExampleText is how many bytes examples may have besides four times the document's.
const extraExampleText = 4 << 20

func (e *exemplifier) operation(op *Operation, d direction) {
	for i := range op.Parameters {
		e.parameter(&op.Parameters[i])
	}
	if op.Body != nil {
		e.content(op.Body.Content, inRequest)
	}
	for _, response := range op.Responses {
		for i := range response.Headers {
			e.parameter(&response.Headers[i])
		}
		e.content(response.Content, inResponse)
	}
	for _, callback := range op.Callbacks {
		e.operation(callback, d)
	}
}

func (e *exemplifier) parameter(p *Parameter) {
	if p.Example == "" {
		value := p.given
		if value == nil {
			value = e.generator.generate(p.Schema, inRequest)
		}
		p.Example = e.written(givenKey{value, p.Schema, jsonFormat}, func() string { return p.write(value) })
		if p.Example == "" && p.Required {
			p.Example = "string"
		}
	}
	p.given = nil
}

// write returns a value as people type it: a list with commas if its elements allow that, else
// JSON.
func (p *Parameter) write(value *node) string {
	if p.Media == "" && value.is(arrayKind) && len(value.items) > 0 {
		if list, ok := commas(value); ok {
			return list
		}
	}
	return value.plain()
}

func (e *exemplifier) written(key givenKey, write func() string) string {
	known, ok := e.given[key]
	if ok || e.left <= 0 {
		return known
	}
	made := write()
	e.left -= len(made)
	e.given[key] = made
	return made
}

func commas(list *node) (string, bool) {
	var words []string
	for _, item := range list.items {
		word := item.plain()
		if hasParts(item) || word == "" || strings.ContainsAny(word, ",[{\"") || strings.TrimSpace(word) != word {
			return "", false
		}
		words = append(words, word)
	}
	return strings.Join(words, ","), true
}

// content gives examples to bodies. It reaches those of components more than once.
func (e *exemplifier) content(content []Media, d direction) {
	for i := range content {
		m := &content[i]
		if m.Examples == nil {
			m.Examples = e.ofDocument(m)
		}
		if m.Examples == nil {
			m.Examples = []Example{e.generated(m, d)}
		}
		m.from = nil
	}
}

func (e *exemplifier) ofDocument(m *Media) []Example {
	var examples []Example
	add := func(name, summary string, value *node) {
		if value == nil || len(examples) == maxChoices {
			return
		}
		as := formatOf(m.Type)
		made := e.written(givenKey{value, m.Schema, as}, func() string { return as.write(unquoted(value, m), m.Schema) })
		examples = append(examples, Example{Name: name, Summary: summary, Text: made})
	}
	add("", "", cmp.Or(m.from.get("example"), m.from.get("x-example")))
	for name, n := range m.from.get("examples").members {
		example := e.follow(n)
		add(name, cmp.Or(n.str("summary"), example.str("summary")), cmp.Or(example.get("value"), example.get("dataValue")))
	}
	if examples == nil && m.Schema.Example != "" {
		add("", "", m.Schema.value)
	}
	return examples
}

func unquoted(value *node, m *Media) *node {
	if !value.is(stringKind) || formatOf(m.Type) != jsonFormat {
		return value
	}
	if trimmed := strings.TrimSpace(value.text); strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		if parsed, err := readJSON([]byte(trimmed), &warnings{}); err == nil {
			return parsed
		}
	}
	return value
}

func (e *exemplifier) generated(m *Media, d direction) Example {
	key := textKey{m.Schema, formatOf(m.Type), d}
	made, ok := e.texts[key]
	if !ok && e.left > 0 {
		made = key.format.write(e.generator.generate(m.Schema, d), m.Schema)
		e.left -= len(made)
		e.texts[key] = made
	}
	return Example{Text: made, Generated: true}
}
