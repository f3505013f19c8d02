package dynamodb

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// holds reports whether the item satisfies the condition; nil always holds. A comparison
// with a missing attribute or a wrong type is false, except <>.
func (b *bound) holds(n *node, it Item) bool {
	if n == nil {
		return true
	}
	switch n.op {
	case opAnd:
		return b.holds(n.args[0], it) && b.holds(n.args[1], it)
	case opOr:
		return b.holds(n.args[0], it) || b.holds(n.args[1], it)
	case opNot:
		return !b.holds(n.args[0], it)
	case opCall:
		return b.callHolds(n, it)
	}
	left, ok := b.operand(n.args[0], it)
	if !ok {
		return n.op == "<>"
	}
	switch n.op {
	case opIn:
		return slices.ContainsFunc(n.args[1:], func(arg *node) bool {
			right, ok := b.operand(arg, it)
			return ok && left.equal(right)
		})
	case opBetween:
		return b.compares(">=", left, n.args[1], it) && b.compares("<=", left, n.args[2], it)
	}
	return b.compares(n.op, left, n.args[1], it)
}

func (b *bound) compares(op string, left Value, operand *node, it Item) bool {
	right, ok := b.operand(operand, it)
	switch op {
	case "=":
		return ok && left.equal(right)
	case "<>":
		return !ok || !left.equal(right)
	}
	if !ok {
		return false
	}
	order, ok := left.compare(right)
	if !ok {
		return false
	}
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	default:
		return order >= 0
	}
}

func (b *bound) callHolds(n *node, it Item) bool {
	first, ok := b.operand(n.args[0], it)
	switch n.name {
	case "attribute_exists":
		return ok
	case "attribute_not_exists":
		return !ok
	}
	second, also := b.operand(n.args[1], it)
	if !ok || !also {
		return false
	}
	switch n.name {
	case "attribute_type":
		return first.kind() == *second.S
	case "begins_with":
		return first.beginsWith(second)
	default:
		return first.contains(second)
	}
}

func (v Value) beginsWith(prefix Value) bool {
	switch {
	case v.S != nil && prefix.S != nil:
		return strings.HasPrefix(*v.S, *prefix.S)
	case v.B != nil && prefix.B != nil:
		return bytes.HasPrefix(v.B, prefix.B)
	}
	return false
}

func (v Value) contains(part Value) bool {
	switch {
	case v.S != nil && part.S != nil:
		return strings.Contains(*v.S, *part.S)
	case v.B != nil && part.B != nil:
		return bytes.Contains(v.B, part.B)
	case v.SS != nil && part.S != nil:
		return slices.Contains(v.SS, *part.S)
	case v.NS != nil && part.N != nil:
		return slices.Contains(v.NS, *part.N)
	case v.BS != nil && part.B != nil:
		return slices.Contains(v.elements(), string(part.B))
	}
	return slices.ContainsFunc(v.L, part.equal)
}

func (b *bound) operand(n *node, it Item) (v Value, ok bool) {
	switch n.op {
	case opValue:
		return b.values[n.name], true
	case opPath:
		return it.find(b.concrete(n.path))
	}
	measured, ok := b.operand(n.args[0], it)
	if !ok {
		return Value{}, false
	}
	size, ok := measured.length()
	text := strconv.Itoa(size)
	return Value{N: &text}, ok
}

func (v Value) length() (n int, ok bool) {
	switch kind := v.kind(); {
	case kind == "S":
		return utf8.RuneCountInString(*v.S), true
	case kind == "B":
		return len(v.B), true
	case kind == "M":
		return len(v.M), true
	case kind == "L":
		return len(v.L), true
	case isSet(kind):
		return len(v.SS) + len(v.NS) + len(v.BS), true
	}
	return 0, false
}
