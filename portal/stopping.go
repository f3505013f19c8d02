package portal

import (
	"context"
	"errors"
)

// ErrStopping says that the work was not done because the process is stopping. It stands
// in the chain of a Postponed, and the message goes back at once: another process shall
// have it now.
var ErrStopping = errors.New("the process is stopping")

type stoppingKey struct{}

// WithStopping returns a context for work that may be finished although the process is
// stopping, which it is once stopping is closed.
func WithStopping(ctx context.Context, stopping <-chan struct{}) context.Context {
	return context.WithValue(ctx, stoppingKey{}, stopping)
}

// Stopping is closed once the process stops, before the context itself ends. Work that is
// under way goes on. Work that only waits (for a token, a lease, its turn) ends its waiting
// and returns ErrStopping, so that another process can go on with it. It is nil, and so
// never ready, in a context that does not know.
func Stopping(ctx context.Context) <-chan struct{} {
	stopping, _ := ctx.Value(stoppingKey{}).(<-chan struct{})
	return stopping
}
