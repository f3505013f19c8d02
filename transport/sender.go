package transport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/traces"
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
//
// In a trace, each destination is a span, and the trace context of requests without another one names
// it. Facts are sent as they are: receivers compare them with the journal.
func (s *Sender) Send(ctx context.Context, evs ...events.Event) error {
	return s.send(ctx, evs, func(ev events.Event) string { return ev.ID })
}

// SendAgain is Send with new deduplication ids, for events that may have been sent and must
// arrive: SNS drops a repeated id even if the first copy never reached the queue.
func (s *Sender) SendAgain(ctx context.Context, evs ...events.Event) error {
	return s.send(ctx, evs, func(ev events.Event) string { return portal.DeriveID(ev.ID, watermill.NewUUID()) })
}

func (s *Sender) send(ctx context.Context, evs []events.Event, deduplicate func(events.Event) string) error {
	parcels, err := s.pack(ctx, evs, deduplicate)
	defer func() {
		for _, p := range parcels {
			p.span.End()
		}
	}()
	if err != nil {
		return err
	}
	if len(parcels) == 1 {
		return s.publish(parcels[0])
	}
	errs := make([]error, len(parcels))
	var sending sync.WaitGroup
	for i, p := range parcels {
		send := portal.Guard(func() error { return s.publish(p) })
		sending.Go(func() { errs[i] = send() })
	}
	sending.Wait()
	return errors.Join(errs...)
}

// parcel holds the messages of one Send for one destination.
type parcel struct {
	to   Destination
	ctx  context.Context
	span traces.Span
	msgs []*message.Message
}

func (s *Sender) pack(ctx context.Context, evs []events.Event, deduplicate func(events.Event) string) (parcels []*parcel, err error) {
	for i := range evs {
		to, err := s.routes(evs[i])
		if err != nil {
			return parcels, fmt.Errorf("routing %s %s: %w", evs[i].Type(), evs[i].ID, err)
		}
		at := slices.IndexFunc(parcels, func(p *parcel) bool { return p.to == to })
		if at < 0 {
			at = len(parcels)
			parcels = append(parcels, newParcel(ctx, to))
		}
		p := parcels[at]
		msg, err := encode(traced(p.ctx, evs[i]), to, deduplicate)
		if err != nil {
			return parcels, err
		}
		msg.SetContext(p.ctx)
		p.msgs = append(p.msgs, msg)
	}
	return parcels, nil
}

func (s *Sender) publish(p *parcel) (err error) {
	p.span.SetInt(traces.MessagingCount, len(p.msgs))
	defer func() {
		if err != nil {
			p.span.Fail("not_sent")
		}
		p.span.End()
	}()
	switch {
	case p.to.Queue != "" && p.to.Topic == "":
		return s.queues.Publish(p.to.Queue, p.msgs...)
	case p.to.Topic != "" && p.to.Queue == "":
		return s.topics.Publish(p.to.Topic, p.msgs...)
	}
	return fmt.Errorf("publishing to %q: a destination is either a queue or a topic", p.to)
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
