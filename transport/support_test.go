package transport

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/goleak"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// cloud is a local AWS with real clients. Every SQS request passes through the hooks.
type cloud struct {
	t testing.TB
	*hooked
	server *localaws.Server
	config aws.Config
	topics *sns.Client
	queues *Queues
}

func startCloud(t testing.TB) *cloud {
	t.Helper()
	srv := localawstest.Start(t)
	cfg := srv.AWSConfig()
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	cfg.HTTPClient = &http.Client{Transport: transport}
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = 20 * time.Millisecond })
	}
	t.Cleanup(transport.CloseIdleConnections)
	client := &hooked{Client: sqs.NewFromConfig(cfg)}
	return &cloud{t: t, hooked: client, server: srv, config: cfg, topics: sns.NewFromConfig(cfg), queues: NewQueues(client)}
}

// queue makes a queue, FIFO if its name says so, and returns its name.
func (c *cloud) queue(name string) string {
	c.t.Helper()
	in := &sqs.CreateQueueInput{QueueName: aws.String(name), Attributes: map[string]string{}}
	if strings.HasSuffix(name, ".fifo") {
		in.Attributes["FifoQueue"] = "true"
		in.Attributes["DeduplicationScope"] = "messageGroup"
		in.Attributes["FifoThroughputLimit"] = "perMessageGroupId"
	}
	if _, err := c.CreateQueue(context.Background(), in); err != nil {
		c.t.Fatalf("creating queue %s: %v", name, err)
	}
	return name
}

func (c *cloud) publisher(cfg PublisherConfig) Publisher {
	p := NewPublisher(c.hooked, c.queues, cfg)
	c.t.Cleanup(func() { _ = p.Close() })
	return p
}

// soon is a CloseTimeout that leaves handlers little time, and handing back enough.
const soon = patience + 50*time.Millisecond

// subscriber gives its messages up fast when the test ends.
func (c *cloud) subscriber(cfg SubscriberConfig) *Subscriber {
	if cfg.CloseTimeout == 0 {
		cfg.CloseTimeout, cfg.SettleTime = soon, patience
	}
	s := NewSubscriber(c.hooked, c.queues, cfg)
	c.t.Cleanup(func() { _ = s.Close() })
	return s
}

func (c *cloud) subscribe(s *Subscriber, queue string) <-chan *message.Message {
	c.t.Helper()
	msgs, err := s.Subscribe(c.t.Context(), queue)
	if err != nil {
		c.t.Fatal(err)
	}
	return msgs
}

// left counts the queue's messages: those to be had, and those leased or delayed.
func (c *cloud) left(queue string) (visible, hidden string) {
	c.t.Helper()
	url, err := c.queues.URL(context.Background(), queue)
	if err != nil {
		c.t.Fatal(err)
	}
	out, err := c.Client.GetQueueAttributes(context.Background(), &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(url), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return out.Attributes["ApproximateNumberOfMessages"], out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

// hooked is an SQS client whose requests and answers a test can see and change.
type hooked struct {
	*sqs.Client

	mu sync.Mutex
	// send, get, drop and change take the place of the requests, if set; they call
	// the client for the real thing.
	send   func(context.Context, *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error)
	get    func(context.Context, *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error)
	drop   func(context.Context, *sqs.DeleteMessageBatchInput) (*sqs.DeleteMessageBatchOutput, error)
	change func(context.Context, *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error)

	sends, deletes, lookups int
	// visibilities are the timeouts asked for, in order.
	visibilities []int32
}

func (h *hooked) GetQueueUrl(ctx context.Context, in *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) {
	h.count(func() { h.lookups++ })
	return h.Client.GetQueueUrl(ctx, in)
}

func (h *hooked) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, opts ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	h.count(func() { h.sends++ })
	if h.send != nil {
		return h.send(ctx, in)
	}
	return h.Client.SendMessageBatch(ctx, in, opts...)
}

func (h *hooked) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	if h.get != nil {
		return h.get(ctx, in)
	}
	return h.Client.ReceiveMessage(ctx, in)
}

func (h *hooked) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	h.count(func() { h.deletes++ })
	if h.drop != nil {
		return h.drop(ctx, in)
	}
	return h.Client.DeleteMessageBatch(ctx, in)
}

func (h *hooked) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	h.count(func() {
		for _, e := range in.Entries {
			h.visibilities = append(h.visibilities, e.VisibilityTimeout)
		}
	})
	if h.change != nil {
		return h.change(ctx, in)
	}
	return h.Client.ChangeMessageVisibilityBatch(ctx, in)
}

func (h *hooked) count(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// asked are the visibility timeouts asked for so far.
func (h *hooked) asked() []int32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]int32(nil), h.visibilities...)
}

// suffer has the local SQS misbehave from now on; without rules, behave.
func (c *cloud) suffer(seed uint64, rules ...faults.Rule) {
	c.t.Helper()
	for i := range rules {
		rules[i].Service = "sqs"
	}
	if err := c.server.SetFaults(faults.Plan{Seed: seed, Rules: rules}); err != nil {
		c.t.Fatal(err)
	}
}

// suffered is how often that went wrong.
func (c *cloud) suffered(kind faults.Kind) int {
	sum := 0
	for _, count := range c.server.Counts()["sqs"] {
		sum += count.Faults[kind]
	}
	return sum
}

// text makes a message; of a group unless that is empty.
func text(group, body string) *message.Message {
	msg := message.NewMessage(watermill.NewUUID(), []byte(body))
	if group != "" {
		msg.Metadata.Set(GroupID, group)
		msg.Metadata.Set(DeduplicationID, msg.UUID)
	}
	return msg
}

// texts makes n messages of a group, with bodies prefix0, prefix1, ...
func texts(group, prefix string, n int) []*message.Message {
	msgs := make([]*message.Message, n)
	for i := range msgs {
		msgs[i] = text(group, fmt.Sprint(prefix, i))
	}
	return msgs
}

func publish(t testing.TB, p message.Publisher, topic string, msgs ...*message.Message) {
	t.Helper()
	if err := p.Publish(topic, msgs...); err != nil {
		t.Fatal(err)
	}
}

// next is the next message, which must come.
func next[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	select {
	case value, open := <-from:
		if !open {
			t.Fatal("the channel was closed")
		}
		return value
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	panic("unreachable")
}

// ended waits for a channel to be closed.
func ended[T any](t testing.TB, from <-chan T) {
	t.Helper()
	select {
	case _, open := <-from:
		if open {
			t.Fatal("something came where nothing should")
		}
	case <-time.After(patience):
		t.Fatal("it did not end")
	}
}

// eventually polls until the condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("it never came about that %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
