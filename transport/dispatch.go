package transport

import (
	"context"
	"errors"
	"fmt"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gatehouse-portal/gatehouse/events"
)

// typeHandler is a Handler as Watermill's handler group expects it.
type typeHandler struct {
	eventType string
	handle    Handler
}

// NewEvent returns an event with nothing but a type, by which the group finds the handler.
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

// admit lets messages through that have a handler. It stands before Watermill's handler
// group, whose own error for an unknown type could not be told from others.
func admit(next message.HandlerFunc) message.HandlerFunc {
	return func(msg *message.Message) ([]*message.Message, error) {
		h := handlingOf(msg.Context())
		switch {
		case h.consumer.drains:
			return nil, &permanentError{class: Redriven, err: errors.New("SQS moved it to a dead-letter queue")}
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
