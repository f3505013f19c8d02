package app

import (
	"context"
	"fmt"
	"sync"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/transport"
)

// messaging is how one process sends.
type messaging struct {
	*transport.Sender
	queues *transport.Queues
	close  func() error
}

func newMessaging(c clients, names Names) messaging {
	queues := transport.NewQueues(c.sqs)
	toQueues := transport.NewPublisher(c.sqs, queues, transport.PublisherConfig{})
	toTopics := transport.NewTopicPublisher(c.sns, once(c.topicARN), transport.PublisherConfig{})
	return messaging{
		Sender: transport.NewSender(toQueues, toTopics, routes(names)),
		queues: queues,
		close: func() error {
			if err := toQueues.Close(); err != nil {
				return err
			}
			return toTopics.Close()
		},
	}
}

// routes says where each message goes: facts to the topic, wake-ups to the fair
// standard queue, ticks to their own, every other request to the commands.
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
		case events.JobRequested:
			return transport.Destination{Queue: names.Jobs, FIFO: true}, nil
		case events.Request:
			return transport.Destination{Queue: names.Commands, FIFO: true}, nil
		}
		return transport.Destination{}, fmt.Errorf("there is no way for a %s", e.Type())
	}
}

// once remembers what find found; failures are not remembered.
func once(find func(context.Context, string) (string, error)) func(context.Context, string) (string, error) {
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
