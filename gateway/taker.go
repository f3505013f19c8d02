package gateway

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// taker draws tokens for this process's calls of one class and urgency, so that many calls cost
// one write. It runs only while a call waits.
type taker struct {
	budget *Budget
	kind   callKind

	mu sync.Mutex
	// waiting are served in order, but the newest interactive call first, so that in a rush the
	// people who click now are served. Holders of the attach lease go before all others.
	waiting []*waiter
	spare   []token
	running bool
}

type token struct{ drawn time.Time }

// A token is not used later than tokenLife after it was drawn: it could reach AWS together with a
// bucketful drawn since. slack must cover tokenLife and the way to AWS.
const tokenLife = 200 * time.Millisecond

func (t token) usable(now time.Time) bool { return now.Sub(t.drawn) <= tokenLife }

type waiter struct {
	since  time.Time
	holds  bool
	until  time.Time
	answer chan granted
}

type granted struct {
	token token
	err   error
}

func (t *taker) deadline(w *waiter, atTheFront bool) time.Time {
	switch {
	case w.holds:
		return w.until
	case !atTheFront:
		return w.since.Add(tokenWait)
	case t.kind.urgency == Interactive:
		// After that it would count as backlog, and be in the way of fresh calls.
		return w.since.Add(frontTime)
	}
	return w.since.Add(frontWait)
}

// The front of a queue is as many calls as the budget serves in frontTime. Interactive calls
// there wait for frontTime, others for frontWait; otherwise tokens would be left over while the
// last messages are delayed.
const (
	frontTime = 10 * time.Second
	frontWait = time.Minute
)

func (t *taker) front() int {
	l, own := t.budget.limits[t.kind.class]
	if !own {
		l = t.budget.limits[total]
	}
	return max(1, int(l.rate*frontTime.Seconds()))
}

// take waits for tokenWait, longer at the front, and for portal.LastWait in a process that stops.
// Any error is a *portal.Postponed.
func (t *taker) take(ctx context.Context) (token, error) {
	return t.await(ctx, &waiter{})
}

// takeFirst waits ahead of all others, for at most d. The caller holds the attach lease.
func (t *taker) takeFirst(ctx context.Context, d time.Duration) (token, error) {
	return t.await(ctx, &waiter{holds: true, until: t.budget.now().Add(d)})
}

func (t *taker) await(ctx context.Context, w *waiter) (token, error) {
	waiting, cancel := portal.UnlessStopping(ctx)
	defer cancel()
	t.join(w)
	select {
	case g := <-w.answer:
		return g.token, g.err
	case <-waiting.Done():
		t.leave(w)
		return token{}, portal.Stopped(waiting)
	}
}

func (t *taker) join(w *waiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w.since, w.answer = t.budget.now(), make(chan granted, 1)
	t.waiting = append(t.waiting, w)
	t.deliver()
	if len(t.waiting) > 0 && !t.running {
		t.running = true
		go t.run()
	}
}

func (t *taker) leave(w *waiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at := slices.Index(t.waiting, w); at >= 0 {
		t.waiting = slices.Delete(t.waiting, at, at+1)
		return
	}
	if g := <-w.answer; g.err == nil {
		t.deliver(g.token)
	}
}

func (t *taker) giveBack(unused token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.deliver(unused)
}

// deliver hands tokens to the calls whose turn it is. The caller holds the lock.
func (t *taker) deliver(tokens ...token) {
	now := t.budget.now()
	tokens = slices.DeleteFunc(append(t.spare, tokens...), func(t token) bool { return !t.usable(now) })
	for len(tokens) > 0 && len(t.waiting) > 0 {
		next := t.next()
		t.waiting[next].answer <- granted{token: tokens[0]}
		t.waiting = slices.Delete(t.waiting, next, next+1)
		tokens = tokens[1:]
	}
	t.spare = tokens
}

func (t *taker) next() int {
	if holder := slices.IndexFunc(t.waiting, func(w *waiter) bool { return w.holds }); holder >= 0 {
		return holder
	}
	return t.turn(0)
}

// turn converts an index into the number of waiters before it, and back, as if none of
// them held the attach lease.
func (t *taker) turn(at int) int {
	if t.kind.urgency == Interactive {
		return len(t.waiting) - 1 - at
	}
	return at
}

func (t *taker) run() {
	for {
		want, until, ok := t.demand()
		if !ok {
			return
		}
		wait, err := t.draw(want)
		if err != nil {
			t.sendAway(portal.Postpone("budget store", err))
			continue
		}
		if wait > 0 {
			// No longer, to notice soon that no call waits any more.
			wait = min(wait+jitter(0, wait/8+time.Millisecond), until.Sub(t.budget.now())+time.Millisecond, tokenWait)
			_ = sleep(context.Background(), wait)
		}
	}
}

// demand sends away the calls past their deadline, and returns how many tokens the others want,
// and their first deadline.
func (t *taker) demand() (want int, until time.Time, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, front := t.budget.now(), t.front()
	var stay []*waiter
	for i, w := range t.waiting {
		deadline := t.deadline(w, t.turn(i) < front)
		if !deadline.After(now) {
			w.answer <- granted{err: noToken()}
			continue
		}
		stay = append(stay, w)
		if until.IsZero() || deadline.Before(until) {
			until = deadline
		}
	}
	t.waiting = stay
	t.running = len(stay) > 0
	return len(stay), until, t.running
}

// draw returns a panic as an error, since many messages wait.
func (t *taker) draw(want int) (wait time.Duration, err error) {
	defer portal.Recover(&err)
	ctx, cancel := context.WithTimeout(context.Background(), tableTimeout)
	defer cancel()
	got, wait, err := t.budget.draw(ctx, t.kind, want)
	if err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	// The tokens are ours only now, and the time of the write must not lengthen their lives.
	drawn := token{drawn: t.budget.now()}
	t.deliver(slices.Repeat([]token{drawn}, got)...)
	return wait, nil
}

func (t *taker) sendAway(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range t.waiting {
		w.answer <- granted{err: err}
	}
	t.waiting = nil
}
