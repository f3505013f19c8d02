package transport

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
	"github.com/gatehouse-portal/gatehouse/transport/sqstest"
)

func TestAWorkerStoppedInABurstLeavesTheRestToTheOtherAtOnce(t *testing.T) {
	t.Parallel()
	for _, queue := range []string{"commands.fifo", "provisioning"} {
		t.Run(queue, func(t *testing.T) {
			t.Parallel()
			c := startCloud(t)
			c.Queue(queue)
			const groups, each = 15, 20
			var mu sync.Mutex
			handled := map[string]int{}
			byFirst := make(chan struct{}, groups*each)
			consumers := func(done chan<- struct{}) []Consumer {
				return []Consumer{{
					Name: "burst", Queue: queue,
					// If a message had to wait for its lease to run out, the test would fail.
					Subscriber: pubsub.SubscriberConfig{CloseTimeout: patience, Visibility: time.Hour, WaitTime: time.Second, Concurrency: 20},
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
			sender := NewSender(c.publisher, nil, func(events.Event) (Destination, error) {
				return Destination{Queue: queue, FIFO: strings.HasSuffix(queue, ".fifo")}, nil
			})
			if err := sender.Send(t.Context(), burst...); err != nil {
				t.Fatal(err)
			}
			_, stopped := work(t, c, WorkerConfig{Failures: &ledger{}, Consumers: consumers(byFirst)})
			for range groups * each / 4 {
				sqstest.Next(t, byFirst)
			}
			stopped()
			bySecond := make(chan struct{}, groups*each)
			_, finished := work(t, c, WorkerConfig{Failures: &ledger{}, Consumers: consumers(bySecond)})
			sqstest.Eventually(t, "all is handled", func() bool {
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
			if visible, hidden := c.Left(queue); visible+hidden != "00" {
				t.Errorf("the queue still holds %s, and %s leased", visible, hidden)
			}
			if len(bySecond) == 0 {
				t.Error("the first worker was stopped too late to leave anything")
			}
		})
	}
}

func TestAMessageThatOnlyWaitsGoesBackAtOnceWhenTheWorkerStops(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	provisioning := c.Queue("provisioning")
	waiting, l := make(chan struct{}), &ledger{}
	stop, wait := work(t, c, WorkerConfig{
		Failures: l,
		Consumers: []Consumer{{
			Name: "converging", Queue: provisioning,
			// If it were cut off or had to wait for its lease to run out, the test would
			// fail.
			Subscriber: pubsub.SubscriberConfig{CloseTimeout: time.Hour, Visibility: time.Hour, WaitTime: time.Second},
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
	sqstest.Ended(t, waiting)
	stop()
	wait()
	if visible, hidden := c.Left(provisioning); visible != "1" || hidden != "0" {
		t.Errorf("%s messages are visible and %s leased, want the one visible", visible, hidden)
	}
	if len(l.failures) > 0 {
		t.Errorf("stopping was counted as a failure: %v", l.failures)
	}
}

// deaf never answers, not even when the context ends.
type deaf struct{ forever chan struct{} }

func (d deaf) Failed(context.Context, string, time.Time) (int, time.Time, error) {
	<-d.forever
	return 0, time.Time{}, errors.New("too late")
}

func (d deaf) Bury(context.Context, DeadLetter) error { return nil }

func TestAWorkerStopsInTimeThoughItsHandlersDoNot(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	commands := c.Queue("commands.fifo")
	d := deaf{make(chan struct{})}
	t.Cleanup(func() { close(d.forever) })
	started := make(chan string, 10)
	_, wait := work(t, c, WorkerConfig{
		Failures: d,
		Consumers: []Consumer{{
			Name: "deciding", Queue: commands,
			Subscriber: pubsub.SubscriberConfig{CloseTimeout: 3 * time.Second, HandBackTime: 2 * time.Second, Visibility: time.Hour},
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
	sqstest.Next(t, started)
	sqstest.Next(t, started)
	wait()
	if visible, hidden := c.Left(commands); visible != "2" || hidden != "0" {
		t.Errorf("%s messages are visible and %s leased, want both visible", visible, hidden)
	}
}
