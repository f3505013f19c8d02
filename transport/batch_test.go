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

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

// receive is what the event source of AWS Lambda does before it invokes a function.
func (c *cloud) receive(queue string, n int) []types.Message {
	c.T.Helper()
	url, _ := c.Attributes(queue)
	var all []types.Message
	for len(all) < n {
		out, err := c.Client.ReceiveMessage(c.T.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, VisibilityTimeout: 180, WaitTimeSeconds: 1, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			c.T.Fatal(err)
		}
		if len(out.Messages) == 0 {
			c.T.Fatalf("%s has %d messages, want %d", queue, len(all), n)
		}
		all = append(all, out.Messages...)
	}
	return all
}

// batch sends requests with these ids, one for each stream, and returns what handling them led to:
// the events that must come again, and those that were begun.
type batch struct {
	*cloud
	queue   string
	letters *ledger
	// end is how long the batch has.
	end time.Duration

	mu    sync.Mutex
	begun []string
}

func (b *batch) handle(requests [][2]string, handler Handler) (failed []string, err error) {
	b.T.Helper()
	for _, r := range requests {
		if err := b.sender().Send(b.T.Context(), event(r[0], portal.Stream(r[1]), events.RegisterUser{})); err != nil {
			b.T.Fatal(err)
		}
	}
	messages := b.receive(b.queue, len(requests))
	names := map[string]string{}
	for _, m := range messages {
		e, err := events.Decode([]byte(aws.ToString(m.Body)))
		if err != nil {
			b.T.Fatal(err)
		}
		names[aws.ToString(m.MessageId)] = e.ID
	}
	ids, err := HandleBatch(b.T.Context(), WorkerConfig{
		Client: b.Hooked, Queues: b.queues, Failures: b.letters,
		Consumers: []Consumer{{Name: "deciding", Queue: b.queue, Handlers: map[string]Handler{
			registerType: func(ctx context.Context, e events.Event) error {
				b.mu.Lock()
				b.begun = append(b.begun, e.ID)
				b.mu.Unlock()
				return handler(ctx, e)
			},
		}}},
	}, messages, time.Now().Add(b.end))
	for _, id := range ids {
		failed = append(failed, names[id])
	}
	slices.Sort(failed)
	slices.Sort(b.begun)
	return failed, err
}

func startBatch(t *testing.T) *batch {
	t.Helper()
	b := &batch{cloud: startCloud(t), letters: &ledger{}, end: time.Minute}
	b.queue = b.Queue("commands.fifo")
	return b
}

func TestABatchThatIsHandledReportsNothingAndDeletesNothing(t *testing.T) {
	t.Parallel()
	b := startBatch(t)
	failed, err := b.handle([][2]string{{"a1", "account/a"}, {"a2", "account/a"}, {"b1", "account/b"}}, func(context.Context, events.Event) error { return nil })
	if err != nil || len(failed) > 0 {
		t.Errorf("failed %v, error %v", failed, err)
	}
	if diff := cmp.Diff([]string{"a1", "a2", "b1"}, b.begun); diff != "" {
		t.Errorf("handled (-want +got):\n%s", diff)
	}
	if b.Deletes() > 0 || len(b.Visibilities()) > 0 {
		t.Errorf("%d deletes and the visibilities %v were asked for", b.Deletes(), b.Visibilities())
	}
}

