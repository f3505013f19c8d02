package pubsub

import (
	"errors"
	"sync/atomic"
	"time"
)

// settler ends what we hold: deletes what was acked, hands back what was not. It
// collects what comes together into one request.
type settler struct {
	leases  *leases
	deletes coalescer[*delivery]
	changes coalescer[change]
	// open counts what was received and is not settled yet.
	open atomic.Int64
}

// errLeaseOver is why a message is neither deleted nor handed back: on a standard queue
// its receipt may still work, on a message that another worker is handling.
var errLeaseOver = errors.New("its lease has run out, so it may be another worker's by now")

func newSettler(r receiptCalls, l *leases, cfg SubscriberConfig) *settler {
	s := &settler{leases: l}
	failed := func(d *delivery, err error, message string) {
		if errors.Is(err, errLeaseOver) && cfg.Overdue != nil {
			cfg.Overdue()
		}
		r.log.Warn().Err(err).Str("message_id", d.id).Msg(message)
	}
	moot := func(d *delivery) error {
		if d.over() {
			return errLeaseOver
		}
		return nil
	}
	s.deletes = coalescer[*delivery]{
		linger: cfg.Linger, life: r.life, send: r.delete, again: r.worthAnother, moot: moot,
		failed: func(d *delivery, err error) {
			failed(d, err, "deleting a handled message failed; it will come again")
		},
	}
	s.changes = coalescer[change]{
		linger: cfg.Linger, life: r.life, send: r.changeVisibility, again: r.worthAnother,
		moot: func(c change) error { return moot(c.d) },
		failed: func(c change, err error) {
			failed(c.d, err, "handing a message back failed; it comes again when its lease ends")
		},
	}
	return s
}

// expect counts messages that are to be settled.
func (s *settler) expect(n int) { s.open.Add(int64(n)) }

// delete settles an acked message.
func (s *settler) delete(d *delivery) {
	s.leases.drop(d)
	// While others are in hand, more is to come that can be deleted with it.
	s.deletes.add(s.open.Add(-1) == 0, d)
}

// release hands messages back, to be received again after the delay.
func (s *settler) release(ds []*delivery, delay time.Duration) {
	s.leases.yield(ds)
	changes := make([]change, len(ds))
	for i, d := range ds {
		changes[i] = change{d: d, visibility: delay}
	}
	last := s.open.Add(-int64(len(ds))) == 0
	s.changes.add(last, changes...)
	if last {
		s.deletes.flush()
	}
}

// drain returns when all is settled.
func (s *settler) drain() {
	s.deletes.drain()
	s.changes.drain()
}
