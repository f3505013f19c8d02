package sqs_test

import (
	"context"
	"fmt"
	"net/http/httptrace"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

// poll starts a receive that waits 20 seconds. The channel yields its messages.
func (l *local) poll(ctx context.Context, queue string) <-chan []types.Message {
	result := make(chan []types.Message, 1)
	go func() {
		defer close(result)
		out, err := l.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &queue, WaitTimeSeconds: 20})
		if err == nil {
			result <- out.Messages
		}
	}()
	return result
}

// want requires a poll to end long before its 20 seconds are over.
func want(t *testing.T, poll <-chan []types.Message, bodies ...string) {
	t.Helper()
	select {
	case got := <-poll:
		if len(got) != len(bodies) || len(got) > 0 && *got[0].Body != bodies[0] {
			t.Errorf("the poll got %d messages, want %v", len(got), bodies)
		}
	case <-time.After(10 * time.Second):
		t.Error("the poll did not end")
	}
}

func TestALongPollEndsWhenAMessageIsSent(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q")
	poll := l.poll(t.Context(), q)
	l.send(q, "m")
	want(t, poll, "m")
}

func TestALongPollEndsWhenAMessageBecomesVisible(t *testing.T) {
	t.Parallel()
	for name, show := range map[string]func(l *local, q string, m types.Message){
		"by its timeout": func(l *local, _ string, _ types.Message) { l.advance(30 * time.Second) },
		"by a change":    func(l *local, q string, m types.Message) { _ = l.changeVisibility(q, m, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := start(t)
			q := l.create("q")
			l.send(q, "m")
			m := l.receiveOne(q)
			poll := l.poll(t.Context(), q)
			show(l, q, m)
			want(t, poll, "m")
		})
	}
}

func TestALongPollEndsWhenAGroupIsFreed(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q.fifo")
	l.sendAll(q, "a1", "a2")
	a1 := l.wantReceived(q, 1, "a1")
	poll := l.poll(t.Context(), q)
	l.delete(q, a1[0])
	want(t, poll, "a2")
}

func TestTheQueuesOwnWaitTimeIsTheDefault(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q", "ReceiveMessageWaitTimeSeconds", "20")
	result := make(chan []types.Message, 1)
	go func() { result <- l.receive(q, 1) }()
	l.send(q, "m")
	want(t, result, "m")
}

func TestALongPollReturnsNothingAfterItsTime(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q")
	if got := l.receive(q, 1, func(in *sqs.ReceiveMessageInput) { in.WaitTimeSeconds = 1 }); len(got) != 0 {
		t.Errorf("received %v", bodies(got))
	}
}

func TestALongPollEndsWhenTheQueueIsDeleted(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q")
	poll := l.poll(t.Context(), q)
	if _, err := l.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &q}); err != nil {
		t.Fatal(err)
	}
	want(t, poll)
}

func TestAClientThatDisconnectedTakesNoMessage(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q")
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		gone := l.poll(ctx, q)
		cancel()
		<-gone
	}
	stays := l.poll(t.Context(), q)
	l.send(q, "m")
	want(t, stays, "m")
	if count := l.attributes(q)["ApproximateNumberOfMessagesNotVisible"]; count != "1" {
		t.Errorf("%s messages are in flight, want 1", count)
	}
}

func TestClosingTheServerEndsLongPollsWithoutTakingMessages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() (*localaws.Server, *local) {
		srv, err := localaws.Open(localaws.Options{Dir: dir, Addr: "127.0.0.1:0", NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		return srv, &local{t, sqs.NewFromConfig(srv.AWSConfig()), newClock()}
	}
	srv, l := open()
	q := l.create("q")
	sent := make(chan struct{})
	poll := l.poll(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { close(sent) },
	}), q)
	<-sent
	l.attributes(q)
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, poll)
	srv, l = open()
	defer srv.Close()
	out, err := l.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	if n := l.attributes(*out.QueueUrl)["ApproximateNumberOfMessagesNotVisible"]; n != "0" {
		t.Errorf("%s messages are in flight", n)
	}
}

// Every message must reach one of many waiting receivers: no wake-up may be lost.
func TestManyReceiversShareManyMessages(t *testing.T) {
	t.Parallel()
	l := start(t)
	const groups, perGroup, receivers = 20, 10, 16
	q := l.create("q.fifo")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var mu sync.Mutex
	got := map[string][]string{}
	left := groups * perGroup
	var running sync.WaitGroup
	for range receivers {
		running.Go(func() {
			for ctx.Err() == nil {
				out, err := l.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
					QueueUrl: &q, MaxNumberOfMessages: 3, WaitTimeSeconds: 20,
					MessageSystemAttributeNames: []types.MessageSystemAttributeName{"MessageGroupId"},
				})
				if err != nil {
					continue
				}
				for _, m := range out.Messages {
					mu.Lock()
					group := m.Attributes["MessageGroupId"]
					got[group] = append(got[group], *m.Body)
					if left--; left == 0 {
						cancel()
					}
					mu.Unlock()
				}
				for _, m := range out.Messages {
					_, _ = l.DeleteMessage(context.WithoutCancel(ctx), &sqs.DeleteMessageInput{QueueUrl: &q, ReceiptHandle: m.ReceiptHandle})
				}
			}
		})
	}
	for i := range perGroup {
		for g := range groups {
			l.send(q, fmt.Sprint(i), inGroup(fmt.Sprint("g", g), fmt.Sprint(g, "-", i)))
		}
	}
	running.Wait()
	if left != 0 {
		t.Fatalf("%d messages were not received", left)
	}
	for group, received := range got {
		for i, body := range received {
			if body != fmt.Sprint(i) {
				t.Errorf("group %s was received as %v", group, received)
				break
			}
		}
	}
}
