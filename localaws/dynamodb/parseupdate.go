package dynamodb

var updateSections = []string{"SET", "REMOVE", "ADD", "DELETE"}

// update = section { section }, each kind of section at most once
func (p *parser) update() {
	seen := map[string]bool{}
	for first := true; first || p.peek().kind != tokenEnd; first = false {
		section := p.section()
		if seen[section] {
			p.fail(`The "` + section + `" section can only be used once in an update expression;`)
		}
		seen[section] = true
		p.change(section)
		for p.accept(",") {
			p.change(section)
		}
	}
}

func (p *parser) section() string {
	for _, section := range updateSections {
		if p.accept(section) {
			return section
		}
	}
	p.unexpected()
	return ""
}

// change = path "=" sum for SET, path for REMOVE, path value for ADD and DELETE
func (p *parser) change(section string) {
	c := change{section: section, path: p.path()}
	switch section {
	case "SET":
		p.expect("=")
		c.operand = p.sum()
	case "ADD", "DELETE":
		if p.peek().kind != tokenValue {
			p.unexpected()
		}
		c.operand = p.bareOperand()
	}
	p.parsed.changes = append(p.parsed.changes, c)
}

// sum = operand [ ("+" | "-") operand ] | "(" sum ")"
func (p *parser) sum() *node {
	var left *node
	if p.accept("(") {
		if left = p.closeParens(p.sum()); !left.isOperand() {
			return left
		}
	} else {
		left = p.bareOperand()
	}
	for _, op := range []string{"+", "-"} {
		if p.accept(op) {
			return p.operation(node{op: op, args: []*node{left, p.operand()}})
		}
	}
	return left
}
