package dynamodb

import (
	"maps"
	"slices"
)

// leaf changes the value at a path's end. nil means no value.
type leaf func(current *Value) (*Value, error)

// edit changes the value at the path. It copies the containers on the way, which items
// may share.
func (it Item) edit(p path, change leaf) error {
	v, ok := it[p[0].name]
	if len(p) > 1 {
		if !ok {
			return errBadPath
		}
		edited, err := v.edited(p[1:], change)
		it[p[0].name] = edited
		return err
	}
	return it.replace(p[0].name, change)
}

func (it Item) replace(name string, change leaf) error {
	var current *Value
	if v, ok := it[name]; ok {
		current = &v
	}
	next, err := change(current)
	if err != nil {
		return err
	}
	if next == nil {
		delete(it, name)
		return nil
	}
	it[name] = *next
	return nil
}

func (v Value) edited(p path, change leaf) (Value, error) {
	switch {
	case v.M != nil && !p[0].isIndex():
		copied := maps.Clone(v.M)
		return Value{M: copied}, copied.edit(p, change)
	case v.L == nil || !p[0].isIndex():
		return v, errBadPath
	}
	i := p[0].index
	if len(p) > 1 {
		if i >= len(v.L) {
			return v, errBadPath
		}
		edited, err := v.L[i].edited(p[1:], change)
		copied := slices.Clone(v.L)
		copied[i] = edited
		return Value{L: copied}, err
	}
	return v.withElement(i, change)
}

func (v Value) withElement(i int, change leaf) (Value, error) {
	var current *Value
	if i < len(v.L) {
		current = &v.L[i]
	}
	next, err := change(current)
	copied := append(make([]Value, 0, len(v.L)+1), v.L...)
	switch {
	case err != nil:
		return v, err
	case current != nil && next != nil:
		copied[i] = *next
	case current != nil:
		copied = slices.Delete(copied, i, i+1)
	case next != nil:
		copied = append(copied, *next)
	}
	return Value{L: copied}, nil
}
