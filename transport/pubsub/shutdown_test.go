package pubsub

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/goleak"

	"github.com/gatehouse-portal/gatehouse/transport/sqstest"
)

// It is not parallel, since other tests' goroutines would look like leaks.
func TestASubscriptionThatEndedLeavesNothingBehindBeforeClose(t *testing.T) {
	c := startCloud(t)
	queue := c.Queue("leak.fifo")
	sub := c.subscriber(SubscriberConfig{Backoff: atOnce, WaitTime: time.Second})
	publish(t, c.publisher(PublisherConfig{}), queue, texts("g", "m", 5)...)
	before := goleak.IgnoreCurrent()
	for range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		received, err := sub.Subscribe(ctx, queue)
		if err != nil {
			t.Fatal(err)
		}
		sqstest.Next(t, received).Nack()
		cancel()
		sqstest.Ended(t, received)
	}
	sqstest.Eventually(t, "the subscriber forgets them", func() bool {
		sub.mu.Lock()
		defer sub.mu.Unlock()
		return len(sub.subs) == 0
	})
	goleak.VerifyNone(t, before, goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"))
}

func TestClosingLetsAPollEndByItselfAndHandsBackWhatItBrings(t *testing.T) {
	t.Parallel()
	for queue, group := range map[string]string{"patient": "", "patient.fifo": "g"} {
		t.Run(queue, func(t *testing.T) {
			t.Parallel()
			c := startCloud(t)
			c.Queue(queue)
			polls, cut := make(chan struct{}, 100), atomic.Bool{}
			c.Receive = func(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
				polls <- struct{}{}
				out, err := c.Client.ReceiveMessage(ctx, in)
				cut.Store(cut.Load() || err != nil)
				return out, err
			}
			sub := c.subscriber(SubscriberConfig{WaitTime: 20 * time.Second, CloseTimeout: patience, Visibility: time.Hour})
			ctx, cancel := context.WithCancel(t.Context())
			received, err := sub.Subscribe(ctx, queue)
			if err != nil {
				t.Fatal(err)
			}
			sqstest.Next(t, polls)
			cancel()
			sqstest.Ended(t, received)
			// SQS hands it to the poll that is still under way.
			publish(t, c.publisher(PublisherConfig{}), queue, text(group, "m"))
			if err := sub.Close(); err != nil {
				t.Fatal(err)
			}
			if visible, hidden := c.Left(queue); visible != "1" || hidden != "0" {
				t.Errorf("%s messages are visible and %s leased, want the one visible", visible, hidden)
			}
			if cut.Load() {
				t.Error("the poll was cut off")
			}
		})
	}
}

func TestAnIdleQueueIsPolledByOneAndABusyOneByAll(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("idle")
	var now, most atomic.Int64
	answered := make(chan struct{}, 1000)
	c.Receive = func(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer func() { now.Add(-1); answered <- struct{}{} }()
		return c.Client.ReceiveMessage(ctx, in)
	}
	received := c.subscribe(c.subscriber(SubscriberConfig{Pollers: 4, WaitTime: time.Second}), queue)
	sqstest.Next(t, answered)
	sqstest.Next(t, answered)
	if most.Load() != 1 {
		t.Errorf("%d requests waited at once for an idle queue", most.Load())
	}
	publish(t, c.publisher(PublisherConfig{}), queue, texts("", "m", 10)...)
	for range 10 {
		sqstest.Next(t, received).Ack()
	}
	sqstest.Eventually(t, "all pollers look for more", func() bool { return most.Load() == 4 })
}

func TestClosingEndsWhateverSQSDoes(t *testing.T) {
	t.Parallel()
	until := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, trouble := range map[string]func(context.Context) error{
		"it hangs":           until,
		"it refuses at once": func(context.Context) error { return errors.New("service unavailable") },
	} {
		for _, queue := range []string{"closing", "closing.fifo"} {
			t.Run(name+", "+queue, func(t *testing.T) {
				t.Parallel()
				c := startCloud(t)
				c.Queue(queue)
				const messages = 30
				for i := range messages {
					group := ""
					if isFIFO(queue) {
						group = fmt.Sprint("g", i)
					}
					publish(t, c.publisher(PublisherConfig{}), queue, text(group, "m"))
				}
				var broken atomic.Bool
				c.Receive = func(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
					if broken.Load() {
						return nil, trouble(ctx)
					}
					return c.Client.ReceiveMessage(ctx, in)
				}
				c.Delete = func(ctx context.Context, _ *sqs.DeleteMessageBatchInput) (*sqs.DeleteMessageBatchOutput, error) {
					return nil, trouble(ctx)
				}
				c.Change = func(ctx context.Context, _ *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
					return nil, trouble(ctx)
				}
				sub := c.subscriber(SubscriberConfig{
					Visibility: time.Hour, CloseTimeout: time.Second, HandBackTime: 500 * time.Millisecond,
				})
				received := c.subscribe(sub, queue)
				var inHand []*message.Message
				for range messages {
					inHand = append(inHand, sqstest.Next(t, received))
				}
				broken.Store(true)
				closed := make(chan struct{})
				go func() {
					defer close(closed)
					_ = sub.Close()
				}()
				for _, msg := range inHand[:messages/2] {
					msg.Ack() // the others are never answered
				}
				sqstest.Ended(t, closed)
			})
		}
	}
}

func TestWhileClosingHandingBackIsTriedUntilTheTimeIsUp(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("again.fifo")
	publish(t, c.publisher(PublisherConfig{}), queue, texts("g", "m", 3)...)
	var tries atomic.Int64
	c.Change = func(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
		if tries.Add(1) <= receiptTries+2 {
			return nil, errors.New("not now")
		}
		return c.Client.ChangeMessageVisibilityBatch(ctx, in)
	}
	sub := c.subscriber(SubscriberConfig{Visibility: time.Hour})
	sqstest.Next(t, c.subscribe(sub, queue))
	if err := sub.Close(); err != nil {
		t.Fatal(err)
	}
	if visible, hidden := c.Left(queue); visible != "3" || hidden != "0" {
		t.Errorf("after %d tries %s messages are visible and %s leased, want all 3 visible", tries.Load(), visible, hidden)
	}
}
