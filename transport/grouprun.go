package transport

import (
	"context"
	"time"
)

// groupRun is what is handed out one after the other: on a FIFO queue the messages of one
// group that were received together, in order; on a standard queue a single message.
type groupRun []*delivery

// groupRuns splits what was received together. No state outlives the batch: SQS hands out
// no more of a group while any message of it is leased.
func groupRuns(deliveries []*delivery, fifo bool) []groupRun {
	var all []groupRun
	place := map[string]int{}
	for _, d := range deliveries {
		at, known := place[d.group]
		if !fifo || !known {
			place[d.group] = len(all)
			all = append(all, groupRun{d})
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

// runGroup hands out one message after the other, each when the one before is acked.
// At the first that is not, it and the rest go back to the queue.
func (s *subscription) runGroup(messages groupRun) {
	defer s.credit.give(1)
	for i, d := range messages {
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
			s.settle.release(messages[i:], delay)
		case noAnswer:
			s.leases.log.Warn().Str("message_id", d.id).Msg("releasing a message that was not answered in time")
			s.settle.release(messages[i:], 0)
		case notEmitted:
			s.settle.release(messages[i:], 0)
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
