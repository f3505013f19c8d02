package sns_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

func TestRawDeliveryContainsBodyAndAttributes(t *testing.T) {
	t.Parallel()
	l := start(t)
	topic := l.topic("t")
	url, queue := l.queue("q")
	l.subscribe(topic, queue, "RawMessageDelivery", "true")
	l.publish(topic, "<bödy>", func(in *sns.PublishInput) {
		in.Subject = aws.String("lost in raw delivery")
		in.MessageGroupId = aws.String("tenant")
		in.MessageAttributes = map[string]types.MessageAttributeValue{
			"name": text("v"), "bytes": {DataType: aws.String("Binary"), BinaryValue: []byte{2, 3, 4}},
		}
	})
	m := l.receiveOne(url)
	want := map[string]sqstypes.MessageAttributeValue{
		"name":  {DataType: aws.String("String"), StringValue: aws.String("v")},
		"bytes": {DataType: aws.String("Binary"), BinaryValue: []byte{2, 3, 4}},
	}
	if diff := cmp.Diff(want, m.MessageAttributes, cmpopts.IgnoreUnexported(sqstypes.MessageAttributeValue{})); diff != "" {
		t.Errorf("attributes differ (-want +got):\n%s", diff)
	}
	if *m.Body != "<bödy>" || m.Attributes["MessageGroupId"] != "tenant" {
		t.Errorf("received %q in group %q", *m.Body, m.Attributes["MessageGroupId"])
	}
}

