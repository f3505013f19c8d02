package sqs

import "container/heap"

// index is a set ordered by before, from which any member can be taken out. Each
// member carries its own position, which slot returns: 0 while it is not in the
// index. All operations are logarithmic, first is constant.
type index[T any] struct {
	items  []T
	before func(a, b T) bool
	slot   func(T) *int
}

func (x *index[T]) len() int { return len(x.items) }

func (x *index[T]) has(item T) bool { return *x.slot(item) > 0 }

// first returns the first item; ok is false if there is none.
func (x *index[T]) first() (item T, ok bool) {
	if len(x.items) == 0 {
		return item, false
	}
	return x.items[0], true
}

// put adds the item, or moves it to where it belongs now.
func (x *index[T]) put(item T) {
	if x.has(item) {
		heap.Fix((*heapOrder[T])(x), *x.slot(item)-1)
		return
	}
	heap.Push((*heapOrder[T])(x), item)
}

// remove takes the item out; one that is not in is not an error.
func (x *index[T]) remove(item T) {
	if x.has(item) {
		heap.Remove((*heapOrder[T])(x), *x.slot(item)-1)
	}
}

// heapOrder is an index as container/heap wants it.
type heapOrder[T any] index[T]

func (h *heapOrder[T]) Len() int           { return len(h.items) }
func (h *heapOrder[T]) Less(i, j int) bool { return h.before(h.items[i], h.items[j]) }

func (h *heapOrder[T]) Swap(i, j int) {
	h.items[i], h.items[j] = h.items[j], h.items[i]
	*h.slot(h.items[i]) = i + 1
	*h.slot(h.items[j]) = j + 1
}

func (h *heapOrder[T]) Push(item any) {
	h.items = append(h.items, item.(T))
	*h.slot(item.(T)) = len(h.items)
}

func (h *heapOrder[T]) Pop() any {
	last := len(h.items) - 1
	item := h.items[last]
	var zero T
	h.items[last] = zero
	h.items = h.items[:last]
	*h.slot(item) = 0
	return item
}
