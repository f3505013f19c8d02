package transport

import (
	"fmt"

	"github.com/ThreeDotsLabs/watermill/components/cqrs"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

// Codec is Watermill's marshaler for *events.Event. A message's payload is the event as
// events.Encode writes it, its uuid the event's id, and its name the event's type.
type Codec struct{}

var _ cqrs.CommandEventMarshaler = Codec{}

// Marshal takes an *events.Event.
func (Codec) Marshal(v any) (*message.Message, error) {
	ev, err := asEvent(v)
	if err != nil {
		return nil, err
	}
	body, err := events.Encode(*ev)
	if err != nil {
		return nil, err
	}
	msg := message.NewMessage(ev.ID, body)
	msg.Metadata.Set(pubsub.TypeKey, ev.Type())
	return msg, nil
}

// Unmarshal fills an *events.Event. Its errors are those of events.Decode.
func (Codec) Unmarshal(msg *message.Message, v any) error {
	into, err := asEvent(v)
	if err != nil {
		return err
	}
	if h := handlingOf(msg.Context()); h != nil && h.readErr == nil {
		*into = h.event
		return nil
	}
	*into, err = events.Decode(msg.Payload)
	return err
}

// Name is the event's type.
func (Codec) Name(v any) string {
	ev, err := asEvent(v)
	if err != nil {
		return ""
	}
	return ev.Type()
}

// NameFromMessage returns the type from the message's metadata, or else from its body; "" if
// neither has one.
func (Codec) NameFromMessage(msg *message.Message) string {
	if name := msg.Metadata.Get(pubsub.TypeKey); name != "" {
		return name
	}
	return peek(msg.Payload).Type
}

func asEvent(v any) (*events.Event, error) {
	ev, ok := v.(*events.Event)
	if !ok {
		return nil, fmt.Errorf("a message carries an *events.Event, not a %T", v)
	}
	return ev, nil
}
