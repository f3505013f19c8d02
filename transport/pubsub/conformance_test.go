package pubsub_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wasqs "github.com/ThreeDotsLabs/watermill-aws/sqs"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
	"github.com/gatehouse-portal/gatehouse/transport/stock"
)

// suiteWire carries all metadata, which Watermill's suite looks at, and makes each body a
// group, since the suite knows none.
type suiteWire struct {
	wasqs.DefaultMarshalerUnmarshaler
}

func (w suiteWire) Marshal(msg *message.Message) (*types.Message, error) {
	wire, err := w.DefaultMarshalerUnmarshaler.Marshal(msg)
	if err != nil {
		return nil, err
	}
	wire.Attributes = map[string]string{pubsub.GroupID: "body-" + string(msg.Payload)}
	return wire, nil
}

type suiteFIFOWire struct{ suiteWire }

func (w suiteFIFOWire) Marshal(msg *message.Message) (*types.Message, error) {
	wire, err := w.suiteWire.Marshal(msg)
	if err == nil {
		wire.Attributes[pubsub.DeduplicationID] = msg.UUID
	}
	return wire, err
}

// pubSub makes one of the implementations under test.
type pubSub func(aws.Config, *sqs.Client, *pubsub.Queues, wasqs.Marshaler) (message.Publisher, message.Subscriber, error)

func ours(_ aws.Config, client *sqs.Client, queues *pubsub.Queues, m wasqs.Marshaler) (message.Publisher, message.Subscriber, error) {
	pub := pubsub.NewPublisher(client, queues, pubsub.PublisherConfig{Marshaler: m})
	sub := pubsub.NewSubscriber(client, queues, pubsub.SubscriberConfig{
		CloseTimeout: 2200 * time.Millisecond, HandBackTime: 2 * time.Second,
		// The suite often closes subscribers, which may cut off a receive on a slow machine.
		// The lease of what that brought must end before the suite gives up, but not before a
		// slow test reads its message.
		Visibility: 10 * time.Second, WaitTime: time.Second,
		Unmarshaler: suiteWire{},
		Backoff:     func(int) time.Duration { return 0 },
	})
	return pub, sub, nil
}

func stocks(config aws.Config, _ *sqs.Client, queues *pubsub.Queues, m wasqs.Marshaler) (message.Publisher, message.Subscriber, error) {
	pub, err := stock.NewPublisher(config, queues, pubsub.PublisherConfig{Marshaler: m})
	if err != nil {
		return nil, nil, err
	}
	// Messages that it does not delete come again only when their leases run out.
	sub, err := stock.NewSubscriber(config, queues, pubsub.SubscriberConfig{
		Visibility: time.Second, Unmarshaler: suiteWire{},
	}, 10)
	return pub, sub, err
}

// conform runs Watermill's suite, as short as watermill-aws does for its own code. Neither
// implementation claims what SQS does not offer: exactly-once delivery, consumer groups, or
// order on a standard queue.
func conform(t *testing.T, suffix string, ordered bool, make pubSub, marshaler wasqs.Marshaler) {
	q := startQueues(t, suffix)
	features := tests.Features{
		Persistent:      true,
		GuaranteedOrder: ordered,
		ForceShort:      true,
		GenerateTopicFunc: func(tctx tests.TestContext) string {
			return "t-" + string(tctx.TestID)
		},
	}
	tests.TestPubSub(t, features, func(t *testing.T) (message.Publisher, message.Subscriber) {
		pub, sub, err := make(q.config, q.client, q.known, marshaler)
		if err != nil {
			t.Fatal(err)
		}
		// The suite leaves some open.
		t.Cleanup(func() { _, _ = pub.Close(), sub.Close() })
		return queueMakingPublisher{pub, q}, queueMakingSubscriber{sub, q}
	}, nil)
}

