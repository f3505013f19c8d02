package sqs

import "time"

// What goes wrong with messages now and then, for tests of those who receive them.
// Each works on a message that has just been received, by its receipt handle, and
// says whether it could be done; a handle that is not, or no longer, that of a
// message's latest receive is left alone.

// OnOldReceipt has decide say, each time a call of a standard queue comes with a receipt
// handle that is not the latest of its message, whether the queue ignores it. Without
// decide such a handle works like the latest. It must be set before the first call;
// decide must neither block nor call this service.
func (s *Service) OnOldReceipt(decide func(operation string) (ignored bool)) {
	s.engine.oldReceipt = decide
}

// Duplicate puts a second copy of the message into its standard queue, with the
// same id and contents: "On rare occasions, one of the servers that stores a copy of
// a message might be unavailable when you receive or delete a message"
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html).
func (s *Service) Duplicate(queueURL, handle string) (bool, error) {
	return s.mistreat(queueURL, handle, func(r *round, q *queue, m *message) bool {
		if q.FIFO {
			return false
		}
		copied := &message{sent: m.sent, receipt: receipt{Count: m.Count, First: m.First, Last: m.Last, Until: r.now}}
		r.insert(q, copied)
		return true
	})
}

// Withhold takes the receive of a message of a standard queue back, as if it had not
// been, and delays the message by d, so that later ones overtake it. A message that
// was received before, or delayed before, is left alone.
func (s *Service) Withhold(queueURL, handle string, d time.Duration) (bool, error) {
	return s.mistreat(queueURL, handle, func(r *round, q *queue, m *message) bool {
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

// Expire has the visibility timeout of the message end when after has passed, unless
// it ends sooner by itself.
func (s *Service) Expire(queueURL, handle string, after time.Duration) (bool, error) {
	return s.mistreat(queueURL, handle, func(r *round, q *queue, m *message) bool {
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

func (s *Service) mistreat(queueURL, handle string, do func(*round, *queue, *message) bool) (done bool, err error) {
	err = s.engine.do(func(r *round) error {
		q, err := r.queues.byURL(queueURL)
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
