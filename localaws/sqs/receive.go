package sqs

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// maxVisibility is in seconds.
	maxVisibility = 12 * 3600
	maxWait       = 20
	// maxInFlight is per queue.
	maxInFlight = 120_000
)

type receiveMessageIn struct {
	QueueURL string `json:"QueueUrl"`
	// AttributeNames is the older name of MessageSystemAttributeNames.
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	// ReceiveRequestAttemptID is only for FIFO queues: see attempt.
	ReceiveRequestAttemptID *string `json:"ReceiveRequestAttemptId"`
}

type receivedMessage struct {
	MessageID              string `json:"MessageId"`
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string         `json:",omitempty"`
	MD5OfMessageAttributes string                    `json:",omitempty"`
	MessageAttributes      map[string]AttributeValue `json:",omitempty"`
}

type receiveMessageOut struct {
	Messages []receivedMessage `json:",omitempty"`
}

// received is a message's state at its receive.
type received struct {
	sent
	receipt
	seq    uint64
	fifo   bool
	handle string
}

// receiveMessage takes no message once the wait is over or the client or server is gone.
func (s *Service) receiveMessage(ctx context.Context, in *receiveMessageIn) (*receiveMessageOut, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	var over <-chan time.Time
	for {
		got, line, wait, err := s.tryReceive(ctx, in)
		if err != nil {
			return nil, err
		}
		if line == nil {
			return in.answer(got), nil
		}
		if over == nil {
			timer := time.NewTimer(wait)
			defer timer.Stop()
			over = timer.C
		}
		select {
		case <-line.woken:
			continue
		case <-over:
		case <-ctx.Done():
		case <-s.ctx.Done():
		}
		return in.answer(nil), s.leave(s.by(ctx, "ReceiveMessage"), in.QueueURL, line)
	}
}

// tryReceive receives messages. If there are none and the client waits, it joins the receivers
// in the same step, so that it misses no message.
func (s *Service) tryReceive(ctx context.Context, in *receiveMessageIn) (got []received, line *receiver, wait time.Duration, err error) {
	err = s.engine.do(func(r *round) error {
		q, err := r.queues.byURL(s.by(ctx, "ReceiveMessage"), in.QueueURL)
		if err != nil {
			return err
		}
		if in.ReceiveRequestAttemptID != nil && !q.FIFO {
			return invalidValue(*in.ReceiveRequestAttemptID, "ReceiveRequestAttemptId", wrongQueueType)
		}
		r.open(q)
		if q.hiddenAs[inFlight] >= maxInFlight && !q.FIFO {
			return plainRefusal("OverLimit", "Too many messages in flight.")
		}
		if ctx.Err() != nil {
			return nil
		}
		got = r.receiveFor(q, in)
		wait = seconds(valueOr(in.WaitTimeSeconds, q.ReceiveMessageWaitTimeSeconds))
		if len(got) == 0 && wait > 0 {
			line = q.join()
		}
		return nil
	})
	return got, line, wait, err
}

// leave touches the queue: if the receiver has just been woken, the next one must be.
func (s *Service) leave(by caller, queueURL string, rc *receiver) error {
	return s.engine.do(func(r *round) error {
		if q, err := r.queues.byURL(by, queueURL); err == nil {
			q.leave(rc)
			r.touch(q)
		}
		return nil
	})
}

func (r *round) receiveFor(q *queue, in *receiveMessageIn) []received {
	timeout := seconds(valueOr(in.VisibilityTimeout, q.VisibilityTimeout))
	id := in.ReceiveRequestAttemptID
	if id != nil {
		if again, ok := r.replay(q, *id, timeout); ok {
			return again
		}
	}
	got := r.receive(q, valueOr(in.MaxNumberOfMessages, 1), timeout)
	if id != nil && len(got) > 0 {
		r.rememberAttempt(q, *id, got)
	}
	return got
}

