package dynamodb

import (
	"bytes"
	"slices"
)

// keyCondition is one part of a key condition; the operator may be begins_with.
type keyCondition struct {
	attribute string
	operator  string
	values    []Value
}

// span is a range of places; end is exclusive.
type span struct{ start, end []byte }

func (r span) holds(place []byte) bool {
	return bytes.Compare(r.start, place) <= 0 && bytes.Compare(place, r.end) < 0
}

var swapped = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

func (b *bound) keyConditions(n *node) ([]keyCondition, error) {
	switch n.op {
	case opAnd:
		left, err := b.keyConditions(n.args[0])
		if err != nil {
			return nil, err
		}
		right, err := b.keyConditions(n.args[1])
		return append(left, right...), err
	case opOr, opNot, opIn, "<>":
		return nil, invalid("Invalid operator used in KeyConditionExpression: %s", n.op)
	case opCall:
		if n.name != "begins_with" {
			return nil, invalid("Invalid operator used in KeyConditionExpression: %s", n.name)
		}
	}
	c, err := b.keyCondition(n)
	return []keyCondition{c}, err
}

func (b *bound) keyCondition(n *node) (keyCondition, error) {
	c := keyCondition{operator: n.op}
	if n.op == opCall {
		c.operator = n.name
	}
	for i, arg := range n.args {
		switch {
		case arg.op == opCall:
			return c, invalid("KeyConditionExpressions cannot contain nested operations")
		case arg.op == opValue:
			c.values = append(c.values, b.values[arg.name])
		case c.attribute != "":
			return c, invalid("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
		case len(arg.path) > 1:
			return c, invalid("KeyConditionExpressions cannot have conditions on nested attributes")
		case i > 0 && swapped[n.op] == "":
			return c, invalid("Invalid condition in KeyConditionExpression: %s operator must have the key attribute as its first operand", c.operator)
		default:
			c.attribute = b.top(arg.path)
			if i > 0 {
				c.operator = swapped[n.op]
			}
		}
	}
	if c.attribute == "" {
		return c, invalid("Invalid condition in KeyConditionExpression: No key attribute specified")
	}
	return c, nil
}

// span returns the range for one or two key conditions, and its partition.
func (t *table) span(conditions []keyCondition) (r span, part []byte, err error) {
	find := func(name string) *keyCondition {
		i := slices.IndexFunc(conditions, func(c keyCondition) bool { return c.attribute == name })
		if i < 0 {
			return nil
		}
		return &conditions[i]
	}
	if len(conditions) == 2 && conditions[0].attribute == conditions[1].attribute {
		return r, nil, invalid("KeyConditionExpressions must only contain one condition per key")
	}
	hash := find(t.Hash.Name)
	if hash == nil {
		return r, nil, invalid("Query condition missed key schema element: %s", t.Hash.Name)
	}
	if err := t.checkCondition(t.Hash, hash); err != nil {
		return r, nil, err
	}
	if hash.operator != "=" || len(conditions) == 2 && t.Range == nil {
		return r, nil, invalid("Query key condition not supported")
	}
	part = partition(hash.values[0])
	if len(conditions) == 1 {
		return span{part, afterPrefix(part)}, part, nil
	}
	sort := find(t.Range.Name)
	if sort == nil {
		return r, nil, invalid("Query condition missed key schema element: %s", t.Range.Name)
	}
	if err := t.checkCondition(*t.Range, sort); err != nil {
		return r, nil, err
	}
	return sort.span(part), part, nil
}

func (t *table) checkCondition(k keyAttribute, c *keyCondition) error {
	for _, v := range c.values {
		if v.kind() != k.Type {
			return invalidParameter("Condition parameter type does not match schema type")
		}
		if err := t.checkKeyValue(k, v); err != nil {
			return err
		}
	}
	return nil
}

func (c *keyCondition) span(part []byte) span {
	at := c.values[0].appendOrdered(bytes.Clone(part))
	switch c.operator {
	case "=":
		return span{at, after(at)}
	case "<":
		return span{part, at}
	case "<=":
		return span{part, after(at)}
	case ">":
		return span{after(at), afterPrefix(part)}
	case ">=":
		return span{at, afterPrefix(part)}
	case "begins_with":
		return span{at, afterPrefix(at)}
	default:
		return span{at, after(c.values[1].appendOrdered(bytes.Clone(part)))}
	}
}
