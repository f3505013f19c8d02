package pubsub

import (
	"errors"
	"sync"
)

// errClosed is what using a publisher or subscriber after Close answers.
var errClosed = errors.New("it is closed")

// ErrClosing is the cause that a message's context ends with when the subscriber
// closes and the handler has had its time.
var ErrClosing = errors.New("the subscriber is closing")

// gate lets messages out until it is shut.
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

// shut returns when nobody is in the gate and nobody can be again.
func (g *gate) shut() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.passing.Wait()
}
