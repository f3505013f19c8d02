package pubsub

import (
	"context"
	"sync"
	"time"
)

// coalescer sends items in batches: when one is full, when the caller expects no more, or after
// the linger. Failed items that are not at fault are sent again while again allows it.
type coalescer[T any] struct {
	linger time.Duration
	life   context.Context
	send   func(batch []T) []failedEntry
	again  func(tries int) bool
	// stale says why an item must no longer be sent, or nil.
	stale  func(item T) error
	failed func(item T, err error)

	mu      sync.Mutex
	waiting []T
	timer   *time.Timer
	sending sync.WaitGroup
}

func (c *coalescer[T]) add(now bool, items ...T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) > 0 && len(c.waiting)+len(items) > maxBatch {
		c.sendWaiting()
	}
	c.waiting = append(c.waiting, items...)
	switch {
	case now || len(c.waiting) >= maxBatch:
		c.sendWaiting()
	case c.timer == nil:
		c.timer = time.AfterFunc(c.linger, c.flush)
	}
}

func (c *coalescer[T]) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sendWaiting()
}

func (c *coalescer[T]) drain() {
	c.flush()
	c.sending.Wait()
}

// The caller of sendWaiting holds the lock.
func (c *coalescer[T]) sendWaiting() {
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	for len(c.waiting) > 0 {
		n := min(len(c.waiting), maxBatch)
		batch := c.waiting[:n:n]
		c.waiting = c.waiting[n:]
		c.sending.Go(func() { c.sendBatch(batch) })
	}
	c.waiting = nil
}

func (c *coalescer[T]) sendBatch(batch []T) {
	for try := 1; len(batch) > 0; try++ {
		if try > 1 {
			pause(c.life, jittered(50*time.Millisecond, time.Second, try-1))
		}
		if batch = c.dropStale(batch); len(batch) == 0 {
			return
		}
		var again []T
		for _, r := range c.send(batch) {
			if r.final || !c.again(try) {
				c.failed(batch[r.index], r.err)
				continue
			}
			again = append(again, batch[r.index])
		}
		batch = again
	}
}

func (c *coalescer[T]) dropStale(batch []T) []T {
	var rest []T
	for _, item := range batch {
		if err := c.stale(item); err != nil {
			c.failed(item, err)
			continue
		}
		rest = append(rest, item)
	}
	return rest
}
