package sqs_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func attempt(id string) func(*sqs.ReceiveMessageInput) {
	return func(in *sqs.ReceiveMessageInput) { in.ReceiveRequestAttemptId = &id }
}

// wantSame requires the same messages and handles.
func wantSame(t *testing.T, first, again []types.Message) {
	t.Helper()
	if len(first) == 0 || len(first) != len(again) {
		t.Fatalf("received %v, then %v", bodies(first), bodies(again))
	}
	for i := range first {
		if *first[i].ReceiptHandle != *again[i].ReceiptHandle || *first[i].Body != *again[i].Body ||
			first[i].Attributes["ApproximateReceiveCount"] != again[i].Attributes["ApproximateReceiveCount"] {
			t.Errorf("received %s, then %s under another handle or count", *first[i].Body, *again[i].Body)
		}
	}
}

func TestARepeatedReceiveGetsTheSameMessages(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q.fifo", "VisibilityTimeout", "60")
	l.sendAll(q, "a1", "a2", "b1")
	first := l.receive(q, 2, attempt("x"))
	l.sendAll(q, "a3")
	l.advance(50 * time.Second)
	wantSame(t, first, l.receive(q, 2, attempt("x")))
	l.advance(50 * time.Second) // the repeat started the visibility timeout again
	wantSame(t, first, l.receive(q, 2, attempt("x")))
	l.wantReceived(q, 10, "b1")
	l.delete(q, first[0])
}

func TestAReceiveCannotBeRepeatedAfterAChange(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*local, string, []types.Message){
		"a message was deleted": func(l *local, q string, got []types.Message) { l.delete(q, got[1]) },
		"a visibility was changed": func(l *local, q string, got []types.Message) {
			if err := l.changeVisibility(q, got[1], 40); err != nil {
				l.t.Fatal(err)
			}
		},
		"the attempt is too old": func(l *local, _ string, _ []types.Message) { l.advance(5 * time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := start(t)
			q := l.create("q.fifo", "VisibilityTimeout", "400")
			l.sendAll(q, "a1", "a2", "b1", "c1")
			got := l.wantReceivedBy(q, "x", "a1", "a2")
			change(l, q, got)
			l.wantReceivedBy(q, "x", "b1", "c1")
		})
	}
}

func (l *local) wantReceivedBy(queue, id string, want ...string) []types.Message {
	l.t.Helper()
	got := l.receive(queue, int32(len(want)), attempt(id))
	for i := range want {
		if i >= len(got) || *got[i].Body != want[i] {
			l.t.Fatalf("attempt %s received %v, want %v", id, bodies(got), want)
		}
	}
	return got
}

func TestARepeatAfterTheVisibilityTimeoutReceivesAgain(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q.fifo")
	l.sendAll(q, "a1")
	first := l.receiveOne(q, attempt("x"))
	l.advance(30 * time.Second)
	again := l.receiveOne(q, attempt("x"))
	if *again.ReceiptHandle == *first.ReceiptHandle || again.Attributes["ApproximateReceiveCount"] != "2" {
		t.Errorf("the receive count is %s, want another receive", again.Attributes["ApproximateReceiveCount"])
	}
}

func TestAReceiveCanBeRepeatedAfterARestart(t *testing.T) {
	t.Parallel()
	var first []types.Message
	restarted(t, func(l *local) {
		q := l.create("q.fifo")
		l.sendAll(q, "a1")
		first = l.receive(q, 1, attempt("x"))
	}, func(l *local, url func(string) string) {
		wantSame(t, first, l.receive(url("q.fifo"), 1, attempt("x")))
	})
}
