package transport

import (
	"context"
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// wantPanic checks that the error is a panic's, and that its stack is known.
func wantPanic(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "panic: oh") || portal.StackOf(err) == "" {
		t.Errorf("the error is %v, with the stack %q", err, portal.StackOf(err))
	}
}

// explosive is a publisher that panics.
type explosive struct{}

func (explosive) Publish(string, ...*message.Message) error { panic("oh") }
func (explosive) Close() error                              { return nil }

func TestAPanicOfOneOfTwoPublishersIsTheSendersError(t *testing.T) {
	t.Parallel()
	err := NewSender(&recorder{}, explosive{}, routes).Send(t.Context(),
		event("1", "account/a", events.RegisterUser{}), event("2", "account/a", events.UserRegistered{}))
	wantPanic(t, err)
}

func TestAPanicOfARequestIsThePublishersError(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	c.queue("q")
	c.send = func(context.Context, *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) { panic("oh") }
	p := c.publisher(PublisherConfig{})
	wantPanic(t, p.Publish("q", text("", "a")))
	c.send = nil
	if err := p.Publish("q", text("", "b")); err != nil {
		t.Errorf("the next message: %v", err)
	}
}

// explosiveFinder panics when a queue is looked for.
type explosiveFinder struct{}

func (explosiveFinder) GetQueueUrl(context.Context, *sqs.GetQueueUrlInput, ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) {
	panic("oh")
}

func TestAPanicOfLookingForAQueueIsTheLookUpsError(t *testing.T) {
	t.Parallel()
	_, err := NewQueues(explosiveFinder{}).URL(t.Context(), "q")
	wantPanic(t, err)
}

func TestAPanicOfDeletingAMessageEndsNothingAndTheMessageIsDeletedByTheNextTry(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	c.queue("q")
	tries := 0
	c.drop = func(ctx context.Context, in *sqs.DeleteMessageBatchInput) (*sqs.DeleteMessageBatchOutput, error) {
		if tries++; tries == 1 {
			panic("oh")
		}
		return c.hooked.Client.DeleteMessageBatch(ctx, in)
	}
	messages := c.subscribe(c.subscriber(SubscriberConfig{}), "q")
	publish(t, c.publisher(PublisherConfig{}), "q", text("", "a"))
	next(t, messages).Ack()
	eventually(t, "the message is deleted", func() bool {
		visible, hidden := c.left("q")
		return visible == "0" && hidden == "0"
	})
}

func TestAPanicOfAReceiveIsAReceiveThatFailed(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	c.queue("q")
	polls := 0
	c.get = func(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
		if polls++; polls == 1 {
			panic("oh")
		}
		return c.hooked.Client.ReceiveMessage(ctx, in)
	}
	messages := c.subscribe(c.subscriber(SubscriberConfig{Pollers: 1}), "q")
	publish(t, c.publisher(PublisherConfig{}), "q", text("", "a"))
	next(t, messages).Ack()
}
