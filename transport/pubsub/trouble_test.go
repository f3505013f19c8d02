package pubsub

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/transport/sqstest"
)

// diary records what was handled. A message's body is its group and number.
type diary struct {
	t testing.TB

	mu   sync.Mutex
	done map[string]int // deliveries that were acked, by body
	busy map[string]int
}

func newDiary(t testing.TB) *diary {
	return &diary{t: t, done: map[string]int{}, busy: map[string]int{}}
}

// begin checks that the message before it in its group was acked at least once.
func (d *diary) begin(body string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy[body]++
	group, number, ordered := strings.Cut(body, ".")
	if n, err := strconv.Atoi(number); ordered && err == nil && n > 0 && d.done[fmt.Sprintf("%s.%d", group, n-1)] == 0 {
		d.t.Errorf("%s was handed out before the message ahead of it was acked", body)
	}
}

func (d *diary) end(body string, done bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy[body]--
	if done {
		d.done[body]++
	}
}

// counts returns how many messages were acked, and how many acks were repeats.
func (d *diary) counts() (messages, repeated int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range d.done {
		messages++
		repeated += n - 1
	}
	return messages, repeated
}

// handle acks most messages and nacks some, until the channel closes.
func (d *diary) handle(msgs <-chan *message.Message, seed uint64) {
	dice := rand.New(rand.NewPCG(seed, 0))
	for msg := range msgs {
		body, nack := string(msg.Payload), dice.IntN(8) == 0
		go func() {
			d.begin(body)
			d.end(body, !nack)
			if nack {
				msg.Nack()
			} else {
				msg.Ack()
			}
		}()
	}
}

// insist publishes a group's messages one after the other, each until it is sent.
func insist(t testing.TB, p message.Publisher, queue, group string, n int) {
	for i := range n {
		msg := text(group, fmt.Sprintf("%s.%d", group, i))
		for try := 1; ; try++ {
			err := p.Publish(queue, msg)
			if err == nil {
				break
			}
			if try == 50 {
				t.Errorf("publishing kept failing: %v", err)
				return
			}
		}
	}
}

// troubles are faults that any request can meet.
func troubles(more ...faults.Rule) []faults.Rule {
	return append([]faults.Rule{
		{Kind: faults.Error, Error: faults.Internal, Rate: .04},
		{Kind: faults.Error, Error: faults.Throttling, Rate: .04},
		{Kind: faults.Drop, Rate: .04},
		{Kind: faults.Lost, Rate: .06},
	}, more...)
}

func TestInAllTroubleNothingIsLostAndGroupsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			c := startCloud(t)
			queue := c.Queue("trouble.fifo")
			c.Suffer(seed, troubles(faults.Rule{
				Kind: faults.Expire, Operation: "ReceiveMessage", Rate: .05, After: faults.Range{Max: 100 * time.Millisecond},
			})...)
			const groups, each = 12, 25
			d := newDiary(t)
			for i := range uint64(2) {
				sub := c.subscriber(SubscriberConfig{Backoff: atOnce, Visibility: 2 * time.Second, WaitTime: time.Second, Pollers: 3})
				go d.handle(c.subscribe(sub, queue), seed*2+i)
			}
			pub := c.publisher(PublisherConfig{})
			var publishing sync.WaitGroup
			for g := range groups {
				publishing.Go(func() { insist(t, pub, queue, fmt.Sprint("g", g), each) })
			}
			publishing.Wait()
			sqstest.Eventually(t, "all is done", func() bool { n, _ := d.counts(); return n == groups*each })
			for _, kind := range []faults.Kind{faults.Error, faults.Drop, faults.Lost, faults.Expire} {
				if c.Suffered(kind) == 0 {
					t.Errorf("%s never happened", kind)
				}
			}
			c.Suffer(seed)
			sqstest.Eventually(t, "the queue is empty", func() bool { visible, hidden := c.Left(queue); return visible+hidden == "00" })
		})
	}
}

func TestStandardQueuesLoseNothingEither(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("trouble")
	c.Suffer(7, troubles(
		faults.Rule{Kind: faults.Duplicate, Operation: "ReceiveMessage", Rate: .1},
		faults.Rule{Kind: faults.Reorder, Operation: "ReceiveMessage", Rate: .1, After: faults.Range{Max: 50 * time.Millisecond}},
		faults.Rule{Kind: faults.Expire, Operation: "ReceiveMessage", Rate: .05, After: faults.Range{Max: 100 * time.Millisecond}},
	)...)
	d := newDiary(t)
	for i := range uint64(2) {
		sub := c.subscriber(SubscriberConfig{Backoff: atOnce, Visibility: 2 * time.Second, WaitTime: time.Second})
		go d.handle(c.subscribe(sub, queue), i)
	}
	pub := c.publisher(PublisherConfig{})
	const messages = 150
	var publishing sync.WaitGroup
	for i := range messages {
		publishing.Go(func() {
			for pub.Publish(queue, text("", fmt.Sprint("m", i))) != nil {
			}
		})
	}
	publishing.Wait()
	sqstest.Eventually(t, "all is done", func() bool { n, _ := d.counts(); return n == messages })
	c.Suffer(7)
	sqstest.Eventually(t, "the queue is empty", func() bool { visible, hidden := c.Left(queue); return visible+hidden == "00" })
	if _, repeated := d.counts(); repeated == 0 {
		t.Error("no message came twice, so the test has tested nothing")
	}
}

