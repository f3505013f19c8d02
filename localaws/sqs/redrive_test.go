package sqs_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
)

func TestAStandardMessageReceivedTooOftenMovesToTheDeadLetterQueue(t *testing.T) {
	t.Parallel()
	l := start(t)
	dead := l.create("dead")
	q := l.create("q", "VisibilityTimeout", "0", "RedrivePolicy", `{"maxReceiveCount":2,"deadLetterTargetArn":"`+l.arn(dead)+`"}`)
	sent := l.send(q, "poison")
	l.receiveOne(q)
	l.receiveOne(q)
	l.wantReceived(dead, 10)
	l.advance(time.Minute)
	l.wantReceived(q, 10)
	m := l.receiveOne(dead)
	if *m.MessageId != *sent.MessageId {
		t.Errorf("the message id became %s, was %s", *m.MessageId, *sent.MessageId)
	}
	want := map[string]string{
		"SenderId": "local", "SentTimestamp": "1772366400000", "ApproximateFirstReceiveTimestamp": "1772366400000",
		"ApproximateReceiveCount": "3", "DeadLetterQueueSourceArn": l.arn(q),
	}
	if diff := cmp.Diff(want, m.Attributes); diff != "" {
		t.Errorf("attributes differ (-want +got):\n%s", diff)
	}
}

func TestAFIFOMessageGivenUpKeepsItsGroupAndUnblocksIt(t *testing.T) {
	t.Parallel()
	l := start(t)
	dead := l.create("dead.fifo")
	q := l.create("q.fifo", "RedrivePolicy", `{"maxReceiveCount":1,"deadLetterTargetArn":"`+l.arn(dead)+`"}`)
	l.sendAll(q, "a1", "a2")
	poison := l.wantReceived(q, 1, "a1")
	if err := l.changeVisibility(q, poison[0], 0); err != nil {
		t.Fatal(err)
	}
	l.advance(time.Minute)
	l.wantReceived(q, 10, "a2")
	m := l.receiveOne(dead)
	for name, want := range map[string]string{
		"MessageGroupId": "a", "MessageDeduplicationId": *m.MessageId,
		"DeadLetterQueueSourceArn": l.arn(q), "SentTimestamp": "1772366460000",
	} {
		if got := m.Attributes[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestAWholeGroupCanBeGivenUpInOneReceive(t *testing.T) {
	t.Parallel()
	l := start(t)
	dead := l.create("dead.fifo")
	q := l.create("q.fifo", "RedrivePolicy", `{"maxReceiveCount":1,"deadLetterTargetArn":"`+l.arn(dead)+`"}`)
	l.sendAll(q, "a1", "a2", "a3", "b1")
	l.wantReceived(q, 3, "a1", "a2", "a3")
	l.advance(time.Minute)
	l.wantReceived(q, 2, "b1")
	l.wantReceived(dead, 10, "a1", "a2", "a3")
}

func TestAQueueKeepsDeliveringAfterItsDeadLetterQueueIsDeleted(t *testing.T) {
	t.Parallel()
	l := start(t)
	dead := l.create("dead")
	q := l.create("q", "VisibilityTimeout", "0", "RedrivePolicy", `{"maxReceiveCount":1,"deadLetterTargetArn":"`+l.arn(dead)+`"}`)
	l.send(q, "m")
	if _, err := l.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &dead}); err != nil {
		t.Fatal(err)
	}
	l.receiveOne(q)
	l.receiveOne(q)
}
