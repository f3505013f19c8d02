package main

import (
	"context"
	"fmt"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
	"github.com/gatehouse-portal/gatehouse/transport/stock"
)

const pollers = 16

type contestant struct {
	name       string
	subscribes int
	// messages keep it busy for the whole window.
	messages int
	open     func(aws.Config, *sqs.Client, *pubsub.Queues) (message.Publisher, message.Subscriber, error)
}

// contestants are stock as a Watermill router uses it, stock with many subscriptions, and ours.
func contestants() []contestant {
	return []contestant{
		stockWith(1, 1, 300),
		stockWith(pollers, 1, 4000),
		stockWith(pollers, 10, 4000),
		{name: fmt.Sprintf("ours, %d pollers", pollers), subscribes: 1, messages: 12_000, open: openOurs},
	}
}

func stockWith(subscribes, batch, messages int) contestant {
	return contestant{
		name: fmt.Sprintf("stock, %d Subscribe, receiving %d", subscribes, batch), subscribes: subscribes, messages: messages,
		open: func(cfg aws.Config, _ *sqs.Client, queues *pubsub.Queues) (message.Publisher, message.Subscriber, error) {
			pub, err := stock.NewPublisher(cfg, queues, pubsub.PublisherConfig{})
			if err != nil {
				return nil, nil, err
			}
			sub, err := stock.NewSubscriber(cfg, queues, pubsub.SubscriberConfig{}, batch)
			return pub, sub, err
		},
	}
}

func openOurs(_ aws.Config, client *sqs.Client, queues *pubsub.Queues) (message.Publisher, message.Subscriber, error) {
	pub := pubsub.NewPublisher(client, queues, pubsub.PublisherConfig{})
	sub := pubsub.NewSubscriber(client, queues, pubsub.SubscriberConfig{Pollers: pollers, Concurrency: 256})
	return pub, sub, nil
}

func (c contestant) subscribe(ctx context.Context, sub message.Subscriber, queue string, handle func(*message.Message)) (over func(), err error) {
	ended := make(chan struct{}, c.subscribes)
	for range c.subscribes {
		msgs, err := sub.Subscribe(ctx, queue)
		if err != nil {
			return nil, err
		}
		go func() {
			for msg := range msgs {
				// Watermill's router does the same.
				go handle(msg)
			}
			ended <- struct{}{}
		}()
	}
	return func() {
		for range c.subscribes {
			<-ended
		}
	}, nil
}
