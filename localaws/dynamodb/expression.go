package dynamodb

import (
	"slices"
	"strconv"
	"strings"
)

// node is a parsed condition or operand with its placeholders. op determines the other
// fields:
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
	parens bool // has its own parentheses
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

// step of a document path: a name, or an index if name is empty.
type step struct {
	name  string
	index int
}

func (s step) isIndex() bool { return s.name == "" }

// path is a document path, in a parsed expression perhaps with #placeholders; see
// bound.concrete.
type path []step

// String formats a path as in AWS's errors: [a, [1], b].
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

// kind is a kind of expression, named like AWS's parameter.
type kind string

const (
	updateKind     kind = "UpdateExpression"
	conditionKind  kind = "ConditionExpression"
	keyKind        kind = "KeyConditionExpression"
	filterKind     kind = "FilterExpression"
	projectionKind kind = "ProjectionExpression"
)

// expression is a parsed text, shared by requests and never changed.
type expression struct {
	kind          kind
	condition     *node    // of a condition, key condition or filter
	changes       []change // of an update
	paths         []path   // of a projection
	names, values []string
}

type change struct {
	section string // SET, REMOVE, ADD or DELETE
	path    path
	operand *node // nil for REMOVE
}
