package gateway

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// taker draws tokens for all calls that wait in this process for one class and urgency,
// so that the shared item is written once for many of them. It runs while a call waits and
// ends by itself; nothing has to be closed.
type taker struct {
	budget *Budget
	queue  queue

	mu sync.Mutex
	// waiting, in the order they came. They are served in that order, but for interactive
	// ones, of whom the newest goes first: in a rush somebody who clicks now is served now,
	// and who has waited too long for that waits with the backlog. Calls that hold the attach
	// lease go before all others.
	waiting []*waiter
	spare   []token
	running bool
}

// token lets one call be made, soon after it was drawn: see tokenLife.
type token struct{ drawn time.Time }

// tokenLife is how long after it was drawn a token may be used. A call that uses an older
// one could reach AWS in the same moment as a bucketful drawn since, so it has to draw
// again. It is shorter than slack by what the way to AWS may take.
const tokenLife = 200 * time.Millisecond

func (t token) usable(now time.Time) bool { return now.Sub(t.drawn) <= tokenLife }

// waiter is one call that wants a token. It is answered once.
type waiter struct {
	since time.Time
	// holds says that the call holds the attach lease, and waits for no longer than until.
	holds  bool
	until  time.Time
	answer chan granted
}

type granted struct {
	token token
	err   error
}

// leaves is when a waiter is sent away without a token.
func (t *taker) leaves(w *waiter, atTheFront bool) time.Time {
	switch {
	case w.holds:
		return w.until
	case !atTheFront:
		return w.since.Add(patience)
	case t.queue.urgency == Interactive:
		// Soon it is not fresh any more, and would be in the way of those who are.
		return w.since.Add(frontTime)
	}
	return w.since.Add(frontPatience)
}

// frontTime is how much of the budget's time those at the front of a queue stand for, and
// how long they wait if somebody is at a screen; others wait for frontPatience. Were
// everybody handed back after patience, tokens would be left over while the last few wait
// out their delays.
const (
	frontTime     = 10 * time.Second
	frontPatience = time.Minute
)

// front is how many may wait longer than patience, because their turn will come soon.
func (t *taker) front() int {
	l, own := t.budget.limits[t.queue.class]
	if !own {
		l = t.budget.limits[total]
	}
	return max(1, int(l.rate*frontTime.Seconds()))
}

// take waits for a token, for patience, or longer if its turn is near; when the process
// is stopping for portal.LastWait only. Any error is a *portal.Postponed.
func (t *taker) take(ctx context.Context) (token, error) {
	return t.await(ctx, &waiter{})
}

// takeFirst waits for a token before all other calls, for at most d: the caller holds the
// attach lease meanwhile.
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

// leave takes a waiter out. A token that it was given meanwhile is passed on.
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

// giveBack returns a token that no call was made with.
func (t *taker) giveBack(unused token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.deliver(unused)
}

// deliver hands tokens to the calls whose turn it is and keeps the rest for as long as they
// may be used. The lock must be held.
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

// next is the index of the waiter whose turn it is.
func (t *taker) next() int {
	if holder := slices.IndexFunc(t.waiting, func(w *waiter) bool { return w.holds }); holder >= 0 {
		return holder
	}
	return t.turn(0)
}

// turn is the index of the waiter with so many before it; and, the other way round, how many
// the waiter at that index has before it.
func (t *taker) turn(at int) int {
	if t.queue.urgency == Interactive {
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
			// Not longer than patience, so as to see soon that nobody waits any more.
			wait = min(wait+jitter(0, wait/8+time.Millisecond), until.Sub(t.budget.now())+time.Millisecond, patience)
			_ = sleep(context.Background(), wait)
		}
	}
}

// demand sends away the calls that have waited too long, and says how many tokens the others
// want and when the first of them will have waited too long.
func (t *taker) demand() (want int, until time.Time, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, front := t.budget.now(), t.front()
	var stay []*waiter
	for i, w := range t.waiting {
		leaves := t.leaves(w, t.turn(i) < front)
		if !leaves.After(now) {
			w.answer <- granted{err: noToken()}
			continue
		}
		stay = append(stay, w)
		if until.IsZero() || leaves.Before(until) {
			until = leaves
		}
	}
	t.waiting = stay
	t.running = len(stay) > 0
	return len(stay), until, t.running
}

// draw draws tokens and hands them out. A panic is an error, since many messages wait.
func (t *taker) draw(want int) (wait time.Duration, err error) {
	defer portal.Recover(&err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	got, wait, err := t.budget.draw(ctx, t.queue, want)
	if err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	// Only now is it certain that the tokens are ours. The time that writing took is lost to
	// the bucket and not gained by the token.
	drawn := token{drawn: t.budget.now()}
	t.deliver(slices.Repeat([]token{drawn}, got)...)
	return wait, nil
}

// sendAway answers every call that waits with the error.
func (t *taker) sendAway(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range t.waiting {
		w.answer <- granted{err: err}
	}
	t.waiting = nil
}
