package transport

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

// Handler handles one event; nil means done. It may get an event again, and handles different
// groups concurrently. policy says what an error leads to.
//
// The context carries a logger (zerolog.Ctx), the message's lease (pubsub.Lease), and whether the
// worker is stopping (portal.Stopping). It ends when the message's time is up, or a stopping
// worker can wait no longer.
type Handler func(ctx context.Context, ev events.Event) error

// Consumer handles the events of one queue.
type Consumer struct {
	// Name is for metrics, logs and dead letters, and unique in a worker.
	Name     string
	Queue    string
	Handlers map[string]Handler
	// Raw handles messages that are not events, for queues that others fill. It replaces Handlers.
	Raw func(ctx context.Context, msg RawMessage) error
	// IgnoreUnknown acks events without a handler, for queues that get every fact.
	IgnoreUnknown bool
	// OwnTraces begins a trace with each message, linked to the one of its sender, for messages that go on
	// for hours.
	OwnTraces  bool
	Subscriber pubsub.SubscriberConfig

	drains bool
}

// RawMessage is a message as SQS delivers it, with SQS's id and time.
type RawMessage struct {
	ID     string
	SentAt time.Time
	Body   []byte
}

// Drain returns the consumer of an SQS dead-letter queue. It buries every message, readable or
// not.
func Drain(name, queue string) Consumer {
	return Consumer{Name: name, Queue: queue, drains: true}
}
