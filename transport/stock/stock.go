// Package stock is watermill-aws's own publisher and subscriber behind the
// constructors of transport: what transport is compared with, in the contract tests
// and the benchmark. Nothing in production may import it. It makes a request for
// each message, cannot hand a refused message back, forgets what is in hand when it
// closes, and a message that it cannot read takes its batch along.
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

// NewPublisher is pubsub.NewPublisher with watermill-aws underneath. Of the
// configuration only the Marshaler matters: each message is a request of its own,
// one after the other, and the messages' contexts are not looked at.
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

// sendInput makes FIFO queues possible: watermill-aws's own leaves out the group and
// the deduplication id, without which SQS takes nothing there.
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

// NewSubscriber is pubsub.NewSubscriber with watermill-aws underneath. Of the
// configuration it knows Visibility, WaitTime, Unmarshaler and Log. Each Subscribe
// receives batch messages at a time, of which one is in hand; watermill-aws's default
// is 1.
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

// closable lets the subscriber close while nobody reads its messages: it would wait
// for its reader for ever. What is not read comes again when its lease runs out.
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

// noting puts what SQS says of a message where transport puts it.
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
