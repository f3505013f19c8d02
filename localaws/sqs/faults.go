package sqs

import "time"

// OnOldReceipt makes decide say whether a standard queue ignores a receipt handle that is not
// the message's latest. Otherwise such a handle works. Set it before the first call. decide
// must not block or call this service.
func (s *Service) OnOldReceipt(decide func(operation string) (ignored bool)) {
	s.engine.oldReceipt = decide
}

// Duplicate adds a copy of a message to its standard queue, with the same id and contents: "On rare
// occasions, one of the servers that stores a copy of a message might be unavailable when you receive
// or delete a message"
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html).
//
// Like Withhold and Expire it does nothing and returns false unless the handle is the message's latest.
func (s *Service) Duplicate(queueURL, handle string) (bool, error) {
	return s.alterReceived(queueURL, handle, func(r *round, q *queue, m *message) bool {
		if q.FIFO {
			return false
		}
		copied := &message{sent: m.sent, receipt: receipt{Count: m.Count, First: m.First, Last: m.Last, Until: r.now}}
		r.insert(q, copied)
		return true
	})
}

// Withhold undoes the receive of a message in a standard queue and delays it by d, so that
// later ones overtake it. It returns false for a message that was received or delayed before.
func (s *Service) Withhold(queueURL, handle string, d time.Duration) (bool, error) {
	return s.alterReceived(queueURL, handle, func(r *round, q *queue, m *message) bool {
		if q.FIFO || m.Count != 1 || !m.Delayed.IsZero() || d <= 0 {
			return false
		}
		r.put(nil, seqKey(m.seq), receiptsBucket, q.ID)
		m.Delayed = r.now.Add(d)
		m.receipt = receipt{Until: m.Delayed}
		q.mark(m, delayed)
		q.timed.put(m)
		q.order.update(m)
		r.putMessage(q, m)
		return true
	})
}

// Expire ends the message's visibility timeout after that time, unless it ends earlier.
func (s *Service) Expire(queueURL, handle string, after time.Duration) (bool, error) {
	return s.alterReceived(queueURL, handle, func(r *round, q *queue, m *message) bool {
		until := r.now.Add(after)
		if m.Until.Before(until) {
			return false
		}
		m.Until = until
		if after > 0 {
			q.hide(m)
		} else {
			q.show(m)
		}
		r.putReceipt(q, m)
		return true
	})
}

func (s *Service) alterReceived(queueURL, handle string, do func(*round, *queue, *message) bool) (done bool, err error) {
	err = s.engine.do(func(r *round) error {
		q, err := r.queues.byURL(caller{}, queueURL)
		if err != nil {
			return err
		}
		r.open(q)
		m, current, err := q.received(handle)
		if err == nil && current && m.hidden == inFlight {
			done = do(r, q, m)
		}
		return err
	})
	return done, err
}
