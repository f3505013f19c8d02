package dynamodb

import (
	"strconv"
	"strings"
)

type function struct {
	operands  int
	inUpdates bool // in update expressions only; otherwise in conditions only
	needsPath bool // the first operand must be a document path
}

var functions = map[string]function{
	"attribute_exists":     {operands: 1, needsPath: true},
	"attribute_not_exists": {operands: 1, needsPath: true},
	"attribute_type":       {operands: 2},
	"begins_with":          {operands: 2},
	"contains":             {operands: 2},
	"size":                 {operands: 1},
	"if_not_exists":        {operands: 2, inUpdates: true, needsPath: true},
	"list_append":          {operands: 2, inUpdates: true},
}

func (p *parser) checkCall(n *node) {
	f, ok := functions[n.name]
	switch {
	case !ok:
		p.fail("Invalid function name; function: " + n.name)
	case f.inUpdates != (p.parsed.kind == updateKind):
		where := "a " + strings.ToLower(strings.TrimSuffix(string(p.parsed.kind), "Expression")) + " expression"
		if p.parsed.kind == updateKind {
			where = "an update expression"
		}
		p.fail("The function is not allowed in " + where + "; function: " + n.name)
	}
	for _, arg := range n.args {
		// Only these two functions can be arguments.
		if arg.op == opCall && arg.name != "if_not_exists" && arg.name != "size" {
			p.misused(arg)
		}
	}
	if len(n.args) != f.operands {
		p.fail("Incorrect number of operands for operator or function; operator or function: " + n.name +
			", number of operands: " + strconv.Itoa(len(n.args)))
	}
	if f.needsPath && n.args[0].op != opPath {
		p.fail("Operator or function requires a document path; operator or function: " + n.name)
	}
}
