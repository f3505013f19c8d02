package transport

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// rawBatch handles messages with a raw handler, and returns the ids that must come again.
func (c *cloud) rawBatch(queue string, messages []types.Message, left time.Duration, handler func(context.Context, RawMessage) error) (failed []string, err error) {
	c.T.Helper()
	failed, err = HandleBatch(c.T.Context(), WorkerConfig{
		Client: c.Hooked, Queues: c.queues, Failures: &ledger{}, Consumers: []Consumer{{Name: "raw", Queue: queue, Raw: handler}},
	}, messages, time.Now().Add(left))
	slices.Sort(failed)
	return failed, err
}

func (c *cloud) sendRaw(queue, group string, bodies ...string) {
	c.T.Helper()
	url, _ := c.Attributes(queue)
	for _, body := range bodies {
		_, err := c.Client.SendMessage(c.T.Context(), &sqs.SendMessageInput{
			QueueUrl: &url, MessageBody: &body, MessageGroupId: &group, MessageDeduplicationId: aws.String(portal.DeriveID(group, body)),
			MessageAttributes: map[string]types.MessageAttributeValue{"type": {DataType: aws.String("Binary"), BinaryValue: []byte{0xff, 0, 1}}},
		})
		if err != nil {
			c.T.Fatal(err)
		}
	}
}

func TestAMessageThatABatchHasTwiceComesAgainUnlessACopyWasHandled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		// fails lists the calls that fail, the first is 1.
		fails []int
		again bool
	}{
		"both copies are handled": {nil, false}, "both fail": {[]int{1, 2}, true}, "the first fails": {[]int{1}, true}, "the second fails": {[]int{2}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := startCloud(t)
			queue := cloud.Queue("commands.fifo")
			cloud.sendRaw(queue, "a", "one")
			one := cloud.receive(queue, 1)
			var mu sync.Mutex
			calls := 0
			failed, err := cloud.rawBatch(queue, []types.Message{one[0], one[0]}, time.Hour, func(context.Context, RawMessage) error {
				mu.Lock()
				defer mu.Unlock()
				calls++
				if slices.Contains(c.fails, calls) {
					return &portal.Postponed{After: time.Second, Reason: "the test says so"}
				}
				return nil
			})
			if err != nil || (len(failed) > 0) != c.again || len(failed) > 1 {
				t.Errorf("failed %v, error %v", failed, err)
			}
		})
	}
}

func TestAPanicInABatchIsAFailureOfItsMessage(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("commands.fifo")
	c.sendRaw(queue, "a", "one", "two")
	c.sendRaw(queue, "b", "three")
	messages := c.receive(queue, 3)
	failed, err := c.rawBatch(queue, messages, time.Minute, func(_ context.Context, m RawMessage) error {
		if string(m.Body) == "one" {
			panic("oh")
		}
		return nil
	})
	var want []string
	for _, m := range messages {
		if *m.Body != "three" {
			want = append(want, *m.MessageId)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, failed); diff != "" || err != nil {
		t.Errorf("failed (-want +got):\n%s%v", diff, err)
	}
}

func TestABatchWhoseTimeIsOverBeginsNothing(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]time.Duration{"long ago": -time.Hour, "now": 0, "almost": time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startCloud(t)
			queue := c.Queue("commands.fifo")
			c.sendRaw(queue, "a", "one")
			c.sendRaw(queue, "b", "two")
			failed, err := c.rawBatch(queue, c.receive(queue, 2), left, func(ctx context.Context, _ RawMessage) error {
				<-ctx.Done()
				return ctx.Err()
			})
			if err == nil && len(failed) != 2 {
				t.Errorf("failed %v", failed)
			}
		})
	}
}

func TestABatchTakesLongBodiesAndBinaryAttributes(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("commands.fifo")
	long := strings.Repeat("ü", 5_000)
	c.sendRaw(queue, "a", long, "\x22")
	var mu sync.Mutex
	var got []string
	failed, err := c.rawBatch(queue, c.receive(queue, 2), time.Minute, func(_ context.Context, m RawMessage) error {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, string(m.Body))
		return nil
	})
	if diff := cmp.Diff([]string{long, "\x22"}, got); diff != "" || err != nil || len(failed) > 0 {
		t.Errorf("failed %v, error %v, handled (-want +got):\n%s", failed, err, diff)
	}
}

// A message that is no event becomes a dead letter, and the next of its group is handled.
func TestAnUnreadableMessageDoesNotHoldUpItsGroup(t *testing.T) {
	t.Parallel()
	b := startBatch(t)
	b.sendRaw(b.queue, "account/a", "{not an event")
	if err := b.sender().Send(t.Context(), event("a1", "account/a", events.RegisterUser{})); err != nil {
		t.Fatal(err)
	}
	messages := b.receive(b.queue, 2)
	if group := messages[1].Attributes["MessageGroupId"]; group != messages[0].Attributes["MessageGroupId"] {
		t.Fatalf("the event's group is %q", group)
	}
	var handled []string
	failed, err := HandleBatch(t.Context(), WorkerConfig{
		Client: b.Hooked, Queues: b.queues, Failures: b.letters,
		Consumers: []Consumer{{Name: "deciding", Queue: b.queue, Handlers: map[string]Handler{
			registerType: func(_ context.Context, e events.Event) error {
				handled = append(handled, e.ID)
				return nil
			},
		}}},
	}, messages, time.Now().Add(time.Minute))
	if len(failed) > 0 || err != nil || len(b.letters.letters) != 1 || !slices.Equal(handled, []string{"a1"}) {
		t.Errorf("failed %v, error %v, dead letters %v, handled %v", failed, err, b.letters.letters, handled)
	}
}
