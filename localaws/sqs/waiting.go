package sqs

import (
	"slices"
	"time"
)

// recheck bounds how long a queue with waiting receivers trusts its timer: the
// clock of a test moves without any timer firing.
const recheck = 100 * time.Millisecond

// waiting is the line of receivers that found a queue empty.
type waiting struct {
	receivers []*receiver
	timer     *time.Timer
}

// receiver is one of them; woken is closed when it is worth to try again.
type receiver struct{ woken chan struct{} }

func (w *waiting) join() *receiver {
	rc := &receiver{woken: make(chan struct{})}
	w.receivers = append(w.receivers, rc)
	return rc
}

func (w *waiting) leave(rc *receiver) {
	w.receivers = slices.DeleteFunc(w.receivers, func(other *receiver) bool { return other == rc })
}

// dismiss wakes everybody: the queue is gone.
func (w *waiting) dismiss() {
	for _, rc := range w.receivers {
		close(rc.woken)
	}
	w.receivers = nil
	if w.timer != nil {
		w.timer.Stop()
	}
}

// wake is called after every round that touched the queue. It wakes as many
// receivers as there is something for, those who came first, and sees to it
// that the others are thought of when the next hidden message becomes visible.
func (q *queue) wake(e *engine) {
	n := min(q.order.ready(), len(q.receivers))
	for _, rc := range q.receivers[:n] {
		close(rc.woken)
	}
	q.receivers = slices.Delete(q.receivers, 0, n)
	next, some := q.timed.first()
	switch {
	case len(q.receivers) == 0 || !some:
		if q.timer != nil {
			q.timer.Stop()
		}
	case q.timer == nil:
		q.timer = time.AfterFunc(q.pause(e, next), func() { e.look(q) })
	default:
		q.timer.Reset(q.pause(e, next))
	}
}

func (q *queue) pause(e *engine, next *message) time.Duration {
	return min(max(next.Until.Sub(e.env.Now()), time.Millisecond), recheck)
}

// look opens the queue, which shows what has become visible and so wakes those
// who wait for it.
func (e *engine) look(q *queue) {
	_ = e.do(func(r *round) error {
		if r.queues.byName[q.Name] == q {
			r.open(q)
		}
		return nil
	})
}
