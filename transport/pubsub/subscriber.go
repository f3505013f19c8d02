package pubsub

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// Subscriber receives from SQS; a topic is a queue's name. On a FIFO queue it hands out one
// message of a group at a time, in order.
//
// Ack deletes the message. Nack hands it back for the Backoff's delay or the one that the
// handler asked for; on a FIFO queue the rest of the group goes back with it. Neither blocks.
// After the end of the lease they do nothing, since SQS delivers the message again.
type Subscriber struct {
	client SubscriberClient
	queues *Queues
	cfg    SubscriberConfig

	mu     sync.Mutex
	subs   map[*subscription]bool
	closed bool
}

var _ message.Subscriber = (*Subscriber)(nil)

// NewSubscriber returns a Subscriber without subscriptions.
func NewSubscriber(client SubscriberClient, queues *Queues, cfg SubscriberConfig) *Subscriber {
	return &Subscriber{client: client, queues: queues, cfg: cfg.withDefaults(), subs: map[*subscription]bool{}}
}

// CloseTimeout is how long Close takes at most.
func (s *Subscriber) CloseTimeout() time.Duration { return s.cfg.CloseTimeout }

// Subscribe receives until ctx ends or Close is called. Then it closes the channel and hands back
// all messages that were not handed out yet, or that a poll under way still brings. The others
// may still be answered: their contexts, which have the values of ctx, tell handlers that the
// process is stopping (portal.Stopping), and end when only HandBackTime is left.
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

// Close ends all subscriptions and returns when every message is deleted or handed back, or
// after CloseTimeout. It may be called repeatedly and concurrently; each call waits.
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
		<-sub.done
	}
	return nil
}
