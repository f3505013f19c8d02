package openapi

// node is a value as written: an object keeps the order of its members, a number its digits.
// All methods allow a nil *node, a missing value.
type node struct {
	kind kind
	text string
	// keys are an object's, unique, beside the values in items.
	keys  []string
	items []*node
	index map[string]int
}

type kind uint8

const (
	nullKind kind = iota
	boolKind
	numberKind
	stringKind
	arrayKind
	objectKind
)

const indexFrom = 12

func (n *node) is(k kind) bool { return n != nil && n.kind == k }

func (n *node) get(key string) *node {
	if !n.is(objectKind) {
		return nil
	}
	if len(n.keys) < indexFrom {
		for i, k := range n.keys {
			if k == key {
				return n.items[i]
			}
		}
		return nil
	}
	if n.index == nil {
		n.index = make(map[string]int, len(n.keys))
		for i, k := range n.keys {
			n.index[k] = i
		}
	}
	if i, ok := n.index[key]; ok {
		return n.items[i]
	}
	return nil
}

func (n *node) has(key string) bool { return n.get(key) != nil }

// string returns a scalar's text, so that a title such as 42 can be shown; "" for other
// values.
func (n *node) string() string {
	if n.is(stringKind) || n.is(numberKind) || n.is(boolKind) {
		return n.text
	}
	return ""
}

func (n *node) true() bool { return n.is(boolKind) && n.text == "true" }

func (n *node) isFalse() bool { return n.is(boolKind) && n.text == "false" }

func (n *node) str(key string) string { return n.get(key).string() }

func (n *node) list() []*node {
	if n.is(arrayKind) {
		return n.items
	}
	return nil
}

func (n *node) members(yield func(string, *node) bool) {
	if !n.is(objectKind) {
		return
	}
	for i, key := range n.keys {
		if !yield(key, n.items[i]) {
			return
		}
	}
}

func (n *node) names() []string {
	if n == nil {
		return nil
	}
	return n.keys
}

func (n *node) set(key string, value *node) {
	for i, k := range n.keys {
		if k == key {
			n.items[i] = value
			return
		}
	}
	n.add(key, value)
}

func (n *node) add(key string, value *node) {
	n.keys, n.items, n.index = append(n.keys, key), append(n.items, value), nil
}

func object() *node { return &node{kind: objectKind} }

func array(items ...*node) *node { return &node{kind: arrayKind, items: items} }

func text(s string) *node { return &node{kind: stringKind, text: s} }

func number(literal string) *node { return &node{kind: numberKind, text: literal} }

func boolean(b bool) *node {
	if b {
		return &node{kind: boolKind, text: "true"}
	}
	return &node{kind: boolKind, text: "false"}
}

func null() *node { return &node{text: "null"} }
