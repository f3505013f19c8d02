package dynamodb

// maxItemSize is what an item may take, names included, in bytes.
const maxItemSize = 400 << 10

// size is what the item counts for against limits and capacity, in bytes: names
// in UTF-8 plus values, by the Developer Guide's "DynamoDB item sizes and formats".
func (it Item) size() int {
	size := 0
	for name, v := range it {
		size += len(name) + v.size()
	}
	return size
}

// Lists and maps cost 3 bytes, and 1 for each element.
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

// depth is how many levels of lists and maps the value is.
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
