package library

import "context"

// Remember returns what make makes of the shelf, from the library's memory if it is there. The
// name says all that the value depends on besides the shelf's Hash. make returns the value's size
// in bytes, about; it runs once for all who wait for it, and for 30 seconds at most.
func Remember[T any](ctx context.Context, s *Shelf, name string, make func(context.Context) (T, int, error)) (T, error) {
	return remember(ctx, s.library.memory, "of shelf "+s.Hash+" "+name, make)
}
