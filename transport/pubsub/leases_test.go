package pubsub

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/transport/sqstest"
)

func leasesOf(t *testing.T, s *Subscriber) *leases {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for sub := range s.subs {
		return sub.leases
	}
	t.Fatal("there is no subscription")
	return nil
}

func TestAMessageNackedDuringAnExtensionGoesBackAfterIt(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("overlap")
	publish(t, c.publisher(PublisherConfig{}), queue, text("", "m"))
	extending, extend, released := make(chan struct{}, 100), make(chan struct{}), make(chan struct{}, 100)
	goOn := sync.OnceFunc(func() { close(extend) })
	c.Change = func(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
		if in.Entries[0].VisibilityTimeout > 0 {
			extending <- struct{}{}
			<-extend
			return c.Client.ChangeMessageVisibilityBatch(ctx, in)
		}
		released <- struct{}{}
		return c.Client.ChangeMessageVisibilityBatch(ctx, in)
	}
	sub := c.subscriber(SubscriberConfig{Visibility: 2 * time.Second, Backoff: atOnce})
	t.Cleanup(goOn)
	received := c.subscribe(sub, queue)
	msg := sqstest.Next(t, received)
	sqstest.Next(t, extending)
	msg.Nack()
	held, mine := leasesOf(t, sub), msg.Context().Value(deliveryKey{}).(*delivery)
	sqstest.Eventually(t, "the message is on its way back", func() bool {
		held.mu.Lock()
		defer held.mu.Unlock()
		return !held.held[mine]
	})
	// Give an early hand-back time to happen.
	pause(t.Context(), 50*time.Millisecond)
	if len(released) > 0 {
		t.Error("it went back while its lease was being extended")
	}
	goOn()
	sqstest.Next(t, released)
	again := sqstest.Next(t, received)
	if diff := cmp.Diff([]int32{2, 0}, c.Visibilities()); diff != "" {
		t.Errorf("visibility timeouts in their order (-want +got):\n%s", diff)
	}
	again.Ack()
}

// failEntry answers one entry as SQS does if it fails on SQS's side.
func failEntry(ctx context.Context, c *cloud, in *sqs.ChangeMessageVisibilityBatchInput, at int) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	failed := in.Entries[at]
	in.Entries = slices.Delete(in.Entries, at, at+1)
	out := &sqs.ChangeMessageVisibilityBatchOutput{}
	if len(in.Entries) > 0 {
		var err error
		if out, err = c.Client.ChangeMessageVisibilityBatch(ctx, in); err != nil {
			return nil, err
		}
	}
	out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: failed.Id, Code: aws.String("InternalError")})
	return out, nil
}

func TestOnlyTheMessageThatWasNotTakenBackIsHandedBackAgain(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("halfway.fifo")
	publish(t, c.publisher(PublisherConfig{}), queue, texts("g", "m", 4)...)
	requests := make(chan int, 10)
	c.Change = func(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
		requests <- len(in.Entries)
		if len(in.Entries) == 4 {
			return failEntry(ctx, c, in, 0)
		}
		return c.Client.ChangeMessageVisibilityBatch(ctx, in)
	}
	received := c.subscribe(c.subscriber(SubscriberConfig{Visibility: time.Hour, Backoff: atOnce}), queue)
	sqstest.Next(t, received).Nack()
	for _, want := range []string{"m0", "m1", "m2", "m3"} {
		msg := sqstest.Next(t, received)
		if string(msg.Payload) != want {
			t.Errorf("got %s, want %s", msg.Payload, want)
		}
		msg.Ack()
	}
	if all, again := sqstest.Next(t, requests), sqstest.Next(t, requests); all != 4 || again != 1 {
		t.Errorf("%d were handed back and then %d, want 4 and the one that failed", all, again)
	}
}

func TestALeaseThatCouldNotBeExtendedIsNotTakenForLonger(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("refused")
	publish(t, c.publisher(PublisherConfig{}), queue, text("", "m"))
	tries := make(chan struct{}, 100)
	c.Change = func(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
		tries <- struct{}{}
		if len(tries) == 1 {
			return failEntry(ctx, c, in, 0)
		}
		return c.Client.ChangeMessageVisibilityBatch(ctx, in)
	}
	msg := sqstest.Next(t, c.subscribe(c.subscriber(SubscriberConfig{Visibility: 3 * time.Second}), queue))
	before, _ := Lease(msg.Context())
	sqstest.Eventually(t, "an extension fails", func() bool { return len(tries) == 1 })
	if after, _ := Lease(msg.Context()); !after.Equal(before) {
		t.Errorf("the lease went from %v to %v by an extension that failed", before, after)
	}
	sqstest.Eventually(t, "it is tried again in time", func() bool {
		after, _ := Lease(msg.Context())
		return after.After(before) && time.Now().Before(before)
	})
	msg.Ack()
}

