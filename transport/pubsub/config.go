package pubsub

import (
	"cmp"
	"time"

	wasqs "github.com/ThreeDotsLabs/watermill-aws/sqs"
	"github.com/rs/zerolog"
)

// PublisherConfig configures a Publisher or TopicPublisher. Zero members take the defaults.
type PublisherConfig struct {
	// InFlight bounds the batches sent to one queue or topic at once; 8.
	InFlight int
	// Timeout bounds the sending of one batch, retries included; 10 s.
	Timeout time.Duration
	// MaxWaiting bounds the messages waiting for one queue or topic; 10,000. Publish refuses
	// more.
	MaxWaiting int
	// MaxBatchBytes defaults to AWS's limit: 1 MiB for queues, 256 KiB for topics.
	MaxBatchBytes int
	Marshaler     wasqs.Marshaler
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

// SubscriberConfig configures a Subscriber. Zero members take the defaults.
type SubscriberConfig struct {
	// Visibility is the lease of a message; 30 s, in whole seconds. It overrides the queue's, and
	// is extended while the message is in hand.
	Visibility time.Duration
	// LeasesEnd is when all leases end if they cannot be extended, and zero if they can.
	LeasesEnd time.Time
	// Pollers bounds the concurrent receive requests; 2. An idle queue has one.
	Pollers int
	// Concurrency bounds the messages handled at once; 64. No message is received that would wait
	// for one of another group.
	Concurrency int
	// WaitTime is how long a poll waits; 5 s, at most half of Visibility, since leases count
	// from the start of the poll. Closing waits for the poll: if its connection were cut, SQS
	// would lease the next messages to nobody.
	WaitTime time.Duration
	// MaxHandling bounds the handling of a message; 10 minutes. Then its context ends and its
	// lease is no longer extended.
	MaxHandling time.Duration
	// CloseTimeout bounds closing; 22 s. When only HandBackTime is left of it, the messages'
	// contexts end, and messages without an answer are handed back.
	CloseTimeout time.Duration
	// HandBackTime is the part of CloseTimeout for handing messages back; 5 s.
	HandBackTime time.Duration
	// Linger is how long an acked message may wait to be deleted with others that are in hand; 5
	// ms.
	Linger time.Duration
	// Backoff returns the delay before a nacked message is delivered again; received is 1 after
	// its first delivery. The default is the function of that name.
	Backoff     func(received int) time.Duration
	Unmarshaler wasqs.Unmarshaler
	// Log gets a warning for each failed request. A Worker sets its own.
	Log zerolog.Logger

	// Overdue is called for each message answered after its lease ran out.
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
	c.HandBackTime = cmp.Or(c.HandBackTime, 5*time.Second)
	c.Linger = cmp.Or(c.Linger, 5*time.Millisecond)
	if c.Backoff == nil {
		c.Backoff = Backoff
	}
	if c.Unmarshaler == nil {
		c.Unmarshaler = Wire{}
	}
	return c
}
