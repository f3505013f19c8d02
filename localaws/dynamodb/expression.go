package dynamodb

import (
	"slices"
	"strconv"
	"strings"
)

// node is a condition or an operand as parsed, before its placeholders have a
// meaning. What op says decides which of the other fields count:
//
//	and or not = <> < <= > >= between in   args
//	call                                   name, args
//	path                                   path
//	value                                  name, with its colon
//	+ -                                    args (in updates only)
type node struct {
	op     string
	name   string
	path   path
	args   []*node
	parens bool // stands in parentheses of its own
}

const (
	opAnd     = "AND"
	opOr      = "OR"
	opNot     = "NOT"
	opBetween = "BETWEEN"
	opIn      = "IN"
	opCall    = "call"
	opPath    = "path"
	opValue   = "value"
)

// anyPath reports whether one of the paths in n, which may be nil, is as wanted.
func (n *node) anyPath(wanted func(path) bool) bool {
	switch {
	case n == nil:
		return false
	case n.op == opPath:
		return wanted(n.path)
	}
	return slices.ContainsFunc(n.args, func(arg *node) bool { return arg.anyPath(wanted) })
}

func (n *node) isOperand() bool { return n.op == opPath || n.op == opValue || n.op == opCall }

// step is one piece of a document path: a name, or an index if name is empty.
type step struct {
	name  string
	index int
}

func (s step) isIndex() bool { return s.name == "" }

// path leads from an item into it. In a parsed expression a name may be a
// #placeholder; bound.concrete replaces those.
type path []step

// String is how AWS shows a path in its texts: [a, [1], b].
func (p path) String() string {
	pieces := make([]string, len(p))
	for i, s := range p {
		pieces[i] = s.name
		if s.isIndex() {
			pieces[i] = "[" + strconv.Itoa(s.index) + "]"
		}
	}
	return "[" + strings.Join(pieces, ", ") + "]"
}

// find returns what stands at the concrete path p.
func (it Item) find(p path) (Value, bool) {
	v, ok := it[p[0].name]
	for _, s := range p[1:] {
		switch {
		case !ok:
			return Value{}, false
		case !s.isIndex():
			v, ok = v.M[s.name]
		case s.index < len(v.L):
			v = v.L[s.index]
		default:
			return Value{}, false
		}
	}
	return v, ok
}

// kind is what an expression is for; its text is what AWS calls the parameter.
type kind string

const (
	updateKind     kind = "UpdateExpression"
	conditionKind  kind = "ConditionExpression"
	keyKind        kind = "KeyConditionExpression"
	filterKind     kind = "FilterExpression"
	projectionKind kind = "ProjectionExpression"
)

// expression is one parsed text. It is shared between requests and never changed.
type expression struct {
	kind      kind
	condition *node    // of a condition, key condition or filter
	changes   []change // of an update
	paths     []path   // of a projection
	// names and values are the placeholders that occur in it.
	names, values []string
}

// change is one action of an update expression.
type change struct {
	section string // SET, REMOVE, ADD or DELETE
	path    path
	operand *node // nil for REMOVE
}
