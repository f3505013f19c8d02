package transport_test

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
	"github.com/gatehouse-portal/gatehouse/transport"
	"github.com/gatehouse-portal/gatehouse/transport/stock"
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
	wire.Attributes = map[string]string{transport.GroupID: "body-" + string(msg.Payload)}
	return wire, nil
}

// suiteFIFOWire also tells duplicates by the uuid.
type suiteFIFOWire struct{ suiteWire }

func (w suiteFIFOWire) Marshal(msg *message.Message) (*types.Message, error) {
	wire, err := w.suiteWire.Marshal(msg)
	if err == nil {
		wire.Attributes[transport.DeduplicationID] = msg.UUID
	}
	return wire, err
}

// pubSub makes one of the implementations that the suite is run on.
type pubSub func(aws.Config, *sqs.Client, *transport.Queues, wasqs.Marshaler) (message.Publisher, message.Subscriber, error)

func ours(_ aws.Config, client *sqs.Client, queues *transport.Queues, m wasqs.Marshaler) (message.Publisher, message.Subscriber, error) {
	pub := transport.NewPublisher(client, queues, transport.PublisherConfig{Marshaler: m})
	sub := transport.NewSubscriber(client, queues, transport.SubscriberConfig{
		CloseTimeout: 2200 * time.Millisecond, SettleTime: 2 * time.Second,
		// The suite closes subscribers all the time. On a slow machine a receive may be
		// cut off by that; what it leased is to be had again before the suite gives up. Nor may
		// a lease run out there before its message is read: it would come twice.
		Visibility: 10 * time.Second, WaitTime: time.Second,
		Unmarshaler: suiteWire{},
		Backoff:     func(int) time.Duration { return 0 },
	})
	return pub, sub, nil
}

func stocks(config aws.Config, _ *sqs.Client, queues *transport.Queues, m wasqs.Marshaler) (message.Publisher, message.Subscriber, error) {
	pub, err := stock.NewPublisher(config, queues, transport.PublisherConfig{Marshaler: m})
	if err != nil {
		return nil, nil, err
	}
	// What it does not delete comes again only when its lease has run out.
	sub, err := stock.NewSubscriber(config, queues, transport.SubscriberConfig{
		Visibility: time.Second, Unmarshaler: suiteWire{},
	}, 10)
	return pub, sub, err
}

// conform runs Watermill's suite, as short as watermill-aws does on its own code.
// Neither implementation claims delivery exactly once or consumer groups, which SQS
// has not, nor the order that a standard queue does not keep.
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
		// The suite itself leaves some open.
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
					got.Metadata.Get(transport.GroupID) != "body-m" || got.Metadata.Get(transport.DeduplicationID) != sent.UUID {
					t.Errorf("got %s, %s with %v", got.UUID, got.Payload, got.Metadata)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("nothing came")
			}
		})
	}
}

// queues makes the queues that the suite publishes to, whose names it makes up as it
// goes; the suffix that FIFO queues need goes behind whatever the suite adds to them.
type queues struct {
	t      testing.TB
	config aws.Config
	client *sqs.Client
	known  *transport.Queues
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
	return &queues{t: t, config: cfg, client: client, known: transport.NewQueues(client), suffix: suffix, made: map[string]bool{}}
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
