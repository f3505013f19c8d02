package sqs_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// clock is the server's clock. It stands still until advance.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// local is a client with its own server.
type local struct {
	t testing.TB
	*sqs.Client
	*clock
}

func start(t testing.TB) *local {
	t.Helper()
	c := newClock()
	srv := localawstest.Start(t, func(o *localaws.Options) { o.Now = c.Now })
	return &local{t, sqs.NewFromConfig(srv.AWSConfig()), c}
}

func (l *local) create(name string, attributes ...string) string {
	l.t.Helper()
	in := &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{}}
	if strings.HasSuffix(name, ".fifo") {
		in.Attributes["FifoQueue"] = "true"
	}
	for i := 0; i < len(attributes); i += 2 {
		in.Attributes[attributes[i]] = attributes[i+1]
	}
	out, err := l.CreateQueue(context.Background(), in)
	if err != nil {
		l.t.Fatalf("creating queue %s: %v", name, err)
	}
	return *out.QueueUrl
}

func (l *local) send(queue, body string, adjust ...func(*sqs.SendMessageInput)) *sqs.SendMessageOutput {
	l.t.Helper()
	in := &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: &body}
	for _, f := range adjust {
		f(in)
	}
	out, err := l.SendMessage(context.Background(), in)
	if err != nil {
		l.t.Fatalf("sending %q: %v", body, err)
	}
	return out
}

// inGroup sets a group and, unless empty, a deduplication id.
func inGroup(group, dedup string) func(*sqs.SendMessageInput) {
	return func(in *sqs.SendMessageInput) {
		in.MessageGroupId = &group
		if dedup != "" {
			in.MessageDeduplicationId = &dedup
		}
	}
}

func (l *local) receive(queue string, n int32, adjust ...func(*sqs.ReceiveMessageInput)) []types.Message {
	l.t.Helper()
	in := &sqs.ReceiveMessageInput{
		QueueUrl: &queue, MaxNumberOfMessages: n,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		MessageAttributeNames:       []string{"All"},
	}
	for _, f := range adjust {
		f(in)
	}
	out, err := l.ReceiveMessage(context.Background(), in)
	if err != nil {
		l.t.Fatalf("receiving: %v", err)
	}
	return out.Messages
}

// receiveOne fails the test unless it receives exactly one message.
func (l *local) receiveOne(queue string, adjust ...func(*sqs.ReceiveMessageInput)) types.Message {
	l.t.Helper()
	got := l.receive(queue, 10, adjust...)
	if len(got) != 1 {
		l.t.Fatalf("received %v, want one message", bodies(got))
	}
	return got[0]
}

func (l *local) delete(queue string, m types.Message) {
	l.t.Helper()
	if _, err := l.DeleteMessage(context.Background(), &sqs.DeleteMessageInput{QueueUrl: &queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
		l.t.Fatalf("deleting %s: %v", *m.Body, err)
	}
}

func (l *local) changeVisibility(queue string, m types.Message, seconds int32) error {
	_, err := l.ChangeMessageVisibility(context.Background(), &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &queue, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds,
	})
	return err
}

func (l *local) attributes(queue string) map[string]string {
	l.t.Helper()
	out, err := l.GetQueueAttributes(context.Background(), &sqs.GetQueueAttributesInput{
		QueueUrl: &queue, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		l.t.Fatalf("reading attributes: %v", err)
	}
	return out.Attributes
}

func (l *local) arn(queue string) string { return l.attributes(queue)["QueueArn"] }

func bodies(messages []types.Message) []string {
	all := []string{}
	for _, m := range messages {
		all = append(all, *m.Body)
	}
	return all
}

// code returns the client's error code, or "".
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func wantCode(t testing.TB, err error, want string) {
	t.Helper()
	if got := code(err); got != want {
		t.Errorf("error code is %q (%v), want %q", got, err, want)
	}
}

func text(value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
