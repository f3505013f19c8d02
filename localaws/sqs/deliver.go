package sqs

import (
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// ErrNoQueue says that a delivery names a queue that does not exist.
var ErrNoQueue = errors.New("the queue does not exist")

// ErrDenied says that no statement of a queue's policy allows a delivery, or one
// denies it.
var ErrDenied = errors.New("the queue's policy does not allow it")

// ErrDeadLettered says that a delivery was refused, and that its dead-letter queue
// took it instead. It comes together with the refusal.
var ErrDeadLettered = errors.New("the dead-letter queue took it")

// Delivery is a message for a queue from another service of this local AWS.
type Delivery struct {
	QueueARN   string
	Body       string
	Attributes map[string]AttributeValue
	// GroupID and DeduplicationID are left out where empty.
	GroupID, DeduplicationID string
	// Service is the principal that delivers, like sns.amazonaws.com, and Source the
	// ARN of what it delivers for: what the queue's policy is asked about. Service
	// becomes the message's SenderId.
	Service, Source string
	// DeadLetterARN is the queue to deliver to if the first refuses, empty for none.
	DeadLetterARN string
}

// Plan is what a topic decides to do with what was published.
type Plan struct {
	Deliveries []Delivery
	// Record, if any, is run in the transaction of the deliveries. Like every
	// writing function of a store it may run more than once; it must not fail for
	// any reason but the store's.
	Record func(*store.Tx) error
	// Undo, if any, is called when that transaction failed, before any other
	// decide: what the topic already holds for true in memory is not.
	Undo func()
}

// Deliver calls decide while no queue changes and no other decide runs, and
// enqueues the deliveries it returns, as SendMessage would, all of them and the
// record in one transaction. decide must neither block nor call this service.
// What is delivered in one call, or by a later call after an earlier one's
// decide, reaches each queue in that order.
//
// refused holds, for each delivery, why its queue did not take it, nil where it
// did: ErrNoQueue, ErrDenied, or SQS's own refusal, and ErrDeadLettered with it if
// the message is not lost. The deliveries to other queues are made
// all the same. If err is not nil nothing was delivered.
func (s *Service) Deliver(decide func(now time.Time) Plan) (refused []error, err error) {
	err = s.engine.do(func(r *round) error {
		plan := decide(r.now)
		refused = make([]error, len(plan.Deliveries))
		for i, d := range plan.Deliveries {
			refused[i] = r.deliverOrKeep(d)
		}
		if plan.Record != nil {
			r.records = append(r.records, plan.Record)
		}
		if plan.Undo != nil {
			r.undo = append(r.undo, plan.Undo)
		}
		return nil
	})
	return refused, err
}

func (r *round) deliverOrKeep(d Delivery) error {
	refusal := r.deliver(d)
	if refusal == nil || d.DeadLetterARN == "" {
		return refusal
	}
	d.QueueARN = d.DeadLetterARN
	if err := r.deliver(d); err != nil {
		return errors.Join(refusal, err)
	}
	return fmt.Errorf("%w: %w", refusal, ErrDeadLettered)
}

func (r *round) deliver(d Delivery) error {
	q, ok := r.queues.byARN(d.QueueARN)
	if !ok {
		return fmt.Errorf("delivering to %s: %w", d.QueueARN, ErrNoQueue)
	}
	if !q.access.allows(delivering{d.Service, d.Source, r.queues.env.Account, q.arn}) {
		return fmt.Errorf("delivering to %s: %w", d.QueueARN, ErrDenied)
	}
	e := entry{MessageBody: d.Body, MessageAttributes: d.Attributes}
	if d.GroupID != "" {
		e.MessageGroupID = &d.GroupID
	}
	if d.DeduplicationID != "" {
		e.MessageDeduplicationID = &d.DeduplicationID
	}
	err := e.check()
	if err == nil {
		err = q.admit(e, "are invalid")
	}
	if err != nil {
		return fmt.Errorf("delivering to %s: %w", d.QueueARN, err)
	}
	r.enqueue(q, e, origin{sender: d.Service})
	return nil
}
