package dynamodb

import (
	"maps"
	"slices"
)

// project is the part of the item that the concrete paths lead to, in containers
// of its own: of a list only the elements asked for, closed up. No paths means
// the whole item.
func (it Item) project(paths []path) Item {
	if len(paths) == 0 {
		return it
	}
	picked := Item{}
	for name, below := range byFirst(paths) {
		v, ok := it[name.name]
		if !ok {
			continue
		}
		if part, ok := v.project(below); ok {
			picked[name.name] = part
		}
	}
	return picked
}

// project is the part of the value that any of the paths below it leads to; ok is
// false if that is nothing. An empty path stands for the value itself.
func (v Value) project(below []path) (part Value, ok bool) {
	if len(below[0]) == 0 {
		return v, true
	}
	branches := byFirst(below)
	if below[0][0].isIndex() {
		for _, s := range slices.SortedFunc(maps.Keys(branches), func(s, t step) int { return s.index - t.index }) {
			if s.index >= len(v.L) {
				continue
			}
			if e, ok := v.L[s.index].project(branches[s]); ok {
				part.L = append(part.L, e)
			}
		}
		return part, part.L != nil
	}
	inner := Item{}
	for s, deeper := range branches {
		e, ok := v.M[s.name]
		if !ok {
			continue
		}
		if e, ok = e.project(deeper); ok {
			inner[s.name] = e
		}
	}
	return Value{M: inner}, len(inner) > 0
}

// byFirst groups paths by their first step, which it takes off.
func byFirst(paths []path) map[step][]path {
	groups := map[step][]path{}
	for _, p := range paths {
		groups[p[0]] = append(groups[p[0]], p[1:])
	}
	return groups
}
