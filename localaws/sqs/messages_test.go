package sqs_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestAMessageArrivesWithItsAttributes(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q")
	attributes := map[string]types.MessageAttributeValue{
		"attr1": {DataType: aws.String("Number"), StringValue: aws.String("99.12")},
	}
	sent := l.send(q, "Tëst <&> \U0001F600", func(in *sqs.SendMessageInput) {
		in.MessageAttributes = attributes
		in.MessageGroupId = aws.String("tenant-1")
		in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=1-2-3")},
		}
	})
	// AWS's digest of this attribute.
	const digest = "d302007e9aa062660afc85fd0a482472"
	if *sent.MD5OfMessageAttributes != digest {
		t.Errorf("MD5OfMessageAttributes is %s, want %s", *sent.MD5OfMessageAttributes, digest)
	}
	if sent.SequenceNumber != nil {
		t.Errorf("a standard queue gave sequence number %s", *sent.SequenceNumber)
	}
	l.advance(2 * time.Second)
	got := l.receiveOne(q)
	want := types.Message{
		MessageId: sent.MessageId, Body: aws.String("Tëst <&> \U0001F600"), MD5OfBody: sent.MD5OfMessageBody,
		MD5OfMessageAttributes: aws.String(digest), MessageAttributes: attributes,
		Attributes: map[string]string{
			"SenderId": "local", "SentTimestamp": "1772366400000", "ApproximateReceiveCount": "1",
			"ApproximateFirstReceiveTimestamp": "1772366402000", "MessageGroupId": "tenant-1", "AWSTraceHeader": "Root=1-2-3",
		},
	}
	ignore := cmp.Options{
		cmpopts.IgnoreFields(types.Message{}, "ReceiptHandle"),
		cmpopts.IgnoreUnexported(types.Message{}, types.MessageAttributeValue{}),
	}
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		t.Errorf("message differs (-want +got):\n%s", diff)
	}
}

func TestAQueuesNameIsAcceptedAsItsURL(t *testing.T) {
	t.Parallel()
	l := start(t)
	l.create("q")
	l.send("q", "m")
	l.delete("q", l.receiveOne("q"))
}

func TestMessagesCarryTheTraceOfTheirRequest(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q")
	const trace = "Root=1-5759e988-bd862e3fe1be46a994272793"
	traced := func(o *sqs.Options) {
		o.APIOptions = append(o.APIOptions, smithyhttp.AddHeaderValue("X-Amzn-Trace-Id", trace))
	}
	if _, err := l.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &q, MessageBody: aws.String("m")}, traced); err != nil {
		t.Fatal(err)
	}
	if got := l.receiveOne(q).Attributes["AWSTraceHeader"]; got != trace {
		t.Errorf("AWSTraceHeader is %q, want %q", got, trace)
	}
}