func TestWithoutRawDeliveryTheMessageIsInAnEnvelope(t *testing.T) {
	t.Parallel()
	l := start(t)
	standard, fifo := l.topic("t"), l.topic("t.fifo", "FifoTopic", "true")
	url, queue := l.queue("q")
	l.subscribe(standard, queue)
	l.subscribe(fifo, queue)
	envelope := func() map[string]any {
		t.Helper()
		var e map[string]any
		if err := json.Unmarshal([]byte(*l.receiveOne(url).Body), &e); err != nil {
			t.Fatal(err)
		}
		if url, _ := e["UnsubscribeURL"].(string); !strings.Contains(url, "Action=Unsubscribe") {
			t.Errorf("UnsubscribeURL is %q", url)
		}
		delete(e, "UnsubscribeURL")
		return e
	}
	out := l.publish(standard, "<b&dy>", func(in *sns.PublishInput) {
		in.Subject = aws.String("subject")
		in.MessageAttributes = map[string]types.MessageAttributeValue{"n": {DataType: aws.String("Number"), StringValue: aws.String("1.5")}}
	})
	got := envelope()
	for _, name := range []string{"Signature", "SigningCertURL"} {
		if value, _ := got[name].(string); value == "" {
			t.Errorf("%s is missing", name)
		}
		delete(got, name)
	}
	want := map[string]any{
		"Type": "Notification", "MessageId": *out.MessageId, "TopicArn": standard, "Subject": "subject", "Message": "<b&dy>",
		"Timestamp": "2026-03-01T12:00:00.000Z", "SignatureVersion": "1",
		"MessageAttributes": map[string]any{"n": map[string]any{"Type": "Number", "Value": "1.5"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("envelope differs (-want +got):\n%s", diff)
	}
	out = l.publish(fifo, "m", inGroup("g", "d"))
	want = map[string]any{
		"Type": "Notification", "MessageId": *out.MessageId, "SequenceNumber": *out.SequenceNumber, "TopicArn": fifo,
		"Message": "m", "Timestamp": "2026-03-01T12:00:00.000Z",
	}
	if diff := cmp.Diff(want, envelope()); diff != "" {
		t.Errorf("envelope of the FIFO topic differs (-want +got):\n%s", diff)
	}
}

func TestAStructuredMessageGivesQueuesTheirOwnText(t *testing.T) {
	t.Parallel()
	l := start(t)
	topic := l.topic("t")
	url, queue := l.queue("q")
	l.subscribe(topic, queue, "RawMessageDelivery", "true")
	for message, want := range map[string]string{
		`{"default":"d","sqs":"s"}`: "s",
		`{"default":"d","sms":"s"}`: "d",
	} {
		l.publish(topic, message, func(in *sns.PublishInput) { in.MessageStructure = aws.String("json") })
		if got := bodies(l.receive(url)); len(got) != 1 || got[0] != want {
			t.Errorf("%s arrived as %v, want %s", message, got, want)
		}
	}
	for _, bad := range []string{`{"sqs":"s"}`, `not JSON`} {
		_, err := l.Publish(t.Context(), &sns.PublishInput{TopicArn: &topic, Message: &bad, MessageStructure: aws.String("json")})
		wantCode(t, err, "InvalidParameter")
	}
}

func TestAFIFOTopicPassesGroupAndDeduplicationIDOnlyToFIFOQueues(t *testing.T) {
	t.Parallel()
	l := start(t)
	topic := l.topic("t.fifo", "FifoTopic", "true", "ContentBasedDeduplication", "true")
	url, queue := l.queue("q")
	fifoURL, fifo := l.queue("q.fifo", "FifoQueue", "true")
	l.subscribe(topic, queue, "RawMessageDelivery", "true")
	l.subscribe(topic, fifo, "RawMessageDelivery", "true")
	l.publish(topic, "Test", inGroup("g", ""))
	const sha256OfTest = "532eaabd9574880dbf76b9b8cc00832c20a6ec113d682299550d7a6e0f345e25"
	m := l.receiveOne(fifoURL)
	if m.Attributes["MessageGroupId"] != "g" || m.Attributes["MessageDeduplicationId"] != sha256OfTest {
		t.Errorf("the FIFO queue has %v", m.Attributes)
	}
	m = l.receiveOne(url)
	for _, name := range []string{"MessageGroupId", "MessageDeduplicationId", "SequenceNumber"} {
		if value, ok := m.Attributes[name]; ok {
			t.Errorf("the standard queue has %s %q", name, value)
		}
	}
}

// The topic's deduplication window counts, not the queues': a queue that was subscribed
// after the first message does not get the duplicate.
func TestATopicDropsDuplicatesForFiveMinutes(t *testing.T) {
	t.Parallel()
	l := start(t)
	topic := l.topic("t.fifo", "FifoTopic", "true")
	url, queue := l.queue("q.fifo", "FifoQueue", "true")
	first := l.publish(topic, "one", inGroup("g", "d"))
	l.subscribe(topic, queue, "RawMessageDelivery", "true")
	l.advance(5*time.Minute - time.Millisecond)
	second := l.publish(topic, "two", inGroup("h", "d"))
	if *second.MessageId != *first.MessageId || *second.SequenceNumber != *first.SequenceNumber {
		t.Errorf("the answer to the duplicate is %s, %s", *second.MessageId, *second.SequenceNumber)
	}
	if got := l.receive(url); len(got) != 0 {
		t.Errorf("received %v", bodies(got))
	}
	l.advance(time.Millisecond)
	third := l.publish(topic, "three", inGroup("g", "d"))
	if *third.SequenceNumber <= *first.SequenceNumber {
		t.Errorf("sequence number %s came after %s", *third.SequenceNumber, *first.SequenceNumber)
	}
	if got := bodies(l.receive(url)); len(got) != 1 || got[0] != "three" {
		t.Errorf("received %v, want three", got)
	}
}

func TestPublishRefusesWhatAWSRefuses(t *testing.T) {
	t.Parallel()
	l := start(t)
	standard, fifo := l.topic("t"), l.topic("t.fifo", "FifoTopic", "true")
	attribute := func(name string, v types.MessageAttributeValue) func(*sns.PublishInput) {
		return func(in *sns.PublishInput) { in.MessageAttributes = map[string]types.MessageAttributeValue{name: v} }
	}
	for name, c := range map[string]struct {
		topic, message string
		adjust         func(*sns.PublishInput)
		want           string
	}{
		"an empty message":                       {standard, "", nil, "InvalidParameter"},
		"more than 256 KiB with its attributes":  {standard, strings.Repeat("x", 256<<10-10), attribute("name", text("v")), "InvalidParameter"},
		"an empty subject":                       {standard, "m", func(in *sns.PublishInput) { in.Subject = aws.String("") }, "InvalidParameter"},
		"a deduplication id on a standard topic": {standard, "m", inGroup("g", "d"), "InvalidParameter"},
		"no group on a FIFO topic":               {fifo, "m", nil, "InvalidParameter"},
		"no deduplication on a FIFO topic":       {fifo, "m", inGroup("g", ""), "InvalidParameter"},
		"an attribute name with a caret":         {standard, "m", attribute("a^b", text("v")), "ParameterValueInvalid"},
		"an empty attribute value":               {standard, "m", attribute("a", text("")), "ParameterValueInvalid"},
		"an unknown attribute type":              {standard, "m", attribute("a", types.MessageAttributeValue{DataType: aws.String("Text"), StringValue: aws.String("v")}), "ParameterValueInvalid"},
		"a string in a binary attribute":         {standard, "m", attribute("a", types.MessageAttributeValue{DataType: aws.String("Binary"), StringValue: aws.String("v")}), "ParameterValueInvalid"},
		"a phone number":                         {"", "m", func(in *sns.PublishInput) { in.TopicArn, in.PhoneNumber = nil, aws.String("+1555") }, "NotImplementedException"},
	} {
		t.Run(name, func(t *testing.T) {
			in := &sns.PublishInput{TopicArn: &c.topic, Message: &c.message}
			if c.adjust != nil {
				c.adjust(in)
			}
			_, err := l.Publish(t.Context(), in)
			wantCode(t, err, c.want)
		})
	}
}

func TestRawDeliveryOfElevenAttributesIsDropped(t *testing.T) {
	t.Parallel()
	l := start(t)
	topic := l.topic("t")
	rawURL, raw := l.queue("raw")
	url, wrapped := l.queue("wrapped")
	l.subscribe(topic, raw, "RawMessageDelivery", "true")
	l.subscribe(topic, wrapped)
	l.publish(topic, "m", func(in *sns.PublishInput) {
		in.MessageAttributes = map[string]types.MessageAttributeValue{}
		for i := range 11 {
			in.MessageAttributes[fmt.Sprint("a", i)] = text("v")
		}
	})
	if got := l.receive(rawURL); len(got) != 0 {
		t.Errorf("the raw queue received %v", bodies(got))
	}
	l.receiveOne(url)
}

func TestAMissingQueueDoesNotPreventOtherDeliveries(t *testing.T) {
	t.Parallel()
	l := start(t)
	topic := l.topic("t")
	l.subscribe(topic, "arn:aws:sqs:us-east-1:000000000000:missing")
	url, queue := l.queue("q")
	l.subscribe(topic, queue)
	l.publish(topic, "m")
	l.receiveOne(url)
}

func TestEveryEntryOfAPublishedBatchSucceedsOrFailsSeparately(t *testing.T) {
	t.Parallel()
	l := start(t)
	topic := l.topic("t.fifo", "FifoTopic", "true")
	url, queue := l.queue("q.fifo", "FifoQueue", "true")
	l.subscribe(topic, queue, "RawMessageDelivery", "true")
	entry := func(id, message, dedup string) types.PublishBatchRequestEntry {
		return types.PublishBatchRequestEntry{
			Id: &id, Message: &message, MessageGroupId: aws.String("g"), MessageDeduplicationId: &dedup,
			MessageAttributes: map[string]types.MessageAttributeValue{"id": text(id)},
		}
	}
	out, err := l.PublishBatch(t.Context(), &sns.PublishBatchInput{TopicArn: &topic, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{
		entry("a", "one", "1"), entry("b", "", "2"), entry("c", "three", "3"), entry("d", "one again", "1"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Failed) != 1 || *out.Failed[0].Id != "b" || *out.Failed[0].Code != "InvalidParameter" || !out.Failed[0].SenderFault {
		t.Errorf("the failed entries are %v, want only b", out.Failed)
	}
	if len(out.Successful) != 3 || *out.Successful[2].MessageId != *out.Successful[0].MessageId {
		t.Errorf("the successful entries are %v, want a, c and d, and d like a", out.Successful)
	}
	got := l.receive(url)
	if diff := cmp.Diff([]string{"one", "three"}, bodies(got)); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
	if id := got[1].MessageAttributes["id"]; id.StringValue == nil || *id.StringValue != "c" {
		t.Errorf("the attributes are %v", got[1].MessageAttributes)
	}
}

func TestAMalformedPublishedBatchIsRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	l := start(t)
	standard, fifo := l.topic("t"), l.topic("t.fifo", "FifoTopic", "true")
	entries := func(message string, ids ...string) []types.PublishBatchRequestEntry {
		all := []types.PublishBatchRequestEntry{}
		for _, id := range ids {
			all = append(all, types.PublishBatchRequestEntry{Id: &id, Message: &message})
		}
		return all
	}
	for name, c := range map[string]struct {
		topic   string
		entries []types.PublishBatchRequestEntry
		want    string
	}{
		"no entries":               {standard, entries("m"), "EmptyBatchRequest"},
		"eleven entries":           {standard, entries("m", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"), "TooManyEntriesInBatchRequest"},
		"an id twice":              {standard, entries("m", "a", "a"), "BatchEntryIdsNotDistinct"},
		"an id with a dot":         {standard, entries("m", "a.b"), "InvalidBatchEntryId"},
		"more than 256 KiB in all": {standard, entries(strings.Repeat("x", 128<<10+1), "a", "b"), "BatchRequestTooLong"},
		"no group on a FIFO topic": {fifo, entries("m", "a"), "InvalidParameter"},
		"an unknown topic":         {standard + "x", entries("m", "a"), "NotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := l.PublishBatch(t.Context(), &sns.PublishBatchInput{TopicArn: &c.topic, PublishBatchRequestEntries: c.entries})
			wantCode(t, err, c.want)
		})
	}
}

func TestARestartKeepsTopicsSubscriptionsAndDeduplication(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), newClock()
	var first *sns.PublishOutput
	topic := "arn:aws:sns:us-east-1:000000000000:t.fifo"
	for i := range 2 {
		srv, err := localaws.Open(localaws.Options{Dir: dir, Addr: "127.0.0.1:0", NoSync: true, Now: c.Now})
		if err != nil {
			t.Fatal(err)
		}
		l := newLocal(t, srv, c)
		url, queue := l.queue("q.fifo", "FifoQueue", "true")
		if i == 0 {
			l.subscribe(l.topic("t.fifo", "FifoTopic", "true"), queue, "RawMessageDelivery", "true")
			first = l.publish(topic, "one", inGroup("g", "d"))
		} else {
			if again := l.publish(topic, "two", inGroup("g", "d")); *again.MessageId != *first.MessageId {
				t.Error("the topic has forgotten the deduplication id")
			}
			if next := l.publish(topic, "three", inGroup("g", "e")); *next.SequenceNumber <= *first.SequenceNumber {
				t.Errorf("sequence number %s came after %s", *next.SequenceNumber, *first.SequenceNumber)
			}
			if diff := cmp.Diff([]string{"one", "three"}, bodies(l.receive(url))); diff != "" {
				t.Errorf("received (-want +got):\n%s", diff)
			}
		}
		if err := srv.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
