package pubsub

import (
	"context"
	"fmt"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/aws"
)

type publisher struct {
	cfg     PublisherConfig
	resolve func(ctx context.Context, topic string) (string, error)
	send    sendFunc

	mu     sync.Mutex
	queues map[string]*sendQueue
	closed bool
	calls  sync.WaitGroup
}

func newPublisher(cfg PublisherConfig, resolve func(context.Context, string) (string, error), send sendFunc) *publisher {
	return &publisher{cfg: cfg, resolve: resolve, send: send, queues: map[string]*sendQueue{}}
}

// Publish returns when each message is confirmed, or when the context of the first ends. Messages
// of one FIFO group arrive in the order of publishing, except one that AWS could not take at the
// moment: it arrives after others of its batch.
//
// Publish sends nothing if AWS would refuse a message: it has no body, is too large, or lacks the
// group that a FIFO topic needs. An error is a *PublishError if some messages may have been sent.
func (p *publisher) Publish(topic string, msgs ...*message.Message) error {
	if len(msgs) == 0 {
		return nil
	}
	if !p.enter() {
		return fmt.Errorf("publishing to %s: %w", topic, errClosed)
	}
	defer p.calls.Done()
	ctx := msgs[0].Context()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publishing to %s: %w", topic, err)
	}
	entries, err := p.entries(topic, msgs)
	if err != nil {
		return fmt.Errorf("publishing to %s: %w", topic, err)
	}
	to, err := p.resolve(ctx, topic)
	if err != nil {
		return fmt.Errorf("publishing to %s: %w", topic, err)
	}
	queue := p.queue(to)
	c := newCall(ctx, entries)
	if err := queue.add(entries); err != nil {
		return fmt.Errorf("publishing to %s: %w", topic, err)
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		queue.drop(c)
	}
	return c.result(topic)
}

// Close is Shutdown without a time limit.
func (p *publisher) Close() error { return p.Shutdown(context.Background()) }

// Shutdown takes no more messages and returns when all earlier ones are confirmed or have failed,
// or with an error when ctx ends. It may be repeated.
func (p *publisher) Shutdown(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.calls.Wait()
		for _, queue := range p.queues {
			queue.sending.Wait()
		}
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing the publisher: messages are still being sent: %w", context.Cause(ctx))
	}
}

func (p *publisher) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.calls.Add(1)
	return true
}

func (p *publisher) queue(to string) *sendQueue {
	p.mu.Lock()
	defer p.mu.Unlock()
	q, ok := p.queues[to]
	if !ok {
		q = &sendQueue{cfg: p.cfg, to: to, send: p.send, groupsInFlight: map[string]bool{}}
		p.queues[to] = q
	}
	return q
}

// entries refuses what AWS would refuse, so that it fails no other caller's messages.
func (p *publisher) entries(topic string, msgs []*message.Message) ([]*entry, error) {
	entries := make([]*entry, 0, len(msgs))
	for _, msg := range msgs {
		wire, err := p.cfg.Marshaler.Marshal(msg)
		if err != nil {
			return nil, fmt.Errorf("marshaling message %s: %w", msg.UUID, err)
		}
		e := &entry{uuid: msg.UUID, wire: wire, size: size(wire)}
		if isFIFO(topic) {
			e.group = wire.Attributes[GroupID]
			if e.group == "" {
				return nil, fmt.Errorf("message %s has no group, as FIFO requires", msg.UUID)
			}
		}
		if aws.ToString(wire.Body) == "" {
			return nil, fmt.Errorf("message %s has no body", msg.UUID)
		}
		if e.size > p.cfg.MaxBatchBytes {
			return nil, fmt.Errorf("message %s has %d bytes, more than the %d allowed", msg.UUID, e.size, p.cfg.MaxBatchBytes)
		}
		entries = append(entries, e)
	}
	return entries, nil
}
