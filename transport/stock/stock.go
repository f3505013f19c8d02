// Package stock puts watermill-aws's own publisher and subscriber behind the constructors of
// package pubsub, for contract tests and the benchmark. It is not for production: it makes a
// request for each message, cannot hand a nacked message back, and fails a whole batch for one
// unreadable message.
package stock

import (
	"context"
	"sync"

	wasqs "github.com/ThreeDotsLabs/watermill-aws/sqs"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/transport"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

// NewPublisher uses only the Marshaler of cfg. The publisher sends messages one by one and
// ignores their contexts.
func NewPublisher(config aws.Config, queues *pubsub.Queues, cfg pubsub.PublisherConfig) (message.Publisher, error) {
	marshaler := cfg.Marshaler
	if marshaler == nil {
		marshaler = pubsub.Wire{}
	}
	return wasqs.NewPublisher(wasqs.PublisherConfig{
		AWSConfig:                   config,
		QueueUrlResolver:            queues,
		DoNotCreateQueueIfNotExists: true,
		Marshaler:                   marshaler,
		GenerateSendMessageInput:    sendInput,
	}, transport.NewLogger(zerolog.Nop()))
}

// sendInput adds the group and the deduplication id, which watermill-aws leaves out.
func sendInput(_ context.Context, url wasqs.QueueURL, wire *types.Message) (*sqs.SendMessageInput, error) {
	return &sqs.SendMessageInput{
		QueueUrl:               aws.String(string(url)),
		MessageBody:            wire.Body,
		MessageAttributes:      wire.MessageAttributes,
		MessageGroupId:         attribute(wire, pubsub.GroupID),
		MessageDeduplicationId: attribute(wire, pubsub.DeduplicationID),
	}, nil
}

func attribute(wire *types.Message, name string) *string {
	if value := wire.Attributes[name]; value != "" {
		return aws.String(value)
	}
	return nil
}

// NewSubscriber uses only Visibility, WaitTime, Unmarshaler and Log of cfg. Each Subscribe
// receives batch messages at a time and hands them out one by one.
func NewSubscriber(config aws.Config, queues *pubsub.Queues, cfg pubsub.SubscriberConfig, batch int) (message.Subscriber, error) {
	unmarshaler := cfg.Unmarshaler
	if unmarshaler == nil {
		unmarshaler = pubsub.Wire{}
	}
	sub, err := wasqs.NewSubscriber(wasqs.SubscriberConfig{
		AWSConfig:                   config,
		QueueUrlResolver:            queues,
		DoNotCreateQueueIfNotExists: true,
		Unmarshaler:                 noting{unmarshaler},
		GenerateReceiveMessageInput: func(ctx context.Context, url wasqs.QueueURL) (*sqs.ReceiveMessageInput, error) {
			in, err := wasqs.GenerateReceiveMessageInputDefault(ctx, url)
			if err != nil {
				return nil, err
			}
			in.MaxNumberOfMessages = int32(batch)
			in.MessageSystemAttributeNames = []types.MessageSystemAttributeName{
				types.MessageSystemAttributeNameMessageGroupId,
				types.MessageSystemAttributeNameMessageDeduplicationId,
			}
			if cfg.Visibility > 0 {
				in.VisibilityTimeout = int32(cfg.Visibility.Seconds())
			}
			if cfg.WaitTime > 0 {
				in.WaitTimeSeconds = int32(cfg.WaitTime.Seconds())
			}
			return in, nil
		},
	}, transport.NewLogger(cfg.Log))
	if err != nil {
		return nil, err
	}
	return &closable{Subscriber: sub, closing: make(chan struct{})}, nil
}

// closable can close while nobody reads the subscriber's messages. Unread ones are delivered
// again when their leases run out.
type closable struct {
	message.Subscriber
	once       sync.Once
	closing    chan struct{}
	forwarding sync.WaitGroup
}

func (c *closable) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	from, err := c.Subscriber.Subscribe(ctx, topic)
	if err != nil {
		return nil, err
	}
	to := make(chan *message.Message)
	c.forwarding.Go(func() {
		defer close(to)
		for msg := range from {
			select {
			case to <- msg:
			case <-ctx.Done():
			case <-c.closing:
			}
		}
	})
	return to, nil
}

func (c *closable) Close() error {
	c.once.Do(func() { close(c.closing) })
	err := c.Subscriber.Close()
	c.forwarding.Wait()
	return err
}

type noting struct{ wasqs.Unmarshaler }

func (n noting) Unmarshal(wire *types.Message) (*message.Message, error) {
	msg, err := n.Unmarshaler.Unmarshal(wire)
	if err != nil {
		return nil, err
	}
	msg.Metadata.Set(pubsub.MessageIDKey, aws.ToString(wire.MessageId))
	for _, name := range []string{pubsub.GroupID, pubsub.DeduplicationID} {
		if value := wire.Attributes[name]; value != "" {
			msg.Metadata.Set(name, value)
		}
	}
	return msg, nil
}
