package transport

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	wasqs "github.com/ThreeDotsLabs/watermill-aws/sqs"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/aws"
)

// PublisherConfig configures a Publisher or TopicPublisher. The zero value is usable.
type PublisherConfig struct {
	// InFlight is the most batches at once that one queue or topic is sent; 8.
	InFlight int
	// Timeout bounds the sending of one batch with all its tries; 10 seconds.
	Timeout time.Duration
	// MaxWaiting is the most messages that may wait for one queue or topic; what
	// comes on top is refused at once. 10,000.
	MaxWaiting int
	// MaxBatchBytes bounds a batch; 1 MiB for queues, 256 KiB for topics, as AWS does.
	MaxBatchBytes int
	// Marshaler; Wire.
	Marshaler wasqs.Marshaler
}

func (c PublisherConfig) withDefaults(maxBatchBytes int) PublisherConfig {
	c.InFlight = orDefault(c.InFlight, 8)
	c.Timeout = orDefault(c.Timeout, 10*time.Second)
	c.MaxWaiting = orDefault(c.MaxWaiting, 10_000)
	c.MaxBatchBytes = orDefault(c.MaxBatchBytes, maxBatchBytes)
	if c.Marshaler == nil {
		c.Marshaler = Wire{}
	}
	return c
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// PublishError names the messages of one Publish that were not confirmed. The others were
// sent.
type PublishError struct {
	Topic string
	// UUIDs are Watermill's.
	UUIDs []string
	// Unsure says that AWS may have taken some of them: a request was not answered.
	// Without it, none of them was sent.
	Unsure bool
	Err    error
}

func (e *PublishError) Error() string {
	certainty := "none of them sent"
	if e.Unsure {
		certainty = "perhaps sent all the same"
	}
	return fmt.Sprintf("publishing to %s: %d not confirmed, %s (%s): %v", e.Topic, len(e.UUIDs), certainty, strings.Join(e.UUIDs, ", "), e.Err)
}

func (e *PublishError) Unwrap() error { return e.Err }

// MaybeSent is Unsure, for callers that do not know this package.
func (e *PublishError) MaybeSent() bool { return e.Unsure }

// errClosed is what using a publisher or subscriber after Close answers.
var errClosed = errors.New("it is closed")

// batching is what Publisher and TopicPublisher share: everything but the request.
type batching struct {
	cfg PublisherConfig
	// resolve finds the URL or ARN of a topic.
	resolve func(ctx context.Context, topic string) (string, error)
	send    sendFunc

	mu     sync.Mutex
	queues map[string]*sendQueue
	closed bool
	calls  sync.WaitGroup
}

func newBatching(cfg PublisherConfig, resolve func(context.Context, string) (string, error), send sendFunc) *batching {
	return &batching{cfg: cfg, resolve: resolve, send: send, queues: map[string]*sendQueue{}}
}

// Publish sends the messages and returns when each is confirmed, or the context of
// the first ends. Messages of other calls may share the requests. On FIFO queues and
// topics the messages of one group arrive in the order of the calls, and of the
// messages in a call, but for one that AWS could not take for the moment, which is
// sent again after those of its request that it took; a message without a group is
// refused there. An error is a *PublishError if some messages may have been sent.
func (b *batching) Publish(topic string, msgs ...*message.Message) error {
	if len(msgs) == 0 {
		return nil
	}
	if !b.enter() {
		return fmt.Errorf("publishing to %s: %w", topic, errClosed)
	}
	defer b.calls.Done()
	ctx := msgs[0].Context()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publishing to %s: %w", topic, err)
	}
	entries, err := b.entries(topic, msgs)
	if err != nil {
		return fmt.Errorf("publishing to %s: %w", topic, err)
	}
	to, err := b.resolve(ctx, topic)
	if err != nil {
		return fmt.Errorf("publishing to %s: %w", topic, err)
	}
	queue := b.queue(to)
	c := newCall(ctx, entries)
	if err := queue.add(entries); err != nil {
		return fmt.Errorf("publishing to %s: %w", topic, err)
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		queue.withdraw(c)
	}
	return c.result(topic)
}

// Close is Shutdown with all the time that it takes.
func (b *batching) Close() error { return b.Shutdown(context.Background()) }

// Shutdown refuses further messages and returns when all taken ones are dealt with, or
// with an error when ctx ends. It may be called more than once.
func (b *batching) Shutdown(ctx context.Context) error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.calls.Wait()
		for _, queue := range b.queues {
			queue.flights.Wait()
		}
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing the publisher: messages are still being sent: %w", context.Cause(ctx))
	}
}

func (b *batching) enter() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.calls.Add(1)
	return true
}

func (b *batching) queue(to string) *sendQueue {
	b.mu.Lock()
	defer b.mu.Unlock()
	q, ok := b.queues[to]
	if !ok {
		q = &sendQueue{cfg: b.cfg, to: to, send: b.send, flying: map[string]bool{}}
		b.queues[to] = q
	}
	return q
}

// entries refuses here what AWS would refuse, so that one bad message cannot take
// the others of its batch along.
func (b *batching) entries(topic string, msgs []*message.Message) ([]*entry, error) {
	entries := make([]*entry, 0, len(msgs))
	for _, msg := range msgs {
		wire, err := b.cfg.Marshaler.Marshal(msg)
		if err != nil {
			return nil, fmt.Errorf("marshaling message %s: %w", msg.UUID, err)
		}
		e := &entry{uuid: msg.UUID, wire: wire, size: size(wire)}
		if isFIFO(topic) {
			e.group = wire.Attributes[GroupID]
			if e.group == "" {
				return nil, fmt.Errorf("message %s has no group, which FIFO needs", msg.UUID)
			}
		}
		if aws.ToString(wire.Body) == "" {
			return nil, fmt.Errorf("message %s has no body", msg.UUID)
		}
		if e.size > b.cfg.MaxBatchBytes {
			return nil, fmt.Errorf("message %s has %d bytes, more than the %d allowed", msg.UUID, e.size, b.cfg.MaxBatchBytes)
		}
		entries = append(entries, e)
	}
	return entries, nil
}
