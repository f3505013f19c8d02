package pubsub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/transport/sqstest"
)

func atOnce(int) time.Duration { return 0 }

func TestAGroupKeepsItsOrderWhenOneInTheMiddleIsNacked(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("middle.fifo")
	var msgs []*message.Message
	want := map[string][]string{}
	for i := range 8 {
		for _, group := range []string{"a", "b", "c"} {
			body := fmt.Sprint(group, i)
			msgs = append(msgs, text(group, body))
			want[group] = append(want[group], body)
		}
	}
	publish(t, c.publisher(PublisherConfig{}), queue, msgs...)

	received := c.subscribe(c.subscriber(SubscriberConfig{Backoff: atOnce, Pollers: 3}), queue)
	nacks := map[string]int{"a3": 2, "b0": 1, "b7": 3}
	got := map[string][]string{}
	for left := len(msgs); left > 0; {
		msg := sqstest.Next(t, received)
		body, group := string(msg.Payload), msg.Metadata.Get(GroupID)
		if nacks[body] > 0 {
			nacks[body]--
			msg.Nack()
			continue
		}
		got[group] = append(got[group], body)
		left--
		msg.Ack()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order of handling (-want +got):\n%s", diff)
	}
}

func TestAGroupHasOneMessageInHandWhileOthersGoOn(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("lanes.fifo")
	publish(t, c.publisher(PublisherConfig{}), queue,
		text("slow", "slow0"), text("slow", "slow1"), text("x", "x0"), text("x", "x1"), text("y", "y0"))
	received := c.subscribe(c.subscriber(SubscriberConfig{}), queue)
	var slow *message.Message
	for seen := 0; seen < 4; seen++ {
		msg := sqstest.Next(t, received)
		switch body := string(msg.Payload); body {
		case "slow0":
			slow = msg
		case "slow1":
			t.Fatal("the second message of the group came before the first was answered")
		default:
			msg.Ack()
		}
	}
	slow.Ack()
	if msg := sqstest.Next(t, received); string(msg.Payload) != "slow1" {
		t.Errorf("got %s, want slow1", msg.Payload)
	} else {
		msg.Ack()
	}
}

func TestANackedMessageGoesBackForItsBackoffWithTheRestOfItsGroup(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("backoff.fifo")
	publish(t, c.publisher(PublisherConfig{}), queue, texts("g", "m", 3)...)
	counts := make(chan int, 1)
	received := c.subscribe(c.subscriber(SubscriberConfig{Backoff: func(received int) time.Duration {
		counts <- received
		return 6500 * time.Millisecond
	}}), queue)
	sqstest.Next(t, received).Nack()
	if count := sqstest.Next(t, counts); count != 1 {
		t.Errorf("the backoff was asked for receive count %d, want 1", count)
	}
	sqstest.Eventually(t, "the messages go back", func() bool { return len(c.Visibilities()) > 0 })
	if diff := cmp.Diff([]int32{7, 7, 7}, c.Visibilities()); diff != "" {
		t.Errorf("visibility timeouts (-want +got):\n%s", diff)
	}
}

func TestTheDelayThatTheHandlerAskedForIsUsed(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("asked")
	publish(t, c.publisher(PublisherConfig{}), queue, text("", "m"))
	msg := sqstest.Next(t, c.subscribe(c.subscriber(SubscriberConfig{}), queue))
	RedeliverAfter(msg.Context(), 90*time.Second)
	msg.Nack()
	sqstest.Eventually(t, "the message goes back", func() bool { return slices.Equal(c.Visibilities(), []int32{90}) })
}

func TestBackoffDoublesToAMinuteLessUpToHalf(t *testing.T) {
	t.Parallel()
	for received, most := range map[int]time.Duration{
		1: time.Second, 2: 2 * time.Second, 6: 32 * time.Second, 7: time.Minute, 8: time.Minute, 5000: time.Minute,
	} {
		for range 50 {
			if got := Backoff(received); got > most || got < most/2 {
				t.Fatalf("Backoff(%d) is %v, want between %v and %v", received, got, most/2, most)
			}
		}
	}
}

func TestTheHeartbeatExtendsTheLease(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("lease")
	publish(t, c.publisher(PublisherConfig{}), queue, text("", "m"))
	received := c.subscribe(c.subscriber(SubscriberConfig{Visibility: 2 * time.Second}), queue)
	msg := sqstest.Next(t, received)
	first, ok := Lease(msg.Context())
	if !ok || !first.After(time.Now()) {
		t.Fatalf("the lease is %v, %v", first, ok)
	}
	sqstest.Eventually(t, "the lease is extended twice past its first end", func() bool {
		until, _ := Lease(msg.Context())
		return until.After(first.Add(time.Second)) && len(c.Visibilities()) >= 2
	})
	if timeouts := c.Visibilities(); timeouts[0] != 2 {
		t.Errorf("the lease was extended by %v s, want 2", timeouts)
	}
	msg.Ack()
	select {
	case again := <-received:
		t.Errorf("%s was handed out again during its handling", again.Payload)
	default:
	}
	if _, ok := Lease(context.Background()); ok {
		t.Error("a context that is not a message's has a lease")
	}
}

