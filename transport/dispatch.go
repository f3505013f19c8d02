package transport

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/components/cqrs"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gatehouse-portal/gatehouse/events"
)

// addConsumers makes each consumer a handler group: one queue, many types, one
// subscription. cqrs.CommandProcessor would subscribe once a type, and ack and so
// delete what it finds of the others.
func (w *Worker) addConsumers(log watermill.LoggerAdapter) error {
	groups, err := cqrs.NewEventGroupProcessorWithConfig(w.router, cqrs.EventGroupProcessorConfig{
		GenerateSubscribeTopic: func(p cqrs.EventGroupProcessorGenerateSubscribeTopicParams) (string, error) {
			return w.consumers[p.EventGroupName].Queue, nil
		},
		SubscriberConstructor: func(p cqrs.EventGroupProcessorSubscriberConstructorParams) (message.Subscriber, error) {
			return w.subscribers[p.EventGroupName], nil
		},
		Marshaler: Codec{},
		Logger:    log,
	})
	if err != nil {
		return err
	}
	for _, c := range w.cfg.Consumers {
		if err := w.addConsumer(groups, c); err != nil {
			return fmt.Errorf("adding consumer %q: %w", c.Name, err)
		}
	}
	return nil
}

func (w *Worker) addConsumer(groups *cqrs.EventGroupProcessor, c Consumer) error {
	if _, taken := w.consumers[c.Name]; taken || c.Name == "" || c.Queue == "" {
		return errors.New("a consumer needs a queue and a name of its own")
	}
	c.Subscriber.Log = w.cfg.Log
	c.Subscriber.overdue = w.measure.overdue.WithLabelValues(c.Name).Inc
	subscriber, err := w.cfg.NewSubscriber(c)
	if err != nil {
		return err
	}
	w.consumers[c.Name], w.subscribers[c.Name] = c, subscriber
	if c.drains {
		w.router.AddConsumerHandler(c.Name, c.Queue, subscriber, func(*message.Message) error { return nil })
		return nil
	}
	var handlers []cqrs.GroupEventHandler
	for _, eventType := range slices.Sorted(maps.Keys(c.Handlers)) {
		handlers = append(handlers, typeHandler{eventType: eventType, handle: c.Handlers[eventType]})
	}
	return groups.AddHandlersGroup(c.Name, handlers...)
}

// typeHandler is a Handler as Watermill wants it.
type typeHandler struct {
	eventType string
	handle    Handler
}

// NewEvent is an event that knows its type, by which the group finds the handler.
func (h typeHandler) NewEvent() any { return &events.Event{Data: typeOnly(h.eventType)} }

func (h typeHandler) Handle(ctx context.Context, v any) error {
	ev, err := asEvent(v)
	if err != nil {
		return err
	}
	return h.handle(ctx, *ev)
}

type typeOnly string

func (t typeOnly) EventType() string { return string(t) }

// errIgnored ends the way of an event that nobody here wants.
var errIgnored = errors.New("there is no handler for it, and need not be")

// admit lets through what has a handler. It stands before the handler group, whose
// own error for an unknown type could be any.
func admit(next message.HandlerFunc) message.HandlerFunc {
	return func(msg *message.Message) ([]*message.Message, error) {
		h := handlingOf(msg.Context())
		switch {
		case h.consumer.drains:
			return nil, &permanentError{class: Redriven, err: errors.New("SQS gave up handing it out")}
		case h.unknownType() && h.consumer.IgnoreUnknown:
			return nil, errIgnored
		case h.unknownType():
			return nil, &permanentError{class: UnknownType, err: fmt.Errorf("consumer %s has no handler for its type", h.consumer.Name)}
		case h.readErr != nil:
			return nil, &permanentError{class: Unreadable, err: h.readErr}
		}
		return next(msg)
	}
}
