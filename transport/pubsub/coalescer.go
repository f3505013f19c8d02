package pubsub

import (
	"context"
	"sync"
	"time"
)

// coalescer collects items into batch requests: one leaves when it is full, when the
// caller knows that nothing more is to be expected, or after the linger. What is
// refused is tried again, unless it is refused for good or again says no.
type coalescer[T any] struct {
	linger time.Duration
	// life ends when nothing is sent any more.
	life context.Context
	send func(batch []T) []refusal
	// again says whether a batch is worth another try after so many.
	again func(tries int) bool
	// moot says, before each try, why an item is not to be sent any more; nil if it is.
	moot func(item T) error
	// failed is told of an item given up.
	failed func(item T, err error)

	mu      sync.Mutex
	waiting []T
	timer   *time.Timer
	flights sync.WaitGroup
}

// add takes items that stay together, if they fit. It does not wait.
func (c *coalescer[T]) add(now bool, items ...T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) > 0 && len(c.waiting)+len(items) > maxBatch {
		c.launch()
	}
	c.waiting = append(c.waiting, items...)
	switch {
	case now || len(c.waiting) >= maxBatch:
		c.launch()
	case c.timer == nil:
		c.timer = time.AfterFunc(c.linger, c.flush)
	}
}

// flush sends what waits.
func (c *coalescer[T]) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.launch()
}

// drain sends what waits and returns when everything was answered.
func (c *coalescer[T]) drain() {
	c.flush()
	c.flights.Wait()
}

// launch sends what waits. The caller holds the lock.
func (c *coalescer[T]) launch() {
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	for len(c.waiting) > 0 {
		n := min(len(c.waiting), maxBatch)
		batch := c.waiting[:n:n]
		c.waiting = c.waiting[n:]
		c.flights.Go(func() { c.fly(batch) })
	}
	c.waiting = nil
}

func (c *coalescer[T]) fly(batch []T) {
	for try := 1; len(batch) > 0; try++ {
		if try > 1 {
			pause(c.life, jittered(50*time.Millisecond, time.Second, try-1))
		}
		if batch = c.unmoot(batch); len(batch) == 0 {
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

// unmoot gives up what is moot and returns the rest.
func (c *coalescer[T]) unmoot(batch []T) []T {
	var rest []T
	for _, item := range batch {
		if err := c.moot(item); err != nil {
			c.failed(item, err)
			continue
		}
		rest = append(rest, item)
	}
	return rest
}