func TestAMessageWhoseLeaseRanOutInItsLaneIsNotHandedOut(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("late.fifo")
	publish(t, c.publisher(PublisherConfig{}), queue, texts("g", "m", 2)...)
	c.Change = func(context.Context, *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
		return nil, errors.New("the line is dead")
	}
	overdue := make(chan struct{}, 100)
	received := c.subscribe(c.subscriber(SubscriberConfig{
		Visibility: time.Second, Pollers: 1, CloseTimeout: time.Second, HandBackTime: 500 * time.Millisecond,
		Overdue: func() { overdue <- struct{}{} },
	}), queue)
	slow := sqstest.Next(t, received)
	until, _ := Lease(slow.Context())
	sqstest.Eventually(t, "the leases are over", func() bool { return time.Now().After(until) })
	slow.Ack()
	// It is not deleted, and the next of its group is not handed back.
	sqstest.Next(t, overdue)
	sqstest.Next(t, overdue)
	for {
		msg := sqstest.Next(t, received)
		if msg.Metadata.Get(ReceiveCountKey) == "1" {
			t.Errorf("%s was handed out on a lease that had run out", msg.Payload)
		}
		msg.Ack()
		if string(msg.Payload) == "m1" {
			return
		}
	}
}

func TestALeaseCountsFromWhenTheMessageWasAskedFor(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("slow-answer")
	publish(t, c.publisher(PublisherConfig{}), queue, text("", "m"))
	asked := make(chan time.Time, 100)
	c.Receive = func(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
		asked <- time.Now()
		out, err := c.Client.ReceiveMessage(ctx, in)
		pause(ctx, 100*time.Millisecond) // the answer is under way
		return out, err
	}
	msg := sqstest.Next(t, c.subscribe(c.subscriber(SubscriberConfig{Visibility: time.Minute, Pollers: 1}), queue))
	if until, latest := must(Lease(msg.Context())), sqstest.Next(t, asked).Add(time.Minute); until.After(latest) {
		t.Errorf("the lease is reported %v too long", until.Sub(latest))
	}
	msg.Ack()
}

func must(until time.Time, ok bool) time.Time {
	if !ok {
		panic("the context has no lease")
	}
	return until
}

func TestAnAnswerAfterTheLeaseRanOutTouchesNothing(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(*message.Message) bool{
		"an ack": (*message.Message).Ack, "a nack": (*message.Message).Nack,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startCloud(t)
			queue := c.Queue("overdue")
			publish(t, c.publisher(PublisherConfig{}), queue, text("", "m"))
			// The subscriber receives once. The next delivery goes to another worker.
			var first sync.Once
			c.Receive = func(ctx context.Context, in *sqs.ReceiveMessageInput) (out *sqs.ReceiveMessageOutput, err error) {
				err = errors.New("not again")
				first.Do(func() { out, err = c.Client.ReceiveMessage(ctx, in) })
				return out, err
			}
			// Extensions do not reach SQS.
			var touched atomic.Int64
			c.Change = func(context.Context, *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
				touched.Add(1)
				return nil, errors.New("the line is dead")
			}
			overdue := make(chan struct{}, 10)
			sub := c.subscriber(SubscriberConfig{
				Visibility: time.Second, Pollers: 1, Backoff: atOnce, Overdue: func() { overdue <- struct{}{} },
			})
			msg := sqstest.Next(t, c.subscribe(sub, queue))
			url, err := c.queues.URL(t.Context(), queue)
			if err != nil {
				t.Fatal(err)
			}
			sqstest.Eventually(t, "another worker gets the message", func() bool {
				out, err := c.Client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, VisibilityTimeout: 3600})
				return err == nil && len(out.Messages) == 1
			})
			held := leasesOf(t, sub)
			sqstest.Eventually(t, "no extension is under way any more", func() bool {
				held.mu.Lock()
				defer held.mu.Unlock()
				return len(held.extending) == 0 && time.Now().After(must(Lease(msg.Context())))
			})
			before := touched.Load()
			answer(msg)
			sqstest.Next(t, overdue)
			if err := sub.Close(); err != nil {
				t.Fatal(err)
			}
			if visible, hidden := c.Left(queue); visible != "0" || hidden != "1" {
				t.Errorf("%s messages are visible and %s leased, want the one that the other worker has", visible, hidden)
			}
			if c.Deletes() > 0 || touched.Load() != before {
				t.Errorf("the old receipt was used for %d deletes and %d changes", c.Deletes(), touched.Load()-before)
			}
			if len(overdue) > 0 {
				t.Error("it was counted twice")
			}
		})
	}
}

