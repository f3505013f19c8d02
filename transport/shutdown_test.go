package transport

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
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

func TestClosingEndsWhateverSQSDoes(t *testing.T) {
	t.Parallel()
	until := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, trouble := range map[string]func(context.Context) error{
		"it hangs":           until,
		"it refuses at once": func(context.Context) error { return errors.New("service unavailable") },
	} {
		for _, queue := range []string{"closing", "closing.fifo"} {
			t.Run(name+", "+queue, func(t *testing.T) {
				t.Parallel()
				c := startCloud(t)
				c.queue(queue)
				const messages = 30
				for i := range messages {
					group := ""
					if isFIFO(queue) {
						group = fmt.Sprint("g", i)
					}
					publish(t, c.publisher(PublisherConfig{}), queue, text(group, "m"))
				}
				var broken atomic.Bool
				c.get = func(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
					if broken.Load() {
						return nil, trouble(ctx)
					}
					return c.Client.ReceiveMessage(ctx, in)
				}
				c.drop = func(ctx context.Context, _ *sqs.DeleteMessageBatchInput) (*sqs.DeleteMessageBatchOutput, error) {
					return nil, trouble(ctx)
				}
				c.change = func(ctx context.Context, _ *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
					return nil, trouble(ctx)
				}
				sub := c.subscriber(SubscriberConfig{
					Visibility: time.Hour, CloseTimeout: time.Second, SettleTime: 500 * time.Millisecond,
				})
				received := c.subscribe(sub, queue)
				var inHand []*message.Message
				for range messages {
					inHand = append(inHand, next(t, received))
				}
				broken.Store(true)
				closed := make(chan struct{})
				go func() {
					defer close(closed)
					_ = sub.Close()
				}()
				for _, msg := range inHand[:messages/2] {
					msg.Ack() // the others are never answered
				}
				ended(t, closed)
			})
		}
	}
}

func TestWhileClosingHandingBackIsTriedUntilTheTimeIsUp(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.queue("again.fifo")
	publish(t, c.publisher(PublisherConfig{}), queue, texts("g", "m", 3)...)
	var tries atomic.Int64
	c.change = func(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
		if tries.Add(1) <= settleTries+2 {
			return nil, errors.New("not now")
		}
		return c.Client.ChangeMessageVisibilityBatch(ctx, in)
	}
	sub := c.subscriber(SubscriberConfig{Visibility: time.Hour})
	next(t, c.subscribe(sub, queue))
	if err := sub.Close(); err != nil {
		t.Fatal(err)
	}
	if visible, hidden := c.left(queue); visible != "3" || hidden != "0" {
		t.Errorf("after %d tries the queue holds %s and %s leased, want all 3 released", tries.Load(), visible, hidden)
	}
}

func TestAMessageThatOnlyWaitsGoesBackAtOnceWhenTheWorkerStops(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	provisioning := c.queue("provisioning")
	waiting, l := make(chan struct{}), &ledger{}
	stop, wait := work(t, c, WorkerConfig{
		Failures: l,
		Consumers: []Consumer{{
			Name: "converging", Queue: provisioning,
			// Cut off or left to its lease, it would come too late for the test.
			Subscriber: SubscriberConfig{CloseTimeout: time.Hour, Visibility: time.Hour, WaitTime: time.Second},
			Handlers: map[string]Handler{events.ProvisionRequested{}.EventType(): func(ctx context.Context, _ events.Event) error {
				close(waiting)
				select {
				case <-portal.Stopping(ctx):
					return fmt.Errorf("converging: %w", &portal.Postponed{After: time.Hour, Reason: "stopping", Err: portal.ErrStopping})
				case <-ctx.Done():
					return ctx.Err()
				}
			}},
		}},
	})
	if err := c.sender().Send(t.Context(), event("1", "account/a", events.ProvisionRequested{})); err != nil {
		t.Fatal(err)
	}
	ended(t, waiting)
	stop()
	wait()
	if visible, hidden := c.left(provisioning); visible != "1" || hidden != "0" {
		t.Errorf("the queue holds %s and %s leased, want the one released", visible, hidden)
	}
	if len(l.failures) > 0 {
		t.Errorf("stopping was counted as a failure: %v", l.failures)
	}
}

// deaf does not answer, whatever becomes of the context.
type deaf struct{ forever chan struct{} }

func (d deaf) Failed(context.Context, string, time.Time) (Failure, error) {
	<-d.forever
	return Failure{}, errors.New("too late")
}

func (d deaf) Bury(context.Context, DeadLetter) error { return nil }

func TestAWorkerStopsInTimeThoughItsHandlersDoNot(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	commands := c.queue("commands.fifo")
	d := deaf{make(chan struct{})}
	t.Cleanup(func() { close(d.forever) })
	started := make(chan string, 10)
	_, wait := work(t, c, WorkerConfig{
		Failures: d,
		Consumers: []Consumer{{
			Name: "deciding", Queue: commands,
			Subscriber: SubscriberConfig{CloseTimeout: 3 * time.Second, SettleTime: 2 * time.Second, Visibility: time.Hour},
			Handlers: map[string]Handler{registerType: func(_ context.Context, ev events.Event) error {
				started <- ev.ID
				if ev.ID == "1" {
					return errors.New("it fails, and that cannot be noted")
				}
				<-d.forever
				return nil
			}},
		}},
	})
	if err := c.sender().Send(t.Context(),
		event("1", "account/a", events.RegisterUser{}), event("2", "account/b", events.RegisterUser{})); err != nil {
		t.Fatal(err)
	}
	next(t, started)
	next(t, started)
	wait()
	if visible, hidden := c.left(commands); visible != "2" || hidden != "0" {
		t.Errorf("the queue holds %s and %s leased, want both released", visible, hidden)
	}
}
