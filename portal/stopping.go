package portal

import (
	"context"
	"errors"
)

// ErrStopping: the work was not done because the process is stopping. In a Postponed it hands the
// message back at once to another process.
var ErrStopping = errors.New("the process is stopping")

type stoppingKey struct{}

// WithStopping returns a context for work that may go on for a while after stopping is closed,
// when the process begins to stop.
func WithStopping(ctx context.Context, stopping <-chan struct{}) context.Context {
	return context.WithValue(ctx, stoppingKey{}, stopping)
}

// Stopping returns a channel that is closed when the process begins to stop, before ctx ends.
// Work that only waits (for a token, a lease, its turn) then returns ErrStopping; other work
// continues. The channel is nil, and so never ready, if ctx is not from WithStopping.
func Stopping(ctx context.Context) <-chan struct{} {
	stopping, _ := ctx.Value(stoppingKey{}).(<-chan struct{})
	return stopping
}
