package transport

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/traces"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

// WorkerConfig configures a Worker. Consumers, Client, Queues and Failures are required.
type WorkerConfig struct {
	Consumers  []Consumer
	Client     pubsub.SubscriberClient
	Queues     *pubsub.Queues
	Failures   failures
	RetryLimit RetryLimit
	Log        zerolog.Logger
	Metrics    prometheus.Registerer
	// Tracer makes a span of each handled message; nil makes none.
	Tracer *traces.Tracer
	Now    func() time.Time
}

// Worker runs consumers.
type Worker struct {
	cfg         WorkerConfig
	router      *message.Router
	consumers   map[string]Consumer
	subscribers map[string]*pubsub.Subscriber
	measure     *metrics
}

// NewWorker does no I/O; an error is a fault of the configuration.
func NewWorker(cfg WorkerConfig) (*Worker, error) {
	if cfg.Failures == nil || cfg.Queues == nil || cfg.Client == nil {
		return nil, errors.New("a worker requires Client, Queues and Failures")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	w := &Worker{cfg: cfg, consumers: map[string]Consumer{}, subscribers: map[string]*pubsub.Subscriber{}}
	if err := w.buildRouter(); err != nil {
		return nil, fmt.Errorf("building worker: %w", err)
	}
	return w, nil
}

// Run receives and handles until ctx ends. Then it finishes what is under way, hands the rest
// back and returns nil, within the longest CloseTimeout of its consumers. An error means that it
// could not start: a queue does not exist, or SQS does not answer.
func (w *Worker) Run(ctx context.Context) error {
	for _, c := range w.cfg.Consumers {
		if _, err := w.cfg.Queues.URL(ctx, c.Queue); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("starting consumer %s: %w", c.Name, err)
		}
	}
	err := w.router.Run(ctx)
	// The router has closed the subscribers without waiting for them.
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
	var err error
	if w.measure, err = newMetrics(w.cfg.Metrics); err != nil {
		return err
	}
	closing := time.Duration(0)
	for _, c := range w.cfg.Consumers {
		subscriber, err := w.subscriber(c)
		if err != nil {
			return fmt.Errorf("adding consumer %q: %w", c.Name, err)
		}
		closing = max(closing, subscriber.CloseTimeout())
		w.consumers[c.Name], w.subscribers[c.Name] = c, subscriber
	}
	if w.router, err = message.NewRouter(message.RouterConfig{CloseTimeout: closing}, NewLogger(w.cfg.Log)); err != nil {
		return err
	}
	policy := &policy{
		failures: w.cfg.Failures, limit: w.cfg.RetryLimit.withDefaults(), now: w.cfg.Now,
	}
	// Outermost first. The policy returns no error, since the router would log it again.
	w.router.AddMiddleware(w.decode)
	if w.cfg.Tracer != nil {
		w.router.AddMiddleware(tracing(w.cfg.Tracer))
	}
	w.router.AddMiddleware(w.measure.middleware, logged(w.cfg.Log), policy.middleware, recoverer)
	for _, c := range w.cfg.Consumers {
		w.router.AddConsumerHandler(c.Name, c.Queue, w.subscribers[c.Name], dispatch)
	}
	return nil
}

func (w *Worker) subscriber(c Consumer) (*pubsub.Subscriber, error) {
	if _, taken := w.consumers[c.Name]; taken || c.Name == "" || c.Queue == "" {
		return nil, errors.New("a consumer needs a queue and a unique name")
	}
	if len(c.Handlers) == 0 && c.Raw == nil && !c.drains {
		return nil, errors.New("a consumer needs handlers")
	}
	w.measure.begin(c.Name)
	c.Subscriber.Log = w.cfg.Log
	c.Subscriber.Overdue = w.measure.overdue.WithLabelValues(c.Name).Inc
	return pubsub.NewSubscriber(w.cfg.Client, w.cfg.Queues, c.Subscriber), nil
}

func (w *Worker) decode(next message.HandlerFunc) message.HandlerFunc {
	return func(msg *message.Message) ([]*message.Message, error) {
		decode(msg, w.consumers[message.HandlerNameFromCtx(msg.Context())])
		return next(msg)
	}
}