func TestALostAnswerIsMadeUpForAtOnce(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"SendMessageBatch", "ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			c := startCloud(t)
			queue := c.Queue("lost.fifo")
			c.Suffer(1, faults.Rule{Kind: faults.Lost, Operation: operation, Times: 1})
			publish(t, c.publisher(PublisherConfig{}), queue, texts("g", "g.", 3)...)
			if visible, _ := c.Left(queue); visible != "3" {
				t.Errorf("the queue holds %s messages, want each once", visible)
			}
			// A message whose lease must run out would not be seen again.
			received := c.subscribe(c.subscriber(SubscriberConfig{Visibility: time.Hour, Backoff: atOnce}), queue)
			sqstest.Next(t, received).Nack()
			d := newDiary(t)
			for i := range 3 {
				msg := sqstest.Next(t, received)
				if want := fmt.Sprint("g.", i); string(msg.Payload) != want {
					t.Errorf("got %s, want %s", msg.Payload, want)
				}
				d.begin(string(msg.Payload))
				d.end(string(msg.Payload), true)
				msg.Ack()
			}
			sqstest.Eventually(t, "the queue is empty", func() bool { visible, hidden := c.Left(queue); return visible+hidden == "00" })
			if c.Server.Counts().Of("sqs", operation).Faults[faults.Lost] != 1 {
				t.Error("no answer was lost")
			}
		})
	}
}

func TestWhileSQSIsDownPublishersAreToldAndSubscribersWait(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("down.fifo")
	pub := c.publisher(PublisherConfig{})
	received := c.subscribe(c.subscriber(SubscriberConfig{WaitTime: time.Second, Visibility: 3 * time.Second}), queue)
	publish(t, pub, queue, text("g", "g.0"))
	inHand := sqstest.Next(t, received)

	c.Suffer(1, faults.Rule{Kind: faults.Down})
	downs := func(operation string) int { return c.Server.Counts().Of("sqs", operation).Faults[faults.Down] }
	during := text("g", "g.1")
	var failed *PublishError
	if err := pub.Publish(queue, during); !errors.As(err, &failed) || len(failed.UUIDs) != 1 || failed.UUIDs[0] != during.UUID {
		t.Errorf("publishing while SQS is down: %v", err)
	}
	inHand.Ack()
	sqstest.Eventually(t, "deleting and receiving have failed", func() bool {
		return downs("DeleteMessageBatch") > 0 && downs("ReceiveMessage") > 3
	})

	c.Suffer(1)
	publish(t, pub, queue, during)
	msg := sqstest.Next(t, received)
	if string(msg.Payload) == "g.0" {
		// SQS was down for longer than the subscriber tries to delete, so it is delivered
		// again.
		msg.Ack()
		msg = sqstest.Next(t, received)
	}
	if string(msg.Payload) != "g.1" {
		t.Errorf("got %s, want the next message", msg.Payload)
	}
	msg.Ack()
	sqstest.Eventually(t, "the queue is empty", func() bool { visible, hidden := c.Left(queue); return visible+hidden == "00" })
}

func TestAReceiptThatExpiredHarmsNobody(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("expired.fifo")
	publish(t, c.publisher(PublisherConfig{}), queue, texts("g", "g.", 2)...)
	c.Suffer(1, faults.Rule{Kind: faults.Expire, Operation: "ReceiveMessage", Times: 1})
	received := c.subscribe(c.subscriber(SubscriberConfig{}), queue)
	first, second := sqstest.Next(t, received), sqstest.Next(t, received)
	if string(first.Payload) != "g.0" || string(second.Payload) != "g.0" {
		t.Fatalf("got %s and %s, want the same twice", first.Payload, second.Payload)
	}
	second.Ack()
	first.Ack()
	last := sqstest.Next(t, received)
	if string(last.Payload) != "g.1" {
		t.Errorf("got %s, want g.1", last.Payload)
	}
	last.Ack()
	sqstest.Eventually(t, "the queue is empty", func() bool { visible, hidden := c.Left(queue); return visible+hidden == "00" })
}
