package transport

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
)

// leasesOf is what keeps the subscriber's messages.
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

func TestAMessageRefusedDuringAnExtensionGoesBackAfterIt(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.queue("overlap")
	publish(t, c.publisher(PublisherConfig{}), queue, text("", "m"))
	extending, extend, released := make(chan struct{}, 100), make(chan struct{}), make(chan struct{}, 100)
	goOn := sync.OnceFunc(func() { close(extend) })
	c.change = func(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
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
	msg := next(t, received)
	next(t, extending)
	msg.Nack()
	held, mine := leasesOf(t, sub), msg.Context().Value(deliveryKey{}).(*delivery)
	eventually(t, "the message is on its way back", func() bool {
		held.mu.Lock()
		defer held.mu.Unlock()
		return !held.held[mine]
	})
	// What would overtake the extension has had its time.
	pause(t.Context(), 50*time.Millisecond)
	if len(released) > 0 {
		t.Error("it went back while its lease was being extended")
	}
	goOn()
	next(t, released)
	again := next(t, received)
	if diff := cmp.Diff([]int32{2, 0}, c.asked()); diff != "" {
		t.Errorf("visibility timeouts in their order (-want +got):\n%s", diff)
	}
	again.Ack()
}

// refuse answers one entry as SQS does when it fails by itself.
func refuse(ctx context.Context, c *cloud, in *sqs.ChangeMessageVisibilityBatchInput, at int) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	refused := in.Entries[at]
	in.Entries = slices.Delete(in.Entries, at, at+1)
	out := &sqs.ChangeMessageVisibilityBatchOutput{}
	if len(in.Entries) > 0 {
		var err error
		if out, err = c.Client.ChangeMessageVisibilityBatch(ctx, in); err != nil {
			return nil, err
		}
	}
	out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: refused.Id, Code: aws.String("InternalError")})
	return out, nil
}

func TestOnlyTheMessageThatWasNotTakenBackIsHandedBackAgain(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.queue("halfway.fifo")
	publish(t, c.publisher(PublisherConfig{}), queue, texts("g", "m", 4)...)
	requests := make(chan int, 10)
	c.change = func(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
		requests <- len(in.Entries)
		if len(in.Entries) == 4 {
			return refuse(ctx, c, in, 0)
		}
		return c.Client.ChangeMessageVisibilityBatch(ctx, in)
	}
	received := c.subscribe(c.subscriber(SubscriberConfig{Visibility: time.Hour, Backoff: atOnce}), queue)
	next(t, received).Nack()
	for _, want := range []string{"m0", "m1", "m2", "m3"} {
		msg := next(t, received)
		if string(msg.Payload) != want {
			t.Errorf("got %s, want %s", msg.Payload, want)
		}
		msg.Ack()
	}
	if all, again := next(t, requests), next(t, requests); all != 4 || again != 1 {
		t.Errorf("%d were handed back and then %d, want 4 and the one refused", all, again)
	}
}

func TestALeaseThatCouldNotBeExtendedIsNotTakenForLonger(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.queue("refused")
	publish(t, c.publisher(PublisherConfig{}), queue, text("", "m"))
	tries := make(chan struct{}, 100)
	c.change = func(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
		tries <- struct{}{}
		if len(tries) == 1 {
			return refuse(ctx, c, in, 0)
		}
		return c.Client.ChangeMessageVisibilityBatch(ctx, in)
	}
	msg := next(t, c.subscribe(c.subscriber(SubscriberConfig{Visibility: 3 * time.Second}), queue))
	before, _ := Lease(msg.Context())
	eventually(t, "an extension is refused", func() bool { return len(tries) == 1 })
	if after, _ := Lease(msg.Context()); !after.Equal(before) {
		t.Errorf("the lease went from %v to %v by an extension that was refused", before, after)
	}
	eventually(t, "it is tried again in time", func() bool {
		after, _ := Lease(msg.Context())
		return after.After(before) && time.Now().Before(before)
	})
	msg.Ack()
}

func TestAMessageWhoseLeaseRanOutInItsLaneIsNotHandedOut(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.queue("late.fifo")
	publish(t, c.publisher(PublisherConfig{}), queue, texts("g", "m", 2)...)
	c.change = func(context.Context, *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
		return nil, errors.New("the line is dead")
	}
	received := c.subscribe(c.subscriber(SubscriberConfig{Visibility: time.Second, Pollers: 1}), queue)
	slow := next(t, received)
	until, _ := Lease(slow.Context())
	eventually(t, "the leases are over", func() bool { return time.Now().After(until) })
	slow.Ack()
	// By the time that it is deleted, its lane has come to the next.
	eventually(t, "it is deleted", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.deletes > 0
	})
	for {
		msg := next(t, received)
		if msg.Metadata.Get(ReceiveCountKey) == "1" {
			t.Errorf("%s was handed out on a lease that had run out", msg.Payload)
		}
		msg.Ack()
		if string(msg.Payload) == "m1" {
			return
		}
	}
}
