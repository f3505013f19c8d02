package dynamodb

// or = and { OR and }
func (p *parser) or() *node {
	left := p.and()
	for p.peek().is(opOr) {
		p.boolean(left)
		p.at++
		left = p.operation(node{op: opOr, args: []*node{left, p.boolean(p.and())}})
	}
	return left
}

// and = not { AND not }
func (p *parser) and() *node {
	left := p.not()
	for p.peek().is(opAnd) {
		p.boolean(left)
		p.at++
		left = p.operation(node{op: opAnd, args: []*node{left, p.boolean(p.not())}})
	}
	return left
}

// not = NOT not | predicate
func (p *parser) not() *node {
	if p.accept(opNot) {
		return p.operation(node{op: opNot, args: []*node{p.boolean(p.not())}})
	}
	return p.predicate()
}

// predicate = "(" or ")"
//
//	| operand comparator operand
//	| operand BETWEEN operand AND operand
//	| operand IN "(" operand { "," operand } ")"
//	| function
//
// Parentheses may contain a condition or an operand, so predicate may return a lone
// operand. boolean refuses that where a condition is needed.
func (p *parser) predicate() *node {
	var left *node
	if p.accept("(") {
		left = p.closeParens(p.or())
	} else {
		left = p.bareOperand()
	}
	if !left.isOperand() {
		return left
	}
	for _, comparator := range []string{"=", "<>", "<", "<=", ">", ">="} {
		if p.accept(comparator) {
			return p.comparison(comparator, left, p.operand())
		}
	}
	switch {
	case p.accept(opBetween):
		low := p.operand()
		p.expect(opAnd)
		return p.comparison(opBetween, left, low, p.operand())
	case p.accept(opIn):
		p.expect("(")
		list := p.operands()
		p.expect(")")
		if len(list) > maxInOperands {
			p.fail("The IN operator is provided with too many operands;")
		}
		return p.comparison(opIn, append([]*node{left}, list...)...)
	}
	return left
}

func (p *parser) comparison(op string, args ...*node) *node {
	for _, arg := range args {
		if arg.op == opCall && arg.name != "size" {
			p.misused(arg)
		}
	}
	return p.operation(node{op: op, args: args})
}

func (p *parser) boolean(n *node) *node {
	switch {
	case n.op == opCall && n.name == "size":
		p.misused(n)
	case n.op == opPath || n.op == opValue:
		p.unexpected()
	}
	return n
}

func (p *parser) misused(call *node) {
	p.fail("The function is not allowed to be used this way in an expression; function: " + call.name)
}