func TestALeaseIsExtendedWithHalfOfItLeftAndNotBeyondItsCap(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, tc := range map[string]struct {
		left time.Duration
		cap  time.Duration
		want bool
	}{
		"more than half left":                {left: 16 * time.Second, want: false},
		"half left":                          {left: 15 * time.Second, want: true},
		"run out":                            {left: -time.Second, want: false},
		"half left and the cap not reached":  {left: 15 * time.Second, cap: time.Second, want: true},
		"half left and the cap passed by it": {left: 15 * time.Second, cap: -time.Second, want: false},
	} {
		d := &delivery{until: now.Add(tc.left)}
		if tc.cap != 0 {
			d.limitExtensions(now.Add(tc.cap))
		}
		if got := d.due(now, 30*time.Second); got != tc.want {
			t.Errorf("%s: due is %v, want %v", name, got, tc.want)
		}
	}
}

func TestClosingFinishesWhatIsInHandAndHandsTheRestBackAtOnce(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("shutdown")
	publish(t, c.publisher(PublisherConfig{}), queue, texts("", "m", 5)...)
	sub := c.subscriber(SubscriberConfig{CloseTimeout: patience})
	ctx, cancel := context.WithCancel(t.Context())
	received, err := sub.Subscribe(ctx, queue)
	if err != nil {
		t.Fatal(err)
	}
	inHand := []*message.Message{sqstest.Next(t, received), sqstest.Next(t, received)}
	sqstest.Eventually(t, "all five are leased", func() bool { _, hidden := c.Left(queue); return hidden == "5" })
	cancel()
	sqstest.Ended(t, received)
	sqstest.Eventually(t, "the three that were not handed out are visible again", func() bool {
		visible, hidden := c.Left(queue)
		return visible == "3" && hidden == "2"
	})
	for _, msg := range inHand {
		if err := msg.Context().Err(); err != nil {
			t.Errorf("the context of a message in hand ended with the subscription: %v", err)
		}
		msg.Ack()
	}
	if err := errors.Join(sub.Close(), sub.Close()); err != nil {
		t.Fatal(err)
	}
	if visible, hidden := c.Left(queue); visible != "3" || hidden != "0" {
		t.Errorf("%s messages are visible and %s leased, want the 3 visible", visible, hidden)
	}
	if _, err := sub.Subscribe(t.Context(), queue); !errors.Is(err, errClosed) {
		t.Errorf("subscribing after Close: %v", err)
	}
}

func TestAMessageNotAnsweredInTimeIsCutOffAndHandedBack(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("stuck.fifo")
	publish(t, c.publisher(PublisherConfig{}), queue, texts("g", "m", 3)...)
	sub := c.subscriber(SubscriberConfig{})
	msg := sqstest.Next(t, c.subscribe(sub, queue))
	if err := sub.Close(); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(context.Cause(msg.Context()), ErrClosing) {
		t.Errorf("the message's context ended with %v", context.Cause(msg.Context()))
	}
	if visible, hidden := c.Left(queue); visible != "3" || hidden != "0" {
		t.Errorf("%s messages are visible and %s leased, want all 3 visible", visible, hidden)
	}
}

func TestDeletesAreCollectedAndFailedOnesRepeated(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("deletes")
	var entries []int
	var mu sync.Mutex
	c.Delete = func(ctx context.Context, in *sqs.DeleteMessageBatchInput) (*sqs.DeleteMessageBatchOutput, error) {
		mu.Lock()
		entries = append(entries, len(in.Entries))
		first := len(entries) == 1
		mu.Unlock()
		if !first {
			return c.Client.DeleteMessageBatch(ctx, in)
		}
		failed := in.Entries[4]
		in.Entries = slices.Delete(in.Entries, 4, 5)
		out, err := c.Client.DeleteMessageBatch(ctx, in)
		if err == nil {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: failed.Id, Code: aws.String("InternalError")})
		}
		return out, err
	}
	publish(t, c.publisher(PublisherConfig{}), queue, texts("", "m", 10)...)
	// With this linger only a full batch, or one with no more to wait for, can have caused a
	// request.
	received := c.subscribe(c.subscriber(SubscriberConfig{Linger: time.Hour, Pollers: 1}), queue)
	for range 10 {
		sqstest.Next(t, received).Ack()
	}
	sqstest.Eventually(t, "the queue is empty", func() bool {
		visible, hidden := c.Left(queue)
		return visible == "0" && hidden == "0"
	})
	if diff := cmp.Diff([]int{10, 1}, entries); diff != "" {
		t.Errorf("entries of the delete requests (-want +got):\n%s", diff)
	}
}

