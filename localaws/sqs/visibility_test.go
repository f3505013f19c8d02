package sqs_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
)

const notInFlight = "AWS.SimpleQueueService.MessageNotInflight"

func TestAReceivedMessageComesBackAfterItsVisibilityTimeout(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q", "VisibilityTimeout", "30")
	l.send(q, "m")
	first := l.receiveOne(q)
	l.advance(30*time.Second - time.Millisecond)
	if got := l.receive(q, 1); len(got) != 0 {
		t.Fatal("the message came back early")
	}
	l.advance(time.Millisecond)
	second := l.receiveOne(q)
	if *second.ReceiptHandle == *first.ReceiptHandle {
		t.Error("the second receive has the receipt handle of the first")
	}
	want := map[string]string{
		"SenderId": "local", "SentTimestamp": "1772366400000",
		"ApproximateFirstReceiveTimestamp": "1772366400000", "ApproximateReceiveCount": "2",
	}
	if diff := cmp.Diff(want, second.Attributes); diff != "" {
		t.Errorf("attributes differ (-want +got):\n%s", diff)
	}
}

func TestChangingTheVisibilityExtendsOrEndsIt(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q")
	l.send(q, "m")
	m := l.receiveOne(q, func(in *sqs.ReceiveMessageInput) { in.VisibilityTimeout = 5 })
	if err := l.changeVisibility(q, m, 60); err != nil {
		t.Fatal(err)
	}
	l.advance(59 * time.Second)
	if got := l.receive(q, 1); len(got) != 0 {
		t.Fatal("the message came back before the extended timeout was over")
	}
	if err := l.changeVisibility(q, m, 0); err != nil {
		t.Fatal(err)
	}
	wantCode(t, l.changeVisibility(q, m, 10), notInFlight)
	l.receiveOne(q)
}

func TestChangingTheVisibilityIsRefusedWhereAWSRefusesIt(t *testing.T) {
	t.Parallel()
	l := start(t)
	q, other := l.create("q"), l.create("other")
	l.send(q, "m")
	stale := l.receiveOne(q)
	wantCode(t, l.changeVisibility(other, stale, 1), "ReceiptHandleIsInvalid")
	wantCode(t, l.changeVisibility(q, stale, 43201), "InvalidParameterValue")
	l.advance(25 * time.Second)
	wantCode(t, l.changeVisibility(q, stale, 43200), "InvalidParameterValue") // 12 hours in all
	l.advance(5 * time.Second)
	wantCode(t, l.changeVisibility(q, stale, 1), notInFlight)
	m := l.receiveOne(q)
	l.delete(q, m)
	wantCode(t, l.changeVisibility(q, m, 1), "InvalidParameterValue")
}

// Observed on AWS: each of these answers 200 and usually takes effect.
func TestAStandardQueueAcceptsTheHandleOfAnEarlierReceive(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q")
	l.send(q, "m")
	old := l.receiveOne(q)
	l.advance(time.Minute)
	l.receiveOne(q)
	if err := l.changeVisibility(q, old, 0); err != nil {
		t.Fatalf("changing the visibility of another receiver's message: %v", err)
	}
	latest := l.receiveOne(q)
	l.delete(q, old)
	if n := l.attributes(q)["ApproximateNumberOfMessagesNotVisible"]; n != "0" {
		t.Errorf("the old handle left %s messages in flight, want none", n)
	}
	l.delete(q, latest)
	wantCode(t, l.changeVisibility(q, latest, 0), "InvalidParameterValue")
}

func TestAStandardQueueDeletesByAHandleWhoseTimeoutIsOver(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q")
	l.send(q, "m")
	m := l.receiveOne(q)
	l.advance(time.Minute)
	l.delete(q, m)
	l.delete(q, m)
	if got := l.receive(q, 1); len(got) != 0 {
		t.Error("the message is still there")
	}
	_, err := l.DeleteMessage(context.Background(), &sqs.DeleteMessageInput{QueueUrl: &q, ReceiptHandle: aws.String("nonsense")})
	wantCode(t, err, "ReceiptHandleIsInvalid")
}

func TestAFIFOQueueRefusesToDeleteOnceTheTimeoutIsOver(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q.fifo")
	l.send(q, "m", inGroup("g", "d"))
	stale := l.receiveOne(q)
	l.advance(30 * time.Second)
	deleteIt := func() error {
		_, err := l.DeleteMessage(context.Background(), &sqs.DeleteMessageInput{QueueUrl: &q, ReceiptHandle: stale.ReceiptHandle})
		return err
	}
	wantCode(t, deleteIt(), "InvalidParameterValue")
	latest := l.receiveOne(q)
	wantCode(t, deleteIt(), "InvalidParameterValue")
	wantCode(t, l.changeVisibility(q, stale, 0), "InvalidParameterValue")
	l.delete(q, latest)
	if err := deleteIt(); err != nil {
		t.Errorf("deleting a deleted message: %v", err)
	}
}
