package sqs

import (
	"slices"
	"time"
)

// recheck is the longest pause between checks for waiting receivers, because a test's clock
// moves without firing timers.
const recheck = 100 * time.Millisecond

// waiting holds receivers that found the queue empty.
type waiting struct {
	receivers []*receiver
	timer     *time.Timer
}

// receiver retries once woken is closed.
type receiver struct{ woken chan struct{} }

func (w *waiting) join() *receiver {
	rc := &receiver{woken: make(chan struct{})}
	w.receivers = append(w.receivers, rc)
	return rc
}

func (w *waiting) leave(rc *receiver) {
	w.receivers = slices.DeleteFunc(w.receivers, func(other *receiver) bool { return other == rc })
}

// dismiss wakes all receivers when the queue is gone.
func (w *waiting) dismiss() {
	for _, rc := range w.receivers {
		close(rc.woken)
	}
	w.receivers = nil
	if w.timer != nil {
		w.timer.Stop()
	}
}

// wake runs after every round that touched the queue. It wakes the longest waiting receivers,
// as many as can get something, and sets a timer for the others.
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

// look wakes receivers for messages whose timeout is over.
func (e *engine) look(q *queue) {
	_ = e.do(func(r *round) error {
		if r.queues.byName[q.key()] == q {
			r.open(q)
		}
		return nil
	})
}
