package sqs

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/sqs/dedup"
)

// attempt is a receive with a ReceiveRequestAttemptId, in a FIFO queue. A client that lost the
// answer can repeat it within five minutes, unless one of its messages has changed. It gets the
// same messages and handles, with a new visibility timeout (SQS API Reference, ReceiveMessage).
type attempt struct {
	ID       string
	At       time.Time
	Messages []attempted
}

type attempted struct {
	Seq, Nonce uint64
	Until      time.Time
}

func (a attempt) over(now time.Time) bool { return !a.At.Add(dedup.Length).After(now) }

func (r *round) replay(q *queue, id string, timeout time.Duration) (again []received, ok bool) {
	a, found := q.attempts[id]
	if !found || a.over(r.now) {
		return nil, false
	}
	messages := make([]*message, len(a.Messages))
	for i, was := range a.Messages {
		m := q.messages[was.Seq]
		if m == nil || m.hidden != inFlight || m.Nonce != was.Nonce || !m.Until.Equal(was.Until) {
			return nil, false
		}
		messages[i] = m
	}
	for _, m := range messages {
		m.Until = r.now.Add(timeout)
		q.hide(m)
		again = append(again, r.handOut(q, m))
		if timeout == 0 {
			q.show(m)
		}
	}
	r.putAttempt(q, attempt{ID: id, At: a.At, Messages: asAttempted(messages)})
	return again, true
}

func (r *round) rememberAttempt(q *queue, id string, got []received) {
	for known, a := range q.attempts {
		if a.over(r.now) {
			delete(q.attempts, known)
			r.put(nil, []byte(known), attemptsBucket, q.ID)
		}
	}
	messages := make([]*message, len(got))
	for i, m := range got {
		messages[i] = q.messages[m.seq]
	}
	r.putAttempt(q, attempt{ID: id, At: r.now, Messages: asAttempted(messages)})
}

func asAttempted(messages []*message) []attempted {
	all := make([]attempted, len(messages))
	for i, m := range messages {
		all[i] = attempted{m.seq, m.Nonce, m.Until}
	}
	return all
}

func (r *round) putAttempt(q *queue, a attempt) {
	q.attempts[a.ID] = a
	r.putJSON(a, a.ID, attemptsBucket, q.ID)
}
