package serverless

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

type handled struct {
	queue    string
	messages []types.Message
	end      time.Time
	ticks    int
	failed   []string
	err      error
}

func (h *handled) Handle(_ context.Context, queue string, messages []types.Message, end time.Time) ([]string, error) {
	h.queue, h.messages, h.end = queue, messages, end
	return h.failed, h.err
}

func (h *handled) Tick(_ context.Context, end time.Time) error {
	h.ticks++
	h.end = end
	return h.err
}

// twoMessages is the shape in which an event source passes on the messages of a FIFO queue.
const twoMessages = `{"Records": [
  {"messageId": "m1", "receiptHandle": "r1", "body": "{\"id\":\"1\"}",
   "attributes": {"ApproximateReceiveCount": "2", "SentTimestamp": "1795773600000", "MessageGroupId": "account/a", "MessageDeduplicationId": "1", "SenderId": "AIDA", "ApproximateFirstReceiveTimestamp": "1795773600001", "SequenceNumber": "18849496460467696128"},
   "messageAttributes": {"type": {"stringValue": "gatehouse.RegisterUser.v1", "stringListValues": [], "binaryListValues": [], "dataType": "String"}},
   "md5OfBody": "x", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:gatehouse-commands.fifo", "awsRegion": "us-east-1"},
  {"messageId": "m2", "receiptHandle": "r2", "body": "two", "attributes": {}, "messageAttributes": {},
   "md5OfBody": "y", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:gatehouse-commands.fifo", "awsRegion": "us-east-1"}
]}`

func invokeWorker(t *testing.T, h *handled, event string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := NewWorker(func(context.Context) (Handler, error) { return h, nil }).Invoke(ctx, json.RawMessage(event))
	body, jsonErr := json.Marshal(out)
	if jsonErr != nil {
		t.Fatal(jsonErr)
	}
	return string(body), err
}

func TestMessagesOfAnEventSourceAreHandled(t *testing.T) {
	t.Parallel()
	h := &handled{failed: []string{"m2"}}
	before := time.Now()
	out, err := invokeWorker(t, h, twoMessages)
	if out != `{"batchItemFailures":[{"itemIdentifier":"m2"}]}` || err != nil {
		t.Errorf("the answer is %s, %v", out, err)
	}
	text := func(s string) *string { return &s }
	want := []types.Message{
		{
			MessageId: text("m1"), ReceiptHandle: text("r1"), Body: text(`{"id":"1"}`),
			Attributes: map[string]string{
				"ApproximateReceiveCount": "2", "SentTimestamp": "1795773600000", "MessageGroupId": "account/a", "MessageDeduplicationId": "1",
				"SenderId": "AIDA", "ApproximateFirstReceiveTimestamp": "1795773600001", "SequenceNumber": "18849496460467696128",
			},
			MessageAttributes: map[string]types.MessageAttributeValue{"type": {DataType: text("String"), StringValue: text("gatehouse.RegisterUser.v1")}},
		},
		{MessageId: text("m2"), ReceiptHandle: text("r2"), Body: text("two"), Attributes: map[string]string{}, MessageAttributes: map[string]types.MessageAttributeValue{}},
	}
	if diff := cmp.Diff(want, h.messages, cmpopts.IgnoreUnexported(types.Message{}, types.MessageAttributeValue{})); diff != "" || h.queue != "gatehouse-commands.fifo" {
		t.Errorf("%s got (-want +got):\n%s", h.queue, diff)
	}
	if left := h.end.Sub(before); left < 50*time.Second || left > 59*time.Second {
		t.Errorf("the end is in %v, and AWS Lambda's in a minute", left)
	}
}

func TestABatchWithoutFailuresAnswersWithAnEmptyList(t *testing.T) {
	t.Parallel()
	if out, err := invokeWorker(t, &handled{}, twoMessages); out != `{"batchItemFailures":[]}` || err != nil {
		t.Errorf("the answer is %s, %v", out, err)
	}
}

func TestATickStartsTheJobs(t *testing.T) {
	t.Parallel()
	h := &handled{}
	if _, err := invokeWorker(t, h, `{"tick": true}`); err != nil || h.ticks != 1 || h.messages != nil {
		t.Errorf("%d ticks, messages %v, error %v", h.ticks, h.messages, err)
	}
}

func TestEventsThatFailAsAWhole(t *testing.T) {
	t.Parallel()
	const record = `{"Records": [{"messageId": "m1", "receiptHandle": "r1", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:1:a"}`
	for _, c := range []struct{ name, event string }{
		{"no JSON", `{`},
		{"nothing", `{}`},
		{"an event of a topic", `{"Records": [{"EventSource": "aws:sns", "messageId": "m1", "receiptHandle": "r1", "eventSource": "aws:sns", "eventSourceARN": "arn:aws:sns:us-east-1:1:a"}]}`},
		{"a message without an id", `{"Records": [{"receiptHandle": "r1", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:1:a"}]}`},
		{"messages of two queues", record + `, {"messageId": "m2", "receiptHandle": "r2", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:1:b"}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if out, err := invokeWorker(t, &handled{}, c.event); err == nil {
				t.Errorf("the answer is %s", out)
			}
		})
	}
	if _, err := invokeWorker(t, &handled{err: errors.New("no queue")}, twoMessages); err == nil {
		t.Error("a worker's error is kept back")
	}
}