func TestOnlyRequestedAttributesAreReturned(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q", "VisibilityTimeout", "0")
	l.send(q, "m", func(in *sqs.SendMessageInput) {
		in.MessageAttributes = map[string]types.MessageAttributeValue{"wm.uuid": text("1"), "wm.name": text("2"), "other": text("3")}
	})
	for name, c := range map[string]struct {
		adjust func(*sqs.ReceiveMessageInput)
		want   []string
	}{
		"nothing": {func(in *sqs.ReceiveMessageInput) {}, nil},
		"a name and an unknown one": {func(in *sqs.ReceiveMessageInput) {
			in.MessageAttributeNames = []string{"other", "another"}
		}, []string{"other"}},
		"a prefix": {func(in *sqs.ReceiveMessageInput) { in.MessageAttributeNames = []string{"wm.*"} }, []string{"wm.name", "wm.uuid"}},
		"all":      {func(in *sqs.ReceiveMessageInput) { in.MessageAttributeNames = []string{"All"} }, []string{"other", "wm.name", "wm.uuid"}},
		".*":       {func(in *sqs.ReceiveMessageInput) { in.MessageAttributeNames = []string{".*"} }, []string{"other", "wm.name", "wm.uuid"}},
		"*":        {func(in *sqs.ReceiveMessageInput) { in.MessageAttributeNames = []string{"*"} }, []string{"other", "wm.name", "wm.uuid"}},
		"system attributes by the old and the new member": {func(in *sqs.ReceiveMessageInput) {
			in.AttributeNames = []types.QueueAttributeName{"SentTimestamp"} //nolint:staticcheck // the member's old name works too
			in.MessageSystemAttributeNames = []types.MessageSystemAttributeName{"SenderId"}
		}, []string{"SenderId", "SentTimestamp"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := l.receiveOne(q, func(in *sqs.ReceiveMessageInput) {
				in.MessageAttributeNames, in.MessageSystemAttributeNames = nil, nil
				c.adjust(in)
			})
			var got []string
			for name := range m.MessageAttributes {
				got = append(got, name)
			}
			for name := range m.Attributes {
				got = append(got, name)
			}
			if diff := cmp.Diff(c.want, got, cmpopts.SortSlices(strings.Compare), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("attributes differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSendMessageRefusesWhatAWSRefuses(t *testing.T) {
	t.Parallel()
	l := start(t)
	standard, fifo, small := l.create("q"), l.create("q.fifo"), l.create("small", "MaximumMessageSize", "1024")
	attribute := func(name string, v types.MessageAttributeValue) func(*sqs.SendMessageInput) {
		return func(in *sqs.SendMessageInput) {
			in.MessageAttributes = map[string]types.MessageAttributeValue{name: v}
		}
	}
	for name, c := range map[string]struct {
		queue, body string
		adjust      func(*sqs.SendMessageInput)
		want        string
	}{
		"an empty body":              {standard, "", nil, "MissingParameter"},
		"a control character":        {standard, "a\x01b", nil, "InvalidMessageContents"},
		"U+FFFE":                     {standard, "a\uFFFEb", nil, "InvalidMessageContents"},
		"more than 1 MiB":            {standard, strings.Repeat("x", 1<<20+1), nil, "InvalidParameterValue"},
		"more than the queue allows": {small, strings.Repeat("x", 1020), attribute("name", text("v")), "InvalidParameterValue"},
		"eleven attributes": {standard, "m", func(in *sqs.SendMessageInput) {
			in.MessageAttributes = map[string]types.MessageAttributeValue{}
			for i := range 11 {
				in.MessageAttributes[fmt.Sprint("a", i)] = text("v")
			}
		}, "InvalidParameterValue"},
		"an empty attribute value":       {standard, "m", attribute("a", text("")), "InvalidParameterValue"},
		"a reserved attribute name":      {standard, "m", attribute("AWS.a", text("v")), "InvalidParameterValue"},
		"an attribute name with a space": {standard, "m", attribute("a b", text("v")), "InvalidParameterValue"},
		"an unknown attribute type": {standard, "m", attribute("a", types.MessageAttributeValue{
			DataType: aws.String("Text"), StringValue: aws.String("v")}), "InvalidParameterValue"},
		"a Number attribute that is not a number": {standard, "m", attribute("a", types.MessageAttributeValue{
			DataType: aws.String("Number"), StringValue: aws.String("v")}), "InvalidParameterValue"},
		"a list value": {standard, "m", attribute("a", types.MessageAttributeValue{
			DataType: aws.String("String"), StringListValues: []string{"v"}}), "AWS.SimpleQueueService.UnsupportedOperation"},
		"a delay over 15 minutes":                 {standard, "m", func(in *sqs.SendMessageInput) { in.DelaySeconds = 901 }, "InvalidParameterValue"},
		"a deduplication id on a standard queue":  {standard, "m", inGroup("g", "d"), "InvalidParameterValue"},
		"a group id with a space":                 {standard, "m", inGroup("g g", ""), "InvalidParameterValue"},
		"no group on a FIFO queue":                {fifo, "m", nil, "MissingParameter"},
		"no deduplication on a FIFO queue":        {fifo, "m", inGroup("g", ""), "InvalidParameterValue"},
		"a deduplication id of 129 characters":    {fifo, "m", inGroup("g", strings.Repeat("d", 129)), "InvalidParameterValue"},
		"a delay for one message of a FIFO queue": {fifo, "m", func(in *sqs.SendMessageInput) { inGroup("g", "d")(in); in.DelaySeconds = 1 }, "InvalidParameterValue"},
		"an unknown queue":                        {standard + "x", "m", nil, "AWS.SimpleQueueService.NonExistentQueue"},
		"a URL of another account":                {strings.Replace(standard, "000000000000", "111111111111", 1), "m", nil, "AWS.SimpleQueueService.NonExistentQueue"},
		"a URL without an account":                {"http://localhost/q", "m", nil, "AWS.SimpleQueueService.NonExistentQueue"},
		"an invalid URL":                          {"http://[::1/q", "m", nil, "AWS.SimpleQueueService.NonExistentQueue"},
		"a system attribute other than the trace's": {standard, "m", func(in *sqs.SendMessageInput) {
			in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{"X": {DataType: aws.String("String"), StringValue: aws.String("v")}}
		}, "InvalidParameterValue"},
	} {
		t.Run(name, func(t *testing.T) {
			in := &sqs.SendMessageInput{QueueUrl: &c.queue, MessageBody: &c.body}
			if c.adjust != nil {
				c.adjust(in)
			}
			_, err := l.SendMessage(context.Background(), in)
			wantCode(t, err, c.want)
		})
	}
	for _, q := range []string{standard, fifo, small} {
		if got := l.receive(q, 10); len(got) > 0 {
			t.Errorf("%s holds %v", q, bodies(got))
		}
	}
}

func TestAMessageOfExactlyOneMebibytePasses(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q")
	l.send(q, strings.Repeat("x", 1<<20))
	if m := l.receiveOne(q); len(*m.Body) != 1<<20 {
		t.Errorf("received %d bytes", len(*m.Body))
	}
}

func TestEveryEntryOfABatchSucceedsOrFailsSeparately(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q", "MaximumMessageSize", "1024")
	ctx := context.Background()
	out, err := l.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q, Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("good"), MessageBody: aws.String("m")},
		{Id: aws.String("long"), MessageBody: aws.String(strings.Repeat("x", 1025))},
		{Id: aws.String("odd"), MessageBody: aws.String("\x02")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Successful) != 1 || *out.Successful[0].Id != "good" {
		t.Errorf("the successful entries are %v, want only good", out.Successful)
	}
	failed := map[string]string{}
	for _, f := range out.Failed {
		failed[*f.Id] = *f.Code
		if !f.SenderFault {
			t.Errorf("entry %s is not the sender's fault", *f.Id)
		}
	}
	if diff := cmp.Diff(map[string]string{"long": "InvalidParameterValue", "odd": "InvalidMessageContents"}, failed); diff != "" {
		t.Errorf("failed entries differ (-want +got):\n%s", diff)
	}

	m := l.receiveOne(q)
	changed, err := l.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
		{Id: aws.String("a"), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 10},
		{Id: aws.String("b"), ReceiptHandle: aws.String("nonsense"), VisibilityTimeout: 10},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(changed.Successful) != 1 || len(changed.Failed) != 1 || *changed.Failed[0].Code != "ReceiptHandleIsInvalid" {
		t.Errorf("changing visibility: %v succeeded, %v failed", changed.Successful, changed.Failed)
	}
	deleted, err := l.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &q, Entries: []types.DeleteMessageBatchRequestEntry{
		{Id: aws.String("a"), ReceiptHandle: m.ReceiptHandle},
		{Id: aws.String("b"), ReceiptHandle: aws.String("nonsense")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(deleted.Successful) != 1 || len(deleted.Failed) != 1 || *deleted.Failed[0].Code != "ReceiptHandleIsInvalid" {
		t.Errorf("deleting: %v succeeded, %v failed", deleted.Successful, deleted.Failed)
	}
	if n := l.attributes(q)["ApproximateNumberOfMessagesNotVisible"]; n != "0" {
		t.Errorf("%s messages are still in flight", n)
	}
}

func TestAMalformedBatchIsRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	l := start(t)
	q, fifo := l.create("q"), l.create("q.fifo")
	entries := func(ids ...string) []types.SendMessageBatchRequestEntry {
		var all []types.SendMessageBatchRequestEntry
		for _, id := range ids {
			all = append(all, types.SendMessageBatchRequestEntry{Id: aws.String(id), MessageBody: aws.String("m")})
		}
		return all
	}
	large := entries("a", "b")
	large[0].MessageBody, large[1].MessageBody = aws.String(strings.Repeat("x", 1<<19)), aws.String(strings.Repeat("x", 1<<19+1))
	const prefix = "AWS.SimpleQueueService."
	for name, c := range map[string]struct {
		queue   string
		entries []types.SendMessageBatchRequestEntry
		want    string
	}{
		"no entries":                   {q, []types.SendMessageBatchRequestEntry{}, prefix + "EmptyBatchRequest"},
		"eleven entries":               {q, entries("1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"), prefix + "TooManyEntriesInBatchRequest"},
		"an id twice":                  {q, entries("a", "a"), prefix + "BatchEntryIdsNotDistinct"},
		"an id with a colon":           {q, entries("a:b"), prefix + "InvalidBatchEntryId"},
		"more than 1 MiB in all":       {q, large, prefix + "BatchRequestTooLong"},
		"no group ids in a FIFO queue": {fifo, entries("a"), "InvalidParameterValue"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := l.SendMessageBatch(context.Background(), &sqs.SendMessageBatchInput{QueueUrl: &c.queue, Entries: c.entries})
			wantCode(t, err, c.want)
		})
	}
}

func TestReceiveMessageRefusesWhatAWSRefuses(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q")
	for name, in := range map[string]*sqs.ReceiveMessageInput{
		"eleven messages":                {MaxNumberOfMessages: 11},
		"a wait over 20 seconds":         {WaitTimeSeconds: 21},
		"a timeout over 12 hours":        {VisibilityTimeout: 43201},
		"an attempt on a standard queue": {ReceiveRequestAttemptId: aws.String("again")},
	} {
		t.Run(name, func(t *testing.T) {
			in.QueueUrl = &q
			_, err := l.ReceiveMessage(context.Background(), in)
			wantCode(t, err, "InvalidParameterValue")
		})
	}
	_, err := l.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{
		QueueUrl: &q, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"Colour"},
	})
	wantCode(t, err, "InvalidAttributeName")
}

func TestMessagesAreDeletedAfterTheRetentionPeriod(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q", "MessageRetentionPeriod", "60")
	l.send(q, "in flight")
	l.receiveOne(q)
	l.send(q, "visible")
	l.advance(59 * time.Second)
	l.send(q, "young")
	l.advance(time.Second)
	if m := l.receiveOne(q); *m.Body != "young" {
		t.Errorf("received %q, want only the newer one", *m.Body)
	}
	attributes := l.attributes(q)
	if attributes["ApproximateNumberOfMessages"] != "0" || attributes["ApproximateNumberOfMessagesNotVisible"] != "1" {
		t.Errorf("the counts are %v", attributes)
	}
}

func TestDelayedMessagesAreWithheld(t *testing.T) {
	t.Parallel()
	l := start(t)
	q, fifo := l.create("q", "DelaySeconds", "10"), l.create("q.fifo", "DelaySeconds", "10")
	l.send(q, "as the queue says")
	l.send(q, "longer", func(in *sqs.SendMessageInput) { in.DelaySeconds = 20 })
	l.send(fifo, "fifo", inGroup("g", "d"))
	if n := l.attributes(q)["ApproximateNumberOfMessagesDelayed"]; n != "2" {
		t.Errorf("%s messages are delayed, want 2", n)
	}
	steps := []struct{ standard, fifo []string }{
		{[]string{}, []string{}},
		{[]string{"as the queue says"}, []string{"fifo"}},
		{[]string{"longer"}, []string{}},
	}
	for i, step := range steps {
		if diff := cmp.Diff(step.standard, bodies(l.receive(q, 10))); diff != "" {
			t.Errorf("after %d0 s the standard queue gave (-want +got):\n%s", i, diff)
		}
		if diff := cmp.Diff(step.fifo, bodies(l.receive(fifo, 10))); diff != "" {
			t.Errorf("after %d0 s the FIFO queue gave (-want +got):\n%s", i, diff)
		}
		l.advance(10 * time.Second)
	}
}
