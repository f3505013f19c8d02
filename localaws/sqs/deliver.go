package sqs

import (
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// ErrNoQueue means that the queue of a delivery does not exist.
var ErrNoQueue = errors.New("the queue does not exist")

// ErrDenied means that no statement of the queue's policy allows the delivery, or one denies
// it.
var ErrDenied = errors.New("the queue's policy does not allow it")

// ErrDeadLettered comes with a refusal if the dead-letter queue accepted the delivery.
var ErrDeadLettered = errors.New("the dead-letter queue accepted it")

// Delivery is a message from another service of this local AWS.
type Delivery struct {
	QueueARN                 string
	Body                     string
	Attributes               map[string]AttributeValue
	GroupID, DeduplicationID string
	// Service is the delivering principal, like sns.amazonaws.com, Source the ARN for which it
	// delivers. The queue's policy checks both. Service becomes the SenderId.
	Service, Source string
	// Role, if not empty, is the ARN of the role as which the service sends. The policy then sees a client.
	Role string
	// DeadLetterARN is the queue for a refused delivery, or empty. DeadLetterAttributes, unless
	// nil, replace the attributes there.
	DeadLetterARN        string
	DeadLetterAttributes map[string]AttributeValue
}

// Plan is a topic's decision on published messages.
type Plan struct {
	Deliveries []Delivery
	// Record, if set, runs in the deliveries' transaction, perhaps more than once. It must fail
	// only with the store's errors.
	Record func(*store.Tx) error
	// Undo, if set, runs after a failed transaction, before any other decide. It must undo
	// what the topic changed in memory.
	Undo func()
}

// Deliver calls decide while no queue changes and no other decide runs. It enqueues the
// deliveries, as SendMessage would, in one transaction with the record. decide must not block
// or call this service. Each queue receives messages in the order of deliveries and of decide
// calls.
//
// refused holds an error for each refused delivery, and nil for the others: ErrNoQueue,
// ErrDenied or SQS's refusal, with ErrDeadLettered if the dead-letter queue accepted it. If
// err is not nil, nothing was delivered.
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
	d.QueueARN, d.Role = d.DeadLetterARN, ""
	if d.DeadLetterAttributes != nil {
		d.Attributes = d.DeadLetterAttributes
	}
	if err := r.deliver(d); err != nil {
		return errors.Join(refusal, err)
	}
	return fmt.Errorf("%w: %w", refusal, ErrDeadLettered)
}

func (d Delivery) asks(queue string) asked {
	if d.Role != "" {
		return asked{account: wire.AccountIn(d.Role), role: d.Role, action: "SendMessage", queue: queue}
	}
	return asked{service: d.Service, source: d.Source, account: wire.AccountIn(d.Source), action: "SendMessage", queue: queue}
}

func (r *round) deliver(d Delivery) error {
	q, ok := r.queues.byARN(d.QueueARN)
	if !ok {
		return fmt.Errorf("delivering to %s: %w", d.QueueARN, ErrNoQueue)
	}
	if !q.access.allows(d.asks(q.arn)) {
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
