package dynamodb

import (
	"cmp"
	"maps"
	"slices"
)

var (
	errBadPath     = invalid("The document path provided in the update expression is invalid for update")
	errBadOperand  = invalid("An operand in the update expression has an incorrect data type")
	errNoAttribute = invalid("The provided expression refers to an attribute that does not exist in the item")
	errUpdateSize  = invalid("Item size to update has exceeded the maximum allowed size")
)

// updated returns the item after the update, and does not change old, which is nil for no
// item; a new item starts with key. All actions see that state, in any order. The result is
// nil if no item results: REMOVE and DELETE do not create one.
func (b *bound) updated(old, key Item) (Item, error) {
	if old == nil && len(b.update) > 0 && !slices.ContainsFunc(b.update, change.gives) {
		return nil, nil
	}
	if old == nil {
		old = key
	}
	next := maps.Clone(old)
	for _, c := range inOrder(b.update) {
		leaf, err := b.leaf(c, old)
		if err != nil {
			return nil, err
		}
		if err := next.edit(c.path, leaf); err != nil {
			return nil, err
		}
	}
	for _, v := range next {
		if v.depth() > maxDepth {
			return nil, invalid("Nesting Levels have exceeded supported limits")
		}
	}
	if next.size() > maxItemSize {
		return nil, errUpdateSize
	}
	return next, nil
}

func (c change) gives() bool { return c.section == "SET" || c.section == "ADD" }

// inOrder sorts the actions so that list indexes refer to the old item. First come those
// that set, by ascending index, because elements past a list's end are appended in that
// order; then those that remove, by descending index.
func inOrder(changes []change) []change {
	if len(changes) < 2 {
		return changes
	}
	sorted := slices.Clone(changes)
	slices.SortStableFunc(sorted, func(a, b change) int {
		switch {
		case a.gives() && b.gives():
			return a.path.compare(b.path)
		case a.gives():
			return -1
		case b.gives():
			return 1
		}
		return b.path.compare(a.path)
	})
	return sorted
}

func (p path) compare(q path) int {
	return slices.CompareFunc(p, q, func(s, t step) int {
		return cmp.Or(cmp.Compare(s.name, t.name), cmp.Compare(s.index, t.index))
	})
}

func (b *bound) leaf(c change, old Item) (leaf, error) {
	if c.section == "SET" {
		v, err := b.updateOperand(c.operand, old)
		return func(*Value) (*Value, error) { return &v, nil }, err
	}
	// The path may now hold an element that this update has appended.
	_, existed := old.find(c.path)
	if c.section == "REMOVE" {
		return func(current *Value) (*Value, error) {
			if !existed {
				return current, nil
			}
			return nil, nil
		}, nil
	}
	operand := b.values[c.operand.name]
	return func(current *Value) (*Value, error) {
		switch {
		case c.section == "ADD" && current == nil:
			return &operand, nil
		case !existed:
			return current, nil
		case current.kind() != operand.kind():
			return nil, errBadOperand
		case operand.N != nil:
			sum, err := current.number().add(operand.number())
			v := numberValue(sum)
			return &v, err
		case c.section == "ADD":
			return current.union(operand), nil
		}
		return current.without(operand), nil
	}, nil
}

// union and without are for sets of the same type. An empty set is nil.
func (v Value) union(w Value) *Value {
	all := slices.Clone(v.elements())
	known := elementSet(all)
	for _, e := range w.elements() {
		if !known[e] {
			all = append(all, e)
		}
	}
	set := setOf(v.kind(), all)
	return &set
}

func (v Value) without(w Value) *Value {
	gone := elementSet(w.elements())
	rest := slices.DeleteFunc(slices.Clone(v.elements()), func(e string) bool { return gone[e] })
	if len(rest) == 0 {
		return nil
	}
	set := setOf(v.kind(), rest)
	return &set
}

func elementSet(elements []string) map[string]bool {
	set := make(map[string]bool, len(elements))
	for _, e := range elements {
		set[e] = true
	}
	return set
}

func (b *bound) updateOperand(n *node, old Item) (Value, error) {
	switch n.op {
	case opValue:
		return b.values[n.name], nil
	case opPath:
		v, ok := old.find(b.concrete(n.path))
		if !ok {
			return v, errNoAttribute
		}
		return v, nil
	case opCall:
		if n.name == "if_not_exists" {
			if v, ok := old.find(b.concrete(n.args[0].path)); ok {
				return v, nil
			}
			return b.updateOperand(n.args[1], old)
		}
	}
	left, err := b.updateOperand(n.args[0], old)
	if err != nil {
		return left, err
	}
	right, err := b.updateOperand(n.args[1], old)
	if err != nil {
		return right, err
	}
	if n.op == opCall {
		return appended(left, right)
	}
	return calculated(n.op, left, right)
}

func appended(left, right Value) (Value, error) {
	if left.L == nil || right.L == nil {
		return Value{}, errBadOperand
	}
	return Value{L: slices.Concat(Value{L: []Value{}}.L, left.L, right.L)}, nil
}

func calculated(op string, left, right Value) (Value, error) {
	if left.N == nil || right.N == nil {
		return Value{}, errBadOperand
	}
	addend := right.number()
	if op == "-" {
		addend = addend.negated()
	}
	sum, err := left.number().add(addend)
	return numberValue(sum), err
}
