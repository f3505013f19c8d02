package pubsub

import (
	"errors"
	"sync/atomic"
	"time"
)

type acker struct {
	leases  *leases
	deletes coalescer[*delivery]
	changes coalescer[change]
	inHand  atomic.Int64
}

// On a standard queue, an old receipt may still work while another worker handles the message.
var errLeaseOver = errors.New("its lease has run out, so it may be another worker's by now")

func newAcker(r receiptCalls, l *leases, cfg SubscriberConfig) *acker {
	a := &acker{leases: l}
	failed := func(d *delivery, err error, message string) {
		if errors.Is(err, errLeaseOver) && cfg.Overdue != nil {
			cfg.Overdue()
		}
		r.log.Warn().Err(err).Str("sqs_message_id", d.id).Msg(message)
	}
	stale := func(d *delivery) error {
		if d.expired() {
			return errLeaseOver
		}
		return nil
	}
	a.deletes = coalescer[*delivery]{
		linger: cfg.Linger, life: r.life, send: r.delete, again: r.worthAnother, stale: stale,
		failed: func(d *delivery, err error) {
			failed(d, err, "deleting a handled message failed; it will come again")
		},
	}
	a.changes = coalescer[change]{
		linger: cfg.Linger, life: r.life, send: r.changeVisibility, again: r.worthAnother,
		stale: func(c change) error { return stale(c.d) },
		failed: func(c change, err error) {
			failed(c.d, err, "handing a message back failed; it comes again when its lease ends")
		},
	}
	return a
}

func (a *acker) expect(n int) { a.inHand.Add(int64(n)) }

func (a *acker) delete(d *delivery) {
	a.leases.drop(d)
	// While other messages are in hand, their deletes may join this batch.
	a.deletes.add(a.inHand.Add(-1) == 0, d)
}

func (a *acker) handBack(ds []*delivery, delay time.Duration) {
	a.leases.dropAfterExtension(ds)
	changes := make([]change, len(ds))
	for i, d := range ds {
		changes[i] = change{d: d, visibility: delay}
	}
	last := a.inHand.Add(-int64(len(ds))) == 0
	a.changes.add(last, changes...)
	if last {
		a.deletes.flush()
	}
}

func (a *acker) drain() {
	a.deletes.drain()
	a.changes.drain()
}