func TestAFailureInABatchHoldsUpOnlyItsGroup(t *testing.T) {
	t.Parallel()
	b := startBatch(t)
	failed, err := b.handle([][2]string{{"a1", "account/a"}, {"a2", "account/a"}, {"b1", "account/b"}, {"b2", "account/b"}},
		func(_ context.Context, e events.Event) error {
			if e.ID == "a1" {
				return &portal.Postponed{After: 7 * time.Second, Reason: "the test says so"}
			}
			return nil
		})
	if diff := cmp.Diff([]string{"a1", "a2"}, failed); diff != "" || err != nil {
		t.Errorf("failed (-want +got):\n%s%v", diff, err)
	}
	if diff := cmp.Diff([]string{"a1", "b1", "b2"}, b.begun); diff != "" {
		t.Errorf("begun (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int32{7, 7}, b.Visibilities()); diff != "" {
		t.Errorf("visibilities (-want +got):\n%s", diff)
	}
}

func TestAFailureInABatchIsCountedAndComesAfterTheBackoff(t *testing.T) {
	t.Parallel()
	b := startBatch(t)
	failed, err := b.handle([][2]string{{"a1", "account/a"}}, func(context.Context, events.Event) error { return errors.New("broken") })
	if len(failed) != 1 || err != nil || len(b.letters.failures) != 1 {
		t.Errorf("failed %v, counted %v, error %v", failed, b.letters.failures, err)
	}
	if all := b.Visibilities(); len(all) != 1 || all[0] < 1 || all[0] > 60 {
		t.Errorf("visibilities are %v", all)
	}
}

func TestAMessageThatIsGivenUpHasBeenHandled(t *testing.T) {
	t.Parallel()
	b := startBatch(t)
	failed, err := b.handle([][2]string{{"a1", "account/a"}, {"a2", "account/a"}}, func(_ context.Context, e events.Event) error {
		if e.ID == "a1" {
			return portal.Fail(portal.Invalid, "No.")
		}
		return nil
	})
	if len(failed) > 0 || err != nil || len(b.letters.letters) != 1 || len(b.begun) != 2 {
		t.Errorf("failed %v, dead letters %v, begun %v, error %v", failed, b.letters.letters, b.begun, err)
	}
}

// The handler of a1 waits until it is told to stop, and a2 has not begun by then. b1 never looks.
func TestABatchEndsBeforeItsTimeIsUp(t *testing.T) {
	t.Parallel()
	b := startBatch(t)
	b.end = 4 * time.Second
	var mu sync.Mutex
	var leases []time.Time
	end := time.Now().Add(b.end)
	failed, err := b.handle([][2]string{{"a1", "account/a"}, {"a2", "account/a"}, {"b1", "account/b"}, {"c1", "account/c"}},
		func(ctx context.Context, e events.Event) error {
			lease, ok := pubsub.Lease(ctx)
			if !ok {
				t.Error("there is no lease")
			}
			mu.Lock()
			leases = append(leases, lease)
			mu.Unlock()
			switch e.ID {
			case "a1":
				<-portal.Stopping(ctx)
				return portal.Postpone("the test says so", portal.ErrStopping)
			case "b1":
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
	over := time.Now()
	if diff := cmp.Diff([]string{"a1", "a2", "b1"}, failed); diff != "" || err != nil {
		t.Errorf("failed (-want +got):\n%s%v", diff, err)
	}
	if diff := cmp.Diff([]int32{0, 0, 0}, b.Visibilities()); diff != "" {
		t.Errorf("visibilities (-want +got):\n%s", diff)
	}
	for _, lease := range leases {
		if lease.Before(end) || lease.After(over.Add(b.end)) {
			t.Errorf("a lease ends at %v, the batch at %v", lease, end)
		}
	}
	if len(b.letters.failures) > 0 {
		t.Errorf("%v were counted as failures", b.letters.failures)
	}
	if visible, _ := b.Left(b.queue); visible == "0" {
		t.Error("no message can be received again")
	}
}

func TestMessagesThatCannotBeHandedBackAreReported(t *testing.T) {
	t.Parallel()
	b := startBatch(t)
	b.end = 6 * time.Second
	b.Change = func(context.Context, *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
		return nil, errors.New("SQS is away")
	}
	failed, err := b.handle([][2]string{{"a1", "account/a"}, {"b1", "account/b"}}, func(_ context.Context, e events.Event) error {
		if e.ID == "a1" {
			return &portal.Postponed{After: time.Second, Reason: "the test says so"}
		}
		return nil
	})
	if diff := cmp.Diff([]string{"a1"}, failed); diff != "" || err != nil {
		t.Errorf("failed (-want +got):\n%s%v", diff, err)
	}
}

func TestABatchOfAStandardQueueIsHandledSideBySide(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("provisioning")
	url, _ := c.Attributes(queue)
	const many = 30
	for range many {
		if _, err := c.Client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	var together sync.WaitGroup
	together.Add(many)
	failed, err := HandleBatch(t.Context(), WorkerConfig{
		Client: c.Hooked, Queues: c.queues, Failures: &ledger{},
		Consumers: []Consumer{{Name: "raw", Queue: queue, Raw: func(ctx context.Context, _ RawMessage) error {
			together.Done()
			all := make(chan struct{})
			go func() { together.Wait(); close(all) }()
			select {
			case <-all:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}},
	}, c.receive(queue, many), time.Now().Add(time.Minute))
	if len(failed) > 0 || err != nil {
		t.Errorf("failed %v, error %v", failed, err)
	}
}

func TestABatchWithoutItsQueueFails(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	failed, err := HandleBatch(t.Context(), WorkerConfig{
		Client: c.Hooked, Queues: c.queues, Failures: &ledger{},
		Consumers: []Consumer{{Name: "raw", Queue: "missing", Raw: func(context.Context, RawMessage) error { return nil }}},
	}, []types.Message{{MessageId: aws.String("m1"), ReceiptHandle: aws.String("r1")}}, time.Now().Add(time.Minute))
	if err == nil || failed != nil {
		t.Errorf("failed %v, error %v", failed, err)
	}
}
