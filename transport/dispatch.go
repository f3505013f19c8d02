package transport

import (
	"errors"
	"fmt"

	"github.com/ThreeDotsLabs/watermill/message"
)

func dispatch(msg *message.Message) error {
	h := handlingOf(msg.Context())
	switch {
	case h.consumer.drains:
		return &permanentError{class: Redriven, err: errors.New("SQS moved it to a dead-letter queue")}
	case h.consumer.Raw != nil && h.readErr != nil:
		return &permanentError{class: Unreadable, err: h.readErr}
	case h.consumer.Raw != nil:
		return h.consumer.Raw(msg.Context(), msg.Payload)
	case h.unknownType() && h.consumer.IgnoreUnknown:
		return errIgnored
	case h.unknownType():
		return &permanentError{class: UnknownType, err: fmt.Errorf("consumer %s has no handler for its type", h.consumer.Name)}
	case h.readErr != nil:
		return &permanentError{class: Unreadable, err: h.readErr}
	}
	return h.consumer.Handlers[h.head.Type](msg.Context(), h.event)
}
