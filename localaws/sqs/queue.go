package sqs

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/sqs/dedup"
)

// queue is one queue: its settings, its messages, and the indices that make each
// operation cost no more than what it touches.
type queue struct {
	settings
	arn string

	// last is the greatest sequence number given.
	last     uint64
	messages map[uint64]*message
	order    order
	// timed holds the hidden messages by when they become visible, aging all of
	// them by when they were sent.
	timed, aging  index[*message]
	hiddenAs      [inFlight + 1]int
	deduplication dedup.Window
	attempts      map[string]attempt

	waiting
}

func newQueue(s settings, arn string) *queue {
	q := &queue{settings: s, arn: arn, attempts: map[string]attempt{}}
	q.clear()
	return q
}

// clear forgets all messages, but neither the sequence nor what was sent lately.
func (q *queue) clear() {
	q.messages = map[uint64]*message{}
	q.order = newStandardOrder()
	if q.FIFO {
		q.order = newFIFOOrder()
	}
	q.timed = index[*message]{
		before: func(a, b *message) bool { return a.Until.Before(b.Until) },
		slot:   func(m *message) *int { return &m.timedSlot },
	}
	q.aging = index[*message]{
		before: func(a, b *message) bool { return a.At.Before(b.At) },
		slot:   func(m *message) *int { return &m.ageSlot },
	}
	q.hiddenAs = [inFlight + 1]int{}
}

// insert takes a message in whose seq is greater than that of all others.
func (q *queue) insert(m *message) {
	q.messages[m.seq] = m
	q.aging.put(m)
	q.hiddenAs[m.hidden]++
	if m.hidden != visible {
		q.timed.put(m)
	}
	q.order.add(m)
}

// drop takes a message out.
func (q *queue) drop(m *message) {
	delete(q.messages, m.seq)
	q.aging.remove(m)
	q.timed.remove(m)
	q.hiddenAs[m.hidden]--
	q.order.remove(m)
}

// hide withholds the message until m.Until, which the caller has set.
func (q *queue) hide(m *message) {
	q.mark(m, inFlight)
	q.timed.put(m)
	q.order.update(m)
}

// show makes the message visible.
func (q *queue) show(m *message) {
	q.mark(m, visible)
	q.timed.remove(m)
	q.order.update(m)
}

func (q *queue) mark(m *message, as hiding) {
	q.hiddenAs[m.hidden]--
	m.hidden = as
	q.hiddenAs[as]++
}

// open returns the queue as it is now: with the messages whose time has come
// visible again, and those kept longer than the retention period gone.
func (r *round) open(q *queue) *queue {
	r.touch(q)
	for {
		m, ok := q.timed.first()
		if !ok || m.Until.After(r.now) {
			break
		}
		q.show(m)
	}
	retention := time.Duration(q.MessageRetentionPeriod) * time.Second
	for {
		m, ok := q.aging.first()
		if !ok || m.At.Add(retention).After(r.now) {
			break
		}
		r.remove(q, m)
	}
	return q
}

// insert adds a message to the queue, with the next sequence number.
func (r *round) insert(q *queue, m *message) {
	q.last++
	m.seq = q.last
	q.insert(m)
	r.putMessage(q, m)
}

// remove deletes a message from the queue.
func (r *round) remove(q *queue, m *message) {
	q.drop(m)
	r.deleteMessage(q, m)
}

// dedupKey is a deduplication id within the queue's scope for them.
func (q *queue) dedupKey(group, id string) string {
	return dedup.Key(q.DeduplicationScope == scopeGroup, group, id)
}

// remember notes that m was sent, and forgets what is too old to matter.
func (r *round) remember(q *queue, m *message) {
	for _, key := range q.deduplication.Expire(r.now) {
		r.put(nil, []byte(key), dedupBucket, q.ID)
	}
	e := dedup.Entry{Key: q.dedupKey(m.Group, m.Dedup), MessageID: m.ID, Seq: m.seq, At: r.now}
	q.deduplication.Add(e)
	r.putJSON(e, e.Key, dedupBucket, q.ID)
}
