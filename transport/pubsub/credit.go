package pubsub

import (
	"context"
	"time"
)

// gatherTime is how long a poller waits for credit for a full receive. Without it, a busy
// consumer would receive single messages.
const gatherTime = 5 * time.Millisecond

// credit bounds the group runs. Before it receives, a poller takes enough for each message to be
// a run of its own.
type credit struct {
	tokens chan struct{}
	turn   chan struct{}
}

func newCredit(n int) *credit {
	c := &credit{tokens: make(chan struct{}, n), turn: make(chan struct{}, 1)}
	c.give(n)
	return c
}

// take waits for credit, at most for a full receive. 0 means that ctx ended.
func (c *credit) take(ctx context.Context) int {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	defer func() { <-c.turn }()
	select {
	case <-c.tokens:
	case <-ctx.Done():
		return 0
	}
	return 1 + c.gather(ctx, maxBatch-1)
}

func (c *credit) gather(ctx context.Context, most int) int {
	var enough <-chan time.Time
	for got := 0; got < most; got++ {
		select {
		case <-c.tokens:
			continue
		default:
		}
		if got == cap(c.tokens)-1 {
			return got
		}
		if enough == nil {
			timer := time.NewTimer(gatherTime)
			defer timer.Stop()
			enough = timer.C
		}
		select {
		case <-c.tokens:
		case <-enough:
			return got
		case <-ctx.Done():
			return got
		}
	}
	return most
}

func (c *credit) give(n int) {
	for range n {
		c.tokens <- struct{}{}
	}
}

// reconcile gives back credit or waits for more: a repeated receive may bring more runs than it
// now asked for.
func (c *credit) reconcile(taken, used int) {
	c.give(max(taken-used, 0))
	for range max(used-taken, 0) {
		<-c.tokens
	}
}
