package sqs

import "container/heap"

// index is a set ordered by before. slot is a member's position, or 0 outside the index.
// Operations are logarithmic, first is constant.
type index[T any] struct {
	items  []T
	before func(a, b T) bool
	slot   func(T) *int
}

func (x *index[T]) len() int { return len(x.items) }

func (x *index[T]) has(item T) bool { return *x.slot(item) > 0 }

func (x *index[T]) first() (item T, ok bool) {
	if len(x.items) == 0 {
		return item, false
	}
	return x.items[0], true
}

// put also moves an item that has changed.
func (x *index[T]) put(item T) {
	if x.has(item) {
		heap.Fix((*heapOrder[T])(x), *x.slot(item)-1)
		return
	}
	heap.Push((*heapOrder[T])(x), item)
}

func (x *index[T]) remove(item T) {
	if x.has(item) {
		heap.Remove((*heapOrder[T])(x), *x.slot(item)-1)
	}
}

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
