package transport

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

// Handler handles one event. nil means done; RetryLimit says what an error leads to. It is
// called again for an event it has handled before, and for different groups at the
// same time. The context ends with the message's time, or when the worker can no
// longer wait; it carries a logger (zerolog.Ctx) and the pubsub.Lease. Before it ends it tells a
// handler that only waits that the worker is stopping (portal.Stopping).
type Handler func(ctx context.Context, ev events.Event) error

// Consumer handles the events of one queue.
type Consumer struct {
	// Name is for metrics, logs and dead letters; unique in a worker.
	Name  string
	Queue string
	// Handlers by the event's type.
	Handlers map[string]Handler
	// IgnoreUnknown lets events without a handler pass as done: for queues that hear
	// of every fact. Without it they are dead letters.
	IgnoreUnknown bool
	// Subscriber configures the receiving.
	Subscriber pubsub.SubscriberConfig

	drains bool
}

// Drain is the consumer of an SQS dead-letter queue: it buries each message as it is,
// readable or not, so that the ones SQS gave up on are found among the others.
func Drain(name, queue string) Consumer {
	return Consumer{Name: name, Queue: queue, drains: true}
}