type picky struct{ Wire }

func (p picky) Unmarshal(wire *types.Message) (*message.Message, error) {
	switch body := aws.ToString(wire.Body); {
	case strings.HasPrefix(body, "panic"):
		panic("what is this")
	case strings.HasPrefix(body, "error"):
		return nil, errors.New("what is that")
	}
	return p.Wire.Unmarshal(wire)
}

func TestMessagesThatCannotBeReadStillTravelAndBlockNobody(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("poison")
	publish(t, c.publisher(PublisherConfig{}), queue, text("", "panic!"), text("", "good"), text("", "error!"))
	received := c.subscribe(c.subscriber(SubscriberConfig{Unmarshaler: picky{}}), queue)
	got := map[string]string{}
	for range 3 {
		msg := sqstest.Next(t, received)
		got[string(msg.Payload)] = msg.Metadata.Get(UnreadableKey)
		if msg.Metadata.Get(MessageIDKey) == "" || msg.UUID == "" {
			t.Errorf("%s has no id", msg.Payload)
		}
		msg.Ack()
	}
	want := map[string]string{"good": "", "error!": "what is that", "panic!": "unmarshaling panicked: what is this"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bodies and why they are unreadable (-want +got):\n%s", diff)
	}
}

func TestAFailedReceiveIsRepeatedAsTheSameAttempt(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("flaky.fifo")
	publish(t, c.publisher(PublisherConfig{}), queue, text("g", "m"))
	var mu sync.Mutex
	var attempts []string
	c.Receive = func(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
		mu.Lock()
		attempts = append(attempts, *in.ReceiveRequestAttemptId)
		failing := len(attempts) <= 2
		mu.Unlock()
		if failing {
			return nil, errors.New("the line is dead")
		}
		return c.Client.ReceiveMessage(ctx, in)
	}
	sqstest.Next(t, c.subscribe(c.subscriber(SubscriberConfig{Pollers: 1}), queue)).Ack()
	mu.Lock()
	defer mu.Unlock()
	if attempts[0] != attempts[1] || attempts[1] != attempts[2] {
		t.Errorf("the attempts differ: %v", attempts)
	}
}

func TestNoMoreIsReceivedThanCanBeHeld(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("credit")
	var mu sync.Mutex
	var most int32
	c.Receive = func(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
		mu.Lock()
		most = max(most, in.MaxNumberOfMessages)
		mu.Unlock()
		return c.Client.ReceiveMessage(ctx, in)
	}
	publish(t, c.publisher(PublisherConfig{}), queue, texts("", "m", 10)...)
	received := c.subscribe(c.subscriber(SubscriberConfig{Concurrency: 3, Pollers: 4}), queue)
	held := []*message.Message{sqstest.Next(t, received), sqstest.Next(t, received), sqstest.Next(t, received)}
	if _, hidden := c.Left(queue); hidden != "3" {
		t.Errorf("%s messages are leased, want 3", hidden)
	}
	for _, msg := range held {
		msg.Ack()
	}
	for range 7 {
		sqstest.Next(t, received).Ack()
	}
	mu.Lock()
	defer mu.Unlock()
	if most > 3 {
		t.Errorf("a request asked for %d messages, want at most 3", most)
	}
}

func TestWhatACutOffReceiveLeasedIsReclaimedAndHandedBack(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("cut.fifo")
	publish(t, c.publisher(PublisherConfig{}), queue, texts("g", "m", 3)...)
	var mu sync.Mutex
	leased := map[string]*sqs.ReceiveMessageOutput{}
	taken := make(chan struct{})
	// Like SQS, it answers a repeated attempt with the same messages. The first answer is
	// lost.
	c.Receive = func(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
		mu.Lock()
		out, again := leased[*in.ReceiveRequestAttemptId]
		mu.Unlock()
		if again {
			return out, nil
		}
		out, err := c.Client.ReceiveMessage(ctx, in)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		leased[*in.ReceiveRequestAttemptId] = out
		mu.Unlock()
		close(taken)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	sub := c.subscriber(SubscriberConfig{Pollers: 1})
	received := c.subscribe(sub, queue)
	sqstest.Ended(t, taken)
	if err := sub.Close(); err != nil {
		t.Fatal(err)
	}
	sqstest.Ended(t, received)
	if visible, hidden := c.Left(queue); visible != "3" || hidden != "0" {
		t.Errorf("%s messages are visible and %s leased, want all 3 visible", visible, hidden)
	}
}
