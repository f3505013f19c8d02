package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readYAML reads a YAML text's first document, with aliases and merge keys replaced.
func readYAML(data []byte, warn *warnings) (*node, error) {
	if marks(data) > maxMarks {
		return nil, tooMany(0)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := decodeYAML(dec, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, invalid("", "the document is empty")
	}
	r := &yamlReader{allowance: newAllowance(), aliased: maxAliased, inside: map[*yaml.Node]bool{}, warn: warn}
	return r.value(doc.Content[0], 0, false)
}

func marks(data []byte) int {
	count := 0
	for _, c := range data {
		switch c {
		case '\n', ',', '[', '{', ':', '-', '?', '*':
			count++
		}
	}
	return count
}

// decodeYAML turns a parser's error, or panic, into an Invalid.
func decodeYAML(dec *yaml.Decoder, doc *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = invalid("", "this is not YAML: %v", p)
		}
	}()
	err = dec.Decode(doc)
	if errors.Is(err, io.EOF) {
		return invalid("", "the document is empty")
	}
	if err == nil {
		return nil
	}
	reason := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if rest, ok := strings.CutPrefix(reason, "line "); ok {
		if at, what, ok := strings.Cut(rest, ": "); ok {
			line, _ = strconv.Atoi(at)
			reason = what
		}
	}
	return invalidLine(line, "this is not YAML: %s", reason)
}

type yamlReader struct {
	allowance *allowance
	aliased   int
	inside    map[*yaml.Node]bool
	warn      *warnings
}

func (r *yamlReader) value(y *yaml.Node, depth int, aliased bool) (*node, error) {
	if depth > maxDepth {
		return nil, tooDeep(y.Line)
	}
	if y.Kind == yaml.AliasNode {
		return r.alias(y, depth)
	}
	if !r.take(len(y.Value), aliased) {
		return nil, tooMany(y.Line)
	}
	switch y.Kind {
	case yaml.SequenceNode:
		n := &node{kind: arrayKind, items: make([]*node, 0, len(y.Content))}
		for _, c := range y.Content {
			item, err := r.value(c, depth+1, aliased)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, item)
		}
		return n, nil
	case yaml.MappingNode:
		return r.mapping(y, depth, aliased)
	case yaml.ScalarNode:
		return scalar(y)
	}
	return nil, invalidLine(y.Line, "this is not YAML that can be read")
}

func (r *yamlReader) take(length int, aliased bool) bool {
	if aliased {
		r.aliased--
	}
	return r.aliased >= 0 && r.allowance.take(length)
}

func (r *yamlReader) alias(y *yaml.Node, depth int) (*node, error) {
	if y.Alias == nil {
		return nil, invalidLine(y.Line, "the alias *%s has no anchor; write &%s where its value is", y.Value, y.Value)
	}
	if r.inside[y.Alias] {
		return nil, invalidLine(y.Line, "the anchor &%s contains itself; write the value out", y.Value)
	}
	r.inside[y.Alias] = true
	defer delete(r.inside, y.Alias)
	return r.value(y.Alias, depth, true)
}

func (r *yamlReader) mapping(y *yaml.Node, depth int, aliased bool) (*node, error) {
	n := &node{kind: objectKind}
	at := map[string]int{}
	var merged []*node
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		if key.Kind == yaml.AliasNode && key.Alias != nil {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return nil, invalidLine(key.Line, "a key must be text, not a list or a mapping; put it in quotes")
		}
		if !r.take(len(key.Value), aliased) {
			return nil, tooMany(key.Line)
		}
		item, err := r.value(value, depth+1, aliased)
		if err != nil {
			return nil, err
		}
		if key.Tag == "!!merge" {
			merged = append(merged, mergeSources(item)...)
			continue
		}
		if addOrReplace(n, key.Value, item, at) {
			r.warn.add(line(key.Line), "the key %q is repeated; its last value counts", key.Value)
		}
	}
	for _, source := range merged {
		for key, value := range source.members {
			if _, own := at[key]; !own {
				addOrReplace(n, key, value, at)
			}
		}
	}
	return n, nil
}

func mergeSources(n *node) []*node {
	if n.is(arrayKind) {
		return n.items
	}
	return []*node{n}
}

// scalar reads a scalar as JSON. Dates and binary data stay text.
func scalar(y *yaml.Node) (*node, error) {
	switch y.ShortTag() {
	case "!!null":
		return null(), nil
	case "!!bool":
		var b bool
		if err := y.Decode(&b); err != nil {
			return text(y.Value), nil
		}
		return boolean(b), nil
	case "!!int", "!!float":
		return yamlNumber(y), nil
	}
	return text(y.Value), nil
}

func yamlNumber(y *yaml.Node) *node {
	if json.Valid([]byte(y.Value)) {
		return number(y.Value)
	}
	var i int64
	if y.Decode(&i) == nil {
		return number(strconv.FormatInt(i, 10))
	}
	var f float64
	if y.Decode(&f) != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return text(y.Value)
	}
	return number(strconv.FormatFloat(f, 'g', -1, 64))
}
