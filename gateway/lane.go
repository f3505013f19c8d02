package gateway

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// lane has the calls of one urgency in this process seek the attach lease one at a time, so
// that only one asks the table. They go in the order they came, but of interactive ones the
// newest goes first, as in a taker.
type lane struct {
	newestFirst bool
	now         func() time.Time

	mu      sync.Mutex
	busy    bool
	waiting []*waiter
}

// laneFront is how many may wait in a lane for longer than attachWait. AWS attaches
// about one key a second, so their turn will come soon.
const laneFront = 10

// enter waits for the call's turn; after a nil error the caller must leave. The error is a
// *portal.Postponed.
func (l *lane) enter(ctx context.Context) error {
	w := l.join()
	for {
		select {
		case g := <-w.answer:
			return g.err
		case <-ctx.Done():
			if !l.quit(w) {
				l.leave()
			}
			return portal.Stopped(ctx)
		case <-time.After(l.remaining(w)):
			if l.overdue(w) && l.quit(w) {
				return postponed("attach lease")
			}
		}
	}
}

func (l *lane) join() *waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &waiter{since: l.now(), answer: make(chan granted, 1)}
	if !l.busy {
		l.busy = true
		w.answer <- granted{}
		return w
	}
	l.waiting = append(l.waiting, w)
	return w
}

// stays is how long the call will wait from now on, if others keep their places.
func (l *lane) remaining(w *waiter) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(time.Millisecond, l.deadline(w).Sub(l.now()))
}

func (l *lane) overdue(w *waiter) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.deadline(w).After(l.now())
}

// until is when the call gives up: at the front only once it is not fresh any more.
func (l *lane) deadline(w *waiter) time.Time {
	at := slices.Index(l.waiting, w)
	if l.newestFirst || at < 0 || at >= laneFront {
		return w.since.Add(attachWait)
	}
	return w.since.Add(frontWait)
}

// quit takes the call out of those that wait; waited is false if it has its turn already.
func (l *lane) quit(w *waiter) (waited bool) {
	l.mu.Lock()
	at := slices.Index(l.waiting, w)
	if at >= 0 {
		l.waiting = slices.Delete(l.waiting, at, at+1)
	}
	l.mu.Unlock()
	return at >= 0
}

// leave gives the next call its turn.
func (l *lane) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.busy = false
		return
	}
	next := 0
	if l.newestFirst {
		next = len(l.waiting) - 1
	}
	l.waiting[next].answer <- granted{}
	l.waiting = slices.Delete(l.waiting, next, next+1)
}
