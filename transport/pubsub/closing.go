package pubsub

import (
	"errors"
	"sync"
)

var errClosed = errors.New("already closed")

// ErrClosing is the cause of a context that ended because the subscriber closes and the handler
// took too long.
var ErrClosing = errors.New("the subscriber is closing")

type gate struct {
	mu      sync.Mutex
	closed  bool
	passing sync.WaitGroup
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.passing.Add(1)
	return true
}

func (g *gate) leave() { g.passing.Done() }

func (g *gate) shut() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.passing.Wait()
}
