package sns

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/sqs"
	"github.com/gatehouse-portal/gatehouse/localaws/sqs/dedup"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// maxRawAttributes is SQS's limit. AWS too drops a raw delivery with more.
const maxRawAttributes = 10

type publishOut struct {
	MessageID      string `xml:"MessageId"`
	SequenceNumber string `xml:",omitempty"`
}

func (s *Service) publish(ctx context.Context, in form) (*publishOut, error) {
	m, err := parseMessage(in)
	if err == nil {
		err = m.check()
	}
	if err != nil {
		return nil, err
	}
	parameter := "TopicArn"
	arn := in.text(parameter)
	if arn == "" {
		parameter = "TargetArn"
		arn = in.text(parameter)
	}
	if arn == "" {
		return nil, invalidParameter("TopicArn or TargetArn Reason: no value for required parameter")
	}
	var out publishOut
	return &out, s.deliver(ctx, parameter, arn, func(p *publication) error {
		if err := p.topic.admit(m); err != nil {
			return err
		}
		out = p.add(m)
		return nil
	})
}

type publication struct {
	*Service
	topic       *topic
	subscribers []*subscription
	now         time.Time

	deliveries []sqs.Delivery
	entries    []dedup.Entry
	forgotten  []string
}

// deliver enqueues the messages that fill adds, or none if fill fails.
func (s *Service) deliver(ctx context.Context, parameter, arn string, fill func(*publication) error) error {
	var refusal error
	p := &publication{Service: s}
	failures, err := s.queues.Deliver(func(now time.Time) (plan sqs.Plan) {
		s.mu.Lock()
		defer s.mu.Unlock()
		var st *state
		if st, refusal = s.load(); refusal != nil {
			return plan
		}
		if p.topic, refusal = s.owned(ctx, st, parameter, arn, "Publish"); refusal != nil {
			return plan
		}
		p.now, p.subscribers = now, st.subscribers(p.topic)
		if refusal = fill(p); refusal != nil {
			return plan
		}
		return p.plan()
	})
	for _, failure := range failures {
		switch {
		case errors.Is(failure, sqs.ErrDeadLettered):
			s.env.Log.Warn().Err(failure).Str("topic", arn).Msg("SNS sent a refused delivery to the subscription's dead-letter queue")
		case failure != nil:
			s.env.Log.Warn().Err(failure).Str("topic", arn).Msg("SNS dropped a refused delivery")
		}
	}
	if err != nil {
		return err
	}
	return refusal
}

func (t *topic) admit(m message) error {
	switch {
	case !t.FIFO && m.dedup != nil:
		return invalidParameter("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
	case t.FIFO && m.group == nil:
		return invalidParameter("The MessageGroupId parameter is required for FIFO topics")
	case t.FIFO && m.dedup == nil && t.Attributes["ContentBasedDeduplication"] != "true":
		return invalidParameter("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	}
	return nil
}

// add must follow admit. For a duplicate a FIFO topic returns the first answer and delivers
// nothing, even if the first message reached no queue.
func (p *publication) add(m message) publishOut {
	out := publishOut{MessageID: wire.NewUUID()}
	if !p.topic.FIFO {
		p.fanOut(m, out, "")
		return out
	}
	id := dedup.ContentID(m.body)
	if m.dedup != nil {
		id = *m.dedup
	}
	key := dedup.Key(p.topic.Attributes["FifoThroughputScope"] == "MessageGroup", *m.group, id)
	if before, ok := p.topic.recent.Find(key, p.now); ok {
		return publishOut{before.MessageID, sequenceNumber(before.Seq)}
	}
	p.topic.last++
	out.SequenceNumber = sequenceNumber(p.topic.last)
	p.forgotten = append(p.forgotten, p.topic.recent.Expire(p.now)...)
	entry := dedup.Entry{Key: key, MessageID: out.MessageID, Seq: p.topic.last, At: p.now}
	p.topic.recent.Add(entry)
	p.entries = append(p.entries, entry)
	p.fanOut(m, out, id)
	return out
}

// sequenceNumber has 20 digits, as on AWS: too many for 64 bits.
func sequenceNumber(seq uint64) string { return fmt.Sprintf("1%019d", seq*1000) }

// fanOut passes group and deduplication id to FIFO queues. Standard queues get the group from
// standard topics only, for fairness (SNS Developer Guide, "Message delivery for FIFO topics").
func (p *publication) fanOut(m message, out publishOut, dedupID string) {
	body, err := m.forQueues()
	if err != nil {
		panic(err) // check accepted it
	}
	for _, sub := range p.subscribers {
		if sub.pending() || !sub.wants(m, body) {
			continue
		}
		d := sqs.Delivery{
			QueueARN: sub.Endpoint, Body: body, Service: "sns.amazonaws.com", Source: p.topic.ARN, DeadLetterARN: sub.deadLetters(),
		}
		fifoQueue := sub.fifo()
		if m.group != nil && fifoQueue == p.topic.FIFO {
			d.GroupID = *m.group
		}
		if fifoQueue {
			d.DeduplicationID = dedupID
		}
		switch {
		case !sub.Raw:
			d.Body = p.wrap(p.topic, sub, m, body, out, p.now)
		case len(m.attributes) > maxRawAttributes:
			p.env.Log.Warn().Str("subscription", sub.ARN).Int("attributes", len(m.attributes)).
				Msg("SNS dropped a raw delivery with more than 10 attributes")
			continue
		default:
			d.Attributes = m.attributes
		}
		p.deliveries = append(p.deliveries, d)
	}
}

// plan also records a FIFO topic's messages, in the same transaction.
func (p *publication) plan() sqs.Plan {
	plan := sqs.Plan{Deliveries: p.deliveries}
	if len(p.entries) == 0 {
		return plan
	}
	arn, last := p.topic.ARN, binary.BigEndian.AppendUint64(nil, p.topic.last)
	plan.Undo = p.forget
	plan.Record = func(tx *store.Tx) error {
		recent := tx.Bucket("sns", dedupBucket, arn)
		for _, key := range p.forgotten {
			if err := recent.Delete([]byte(key)); err != nil {
				return err
			}
		}
		for _, e := range p.entries {
			if err := store.PutJSON(recent, e.Key, e); err != nil {
				return err
			}
		}
		sequences := tx.Bucket("sns", sequencesBucket)
		return sequences.Put([]byte(arn), last)
	}
	return plan
}
