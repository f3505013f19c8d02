package events

import "context"

type followingKey struct{}

// WithFollowing returns a context for handling a message that has others of its stream behind it. The
// function returns those that are here already, in order.
func WithFollowing(ctx context.Context, following func() []Event) context.Context {
	return context.WithValue(ctx, followingKey{}, following)
}

// Following returns the messages that this process handles right after the context's message, in order.
// There may be more.
func Following(ctx context.Context) []Event {
	following, ok := ctx.Value(followingKey{}).(func() []Event)
	if !ok {
		return nil
	}
	return following()
}
