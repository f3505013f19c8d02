package sqs

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/localaws/sqs/dedup"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type entry struct {
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]AttributeValue
	MessageSystemAttributes map[string]AttributeValue
	MessageDeduplicationID  *string `json:"MessageDeduplicationId"`
	MessageGroupID          *string `json:"MessageGroupId"`
}

type sendMessageIn struct {
	QueueURL string `json:"QueueUrl"`
	entry
}

type sendMessageOut struct {
	MD5OfMessageBody             string
	MD5OfMessageAttributes       string `json:",omitempty"`
	MD5OfMessageSystemAttributes string `json:",omitempty"`
	MessageID                    string `json:"MessageId"`
	SequenceNumber               string `json:",omitempty"`
}

func (s *Service) sendMessage(ctx context.Context, in *sendMessageIn) (*sendMessageOut, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	from := originOf(ctx)
	var out sendMessageOut
	return &out, s.engine.do(func(r *round) error {
		q, err := r.queues.byURL(s.by(ctx, "SendMessage"), in.QueueURL)
		if err != nil {
			return err
		}
		if err := q.admit(in.entry, "are invalid"); err != nil {
			return err
		}
		out = r.enqueue(q, in.entry, from)
		return nil
	})
}

// origin's sender is the access key id (on AWS the id of the user or role).
type origin struct{ sender, trace string }

func originOf(ctx context.Context) origin {
	req := wire.RequestFrom(ctx)
	if req == nil {
		return origin{}
	}
	return origin{wire.CallerOf(req).AccessKeyID, req.Header.Get("X-Amzn-Trace-Id")}
}

// admit checks an entry against the queue's settings, after check. tooLarge is wording that
// differs in batches.
func (q *queue) admit(e entry, tooLarge string) error {
	switch {
	case e.size() > q.MaximumMessageSize:
		return invalidParameter("One or more parameters %s. Reason: Message must be shorter than %d bytes.", tooLarge, q.MaximumMessageSize)
	case q.FIFO && e.MessageGroupID == nil:
		return missingParameter("MessageGroupId")
	case q.FIFO && e.DelaySeconds != nil && *e.DelaySeconds != 0:
		return invalidValue(*e.DelaySeconds, "DelaySeconds", wrongQueueType)
	case !q.FIFO && e.MessageDeduplicationID != nil:
		return invalidValue(*e.MessageDeduplicationID, "MessageDeduplicationId", wrongQueueType)
	case q.FIFO && !q.identifies(e):
		return invalidParameter("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	}
	return nil
}

func (q *queue) identifies(e entry) bool {
	return e.MessageDeduplicationID != nil || q.ContentBasedDeduplication
}

// enqueue must follow admit. For a duplicate a FIFO queue returns the first answer and adds
// nothing.
func (r *round) enqueue(q *queue, e entry, from origin) sendMessageOut {
	r.open(q)
	m := &message{sent: sent{
		ID: wire.NewUUID(), Body: e.MessageBody, Attributes: e.MessageAttributes,
		Sender: from.sender, TraceHeader: from.trace, At: r.now,
	}}
	if trace, ok := e.MessageSystemAttributes[traceHeader]; ok {
		m.TraceHeader = *trace.StringValue
	}
	if e.MessageGroupID != nil {
		m.Group = *e.MessageGroupID
	}
	out := sendMessageOut{
		MD5OfMessageBody:             md5Hex([]byte(e.MessageBody)),
		MD5OfMessageAttributes:       md5OfAttributes(e.MessageAttributes),
		MD5OfMessageSystemAttributes: md5OfAttributes(e.MessageSystemAttributes),
		MessageID:                    m.ID,
	}
	if q.FIFO {
		m.Dedup = dedup.ContentID(e.MessageBody)
		if e.MessageDeduplicationID != nil {
			m.Dedup = *e.MessageDeduplicationID
		}
		if before, ok := q.deduplication.Find(q.dedupKey(m.Group, m.Dedup), r.now); ok {
			out.MessageID, out.SequenceNumber = before.MessageID, sequenceNumber(before.Seq)
			return out
		}
	}
	delay := q.DelaySeconds
	if e.DelaySeconds != nil && !q.FIFO {
		delay = *e.DelaySeconds
	}
	if delay > 0 {
		m.Delayed = r.now.Add(seconds(delay))
	}
	m.hideUntil(r.now)
	r.insert(q, m)
	if q.FIFO {
		r.remember(q, m)
		out.SequenceNumber = sequenceNumber(m.seq)
	}
	return out
}