// receive moves messages that were received too often to the dead-letter queue.
func (r *round) receive(q *queue, n int, timeout time.Duration) []received {
	n = min(n, maxInFlight-q.hiddenAs[inFlight])
	deadLetters := r.queues.deadLetterQueue(q)
	var got []*message
	for len(got) < n {
		taken := q.order.take(n - len(got))
		if len(taken) == 0 {
			break
		}
		for _, m := range taken {
			if deadLetters != nil && q.exhausted(m) {
				r.giveUp(q, deadLetters, m)
				continue
			}
			if m.Count == 0 {
				m.First = r.now
			}
			m.Count++
			m.Last, m.Until, m.Nonce = r.now, r.now.Add(timeout), rand.Uint64()
			q.hide(m)
			got = append(got, m)
		}
	}
	all := make([]received, len(got))
	for i, m := range got {
		all[i] = r.handOut(q, m)
		if timeout == 0 {
			q.show(m)
		}
	}
	return all
}

// handOut stores the receipt.
func (r *round) handOut(q *queue, m *message) received {
	r.putReceipt(q, m)
	return received{m.sent, m.receipt, m.seq, q.FIFO, q.handle(m)}
}

func (in *receiveMessageIn) check() error {
	if n := valueOr(in.MaxNumberOfMessages, 1); n < 1 || n > maxBatch {
		return invalidValue(n, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
	}
	if n := valueOr(in.WaitTimeSeconds, 0); n < 0 || n > maxWait {
		return invalidValue(n, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
	}
	if err := checkVisibility(valueOr(in.VisibilityTimeout, 0)); err != nil {
		return err
	}
	if err := checkID("ReceiveRequestAttemptId", in.ReceiveRequestAttemptID); err != nil {
		return err
	}
	for _, name := range slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames) {
		if !slices.Contains(systemAttributeNames, name) {
			return unknownAttribute(name)
		}
	}
	return nil
}

func checkVisibility(timeout int) error {
	if timeout < 0 || timeout > maxVisibility {
		return invalidValue(timeout, "VisibilityTimeout", "Must be between 0 and 43200, if provided.")
	}
	return nil
}

var systemAttributeNames = []string{
	"All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp",
	"SequenceNumber", "MessageDeduplicationId", "MessageGroupId", traceHeader, "DeadLetterQueueSourceArn",
}

func (in *receiveMessageIn) answer(got []received) *receiveMessageOut {
	out := &receiveMessageOut{}
	for _, m := range got {
		attributes := m.userAttributes(in.MessageAttributeNames)
		out.Messages = append(out.Messages, receivedMessage{
			MessageID: m.ID, ReceiptHandle: m.handle, Body: m.Body, MD5OfBody: md5Hex([]byte(m.Body)),
			Attributes:             m.systemAttributes(slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames)),
			MessageAttributes:      attributes,
			MD5OfMessageAttributes: md5OfAttributes(attributes),
		})
	}
	return out
}

func (m received) systemAttributes(names []string) map[string]string {
	if len(names) == 0 {
		return nil
	}
	all := map[string]string{
		"SenderId":                         m.Sender,
		"SentTimestamp":                    strconv.FormatInt(m.At.UnixMilli(), 10),
		"ApproximateReceiveCount":          strconv.FormatInt(m.Count, 10),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.First.UnixMilli(), 10),
	}
	optional := func(name, value string) {
		if value != "" {
			all[name] = value
		}
	}
	optional("MessageGroupId", m.Group)
	optional("MessageDeduplicationId", m.Dedup)
	optional(traceHeader, m.TraceHeader)
	optional("DeadLetterQueueSourceArn", m.Source)
	if m.fifo {
		all["SequenceNumber"] = sequenceNumber(m.seq)
	}
	if !slices.Contains(names, "All") {
		for name := range all {
			if !slices.Contains(names, name) {
				delete(all, name)
			}
		}
	}
	return all
}

// userAttributes returns the requested attributes: by name, by "prefix.*", or all by "All", "*"
// or ".*".
func (m received) userAttributes(names []string) map[string]AttributeValue {
	picked := map[string]AttributeValue{}
	for name, value := range m.sent.Attributes {
		if slices.ContainsFunc(names, func(wanted string) bool {
			prefix, all := strings.CutSuffix(wanted, ".*")
			return wanted == name || wanted == "All" || wanted == "*" || all && strings.HasPrefix(name, prefix)
		}) {
			picked[name] = value
		}
	}
	return picked
}

func valueOr(value *int, otherwise int) int {
	if value == nil {
		return otherwise
	}
	return *value
}
