package pubsub

import (
	"context"
	"sync"
	"time"
)

// Redelivery is how soon a message comes again if it is refused. The zero value leaves
// that to the Subscriber's Backoff.
type Redelivery struct {
	mu     sync.Mutex
	after  time.Duration
	atOnce bool
}

type redeliveryKey struct{}

// WithRedelivery returns a context in which RedeliverAfter and RedeliverAtOnce set r. The
// context of every message that a Subscriber hands out is one.
func WithRedelivery(ctx context.Context, r *Redelivery) context.Context {
	return context.WithValue(ctx, redeliveryKey{}, r)
}

// RedeliverAfter sets the delay before the message of this context comes again, if it is
// then refused. Zero leaves it to the Backoff; more than 11 hours are taken for 11. It does
// nothing if the context is not a message's.
func RedeliverAfter(ctx context.Context, delay time.Duration) {
	if r, ok := ctx.Value(redeliveryKey{}).(*Redelivery); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.after = delay
	}
}

// RedeliverAtOnce has the message of this context come again without any delay, if it is
// then refused. It does nothing if the context is not a message's.
func RedeliverAtOnce(ctx context.Context) {
	if r, ok := ctx.Value(redeliveryKey{}).(*Redelivery); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.atOnce = true
	}
}

// maxDelay stays under the 12 hours after which SQS takes any message back.
const maxDelay = 11 * time.Hour

// Delay is how long the refused message stays away: what was set, or else the backoff.
func (r *Redelivery) Delay(backoff func() time.Duration) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.atOnce:
		return 0
	case r.after > 0:
		return min(r.after, maxDelay)
	}
	return backoff()
}
