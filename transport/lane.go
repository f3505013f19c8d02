package transport

import (
	"context"
	"time"
)

// lanes splits what was received together: on a FIFO queue by group, in order; on a
// standard queue every message is a lane. No state outlives the batch: SQS hands out
// no more of a group while any message of it is leased.
func lanes(deliveries []*delivery, fifo bool) [][]*delivery {
	var all [][]*delivery
	place := map[string]int{}
	for _, d := range deliveries {
		at, known := place[d.group]
		if !fifo || !known {
			place[d.group] = len(all)
			all = append(all, []*delivery{d})
			continue
		}
		all[at] = append(all[at], d)
	}
	return all
}

type answer int

const (
	notEmitted answer = iota
	acked
	nacked
	noAnswer
)

// runLane hands out one message after the other, each when the one before is acked.
// At the first that is not, it and the rest go back to the queue.
func (s *subscription) runLane(lane []*delivery) {
	defer s.credit.give(1)
	for i, d := range lane {
		switch s.handOut(d) {
		case acked:
			s.settle.delete(d)
			continue
		case nacked:
			delay := d.delay(s.cfg.Backoff)
			if s.handling.Err() != nil {
				// It was cut off, not refused: another worker shall have it at once.
				delay = 0
			}
			s.settle.release(lane[i:], delay)
		case noAnswer:
			s.leases.log.Warn().Str("message_id", d.id).Msg("releasing a message that was not answered in time")
			s.settle.release(lane[i:], 0)
		case notEmitted:
			s.settle.release(lane[i:], 0)
		}
		return
	}
}

// handOut emits the message and waits for the answer. Its context carries the
// subscription's values and the delivery, and ends with the answer.
func (s *subscription) handOut(d *delivery) answer {
	deadline := time.Now().Add(s.cfg.MaxHandling)
	ctx, cancel := context.WithDeadline(context.WithValue(s.handling, deliveryKey{}, d), deadline)
	defer cancel()
	d.msg.SetContext(ctx)
	if !s.emit(d) {
		return notEmitted
	}
	// The lease outlasts the context a little, for the failure to be noted.
	d.capped(deadline.Add(s.cfg.Visibility))
	select {
	case <-d.msg.Acked():
		return acked
	case <-d.msg.Nacked():
		return nacked
	case <-s.abandoned:
		return noAnswer
	}
}

// emit keeps back a message whose lease ran out while it waited for its turn, which
// happens only if it could not be extended: somebody else may be handling it.
func (s *subscription) emit(d *delivery) bool {
	if s.polling.Err() != nil || d.over() || !s.gate.enter() {
		return false
	}
	defer s.gate.leave()
	select {
	case s.output <- d.msg:
		return true
	case <-s.polling.Done():
		return false
	}
}
