package sqs_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
)

// sendAll sends bodies like "a1", whose first letter is the group.
func (l *local) sendAll(queue string, bodies ...string) {
	l.t.Helper()
	for _, body := range bodies {
		l.send(queue, body, inGroup(body[:1], body))
	}
}

func (l *local) wantReceived(queue string, n int32, want ...string) []types.Message {
	l.t.Helper()
	got := l.receive(queue, n)
	if diff := cmp.Diff(append([]string{}, want...), bodies(got)); diff != "" {
		l.t.Errorf("received (-want +got):\n%s", diff)
	}
	return got
}

func TestOneReceiveReturnsTheMessagesOfAGroupInOrder(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q.fifo")
	l.sendAll(q, "a1", "b1", "a2", "c1", "a3")
	l.wantReceived(q, 4, "a1", "a2", "a3", "b1")
	l.wantReceived(q, 4, "c1")
}

// Observed on AWS: groups whose heads came back are served after the group that was
// not received yet.
func TestGroupsAreServedInTheOrderTheirHeadsBecameVisible(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q.fifo")
	l.sendAll(q, "a1", "b1", "b2", "c1", "a2")
	for _, m := range l.wantReceived(q, 3, "a1", "a2", "b1") {
		if err := l.changeVisibility(q, m, 0); err != nil {
			t.Fatal(err)
		}
	}
	got := l.wantReceived(q, 10, "c1", "a1", "a2", "b1", "b2")
	for i, delay := range []int32{3, 2, 2, 1, 1} {
		if err := l.changeVisibility(q, got[i], delay); err != nil {
			t.Fatal(err)
		}
	}
	l.advance(time.Second)
	l.sendAll(q, "d1") // served after b, which is visible by now, and before a and c
	l.advance(2 * time.Second)
	l.wantReceived(q, 10, "b1", "b2", "d1", "a1", "a2", "c1")
}

func TestAGroupWithAMessageInFlightIsWithheld(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q.fifo")
	l.sendAll(q, "a1", "a2", "b1")
	a1 := l.wantReceived(q, 1, "a1")
	b1 := l.wantReceived(q, 10, "b1")
	l.sendAll(q, "a3")
	l.wantReceived(q, 10)
	l.delete(q, a1[0])
	l.wantReceived(q, 10, "a2", "a3")
	l.delete(q, b1[0])
	l.advance(30 * time.Second)
	l.wantReceived(q, 10, "a2", "a3")
}

// Observed on AWS: messages before the one in flight are received, those behind
// it are not.
func TestAGroupIsReceivedUpToTheMessageInFlight(t *testing.T) {
	t.Parallel()
	for i, want := range [][]string{{}, {"a1"}, {"a1", "a2"}} {
		t.Run(fmt.Sprint("message ", i+1, " in flight for longer"), func(t *testing.T) {
			t.Parallel()
			l := start(t)
			q := l.create("q.fifo", "VisibilityTimeout", "1")
			l.sendAll(q, "a1", "a2", "a3")
			got := l.wantReceived(q, 10, "a1", "a2", "a3")
			if err := l.changeVisibility(q, got[i], 4); err != nil {
				t.Fatal(err)
			}
			l.advance(2 * time.Second)
			l.wantReceived(q, 10, want...)
		})
	}
}

func TestANackedMessageKeepsItsPlace(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q.fifo")
	l.sendAll(q, "a1", "a2", "a3")
	got := l.wantReceived(q, 2, "a1", "a2")
	for _, m := range got {
		if err := l.changeVisibility(q, m, 0); err != nil {
			t.Fatal(err)
		}
	}
	l.wantReceived(q, 10, "a1", "a2", "a3")
}

func TestADuplicateIsDroppedForFiveMinutes(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q.fifo")
	first := l.send(q, "one", inGroup("g", "d"))
	l.delete(q, l.receiveOne(q))
	l.advance(5*time.Minute - time.Millisecond)
	second := l.send(q, "two", inGroup("h", "d"))
	if *second.MessageId != *first.MessageId || *second.SequenceNumber != *first.SequenceNumber {
		t.Errorf("the duplicate got id %s and number %s, want those of the first", *second.MessageId, *second.SequenceNumber)
	}
	l.wantReceived(q, 10)
	l.advance(time.Millisecond)
	l.send(q, "three", inGroup("g", "d"))
	l.wantReceived(q, 10, "three")
}

func TestDeduplicationByContentAndByGroup(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q.fifo", "ContentBasedDeduplication", "true", "DeduplicationScope", "messageGroup")
	for _, group := range []string{"a", "b", "a"} {
		l.send(q, "same", inGroup(group, ""))
	}
	l.send(q, "same", inGroup("a", "but-by-id"))
	got := l.wantReceived(q, 10, "same", "same", "same")
	const sha256OfSame = "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5"
	if id := got[0].Attributes["MessageDeduplicationId"]; id != sha256OfSame {
		t.Errorf("the deduplication id is %s, want %s", id, sha256OfSame)
	}
}

func TestDuplicatesWithinABatchAreDropped(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q.fifo")
	var entries []types.SendMessageBatchRequestEntry
	for i, dedup := range []string{"x", "y", "x"} {
		entries = append(entries, types.SendMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(fmt.Sprint("m", i)),
			MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String(dedup),
		})
	}
	out, err := l.SendMessageBatch(context.Background(), &sqs.SendMessageBatchInput{QueueUrl: &q, Entries: entries})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Successful) != 3 || *out.Successful[2].MessageId != *out.Successful[0].MessageId {
		t.Errorf("successful are %v, want three, the last like the first", out.Successful)
	}
	l.wantReceived(q, 10, "m0", "m1")
}

func TestSequenceNumbersRiseAndAreReturned(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q.fifo")
	a := l.send(q, "a", inGroup("g", "1"))
	b := l.send(q, "b", inGroup("g", "2"))
	if len(*a.SequenceNumber) != 20 || *a.SequenceNumber >= *b.SequenceNumber {
		t.Errorf("sequence numbers %s and %s, want 20 digits, rising", *a.SequenceNumber, *b.SequenceNumber)
	}
	got := l.wantReceived(q, 10, "a", "b")
	want := map[string]string{
		"SenderId": "local", "SentTimestamp": "1772366400000", "ApproximateFirstReceiveTimestamp": "1772366400000",
		"ApproximateReceiveCount": "1", "MessageGroupId": "g", "MessageDeduplicationId": "2", "SequenceNumber": *b.SequenceNumber,
	}
	if diff := cmp.Diff(want, got[1].Attributes); diff != "" {
		t.Errorf("attributes differ (-want +got):\n%s", diff)
	}
}
