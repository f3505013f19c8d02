package sqs

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/sqs/dedup"
)

// queue has indices so that an operation costs no more than what it touches.
type queue struct {
	settings
	arn string

	// last is the greatest sequence number so far.
	last     uint64
	messages map[uint64]*message
	order    order
	// timed holds hidden messages, by when they become visible; aging all, by when they were
	// sent.
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

// clear keeps the last sequence number and the deduplication window.
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

// insert requires the greatest seq.
func (q *queue) insert(m *message) {
	q.messages[m.seq] = m
	q.aging.put(m)
	q.hiddenAs[m.hidden]++
	if m.hidden != visible {
		q.timed.put(m)
	}
	q.order.add(m)
}

func (q *queue) drop(m *message) {
	delete(q.messages, m.seq)
	q.aging.remove(m)
	q.timed.remove(m)
	q.hiddenAs[m.hidden]--
	q.order.remove(m)
}

// hide hides the message until m.Until, which must be set.
func (q *queue) hide(m *message) {
	q.mark(m, inFlight)
	q.timed.put(m)
	q.order.update(m)
}

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

// open shows messages whose timeout is over and deletes those past the retention period.
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

func (r *round) insert(q *queue, m *message) {
	q.last++
	m.seq = q.last
	q.insert(m)
	r.putMessage(q, m)
}

func (r *round) remove(q *queue, m *message) {
	q.drop(m)
	r.deleteMessage(q, m)
}

func (q *queue) dedupKey(group, id string) string {
	return dedup.Key(q.DeduplicationScope == scopeGroup, group, id)
}

// remember adds m to the deduplication window and deletes old entries.
func (r *round) remember(q *queue, m *message) {
	for _, key := range q.deduplication.Expire(r.now) {
		r.put(nil, []byte(key), dedupBucket, q.ID)
	}
	e := dedup.Entry{Key: q.dedupKey(m.Group, m.Dedup), MessageID: m.ID, Seq: m.seq, At: r.now}
	q.deduplication.Add(e)
	r.putJSON(e, e.Key, dedupBucket, q.ID)
}
