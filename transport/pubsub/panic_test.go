package pubsub

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/transport/sqstest"
)

func wantPanic(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "panic: oh") || portal.StackOf(err) == "" {
		t.Errorf("the error is %v, with the stack %q", err, portal.StackOf(err))
	}
}

func TestAPanicOfARequestIsThePublishersError(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	c.Queue("q")
	c.Send = func(context.Context, *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) { panic("oh") }
	p := c.publisher(PublisherConfig{})
	wantPanic(t, p.Publish("q", text("", "a")))
	c.Send = nil
	if err := p.Publish("q", text("", "b")); err != nil {
		t.Errorf("the next message: %v", err)
	}
}

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
	c.Queue("q")
	tries := 0
	c.Delete = func(ctx context.Context, in *sqs.DeleteMessageBatchInput) (*sqs.DeleteMessageBatchOutput, error) {
		if tries++; tries == 1 {
			panic("oh")
		}
		return c.Hooked.Client.DeleteMessageBatch(ctx, in)
	}
	messages := c.subscribe(c.subscriber(SubscriberConfig{}), "q")
	publish(t, c.publisher(PublisherConfig{}), "q", text("", "a"))
	sqstest.Next(t, messages).Ack()
	sqstest.Eventually(t, "the message is deleted", func() bool {
		visible, hidden := c.Left("q")
		return visible == "0" && hidden == "0"
	})
}

func TestAPanicOfAReceiveIsAReceiveThatFailed(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	c.Queue("q")
	polls := 0
	c.Receive = func(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
		if polls++; polls == 1 {
			panic("oh")
		}
		return c.Hooked.Client.ReceiveMessage(ctx, in)
	}
	messages := c.subscribe(c.subscriber(SubscriberConfig{Pollers: 1}), "q")
	publish(t, c.publisher(PublisherConfig{}), "q", text("", "a"))
	sqstest.Next(t, messages).Ack()
}
