package transport

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Destination is where an event goes: a queue or a topic, by the name that the
// Publisher or TopicPublisher knows it by.
type Destination struct {
	Queue string
	Topic string
	FIFO  bool
}

func (d Destination) String() string { return d.Queue + d.Topic }

// Routes says where an event goes.
type Routes func(events.Event) (Destination, error)

// Sender sends events where they belong.
type Sender struct {
	queues message.Publisher
	topics message.Publisher
	routes Routes
}

// NewSender returns a Sender. Closing the publishers stays with the caller.
func NewSender(queues, topics message.Publisher, routes Routes) *Sender {
	return &Sender{queues: queues, topics: topics, routes: routes}
}

// Send returns when SQS or SNS has taken every event, or the context ends. After an
// error some may have been sent. FIFO destinations swallow an event that they were
// sent less than five minutes ago; of one stream the events arrive in order.
func (s *Sender) Send(ctx context.Context, evs ...events.Event) error {
	return s.send(ctx, evs, func(ev events.Event) string { return ev.ID })
}

// Repeat is Send for events that may have been sent before and are to arrive all the
// same: each message gets a deduplication id of its own. SNS drops a repeated id even
// if the first copy never reached the queue.
func (s *Sender) Repeat(ctx context.Context, evs ...events.Event) error {
	return s.send(ctx, evs, func(ev events.Event) string { return portal.DeriveID(ev.ID, watermill.NewUUID()) })
}

func (s *Sender) send(ctx context.Context, evs []events.Event, deduplicate func(events.Event) string) error {
	var order []Destination
	parcels := map[Destination][]*message.Message{}
	for i := range evs {
		to, err := s.routes(evs[i])
		if err != nil {
			return fmt.Errorf("routing %s %s: %w", evs[i].Type(), evs[i].ID, err)
		}
		msg, err := address(&evs[i], to, deduplicate)
		if err != nil {
			return err
		}
		msg.SetContext(ctx)
		if parcels[to] == nil {
			order = append(order, to)
		}
		parcels[to] = append(parcels[to], msg)
	}
	if len(order) == 1 {
		return s.publish(order[0], parcels[order[0]])
	}
	errs := make([]error, len(order))
	var sending sync.WaitGroup
	for i, to := range order {
		send := portal.Guard(func() error { return s.publish(to, parcels[to]) })
		sending.Go(func() { errs[i] = send() })
	}
	sending.Wait()
	return errors.Join(errs...)
}

// publish goes through the marshaler rather than cqrs.CommandBus, which publishes
// one message a call: all events for one destination leave in one batch.
func (s *Sender) publish(to Destination, msgs []*message.Message) error {
	switch {
	case to.Queue != "" && to.Topic == "":
		return s.queues.Publish(to.Queue, msgs...)
	case to.Topic != "" && to.Queue == "":
		return s.topics.Publish(to.Topic, msgs...)
	}
	return fmt.Errorf("publishing to %q: a destination is either a queue or a topic", to)
}

func address(ev *events.Event, to Destination, deduplicate func(events.Event) string) (*message.Message, error) {
	msg, err := Codec{}.Marshal(ev)
	if err != nil {
		return nil, err
	}
	msg.Metadata.Set(GroupID, group(ev))
	if to.FIFO {
		msg.Metadata.Set(DeduplicationID, deduplicate(*ev))
	}
	return msg, nil
}

// group is the stream, so that one account's events keep their order and, on
// standard queues, one account cannot hold up the others; for jobs the job.
func group(ev *events.Event) string {
	if job, ok := ev.Data.(events.JobRequested); ok {
		return job.Job
	}
	return string(ev.Subject)
}
