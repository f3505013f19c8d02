package sqs

import (
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// ErrNoQueue says that a delivery names a queue that does not exist.
var ErrNoQueue = errors.New("the queue does not exist")

// Delivery is a message for a queue from another service of this local AWS.
type Delivery struct {
	QueueARN   string
	Body       string
	Attributes map[string]AttributeValue
	// GroupID and DeduplicationID are left out where empty.
	GroupID, DeduplicationID string
	// Sender becomes the message's SenderId.
	Sender string
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
// did: ErrNoQueue, or SQS's own refusal. The deliveries to other queues are made
// all the same. If err is not nil nothing was delivered.
func (s *Service) Deliver(decide func(now time.Time) Plan) (refused []error, err error) {
	err = s.engine.do(func(r *round) error {
		plan := decide(r.now)
		refused = make([]error, len(plan.Deliveries))
		for i, d := range plan.Deliveries {
			refused[i] = r.deliver(d)
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

func (r *round) deliver(d Delivery) error {
	q, ok := r.queues.byARN(d.QueueARN)
	if !ok {
		return fmt.Errorf("delivering to %s: %w", d.QueueARN, ErrNoQueue)
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
	r.enqueue(q, e, d.Sender)
	return nil
}
