package dynamodb

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Value is an attribute value in wire form, with exactly one member set. An empty list,
// map, set or binary is set but has no elements, hence the nil checks and omitzero. After
// normalize, numbers are in the form of number.String.
type Value struct {
	S    *string  `json:",omitempty"`
	N    *string  `json:",omitempty"`
	B    []byte   `json:",omitzero"`
	BOOL *bool    `json:",omitempty"`
	NULL *null    `json:",omitempty"`
	L    []Value  `json:",omitzero"`
	M    Item     `json:",omitzero"`
	SS   []string `json:",omitzero"`
	NS   []string `json:",omitzero"`
	BS   [][]byte `json:",omitzero"`
}

// null is the value of NULL. Any string but "true" is false, so that it is refused for its
// value and not its type, as on AWS.
type null bool

func (n *null) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*n = null(strings.EqualFold(text, "true"))
		return nil
	}
	return json.Unmarshal(raw, (*bool)(n))
}

// Item is an item, a primary key, or the contents of a map.
type Item map[string]Value

const maxDepth = 32

func (v Value) setMembers() int {
	count := 0
	for _, set := range [...]bool{
		v.S != nil, v.N != nil, v.B != nil, v.BOOL != nil, v.NULL != nil,
		v.L != nil, v.M != nil, v.SS != nil, v.NS != nil, v.BS != nil,
	} {
		if set {
			count++
		}
	}
	return count
}

func (v Value) kind() string {
	switch {
	case v.S != nil:
		return "S"
	case v.N != nil:
		return "N"
	case v.B != nil:
		return "B"
	case v.BOOL != nil:
		return "BOOL"
	case v.NULL != nil:
		return "NULL"
	case v.L != nil:
		return "L"
	case v.M != nil:
		return "M"
	case v.SS != nil:
		return "SS"
	case v.NS != nil:
		return "NS"
	case v.BS != nil:
		return "BS"
	}
	return ""
}

func numberValue(n number) Value {
	text := n.String()
	return Value{N: &text}
}

// number needs an N that has passed normalize.
func (v Value) number() number {
	n, _ := parseNumber(*v.N)
	return n
}

// equal is DynamoDB's "=": types must match, and sets have no order.
func (v Value) equal(w Value) bool {
	kind := v.kind()
	if kind == "" || kind != w.kind() {
		return false
	}
	switch kind {
	case "S":
		return *v.S == *w.S
	case "N":
		return *v.N == *w.N
	case "B":
		return bytes.Equal(v.B, w.B)
	case "BOOL":
		return *v.BOOL == *w.BOOL
	case "NULL":
		return true
	case "L":
		return slices.EqualFunc(v.L, w.L, Value.equal)
	case "M":
		return maps.EqualFunc(v.M, w.M, Value.equal)
	default:
		return slices.Equal(slices.Sorted(slices.Values(v.elements())), slices.Sorted(slices.Values(w.elements())))
	}
}

func (v Value) compare(w Value) (order int, ok bool) {
	switch {
	case v.S != nil && w.S != nil:
		return strings.Compare(*v.S, *w.S), true
	case v.N != nil && w.N != nil:
		return v.number().compare(w.number()), true
	case v.B != nil && w.B != nil:
		return bytes.Compare(v.B, w.B), true
	}
	return 0, false
}

// elements returns a set's elements in order, binaries as strings.
func (v Value) elements() []string {
	switch {
	case v.SS != nil:
		return v.SS
	case v.NS != nil:
		return v.NS
	}
	var all []string
	for _, b := range v.BS {
		all = append(all, string(b))
	}
	return all
}

func setOf(kind string, elements []string) Value {
	switch kind {
	case "SS":
		return Value{SS: elements}
	case "NS":
		return Value{NS: elements}
	}
	var set Value
	for _, e := range elements {
		set.BS = append(set.BS, []byte(e))
	}
	return set
}

func isSet(kind string) bool { return kind == "SS" || kind == "NS" || kind == "BS" }

func isOrdered(kind string) bool { return kind == "S" || kind == "N" || kind == "B" }
