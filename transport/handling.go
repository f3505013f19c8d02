package transport

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

type outcome string

const (
	handled   outcome = "handled"
	ignored   outcome = "ignored"
	postponed outcome = "postponed" // it is delivered again; no failure
	failed    outcome = "failed"    // it is delivered again; counted
	buried    outcome = "buried"    // it became a dead letter
	kept      outcome = "kept"      // it is delivered again, since the failure could not be stored
)

var errIgnored = errors.New("its type is ignored here")

type handling struct {
	consumer Consumer
	event    events.Event
	readErr  error
	// head is known even if readErr is set. Its ID is never empty.
	head header

	outcome outcome
	err     error
}

type handlingKey struct{}

func handlingOf(ctx context.Context) *handling {
	h, _ := ctx.Value(handlingKey{}).(*handling)
	return h
}

// decode decodes the message once for all middleware. The type comes from the body; the attribute
// only serves filters of topic subscriptions.
func decode(msg *message.Message, c Consumer) {
	h := &handling{consumer: c}
	switch why := msg.Metadata.Get(pubsub.UnreadableKey); {
	case why != "":
		h.readErr = &portal.Error{Code: portal.Invalid, Message: "The message could not be read.", Err: errors.New(why)}
	case c.Raw == nil:
		h.event, h.readErr = events.Decode(msg.Payload)
	}
	switch {
	case c.Raw != nil:
		h.head = header{ID: msg.Metadata.Get(pubsub.MessageIDKey)}
	case h.readErr == nil:
		h.head = header{
			ID: h.event.ID, Type: h.event.Type(), Subject: string(h.event.Subject), Operation: string(h.event.Operation),
		}
	default:
		h.head = peek(msg.Payload)
	}
	if h.head.ID == "" {
		h.head.ID = cmp.Or(msg.Metadata.Get(pubsub.MessageIDKey), msg.UUID)
	}
	ctx := context.WithValue(msg.Context(), handlingKey{}, h)
	if h.readErr == nil && c.Raw == nil {
		ctx = events.WithFollowing(ctx, func() []events.Event { return following(ctx) })
	}
	msg.SetContext(ctx)
}

// following decodes the messages that the worker handles after the context's, up to one that cannot be
// read.
func following(ctx context.Context) []events.Event {
	var all []events.Event
	for _, body := range pubsub.Following(ctx) {
		event, err := events.Decode(body)
		if err != nil {
			break
		}
		all = append(all, event)
	}
	return all
}

func (h *handling) unknownType() bool {
	if h.readErr != nil {
		return h.head.Type != "" && h.head.Subject != "" && !slices.Contains(events.Types(), h.head.Type)
	}
	_, known := h.consumer.Handlers[h.head.Type]
	return !known
}

// header can be read even from some bodies that events.Decode refuses.
type header struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	Subject   string `json:"subject"`
	Operation string `json:"operationid"`
}

func peek(body []byte) header {
	var h header
	if err := json.Unmarshal(body, &h); err != nil {
		return header{}
	}
	return h
}
