package dynamodb

import (
	"encoding/json"
	"slices"
)

// checkTypes checks types as far as the request's values determine them, and returns what
// is wrong, or "".
func (b *bound) checkTypes(n *node) string {
	switch n.op {
	case opAnd, opOr, opNot:
		for _, arg := range n.args {
			if problem := b.checkTypes(arg); problem != "" {
				return problem
			}
		}
		return ""
	case opCall:
		return b.checkCallTypes(n)
	}
	for _, arg := range n.args {
		if arg.op == opCall {
			if problem := b.checkCallTypes(arg); problem != "" {
				return problem
			}
		}
	}
	switch n.op {
	case "=", "<>":
		return b.checkDistinct(n.op, n.args)
	case "<", "<=", ">", ">=":
		if problem := b.checkDistinct(n.op, n.args); problem != "" {
			return problem
		}
		return b.wrongType(n.op, n.args, isOrdered)
	case opBetween:
		if problem := b.wrongType(n.op, n.args, isOrdered); problem != "" {
			return problem
		}
		return b.checkBounds(n.args[1], n.args[2])
	}
	return ""
}

func (b *bound) checkCallTypes(n *node) string {
	for _, arg := range n.args {
		if arg.op == opCall {
			if problem := b.checkCallTypes(arg); problem != "" {
				return problem
			}
		}
	}
	if problem := b.checkDistinct(n.name, n.args); problem != "" {
		return problem
	}
	switch n.name {
	case "begins_with":
		return b.wrongType(n.name, n.args, func(kind string) bool { return kind == "S" || kind == "B" })
	case "size":
		return b.wrongType(n.name, n.args, func(kind string) bool { return kind != "N" && kind != "BOOL" && kind != "NULL" })
	case "attribute_type":
		return b.checkTypeName(n)
	}
	return ""
}

func (b *bound) checkTypeName(n *node) string {
	if n.args[1].op != opValue {
		return wrongOperand(n.name, "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
	}
	v := b.values[n.args[1].name]
	switch {
	case v.S == nil:
		return wrongOperand(n.name, v.kind())
	case !slices.Contains([]string{"B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M"}, *v.S):
		return "Invalid attribute type name found; type: " + *v.S + ", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
	}
	return ""
}

func (b *bound) wrongType(operator string, operands []*node, allowed func(kind string) bool) string {
	for _, operand := range operands {
		if kind := b.knownKind(operand); kind != "" && !allowed(kind) {
			return wrongOperand(operator, kind)
		}
	}
	return ""
}

// knownKind returns "" if the type depends on the item.
func (b *bound) knownKind(operand *node) string {
	switch {
	case operand.op == opValue:
		return b.values[operand.name].kind()
	case operand.op == opCall && operand.name == "size":
		return "N"
	}
	return ""
}

func wrongOperand(operator, kind string) string {
	return "Incorrect operand type for operator or function; operator or function: " + operator + ", operand type: " + kind
}

func (b *bound) checkDistinct(operator string, args []*node) string {
	if len(args) != 2 || args[0].op != opPath || args[1].op != opPath {
		return ""
	}
	first := b.concrete(args[0].path)
	if !slices.Equal(first, b.concrete(args[1].path)) {
		return ""
	}
	return "The first operand must be distinct from the remaining operands for this operator or function; operator: " +
		operator + ", first operand: " + first.String()
}

func (b *bound) checkBounds(lower, upper *node) string {
	if lower.op != opValue || upper.op != opValue {
		return ""
	}
	low, high := b.values[lower.name], b.values[upper.name]
	operands := "; lower bound operand: " + shown(low) + ", upper bound operand: " + shown(high)
	order, comparable := low.compare(high)
	switch {
	case !comparable:
		return "The BETWEEN operator requires same data type for lower and upper bounds" + operands
	case order > 0:
		return "The BETWEEN operator requires upper bound to be greater than or equal to lower bound" + operands
	}
	return ""
}

func shown(v Value) string {
	text, _ := json.Marshal(v.B)
	switch {
	case v.S != nil:
		text = []byte(*v.S)
	case v.N != nil:
		text = []byte(*v.N)
	}
	return "AttributeValue: {" + v.kind() + ":" + string(text) + "}"
}

var kindWords = map[string]string{
	"S": "STRING", "N": "NUMBER", "B": "BINARY", "BOOL": "BOOLEAN", "NULL": "NULL", "L": "LIST", "M": "MAP",
}

func (b *bound) checkChange(c change) string {
	switch c.section {
	case "SET":
		return b.checkUpdateOperand(c.operand)
	case "ADD", "DELETE":
		kind := b.values[c.operand.name].kind()
		if !isSet(kind) && (c.section == "DELETE" || kind != "N") {
			return "Incorrect operand type for operator or function; operator: " + c.section + ", operand type: " + kindWords[kind]
		}
	}
	return ""
}

func (b *bound) checkUpdateOperand(n *node) string {
	for _, arg := range n.args {
		if problem := b.checkUpdateOperand(arg); problem != "" {
			return problem
		}
	}
	switch {
	case n.op == "+" || n.op == "-":
		return b.wrongType(n.op, n.args, func(kind string) bool { return kind == "N" })
	case n.op == opCall && n.name == "list_append":
		return b.wrongType(n.name, n.args, func(kind string) bool { return kind == "L" })
	}
	return ""
}
