package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/transport"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

type messaging struct {
	*transport.Sender
	queues   *pubsub.Queues
	shutdown func(ctx context.Context) error
}

const closeTime = 5 * time.Second

func (m messaging) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	return m.shutdown(ctx)
}

func newMessaging(c clients, names Names) messaging {
	queues := pubsub.NewQueues(c.sqs)
	toQueues := pubsub.NewPublisher(c.sqs, queues, pubsub.PublisherConfig{})
	toTopics := pubsub.NewTopicPublisher(c.sns, cached(c.topicARN), pubsub.PublisherConfig{})
	return messaging{
		Sender: transport.NewSender(toQueues, toTopics, routes(names)),
		queues: queues,
		shutdown: func(ctx context.Context) error {
			return errors.Join(toQueues.Shutdown(ctx), toTopics.Shutdown(ctx))
		},
	}
}

func routes(names Names) transport.Routes {
	return func(e events.Event) (transport.Destination, error) {
		if _, ok := e.Fact(); ok {
			return transport.Destination{Topic: names.Events, FIFO: true}, nil
		}
		switch e.Data.(type) {
		case events.ProvisionRequested:
			return transport.Destination{Queue: names.Provisioning}, nil
		case events.ShowRequested:
			return transport.Destination{Queue: names.Projections, FIFO: true}, nil
		case events.TellRequested:
			return transport.Destination{Queue: names.Notices, FIFO: true}, nil
		case events.DeliveryRequested:
			return transport.Destination{Queue: names.Deliveries}, nil
		case events.JobRequested:
			return transport.Destination{Queue: names.Jobs, FIFO: true}, nil
		case events.Request:
			return transport.Destination{Queue: names.Commands, FIFO: true}, nil
		}
		return transport.Destination{}, fmt.Errorf("there is no route for a %s", e.Type())
	}
}

// cached remembers what find returned for a name, but no error.
func cached(find func(context.Context, string) (string, error)) func(context.Context, string) (string, error) {
	var found sync.Map
	return func(ctx context.Context, name string) (string, error) {
		if value, ok := found.Load(name); ok {
			return value.(string), nil
		}
		value, err := find(ctx, name)
		if err == nil {
			found.Store(name, value)
		}
		return value, err
	}
}
