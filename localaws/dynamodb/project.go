package dynamodb

import (
	"maps"
	"slices"
)

// project returns the parts at the paths, or the whole item without paths, in new
// containers; lists have no gaps.
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

// project is the same below a value. ok is false if nothing is there. An empty path is
// the value itself.
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

func byFirst(paths []path) map[step][]path {
	groups := map[step][]path{}
	for _, p := range paths {
		groups[p[0]] = append(groups[p[0]], p[1:])
	}
	return groups
}
