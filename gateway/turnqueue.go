package gateway

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// turnQueue lets one call of this process and urgency at a time ask for the attach lease, in
// order, but the newest interactive call first.
type turnQueue struct {
	newestFirst bool
	now         func() time.Time

	mu      sync.Mutex
	busy    bool
	waiting []*waiter
}

// queueFront is how many calls may wait longer than attachWait: AWS attaches about one key a
// second.
const queueFront = 10

// enter waits for the call's turn. After nil the caller must call leave. The error is a
// *portal.Postponed.
func (l *turnQueue) enter(ctx context.Context) error {
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

func (l *turnQueue) join() *waiter {
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

func (l *turnQueue) remaining(w *waiter) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(time.Millisecond, l.deadline(w).Sub(l.now()))
}

func (l *turnQueue) overdue(w *waiter) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.deadline(w).After(l.now())
}

func (l *turnQueue) deadline(w *waiter) time.Time {
	at := slices.Index(l.waiting, w)
	if l.newestFirst || at < 0 || at >= queueFront {
		return w.since.Add(attachWait)
	}
	return w.since.Add(frontWait)
}

func (l *turnQueue) quit(w *waiter) (waited bool) {
	l.mu.Lock()
	at := slices.Index(l.waiting, w)
	if at >= 0 {
		l.waiting = slices.Delete(l.waiting, at, at+1)
	}
	l.mu.Unlock()
	return at >= 0
}

func (l *turnQueue) leave() {
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