func TestStandardQueuesPassWatermillsOwnSuite(t *testing.T) {
	t.Parallel()
	conform(t, "", false, ours, suiteWire{})
}

func TestFIFOQueuesPassWatermillsOwnSuite(t *testing.T) {
	t.Parallel()
	conform(t, ".fifo", true, ours, suiteFIFOWire{})
}

func TestStockOnStandardQueuesPassesWatermillsOwnSuite(t *testing.T) {
	t.Parallel()
	conform(t, "", false, stocks, suiteWire{})
}

func TestStockOnFIFOQueuesPassesWatermillsOwnSuite(t *testing.T) {
	t.Parallel()
	conform(t, ".fifo", true, stocks, suiteFIFOWire{})
}

func TestOursAndStockUnderstandEachOther(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ from, to pubSub }{
		"stock to ours": {stocks, ours},
		"ours to stock": {ours, stocks},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := startQueues(t, ".fifo")
			q.create("q")
			pub, unused1, err1 := tc.from(q.config, q.client, q.known, suiteFIFOWire{})
			unused2, sub, err2 := tc.to(q.config, q.client, q.known, suiteFIFOWire{})
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			t.Cleanup(func() { _, _, _, _ = pub.Close(), unused1.Close(), unused2.Close(), sub.Close() })
			sent := message.NewMessage(watermill.NewUUID(), []byte("m"))
			sent.Metadata.Set("colour", "red")
			if err := pub.Publish("q.fifo", sent); err != nil {
				t.Fatal(err)
			}
			received, err := sub.Subscribe(t.Context(), "q.fifo")
			if err != nil {
				t.Fatal(err)
			}
			select {
			case got := <-received:
				got.Ack()
				if got.UUID != sent.UUID || string(got.Payload) != "m" || got.Metadata.Get("colour") != "red" ||
					got.Metadata.Get(pubsub.GroupID) != "body-m" || got.Metadata.Get(pubsub.DeduplicationID) != sent.UUID {
					t.Errorf("got %s, %s with %v", got.UUID, got.Payload, got.Metadata)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("nothing came")
			}
		})
	}
}

// queues creates the queues that the suite publishes to. The suite makes up their names as it
// goes; create puts the suffix of FIFO queues at the end.
type queues struct {
	t      testing.TB
	config aws.Config
	client *sqs.Client
	known  *pubsub.Queues
	suffix string

	mu   sync.Mutex
	made map[string]bool
}

func startQueues(t testing.TB, suffix string) *queues {
	t.Helper()
	cfg := localawstest.Start(t).AWSConfig()
	connections := &http.Transport{MaxIdleConnsPerHost: 256}
	cfg.HTTPClient = &http.Client{Transport: connections}
	t.Cleanup(connections.CloseIdleConnections)
	client := sqs.NewFromConfig(cfg)
	return &queues{t: t, config: cfg, client: client, known: pubsub.NewQueues(client), suffix: suffix, made: map[string]bool{}}
}

func (q *queues) create(topic string) (name string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	name = strings.TrimSuffix(topic, q.suffix) + q.suffix
	if q.made[name] {
		return name
	}
	in := &sqs.CreateQueueInput{QueueName: aws.String(name), Attributes: map[string]string{}}
	if q.suffix != "" {
		in.Attributes = map[string]string{"FifoQueue": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
	}
	if _, err := q.client.CreateQueue(context.Background(), in); err != nil {
		q.t.Errorf("creating queue %s: %v", name, err)
	}
	q.made[name] = true
	return name
}

type queueMakingPublisher struct {
	message.Publisher
	queues *queues
}

func (p queueMakingPublisher) Publish(topic string, msgs ...*message.Message) error {
	return p.Publisher.Publish(p.queues.create(topic), msgs...)
}

type queueMakingSubscriber struct {
	message.Subscriber
	queues *queues
}

func (s queueMakingSubscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	return s.Subscriber.Subscribe(ctx, s.queues.create(topic))
}