func TestALeaseThatSQSNoLongerKnowsIsOver(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("unknown-receipt")
	publish(t, c.publisher(PublisherConfig{}), queue, text("", "m"))
	c.Change = func(_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
		return &sqs.ChangeMessageVisibilityBatchOutput{Failed: []types.BatchResultErrorEntry{
			{Id: in.Entries[0].Id, Code: aws.String("ReceiptHandleIsInvalid"), SenderFault: true},
		}}, nil
	}
	msg := sqstest.Next(t, c.subscribe(c.subscriber(SubscriberConfig{Visibility: 4 * time.Second}), queue))
	before := must(Lease(msg.Context()))
	sqstest.Eventually(t, "the handler can tell that its lease is over", func() bool {
		return must(Lease(msg.Context())).Before(time.Now())
	})
	if !time.Now().Before(before) {
		t.Skip("the machine is too slow to tell this from a lease that ran out")
	}
	msg.Ack()
}

func TestAnExtensionAnsweredAfterTheLeaseRanOutDoesNotReviveIt(t *testing.T) {
	t.Parallel()
	ahead := time.Now().Add(time.Hour)
	late := &delivery{until: time.Now().Add(-time.Millisecond)}
	late.extended(ahead)
	inTime := &delivery{until: time.Now().Add(time.Minute)}
	inTime.extended(ahead)
	if !late.expired() || !inTime.lease().Equal(ahead) {
		t.Errorf("late: the lease ends %v; in time: it ends %v", late.lease(), inTime.lease())
	}
}

func TestAnExtensionThatHangsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("hanging")
	pub := c.publisher(PublisherConfig{})
	hanging, extended, free := make(chan struct{}), make(chan struct{}, 100), make(chan struct{})
	var first sync.Once
	c.Change = func(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
		hangs := false
		first.Do(func() { hangs = true })
		if hangs {
			close(hanging)
			select {
			case <-free:
			case <-ctx.Done():
			}
			return nil, errors.New("no answer")
		}
		extended <- struct{}{}
		return c.Client.ChangeMessageVisibilityBatch(ctx, in)
	}
	received := c.subscribe(c.subscriber(SubscriberConfig{Visibility: 2 * time.Second, WaitTime: time.Second}), queue)
	t.Cleanup(func() { close(free) })
	publish(t, pub, queue, text("", "one"))
	sqstest.Next(t, received)
	sqstest.Ended(t, hanging)
	publish(t, pub, queue, text("", "two"))
	msg := sqstest.Next(t, received)
	sqstest.Next(t, extended)
	msg.Ack()
}

func TestWhatBecomesStaleIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	sent, gaveUp, over := [][]string{}, map[string]error{}, false
	c := coalescer[string]{
		life: t.Context(),
		send: func(batch []string) []failedEntry {
			mu.Lock()
			defer mu.Unlock()
			sent, over = append(sent, batch), true
			return allFailed(len(batch), errors.New("not now"))
		},
		again: func(tries int) bool { return tries < 2 },
		stale: func(item string) error {
			mu.Lock()
			defer mu.Unlock()
			if over && item == "a" {
				return errLeaseOver
			}
			return nil
		},
		failed: func(item string, err error) {
			mu.Lock()
			defer mu.Unlock()
			gaveUp[item] = err
		},
	}
	c.add(true, "a", "b")
	c.drain()
	if diff := cmp.Diff([][]string{{"a", "b"}, {"b"}}, sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if !errors.Is(gaveUp["a"], errLeaseOver) || gaveUp["b"] == nil {
		t.Errorf("given up: %v", gaveUp)
	}
}
