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
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

// Destination is a queue or a topic, by its publisher's name. Exactly one is set.
type Destination struct {
	Queue string
	Topic string
	FIFO  bool
}

func (d Destination) String() string { return d.Queue + d.Topic }

// Routes returns the destination of an event.
type Routes func(events.Event) (Destination, error)

// Sender sends each event to the destination that its Routes name.
type Sender struct {
	queues message.Publisher
	topics message.Publisher
	routes Routes
}

// NewSender returns a Sender. The caller closes the publishers.
func NewSender(queues, topics message.Publisher, routes Routes) *Sender {
	return &Sender{queues: queues, topics: topics, routes: routes}
}

// Send returns when SQS or SNS has taken every event, or ctx ends. After an error, some may
// have been sent. Events of one stream arrive in order. FIFO destinations drop an event that
// they got less than five minutes ago.
func (s *Sender) Send(ctx context.Context, evs ...events.Event) error {
	return s.send(ctx, evs, func(ev events.Event) string { return ev.ID })
}

// SendAgain is Send with new deduplication ids, for events that may have been sent and must
// arrive: SNS drops a repeated id even if the first copy never reached the queue.
func (s *Sender) SendAgain(ctx context.Context, evs ...events.Event) error {
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
		msg, err := encode(evs[i], to, deduplicate)
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

func (s *Sender) publish(to Destination, msgs []*message.Message) error {
	switch {
	case to.Queue != "" && to.Topic == "":
		return s.queues.Publish(to.Queue, msgs...)
	case to.Topic != "" && to.Queue == "":
		return s.topics.Publish(to.Topic, msgs...)
	}
	return fmt.Errorf("publishing to %q: a destination is either a queue or a topic", to)
}

func encode(ev events.Event, to Destination, deduplicate func(events.Event) string) (*message.Message, error) {
	body, err := events.Encode(ev)
	if err != nil {
		return nil, err
	}
	msg := message.NewMessage(ev.ID, body)
	msg.Metadata.Set(pubsub.TypeKey, ev.Type())
	msg.Metadata.Set(pubsub.GroupID, group(ev))
	if to.FIFO {
		msg.Metadata.Set(pubsub.DeduplicationID, deduplicate(ev))
	}
	return msg, nil
}

// group keeps an account's events in order; on standard queues it keeps accounts from holding
// up each other. Checks of a licence's entitlement have a group of their own: they wait for AWS, and what
// AWS says about the licence must not wait with them.
func group(ev events.Event) string {
	switch data := ev.Data.(type) {
	case events.JobRequested:
		return data.Job
	case events.EntitlementCheckRequested:
		return string(ev.Subject) + "#entitlement"
	}
	return string(ev.Subject)
}
