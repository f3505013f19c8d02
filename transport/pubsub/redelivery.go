package pubsub

import (
	"context"
	"sync"
	"time"
)

// Redelivery says how soon a nacked message is delivered again. The zero value leaves that to
// the Backoff.
type Redelivery struct {
	mu     sync.Mutex
	after  time.Duration
	atOnce bool
}

type redeliveryKey struct{}

// WithRedelivery returns a context in which RedeliverAfter and RedeliverAtOnce set r. The
// contexts of received messages have one.
func WithRedelivery(ctx context.Context, r *Redelivery) context.Context {
	return context.WithValue(ctx, redeliveryKey{}, r)
}

// RedeliverAfter sets the delay before the context's message is delivered again if it is
// nacked. Zero leaves it to the Backoff; more than 11 hours count as 11. It does nothing with
// another context.
func RedeliverAfter(ctx context.Context, delay time.Duration) {
	if r, ok := ctx.Value(redeliveryKey{}).(*Redelivery); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.after = delay
	}
}

// RedeliverAtOnce sets no delay at all. It does nothing with another context.
func RedeliverAtOnce(ctx context.Context) {
	if r, ok := ctx.Value(redeliveryKey{}).(*Redelivery); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.atOnce = true
	}
}

// maxDelay is below the 12 hours for which SQS may hide a message in all.
const maxDelay = 11 * time.Hour

// Delay is the set delay, or else the backoff.
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
