package dynamodb

import (
	"strconv"
	"strings"
)

const (
	maxExpressionSize = 4 << 10
	maxInOperands     = 100
	maxPathDepth      = 32
	maxOperators      = 300
	maxIndex          = 1<<31 - 1
)

// parse's error is AWS's and names the parameter.
func parse(k kind, text string) (parsed *expression, err error) {
	if text == "" {
		return nil, invalid("Invalid %s: The expression can not be empty;", k)
	}
	if len(text) > maxExpressionSize {
		return nil, invalid("Invalid %s: Expression size has exceeded the maximum allowed size; expression size: %d", k, len(text))
	}
	p := &parser{text: text, tokens: tokenize(text), parsed: &expression{kind: k}}
	defer func() {
		switch failure := recover().(type) {
		case nil:
		case parseFailure:
			parsed, err = nil, invalid("Invalid %s: %s", k, string(failure))
		default:
			panic(failure)
		}
	}()
	switch k {
	case updateKind:
		p.update()
	case projectionKind:
		p.projection()
	default:
		p.parsed.condition = p.boolean(p.or())
	}
	if p.peek().kind != tokenEnd {
		p.unexpected()
	}
	if p.operators > maxOperators {
		p.fail("The expression contains too many operators; operator count: " + strconv.Itoa(p.operators))
	}
	return p.parsed, nil
}

// parser is at one token. Each method parses one rule of the grammar and panics with a
// parseFailure if the text violates it.
type parser struct {
	text      string
	tokens    []token
	at        int
	parsed    *expression
	operators int
}

// operation returns n as a node, and counts it as an operator.
func (p *parser) operation(n node) *node {
	p.operators++
	return &n
}

type parseFailure string

func (p *parser) fail(text string) { panic(parseFailure(text)) }

// unexpected reports the current token with its neighbours.
func (p *parser) unexpected() {
	first, last := max(0, p.at-1), min(p.at+1, len(p.tokens)-1)
	near := strings.TrimSpace(p.text[p.tokens[first].start:p.tokens[last].end])
	p.fail(`Syntax error; token: "` + p.peek().text + `", near: "` + near + `"`)
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	p.at++
	return t
}

func (p *parser) accept(text string) bool {
	if !p.peek().is(text) {
		return false
	}
	p.at++
	return true
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.unexpected()
	}
}

// path = name { "." name | "[" index "]" }
func (p *parser) path() path {
	steps := path{p.name()}
	for {
		switch {
		case p.accept("."):
			steps = append(steps, p.name())
		case p.accept("["):
			steps = append(steps, p.index())
			p.expect("]")
		default:
			if len(steps) > maxPathDepth {
				p.fail("The document path has too many nesting elements; nesting levels: " + strconv.Itoa(len(steps)))
			}
			return steps
		}
	}
}

func (p *parser) name() step {
	t := p.peek()
	switch t.kind {
	case tokenWord:
		if isReserved(t.text) {
			if p.isKeyword(t) {
				p.unexpected()
			}
			p.fail("Attribute name is a reserved keyword; reserved keyword: " + t.text)
		}
	case tokenName:
		p.parsed.names = append(p.parsed.names, t.text)
	default:
		p.unexpected()
	}
	p.at++
	return step{name: t.text}
}

// isKeyword reports whether the word belongs to this expression's grammar, so is
// misplaced rather than reserved.
func (p *parser) isKeyword(t token) bool {
	words := []string{opAnd, opOr, opNot, opBetween, opIn}
	switch p.parsed.kind {
	case updateKind:
		words = updateSections
	case projectionKind:
		return false
	}
	for _, word := range words {
		if strings.EqualFold(word, t.text) {
			return true
		}
	}
	return false
}

func (p *parser) index() step {
	t := p.peek()
	if t.kind != tokenIndex {
		p.unexpected()
	}
	index, err := strconv.Atoi(t.text)
	if err != nil || index > maxIndex {
		p.fail("List index is not within the allowable range; index: [" + t.text + "]")
	}
	p.at++
	return step{index: index}
}

// operand = value | path | function "(" operand { "," operand } ")" | "(" operand ")"
func (p *parser) operand() *node {
	if p.accept("(") {
		inner := p.operand()
		return p.closeParens(inner)
	}
	return p.bareOperand()
}

func (p *parser) bareOperand() *node {
	t := p.peek()
	switch {
	case t.kind == tokenValue:
		p.at++
		p.parsed.values = append(p.parsed.values, t.text)
		return &node{op: opValue, name: t.text}
	case t.kind == tokenWord && p.tokens[p.at+1].is("("):
		return p.call()
	}
	return &node{op: opPath, path: p.path()}
}

func (p *parser) call() *node {
	n := p.operation(node{op: opCall, name: p.next().text})
	p.expect("(")
	n.args = p.operands()
	p.expect(")")
	p.checkCall(n)
	return n
}

func (p *parser) operands() []*node {
	all := []*node{p.operand()}
	for p.accept(",") {
		all = append(all, p.operand())
	}
	return all
}

func (p *parser) closeParens(n *node) *node {
	p.expect(")")
	if n.parens {
		p.fail("The expression has redundant parentheses;")
	}
	n.parens = true
	return n
}

// projection = path { "," path }
func (p *parser) projection() {
	p.parsed.paths = []path{p.path()}
	for p.accept(",") {
		p.parsed.paths = append(p.parsed.paths, p.path())
	}
}
