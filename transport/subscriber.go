package transport

import (
	"context"
	"fmt"
	"sync"
	"time"

	wasqs "github.com/ThreeDotsLabs/watermill-aws/sqs"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/rs/zerolog"
)

// queueReceiver is the part of the SQS client that Subscriber needs.
type queueReceiver interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// SubscriberConfig configures a Subscriber. The zero value is usable.
type SubscriberConfig struct {
	// Visibility is how long SQS leases a message to us at a time; the lease is
	// extended while the message is held. Whole seconds; 30 s. It overrides the queue's.
	Visibility time.Duration
	// Pollers is how many receive requests may be under way at once, for one queue; 2.
	// An idle queue has one.
	Pollers int
	// Concurrency is the most messages of one queue handled at once; 64. No message is
	// received that would have to wait for another's end, unless for that of its group.
	Concurrency int
	// WaitTime is the long poll's; 5 s, and at most half of the Visibility, since the lease
	// of a message counts from the beginning of the poll that brings it. It is also how long closing may take at least
	// on an idle queue: a poll under way is left to end by itself. SQS goes on with one
	// whose connection was closed and leases the next messages to nobody.
	WaitTime time.Duration
	// MaxHandling is when a message's context ends and its lease is no longer
	// extended, counted from its being handed out; 10 minutes.
	MaxHandling time.Duration
	// CloseTimeout is how long closing takes at most, whatever SQS and the handlers do;
	// 22 s. Messages are handled, and polls go on, until the SettleTime is left of it: then
	// the messages' contexts end, and what still does not answer is released.
	CloseTimeout time.Duration
	// SettleTime is the part of the CloseTimeout that is kept for handing messages back;
	// 5 s.
	SettleTime time.Duration
	// Linger is how long an acknowledgement may wait for others to be deleted with;
	// 5 ms. It does not wait if nothing else is in hand.
	Linger time.Duration
	// Backoff is the delay of a message that was refused when it had been received so
	// many times; the function of that name.
	Backoff func(received int) time.Duration
	// Unmarshaler; Wire.
	Unmarshaler wasqs.Unmarshaler
	// Log is told of requests that fail, at warn. A Worker puts its own here.
	Log zerolog.Logger

	// overdue is told of each message that was answered after its lease had run out.
	overdue func()
}

func (c SubscriberConfig) withDefaults() SubscriberConfig {
	c.Visibility = orDefault(c.Visibility, 30*time.Second)
	c.Pollers = orDefault(c.Pollers, 2)
	c.Concurrency = orDefault(c.Concurrency, 64)
	c.WaitTime = orDefault(c.WaitTime, 5*time.Second)
	c.WaitTime = min(c.WaitTime, c.Visibility/2)
	c.MaxHandling = orDefault(c.MaxHandling, 10*time.Minute)
	c.CloseTimeout = orDefault(c.CloseTimeout, 22*time.Second)
	c.SettleTime = orDefault(c.SettleTime, 5*time.Second)
	c.Linger = orDefault(c.Linger, 5*time.Millisecond)
	if c.Backoff == nil {
		c.Backoff = Backoff
	}
	if c.Unmarshaler == nil {
		c.Unmarshaler = Wire{}
	}
	return c
}

// Subscriber receives from SQS; a topic is a queue's name. On a FIFO queue it hands
// out one message of a group at a time, in order; on a standard queue each message
// by itself.
//
// Ack deletes the message. Nack hands it back for the delay of the Backoff, or the
// one the handler asked for; on a FIFO queue the rest of the group goes back with it.
// Neither blocks. After the message's lease has run out both do nothing: it comes again,
// or has come to somebody else already.
type Subscriber struct {
	client queueReceiver
	queues *Queues
	cfg    SubscriberConfig

	mu     sync.Mutex
	subs   map[*subscription]bool
	closed bool
}

var _ message.Subscriber = (*Subscriber)(nil)

// NewSubscriber returns a Subscriber without subscriptions.
func NewSubscriber(client queueReceiver, queues *Queues, cfg SubscriberConfig) *Subscriber {
	return &Subscriber{client: client, queues: queues, cfg: cfg.withDefaults(), subs: map[*subscription]bool{}}
}

// Subscribe receives until ctx ends or Close. Then the channel is closed, messages
// not handed out yet, and those that a poll under way still brings, are released at
// once, and those handed out may still be answered: their contexts live on, with ctx's
// values, until the SettleTime is left of the CloseTimeout. They tell handlers that the
// process is stopping (portal.Stopping).
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	url, err := s.queues.URL(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("subscribing to %s: %w", topic, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("subscribing to %s: %w", topic, errClosed)
	}
	sub := newSubscription(ctx, s.client, topic, url, s.cfg)
	s.subs[sub] = true
	go func() {
		sub.run()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subs, sub)
	}()
	return sub.output, nil
}

// Close ends all subscriptions and returns when they are over: all that was received
// is deleted or handed back. It may be called more than once, and at the same time;
// each call waits.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	s.closed = true
	var ending []*subscription
	for sub := range s.subs {
		ending = append(ending, sub)
	}
	s.mu.Unlock()
	for _, sub := range ending {
		sub.stop()
	}
	for _, sub := range ending {
		<-sub.over
	}
	return nil
}
