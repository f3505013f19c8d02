package dynamodb

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Value is an attribute value in its wire form: exactly one member is set. An
// empty list, map, set or binary is set but has no elements, hence the nil checks
// and omitzero. Numbers are strings, in the form of number.String once the value
// has passed normalize.
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

// null is the value of NULL. A text stands for false unless it says true: it is then
// refused for its value, as AWS does, and not for its type.
type null bool

// UnmarshalJSON reads a boolean or a text.
func (n *null) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*n = null(strings.EqualFold(text, "true"))
		return nil
	}
	return json.Unmarshal(raw, (*bool)(n))
}

// Item is a whole item, a primary key, or the content of a map, by name.
type Item map[string]Value

// maxDepth is how deep lists and maps may nest.
const maxDepth = 32

// setMembers counts the members that are set; of a value that has passed normalize
// it is 1.
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

// kind is the name of the value's type, the one member that is set.
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

// number is the value of an N that has passed normalize.
func (v Value) number() number {
	n, _ := parseNumber(*v.N)
	return n
}

// equal compares as DynamoDB's "=": types must match, sets have no order.
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

// compare orders two values of one of the types that have an order: S, N, B.
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

// elements are those of a set, in its order; binaries as strings of their bytes.
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

// setOf is the set of that kind with those elements.
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

// isSet reports whether kind is one of the three set types.
func isSet(kind string) bool { return kind == "SS" || kind == "NS" || kind == "BS" }

// isOrdered reports whether kind can be compared with < and can be a key.
func isOrdered(kind string) bool { return kind == "S" || kind == "N" || kind == "B" }
