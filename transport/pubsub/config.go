package pubsub

import (
	"cmp"
	"time"

	wasqs "github.com/ThreeDotsLabs/watermill-aws/sqs"
	"github.com/rs/zerolog"
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
	c.InFlight = cmp.Or(c.InFlight, 8)
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.MaxWaiting = cmp.Or(c.MaxWaiting, 10_000)
	c.MaxBatchBytes = cmp.Or(c.MaxBatchBytes, maxBatchBytes)
	if c.Marshaler == nil {
		c.Marshaler = Wire{}
	}
	return c
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
	Overdue func()
}

func (c SubscriberConfig) withDefaults() SubscriberConfig {
	c.Visibility = cmp.Or(c.Visibility, 30*time.Second)
	c.Pollers = cmp.Or(c.Pollers, 2)
	c.Concurrency = cmp.Or(c.Concurrency, 64)
	c.WaitTime = cmp.Or(c.WaitTime, 5*time.Second)
	c.WaitTime = min(c.WaitTime, c.Visibility/2)
	c.MaxHandling = cmp.Or(c.MaxHandling, 10*time.Minute)
	c.CloseTimeout = cmp.Or(c.CloseTimeout, 22*time.Second)
	c.SettleTime = cmp.Or(c.SettleTime, 5*time.Second)
	c.Linger = cmp.Or(c.Linger, 5*time.Millisecond)
	if c.Backoff == nil {
		c.Backoff = Backoff
	}
	if c.Unmarshaler == nil {
		c.Unmarshaler = Wire{}
	}
	return c
}
