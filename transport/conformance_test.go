package transport

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wasqs "github.com/ThreeDotsLabs/watermill-aws/sqs"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// suiteWire carries what Watermill's own suite looks at: all metadata, and, since the
// suite knows no groups, one group for each body.
type suiteWire struct {
	wasqs.DefaultMarshalerUnmarshaler
}

func (w suiteWire) Marshal(msg *message.Message) (*types.Message, error) {
	wire, err := w.DefaultMarshalerUnmarshaler.Marshal(msg)
	if err != nil {
		return nil, err
	}
	wire.Attributes = map[string]string{GroupID: "body-" + string(msg.Payload)}
	return wire, nil
}

// suiteFIFOWire also tells duplicates by the uuid.
type suiteFIFOWire struct{ suiteWire }

func (w suiteFIFOWire) Marshal(msg *message.Message) (*types.Message, error) {
	wire, err := w.suiteWire.Marshal(msg)
	if err == nil {
		wire.Attributes[DeduplicationID] = msg.UUID
	}
	return wire, err
}

// queueMaker makes the queues that the suite publishes to, which it makes up as it goes.
type queueMaker struct {
	message.Publisher
	cloud *cloud
}

func (m queueMaker) Publish(topic string, msgs ...*message.Message) error {
	m.cloud.queue(topic)
	return m.Publisher.Publish(topic, msgs...)
}

type queueMakingSubscriber struct {
	*Subscriber
	cloud *cloud
}

func (s queueMakingSubscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	s.cloud.queue(topic)
	return s.Subscriber.Subscribe(ctx, topic)
}

func conform(t *testing.T, suffix string, ordered bool, marshaler wasqs.Marshaler) {
	c := startCloud(t)
	features := tests.Features{
		Persistent:      true,
		GuaranteedOrder: ordered,
		ForceShort:      true,
		GenerateTopicFunc: func(tctx tests.TestContext) string {
			return "t-" + string(tctx.TestID)
		},
	}
	tests.TestPubSub(t, features, func(t *testing.T) (message.Publisher, message.Subscriber) {
		pub := suffixed{Publisher: queueMaker{NewPublisher(c.hooked, c.queues, PublisherConfig{Marshaler: marshaler}), c}, suffix: suffix}
		sub := suffixedSubscriber{Subscriber: queueMakingSubscriber{NewSubscriber(c.hooked, c.queues, SubscriberConfig{
			CloseTimeout: 200 * time.Millisecond,
			// The suite closes subscribers all the time. On a slow machine a receive may be
			// cut off by that; what it leased is to be had again before the suite gives up.
			Visibility:  3 * time.Second,
			Unmarshaler: suiteWire{},
			Backoff:     func(int) time.Duration { return 0 },
		}), c}, suffix: suffix}
		// The suite itself leaves some open.
		t.Cleanup(func() { _, _ = pub.Close(), sub.Close() })
		return pub, sub
	}, nil)
}

// suffixed puts the suffix that FIFO queues need after whatever the suite adds to
// the name itself.
type suffixed struct {
	message.Publisher
	suffix string
}

func (p suffixed) Publish(topic string, msgs ...*message.Message) error {
	return p.Publisher.Publish(strings.TrimSuffix(topic, p.suffix)+p.suffix, msgs...)
}

type suffixedSubscriber struct {
	message.Subscriber
	suffix string
}

func (s suffixedSubscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	return s.Subscriber.Subscribe(ctx, strings.TrimSuffix(topic, s.suffix)+s.suffix)
}

func TestStandardQueuesPassWatermillsOwnSuite(t *testing.T) {
	t.Parallel()
	conform(t, "", false, suiteWire{})
}

func TestFIFOQueuesPassWatermillsOwnSuite(t *testing.T) {
	t.Parallel()
	conform(t, ".fifo", true, suiteFIFOWire{})
}

func TestWatermillsOwnPublisherWorksWithOurQueuesAndSubscriber(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.queue("stock")
	pub, err := wasqs.NewPublisher(wasqs.PublisherConfig{
		AWSConfig: c.config, QueueUrlResolver: c.queues, DoNotCreateQueueIfNotExists: true,
	}, watermill.NopLogger{})
	if err != nil {
		t.Fatal(err)
	}
	msg := message.NewMessage(watermill.NewUUID(), []byte("m"))
	publish(t, pub, queue, msg)
	got := next(t, c.subscribe(c.subscriber(SubscriberConfig{}), queue))
	got.Ack()
	if got.UUID != msg.UUID || string(got.Payload) != "m" {
		t.Errorf("got %s with %s", got.UUID, got.Payload)
	}
}
