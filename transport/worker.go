package transport

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
)

// Handler handles one event. nil means done; RetryLimit says what an error leads to. It is
// called again for an event it has handled before, and for different groups at the
// same time. The context ends with the message's time, or when the worker can no
// longer wait; it carries a logger (zerolog.Ctx) and the Lease. Before it ends it tells a
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
	Subscriber SubscriberConfig

	drains bool
}

// Drain is the consumer of an SQS dead-letter queue: it buries each message as it is,
// readable or not, so that the ones SQS gave up on are found among the others.
func Drain(name, queue string) Consumer {
	return Consumer{Name: name, Queue: queue, drains: true}
}

// WorkerConfig configures a Worker. Consumers, Client, Queues and Failures are required.
type WorkerConfig struct {
	Consumers  []Consumer
	Client     queueReceiver
	Queues     *Queues
	Failures   failures
	RetryLimit RetryLimit
	Log        zerolog.Logger
	// Metrics is where the metrics are registered; nil keeps them to itself.
	Metrics prometheus.Registerer
	// Now is the clock that failures are noted by; time.Now.
	Now func() time.Time
	// NewSubscriber replaces the Subscriber by another, to compare with.
	NewSubscriber func(Consumer) (message.Subscriber, error)
}

// Worker runs consumers until it is told to stop.
type Worker struct {
	cfg         WorkerConfig
	router      *message.Router
	consumers   map[string]Consumer
	subscribers map[string]message.Subscriber
	measure     *metrics
}

// NewWorker puts a worker together; it does no I/O. Errors are faults of the
// configuration.
func NewWorker(cfg WorkerConfig) (*Worker, error) {
	if cfg.Failures == nil || cfg.Queues == nil || (cfg.Client == nil && cfg.NewSubscriber == nil) {
		return nil, errors.New("a worker needs a client, queues and a place for failures")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.NewSubscriber == nil {
		cfg.NewSubscriber = func(c Consumer) (message.Subscriber, error) {
			return NewSubscriber(cfg.Client, cfg.Queues, c.Subscriber), nil
		}
	}
	w := &Worker{cfg: cfg, consumers: map[string]Consumer{}, subscribers: map[string]message.Subscriber{}}
	if err := w.buildRouter(); err != nil {
		return nil, fmt.Errorf("building worker: %w", err)
	}
	return w, nil
}

// Run receives and handles until ctx ends. Then it receives no more, finishes what
// is being handled, hands back the rest and returns nil, after the longest CloseTimeout
// of its consumers at the latest. An error means that it could not start: a queue does
// not exist, or SQS does not answer.
func (w *Worker) Run(ctx context.Context) error {
	// A queue that is missing is told here, before the router has started half.
	for _, c := range w.cfg.Consumers {
		if _, err := w.cfg.Queues.URL(ctx, c.Queue); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("starting consumer %s: %w", c.Name, err)
		}
	}
	err := w.router.Run(ctx)
	// The router has closed the subscribers but not waited for them.
	for name, s := range w.subscribers {
		if closeErr := s.Close(); closeErr != nil {
			err = errors.Join(err, fmt.Errorf("closing consumer %s: %w", name, closeErr))
		}
	}
	if err != nil {
		return fmt.Errorf("running worker: %w", err)
	}
	return nil
}

// Running is closed once every consumer receives.
func (w *Worker) Running() <-chan struct{} { return w.router.Running() }

func (w *Worker) buildRouter() error {
	log := NewLogger(w.cfg.Log)
	closing := time.Duration(0)
	for _, c := range w.cfg.Consumers {
		closing = max(closing, c.Subscriber.withDefaults().CloseTimeout)
	}
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: closing}, log)
	if err != nil {
		return err
	}
	if w.measure, err = newMetrics(w.cfg.Metrics); err != nil {
		return err
	}
	policy := &policy{
		failures: w.cfg.Failures, limit: w.cfg.RetryLimit.withDefaults(), now: w.cfg.Now,
	}
	// Outermost first. The policy answers the message itself and lets no error out,
	// which the router would log a second time.
	router.AddMiddleware(w.open, w.measure.middleware, logged(w.cfg.Log), policy.middleware, recoverer, admit)
	w.router = router
	return w.addConsumers(log)
}

func (w *Worker) open(next message.HandlerFunc) message.HandlerFunc {
	return func(msg *message.Message) ([]*message.Message, error) {
		open(msg, w.consumers[message.HandlerNameFromCtx(msg.Context())])
		return next(msg)
	}
}
