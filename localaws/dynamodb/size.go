package dynamodb

// maxItemSize is in bytes, names included.
const maxItemSize = 400 << 10

// size returns the item's bytes for limits and capacity: names and values, by
// "DynamoDB item sizes and formats" in the Developer Guide.
func (it Item) size() int {
	size := 0
	for name, v := range it {
		size += len(name) + v.size()
	}
	return size
}

// size adds 3 bytes for a list or map, and 1 for each of its elements.
func (v Value) size() int {
	switch {
	case v.S != nil:
		return len(*v.S)
	case v.N != nil:
		return v.number().size()
	case v.B != nil:
		return len(v.B)
	case v.L != nil:
		size := 3 + len(v.L)
		for _, e := range v.L {
			size += e.size()
		}
		return size
	case v.M != nil:
		return 3 + len(v.M) + v.M.size()
	case v.NS != nil:
		size := 0
		for i := range v.NS {
			size += Value{N: &v.NS[i]}.size()
		}
		return size
	case v.SS != nil || v.BS != nil:
		size := 0
		for _, e := range v.elements() {
			size += len(e)
		}
		return size
	default:
		return 1
	}
}

func (v Value) depth() int {
	deepest := 0
	for _, e := range v.L {
		deepest = max(deepest, e.depth())
	}
	for _, e := range v.M {
		deepest = max(deepest, e.depth())
	}
	return deepest + 1
}
