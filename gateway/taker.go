package gateway

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// taker draws tokens for all who wait in this process for one class and urgency,
// so that the shared item is written once for many of them. It runs while somebody
// waits and ends by itself; nothing has to be closed.
type taker struct {
	budget *Budget
	queue  queue

	mu sync.Mutex
	// waiting, in the order they came. They are served in that order, but for interactive
	// ones, of whom the newest goes first: in a rush somebody who clicks now is served now,
	// and who has waited too long for that waits with the backlog.
	waiting []*waiter
	spare   []time.Time
	running bool
}

// waiter is one call that wants a token. Its answer is sent once, nil for a token.
type waiter struct {
	since  time.Time
	answer chan error
}

// until is when a waiter is sent away without a token.
func (t *taker) until(w *waiter, atTheFront bool) time.Time {
	switch {
	case !atTheFront:
		return w.since.Add(patience)
	case t.queue.urgency == Interactive:
		// Soon it is not fresh any more, and would be in the way of those who are.
		return w.since.Add(frontTime)
	}
	return w.since.Add(frontPatience)
}

// spareFor is how long a token that was drawn and not used is kept.
const spareFor = time.Second

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
// is stopping for lastWait only. Any error is a *portal.Postponed.
func (t *taker) take(ctx context.Context) error {
	waiting, cancel := unlessStopping(ctx)
	defer cancel()
	w := t.join()
	select {
	case err := <-w.answer:
		return err
	case <-waiting.Done():
		t.leave(w)
		return stopped(waiting)
	}
}

func (t *taker) join() *waiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.budget.now()
	w := &waiter{since: now, answer: make(chan error, 1)}
	t.spare = slices.DeleteFunc(t.spare, func(drawn time.Time) bool { return now.Sub(drawn) > spareFor })
	if len(t.spare) > 0 {
		t.spare = t.spare[1:]
		w.answer <- nil
		return w
	}
	t.waiting = append(t.waiting, w)
	if !t.running {
		t.running = true
		go t.run()
	}
	return w
}

// leave takes a waiter out. A token that it was given meanwhile is passed on.
func (t *taker) leave(w *waiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at := slices.Index(t.waiting, w); at >= 0 {
		t.waiting = slices.Delete(t.waiting, at, at+1)
		return
	}
	if err := <-w.answer; err == nil {
		t.deliver(1)
	}
}

// giveBack returns a token that no call was made with.
func (t *taker) giveBack() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.deliver(1)
}

// deliver hands tokens to whose turn it is and keeps the rest for a moment. The lock must
// be held.
func (t *taker) deliver(tokens int) {
	for ; tokens > 0 && len(t.waiting) > 0; tokens-- {
		next := t.at(0)
		t.waiting[next].answer <- nil
		t.waiting = slices.Delete(t.waiting, next, next+1)
	}
	for range tokens {
		t.spare = append(t.spare, t.budget.now())
	}
}

// at is the index of who has so many before them; and, the other way round, how many
// somebody at that index has before them.
func (t *taker) at(turn int) int {
	if t.queue.urgency == Interactive {
		return len(t.waiting) - 1 - turn
	}
	return turn
}

func (t *taker) run() {
	for {
		want, until, ok := t.demand()
		if !ok {
			return
		}
		wait, err := t.draw(want)
		if err != nil {
			t.refuse(portal.Postpone("budget store", err))
			continue
		}
		if wait > 0 {
			// Not longer than patience, so as to see soon that nobody waits any more.
			wait = min(wait+jitter(0, wait/8+time.Millisecond), until.Sub(t.budget.now())+time.Millisecond, patience)
			_ = sleep(context.Background(), wait)
		}
	}
}

// demand sends away who has waited too long, and says how many tokens the others
// want and when the first of them will have waited too long.
func (t *taker) demand() (want int, until time.Time, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, front := t.budget.now(), t.front()
	var stay []*waiter
	for i, w := range t.waiting {
		leaves := t.until(w, t.at(i) < front)
		if !leaves.After(now) {
			w.answer <- noToken()
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

func (t *taker) draw(want int) (wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	got, wait, err := t.budget.draw(ctx, t.queue, want)
	if err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.deliver(got)
	return wait, nil
}

func (t *taker) refuse(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range t.waiting {
		w.answer <- err
	}
	t.waiting = nil
}
