package pubsub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/transport/sqstest"
)

func TestConcurrentCallersShareRequestsAndOneLookup(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("shared")
	pub := c.publisher(PublisherConfig{})
	release := make(chan struct{})
	c.Send = func(ctx context.Context, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
		<-release
		return c.Client.SendMessageBatch(ctx, in)
	}

	const callers = 100
	var publishing sync.WaitGroup
	for i := range callers {
		publishing.Go(func() {
			if err := pub.Publish(queue, text("", fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	url, _ := c.queues.URL(t.Context(), queue)
	toSend := pub.queue(url)
	sqstest.Eventually(t, "all messages wait or are under way", func() bool {
		toSend.mu.Lock()
		defer toSend.mu.Unlock()
		// Two batches were sent with one message each, the later ones full.
		return toSend.batches == 8 && len(toSend.waiting) == callers-2-6*maxBatch
	})
	close(release)
	publishing.Wait()

	if want := 8 + 4; c.Sends() > want {
		t.Errorf("%d callers took %d requests, want at most %d", callers, c.Sends(), want)
	}
	if c.Lookups() != 1 {
		t.Errorf("the queue was looked up %d times, want once", c.Lookups())
	}
	if visible, _ := c.Left(queue); visible != "100" {
		t.Errorf("the queue holds %s messages, want 100", visible)
	}
}

// failingEntry makes SQS fail the entry with that body in the first requests that contain it.
func failingEntry(c *cloud, body string, times int, senderFault bool) {
	c.Send = func(ctx context.Context, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
		at := slices.IndexFunc(in.Entries, func(e types.SendMessageBatchRequestEntry) bool { return *e.MessageBody == body })
		if at < 0 || times == 0 {
			return c.Client.SendMessageBatch(ctx, in)
		}
		times--
		failed := types.BatchResultErrorEntry{
			Id: in.Entries[at].Id, Code: aws.String("Broken"), Message: aws.String("by the test"), SenderFault: senderFault,
		}
		in.Entries = slices.Delete(in.Entries, at, at+1)
		out := &sqs.SendMessageBatchOutput{}
		if len(in.Entries) > 0 {
			var err error
			if out, err = c.Client.SendMessageBatch(ctx, in); err != nil {
				return nil, err
			}
		}
		out.Failed = append(out.Failed, failed)
		return out, nil
	}
}

func TestOnlyTheEntryThatFailedIsSentAgain(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("partial")
	failingEntry(c, "m3", 2, false)
	publish(t, c.publisher(PublisherConfig{}), queue, texts("", "m", 5)...)
	if c.Sends() != 3 {
		t.Errorf("it took %d requests, want 3", c.Sends())
	}
	if visible, _ := c.Left(queue); visible != "5" {
		t.Errorf("the queue holds %s messages, want each once", visible)
	}
}

func TestAnEntryThatIsToBlameIsNamedAndNotSentAgain(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("blamed")
	failingEntry(c, "m1", 1, true)
	msgs := texts("", "m", 3)
	err := c.publisher(PublisherConfig{}).Publish(queue, msgs...)
	var failed *PublishError
	if !errors.As(err, &failed) {
		t.Fatalf("got %v, want a PublishError", err)
	}
	if diff := cmp.Diff([]string{msgs[1].UUID}, failed.UUIDs); diff != "" {
		t.Errorf("messages named (-want +got):\n%s", diff)
	}
	if !strings.Contains(err.Error(), "Broken: by the test") {
		t.Errorf("the error lacks SQS's own: %v", err)
	}
	if visible, _ := c.Left(queue); visible != "2" || c.Sends() != 1 {
		t.Errorf("the queue holds %s messages after %d requests, want 2 after 1", visible, c.Sends())
	}
}

func TestAnEntryThatKeepsFailingIsGivenUp(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("hopeless")
	failingEntry(c, "m0", -1, false)
	err := c.publisher(PublisherConfig{}).Publish(queue, texts("", "m", 1)...)
	var failed *PublishError
	if !errors.As(err, &failed) || c.Sends() != sendTries {
		t.Errorf("got %v after %d requests, want a PublishError after %d", err, c.Sends(), sendTries)
	}
}

func TestAnEntryNotAnsweredForIsSentAgain(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("unanswered")
	first := true
	c.Send = func(ctx context.Context, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
		if first {
			first = false
			return &sqs.SendMessageBatchOutput{}, nil
		}
		return c.Client.SendMessageBatch(ctx, in)
	}
	publish(t, c.publisher(PublisherConfig{}), queue, text("", "m"))
	if visible, _ := c.Left(queue); visible != "1" {
		t.Errorf("the queue holds %s messages, want 1", visible)
	}
}

func TestAGroupIsNeverInTwoRequestsAtOnceAndKeepsItsOrder(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("ordered.fifo")
	var mu sync.Mutex
	flying, bodies, overlaps := map[string]bool{}, map[string][]string{}, 0
	c.Send = func(ctx context.Context, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
		groups := map[string]bool{}
		mu.Lock()
		for _, e := range in.Entries {
			groups[*e.MessageGroupId] = true
			bodies[*e.MessageGroupId] = append(bodies[*e.MessageGroupId], *e.MessageBody)
		}
		for g := range groups {
			if flying[g] {
				overlaps++
			}
			flying[g] = true
		}
		mu.Unlock()
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			for g := range groups {
				flying[g] = false
			}
		}()
		return c.Client.SendMessageBatch(ctx, in)
	}
	var msgs []*message.Message
	want := map[string][]string{}
	for i := range 120 {
		group := fmt.Sprint("g", i%7)
		if i%3 == 0 {
			group = "hot"
		}
		msgs = append(msgs, text(group, fmt.Sprint(i)))
		want[group] = append(want[group], fmt.Sprint(i))
	}
	publish(t, c.publisher(PublisherConfig{}), queue, msgs...)
	if overlaps > 0 {
		t.Errorf("a group was in two requests at once %d times", overlaps)
	}
	if diff := cmp.Diff(want, bodies); diff != "" {
		t.Errorf("order of sending (-want +got):\n%s", diff)
	}
}

func TestACallerWhoseContextEndsLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("impatient.fifo")
	pub := c.publisher(PublisherConfig{})
	sending, release := make(chan struct{}, 10), make(chan struct{})
	c.Send = func(ctx context.Context, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
		sending <- struct{}{}
		<-release
		return c.Client.SendMessageBatch(ctx, in)
	}
	patient := make(chan error, 1)
	go func() { patient <- pub.Publish(queue, text("g", "patient")) }()
	sqstest.Next(t, sending)

	ctx, cancel := context.WithCancel(t.Context())
	hasty := text("g", "hasty")
	hasty.SetContext(ctx)
	gaveUp := make(chan error, 1)
	go func() { gaveUp <- pub.Publish(queue, hasty) }()
	cancel()
	if err := sqstest.Next(t, gaveUp); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	close(release)
	if err := sqstest.Next(t, patient); err != nil {
		t.Error(err)
	}
	if err := pub.Close(); err != nil {
		t.Fatal(err)
	}
	if visible, _ := c.Left(queue); visible != "1" {
		t.Errorf("the queue holds %s messages, want the patient caller's only", visible)
	}
}

func TestCloseWaitsForWhatWasTakenAndRefusesMore(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("closing")
	pub := c.publisher(PublisherConfig{})
	sending, release := make(chan struct{}), make(chan struct{})
	c.Send = func(ctx context.Context, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
		close(sending)
		<-release
		return c.Client.SendMessageBatch(ctx, in)
	}
	published := make(chan error, 1)
	go func() { published <- pub.Publish(queue, text("", "m")) }()
	<-sending
	closed := make(chan error, 1)
	go func() { closed <- pub.Close() }()
	sqstest.Eventually(t, "the publisher is closing", func() bool {
		pub.mu.Lock()
		defer pub.mu.Unlock()
		return pub.closed
	})
	if err := pub.Publish(queue, text("", "late")); !errors.Is(err, errClosed) {
		t.Errorf("publishing after Close: %v", err)
	}
	select {
	case err := <-closed:
		t.Errorf("Close did not wait for the message under way: %v", err)
	default:
	}
	close(release)
	if err := errors.Join(sqstest.Next(t, published), sqstest.Next(t, closed)); err != nil {
		t.Error(err)
	}
}

func TestBatchesKeepToTheSizeLimit(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("sized")
	pub := c.publisher(PublisherConfig{MaxBatchBytes: 1000})
	largest := 0
	var mu sync.Mutex
	c.Send = func(ctx context.Context, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
		bytes := 0
		for _, e := range in.Entries {
			bytes += size(&types.Message{Body: e.MessageBody, MessageAttributes: e.MessageAttributes})
		}
		mu.Lock()
		largest = max(largest, bytes)
		mu.Unlock()
		return c.Client.SendMessageBatch(ctx, in)
	}
	publish(t, pub, queue, texts("", strings.Repeat("x", 300), 10)...)
	if largest > 1000 || c.Sends() < 4 {
		t.Errorf("the largest of %d requests had %d bytes, want at most 1000", c.Sends(), largest)
	}
	if err := pub.Publish(queue, text("", strings.Repeat("x", 1001))); err == nil {
		t.Error("it took a message larger than a batch may be")
	}
}

func TestWhatAWSWouldRefuseIsRefusedBeforeItCanHarmOthers(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	pub := c.publisher(PublisherConfig{MaxWaiting: 3})
	fifo, standard := c.Queue("strict.fifo"), c.Queue("strict")
	for name, err := range map[string]error{
		"no group on a FIFO queue": pub.Publish(fifo, text("", "m")),
		"no body":                  pub.Publish(standard, text("", "")),
		"no such queue":            pub.Publish("nowhere", text("", "m")),
		"more than may wait":       pub.Publish(standard, texts("", "m", 4)...),
	} {
		if err == nil {
			t.Errorf("%s: it was accepted", name)
		}
	}
	if c.Sends() != 0 {
		t.Errorf("%d requests were made", c.Sends())
	}
}

func TestOnlyTypeAndUUIDTravelAsAttributes(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("plain.fifo")
	msg := text("g", "m")
	msg.Metadata.Set(TypeKey, "gatehouse.Something.v1")
	msg.Metadata.Set("secret", "stays here")
	publish(t, c.publisher(PublisherConfig{}), queue, msg)
	got := sqstest.Next(t, c.subscribe(c.subscriber(SubscriberConfig{}), queue))
	got.Ack()
	if got.UUID != msg.UUID || got.Metadata.Get(TypeKey) != "gatehouse.Something.v1" || got.Metadata.Get("secret") != "" {
		t.Errorf("got uuid %s and metadata %v", got.UUID, got.Metadata)
	}
	if got.Metadata.Get(GroupID) != "g" || got.Metadata.Get(DeduplicationID) != msg.UUID {
		t.Errorf("group and deduplication id did not come back: %v", got.Metadata)
	}
	wire, err := Wire{}.Marshal(message.NewMessage("", []byte("m")))
	if err != nil || len(wire.MessageAttributes) != 0 {
		t.Errorf("a message without uuid and type has attributes %v (%v)", wire.MessageAttributes, err)
	}
}

// unsureOf publishes a message, which must fail, and returns whether the error is unsure.
func unsureOf(t *testing.T, p Publisher, queue string, msg *message.Message) bool {
	t.Helper()
	err := p.Publish(queue, msg)
	var failed *PublishError
	if !errors.As(err, &failed) {
		t.Fatalf("got %v, want a PublishError", err)
	}
	return failed.Unsure && failed.MaybeSent()
}

func TestAPublisherSaysWhetherAMessageMayHaveBeenSentAllTheSame(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rules  []faults.Rule
		unsure bool
	}{
		"every answer was lost": {[]faults.Rule{{Kind: faults.Lost, Rate: 1}}, true},
		"SQS has an internal error": {
			[]faults.Rule{{Kind: faults.Error, Error: faults.Internal, Rate: 1}}, true,
		},
		"SQS throttles": {[]faults.Rule{{Kind: faults.Error, Error: faults.Throttling, Rate: 1}}, false},
		"one answer was lost, then SQS throttles": {
			[]faults.Rule{{Kind: faults.Lost, Times: 1}, {Kind: faults.Error, Error: faults.Throttling, Rate: 1}}, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := startCloud(t)
			queue := cloud.Queue("unsure.fifo")
			pub := cloud.publisher(PublisherConfig{})
			if _, err := cloud.queues.URL(t.Context(), queue); err != nil {
				t.Fatal(err)
			}
			for i := range c.rules {
				c.rules[i].Operation = "SendMessageBatch"
			}
			cloud.Suffer(1, c.rules...)
			if got := unsureOf(t, pub, queue, text("g", "m")); got != c.unsure {
				t.Errorf("the message may have been sent: %v, want %v", got, c.unsure)
			}
			if sent := cloud.Server.Counts().Of("sqs", "SendMessageBatch").Requests; sent != sendTries {
				t.Errorf("it was sent %d times, want %d: the SDK must not retry", sent, sendTries)
			}
		})
	}
}

func TestAMessageThatWasTakenWithoutAnAnswerIsSentAgainAndThereOnce(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("taken.fifo")
	c.Suffer(1, faults.Rule{Kind: faults.Lost, Operation: "SendMessageBatch", Times: sendTries - 1})
	publish(t, c.publisher(PublisherConfig{}), queue, text("g", "m"))
	if visible, _ := c.Left(queue); visible != "1" {
		t.Errorf("the queue holds %s messages, want 1", visible)
	}
	if c.Suffered(faults.Lost) != sendTries-1 {
		t.Errorf("%d answers were lost", c.Suffered(faults.Lost))
	}
}

func TestAConnectionThatHangsIsReplacedInTime(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("hung.fifo")
	var first sync.Once
	c.Send = func(ctx context.Context, in *sqs.SendMessageBatchInput) (out *sqs.SendMessageBatchOutput, err error) {
		hung := false
		first.Do(func() { hung = true })
		if hung {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return c.Client.SendMessageBatch(ctx, in)
	}
	publish(t, c.publisher(PublisherConfig{Timeout: patience / 4}), queue, text("g", "m"))
}

func TestACallerKnowsWhetherItsMessageHadLeftWhenItsContextEnded(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("left.fifo")
	pub := c.publisher(PublisherConfig{})
	sending, release := make(chan struct{}, 10), make(chan struct{})
	c.Send = func(ctx context.Context, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
		sending <- struct{}{}
		<-release
		return c.Client.SendMessageBatch(ctx, in)
	}
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithCancel(t.Context())
	left, waiting := text("g", "left"), text("g", "waiting")
	unsure := map[string]chan bool{"left": make(chan bool, 1), "waiting": make(chan bool, 1)}
	for _, msg := range []*message.Message{left, waiting} {
		msg.SetContext(ctx)
	}
	go func() { unsure["left"] <- unsureOf(t, pub, queue, left) }()
	sqstest.Next(t, sending)
	go func() { unsure["waiting"] <- unsureOf(t, pub, queue, waiting) }()
	url, err := c.queues.URL(t.Context(), queue)
	if err != nil {
		t.Fatal(err)
	}
	toSend := pub.queue(url)
	sqstest.Eventually(t, "the second message waits for the first of its group", func() bool {
		toSend.mu.Lock()
		defer toSend.mu.Unlock()
		return len(toSend.waiting) == 1
	})
	cancel()
	if !sqstest.Next(t, unsure["left"]) || sqstest.Next(t, unsure["waiting"]) {
		t.Error("want only the message that was sent to be unsure")
	}
}

func TestShutdownOfAPublisherEndsWithItsContext(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("stuck")
	sending := make(chan struct{}, 10)
	c.Send = func(ctx context.Context, _ *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
		sending <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	pub := c.publisher(PublisherConfig{Timeout: patience / 4})
	go func() { _ = pub.Publish(queue, text("", "m")) }()
	sqstest.Next(t, sending)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := pub.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	if err := pub.Publish(queue, text("", "late")); !errors.Is(err, errClosed) {
		t.Errorf("publishing after Shutdown: %v", err)
	}
}
