package transport

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// It is not parallel, so that no other test's goroutines come and go meanwhile.
func TestASubscriptionThatEndedLeavesNothingBehindBeforeClose(t *testing.T) {
	c := startCloud(t)
	queue := c.queue("leak.fifo")
	sub := c.subscriber(SubscriberConfig{Backoff: atOnce, WaitTime: time.Second})
	publish(t, c.publisher(PublisherConfig{}), queue, texts("g", "m", 5)...)
	before := goleak.IgnoreCurrent()
	for range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		received, err := sub.Subscribe(ctx, queue)
		if err != nil {
			t.Fatal(err)
		}
		next(t, received).Nack()
		cancel()
		ended(t, received)
	}
	eventually(t, "the subscriber forgets them", func() bool {
		sub.mu.Lock()
		defer sub.mu.Unlock()
		return len(sub.subs) == 0
	})
	goleak.VerifyNone(t, before, goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"))
}

func TestAWorkerStoppedInABurstLeavesTheRestToTheOtherAtOnce(t *testing.T) {
	t.Parallel()
	for _, queue := range []string{"commands.fifo", "provisioning"} {
		t.Run(queue, func(t *testing.T) {
			t.Parallel()
			c := startCloud(t)
			c.queue(queue)
			const groups, each = 15, 20
			var mu sync.Mutex
			handled := map[string]int{}
			byFirst := make(chan struct{}, groups*each)
			consumers := func(done chan<- struct{}) []Consumer {
				return []Consumer{{
					Name: "burst", Queue: queue,
					// Whoever had to wait for a lease to run out would wait longer than the test.
					Subscriber: SubscriberConfig{CloseTimeout: patience, Visibility: time.Hour, WaitTime: time.Second, Concurrency: 20},
					Handlers: map[string]Handler{registerType: func(ctx context.Context, ev events.Event) error {
						mu.Lock()
						handled[ev.ID]++
						mu.Unlock()
						done <- struct{}{}
						return ctx.Err()
					}},
				}}
			}
			var burst []events.Event
			want := map[string]int{}
			for i := range groups * each {
				ev := event(fmt.Sprint("e", i), portal.Stream(fmt.Sprint("account/", i%groups)), events.RegisterUser{})
				burst, want[ev.ID] = append(burst, ev), 1
			}
			sender := NewSender(c.publisher(PublisherConfig{}), nil, func(events.Event) (Destination, error) {
				return Destination{Queue: queue, FIFO: isFIFO(queue)}, nil
			})
			if err := sender.Send(t.Context(), burst...); err != nil {
				t.Fatal(err)
			}
			_, stopped := work(t, c, WorkerConfig{Failures: &ledger{}, Consumers: consumers(byFirst)})
			for range groups * each / 4 {
				next(t, byFirst)
			}
			stopped()
			bySecond := make(chan struct{}, groups*each)
			_, finished := work(t, c, WorkerConfig{Failures: &ledger{}, Consumers: consumers(bySecond)})
			eventually(t, "all is handled", func() bool {
				mu.Lock()
				defer mu.Unlock()
				return len(handled) == len(want)
			})
			finished()
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(want, handled); diff != "" {
				t.Errorf("how often each was handled (-want +got):\n%s", diff)
			}
			if visible, hidden := c.left(queue); visible+hidden != "00" {
				t.Errorf("the queue still holds %s, and %s leased", visible, hidden)
			}
			if len(bySecond) == 0 {
				t.Error("the first worker was stopped too late to leave anything")
			}
		})
	}
}

func TestClosingLetsAPollEndByItselfAndReleasesWhatItBrings(t *testing.T) {
	t.Parallel()
	for queue, group := range map[string]string{"patient": "", "patient.fifo": "g"} {
		t.Run(queue, func(t *testing.T) {
			t.Parallel()
			c := startCloud(t)
			c.queue(queue)
			polls, cut := make(chan struct{}, 100), atomic.Bool{}
			c.get = func(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
				polls <- struct{}{}
				out, err := c.Client.ReceiveMessage(ctx, in)
				cut.Store(cut.Load() || err != nil)
				return out, err
			}
			sub := c.subscriber(SubscriberConfig{WaitTime: 20 * time.Second, CloseTimeout: patience, Visibility: time.Hour})
			ctx, cancel := context.WithCancel(t.Context())
			received, err := sub.Subscribe(ctx, queue)
			if err != nil {
				t.Fatal(err)
			}
			next(t, polls)
			cancel()
			ended(t, received)
			// SQS gives it to the poll that is still under way.
			publish(t, c.publisher(PublisherConfig{}), queue, text(group, "m"))
			if err := sub.Close(); err != nil {
				t.Fatal(err)
			}
			if visible, hidden := c.left(queue); visible != "1" || hidden != "0" {
				t.Errorf("the queue holds %s and %s leased, want the one released", visible, hidden)
			}
			if cut.Load() {
				t.Error("the poll was cut off")
			}
		})
	}
}

func TestAnIdleQueueIsPolledByOneAndABusyOneByAll(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.queue("idle")
	var now, most atomic.Int64
	answered := make(chan struct{}, 1000)
	c.get = func(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer func() { now.Add(-1); answered <- struct{}{} }()
		return c.Client.ReceiveMessage(ctx, in)
	}
	received := c.subscribe(c.subscriber(SubscriberConfig{Pollers: 4, WaitTime: time.Second}), queue)
	next(t, answered)
	next(t, answered)
	if most.Load() != 1 {
		t.Errorf("%d requests waited at once for an idle queue", most.Load())
	}
	publish(t, c.publisher(PublisherConfig{}), queue, texts("", "m", 10)...)
	for range 10 {
		next(t, received).Ack()
	}
	eventually(t, "all pollers look for more", func() bool { return most.Load() == 4 })
}
