package transport

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

// Handler handles one event; nil means done. The comment on policy says what an error leads to.
// A Handler may get the same event again, and runs concurrently for different groups.
//
// The context carries a logger (zerolog.Ctx) and the message's lease (pubsub.Lease). It ends
// when the time for the message is up, or when a stopping worker can wait no longer. It tells
// a handler that only waits that the worker is stopping (portal.Stopping).
type Handler func(ctx context.Context, ev events.Event) error

// Consumer handles the events of one queue.
type Consumer struct {
	// Name is for metrics, logs and dead letters, and unique in a worker.
	Name  string
	Queue string
	// Handlers by the event's type.
	Handlers map[string]Handler
	// IgnoreUnknown acks events without a handler, for queues that get every fact. Otherwise
	// they become dead letters.
	IgnoreUnknown bool
	Subscriber    pubsub.SubscriberConfig

	drains bool
}

// Drain returns the consumer of an SQS dead-letter queue. It makes each message, readable or
// not, one of our dead letters.
func Drain(name, queue string) Consumer {
	return Consumer{Name: name, Queue: queue, drains: true}
}
