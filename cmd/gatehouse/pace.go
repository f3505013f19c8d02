package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// failuresInARow is how many items may fail one after the other before paced gives up.
const failuresInARow = 5

// paced treats items one after the other, at most so many in a second (0 is as fast as it can), and
// calls tell after each. If ctx ends, it finishes the item in hand and returns how many it has
// treated. It goes on after an item that fails, but not after five in a row.
func paced[T any](ctx context.Context, items []T, perSecond int, treat func(context.Context, T) error, tell func(done int)) (done int, err error) {
	var pace <-chan time.Time
	if perSecond > 0 {
		ticker := time.NewTicker(time.Second / time.Duration(perSecond))
		defer ticker.Stop()
		pace = ticker.C
	}
	failed := 0
	for i, item := range items {
		if ctx.Err() != nil {
			return i, err
		}
		failure := treat(context.WithoutCancel(ctx), item)
		if failed++; failure == nil {
			failed = 0
		}
		err = errors.Join(err, failure)
		tell(i + 1)
		if failed == failuresInARow && i+1 < len(items) {
			return i + 1, errors.Join(err, fmt.Errorf("stopped, since %d failed one after the other", failed))
		}
		if pace != nil && i+1 < len(items) {
			select {
			case <-pace:
			case <-ctx.Done():
			}
		}
	}
	return len(items), err
}

// interruptedAfter is the error of a command that an operator has stopped in the middle, or nil.
func interruptedAfter(ctx context.Context, done, of int) error {
	if ctx.Err() == nil || done == of {
		return nil
	}
	return fmt.Errorf("interrupted after %d of %d; the same command goes on with the rest", done, of)
}
