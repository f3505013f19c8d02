package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/handlers"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/marketplace/intake"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/provisioning"
	"github.com/gatehouse-portal/gatehouse/trail"
	"github.com/gatehouse-portal/gatehouse/transport"
)

func TestNamesFollowFromThePrefix(t *testing.T) {
	t.Parallel()
	names := NamesFor("acme")
	want := []string{"acme-journal", "acme-views", "acme-records", "acme-sessions", "acme-usage"}
	if diff := cmp.Diff(want, names.Tables()); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	want = []string{"acme-commands.fifo", "acme-provisioning", "acme-projections.fifo", "acme-jobs.fifo", "acme-notices.fifo", "acme-deliveries", "acme-marketplace"}
	if diff := cmp.Diff(want, names.Queues()); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(append(want, "acme-trail"), Config{Prefix: "acme", Trail: TrailOn}.Names().Queues()); diff != "" {
		t.Errorf("queues with the trail (-want +got):\n%s", diff)
	}
	if names.Events != "acme-events.fifo" || names.KMSAlias != "alias/acme-keys" || names.KeyNamePrefix() != "acme" {
		t.Errorf("%+v", names)
	}
}

func TestDeadLetterQueueHasTheTypeOfItsQueue(t *testing.T) {
	t.Parallel()
	for queue, want := range map[string]string{
		"acme-commands.fifo": "acme-commands-dlq.fifo", "acme-provisioning": "acme-provisioning-dlq", "a.fifo.b": "a.fifo.b-dlq",
	} {
		if got := DeadLetterQueue(queue); got != want {
			t.Errorf("of %s it is %s, want %s", queue, got, want)
		}
	}
	// SQS accepts the names that the longest prefix makes.
	for _, queue := range NamesFor(strings.Repeat("p", 40)).Queues() {
		if dlq := DeadLetterQueue(queue); len(dlq) > 80 {
			t.Errorf("%s has %d characters", dlq, len(dlq))
		}
	}
}

func message(t *testing.T, name string) events.Event {
	t.Helper()
	e, err := events.Decode(fmt.Appendf(nil, `{"specversion":"1.0","id":"1","subject":"account/a","type":%q,"data":{}}`, name))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEveryMessageHasARouteAndAHandler(t *testing.T) {
	t.Parallel()
	names := NamesFor("acme")
	byQueue := map[string]transport.Consumer{}
	for _, c := range everyConsumer(names) {
		byQueue[c.Queue] = c
	}
	facts := map[string]bool{}
	for _, name := range events.FactTypes() {
		facts[name] = true
	}
	special := map[string]transport.Destination{
		events.ProvisionRequested{}.EventType(): {Queue: "acme-provisioning"},
		events.ShowRequested{}.EventType():      {Queue: "acme-projections.fifo", FIFO: true},
		events.JobRequested{}.EventType():       {Queue: "acme-jobs.fifo", FIFO: true},
		events.TellRequested{}.EventType():      {Queue: "acme-notices.fifo", FIFO: true},
		events.DeliveryRequested{}.EventType():  {Queue: "acme-deliveries"},
	}
	for _, name := range events.Types() {
		want, ok := special[name]
		switch {
		case facts[name]:
			want = transport.Destination{Topic: "acme-events.fifo", FIFO: true}
		case !ok:
			want = transport.Destination{Queue: "acme-commands.fifo", FIFO: true}
		}
		got, err := routes(names)(message(t, name))
		if err != nil || got != want {
			t.Errorf("a %s goes to %+v, %v, want %+v", name, got, err, want)
		}
		queue := got.Queue
		if got.Topic != "" {
			queue = names.Projections // which is subscribed to it
		}
		if byQueue[queue].Handlers[name] == nil {
			t.Errorf("nobody at %s handles a %s", queue, name)
		}
	}
}

// unroutable is a payload that is neither a request nor a fact.
type unroutable struct{}

func (unroutable) EventType() string { return "gatehouse.Unroutable.v1" }

func TestMessageWithoutARouteIsAnError(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]events.Event{"gatehouse.Unroutable.v1": {Data: unroutable{}}, "": {}} {
		if to, err := routes(NamesFor("acme"))(e); err == nil || !strings.Contains(err.Error(), "no route for a "+name) {
			t.Errorf("%q goes to %v, %v", name, to, err)
		}
	}
}

// everyConsumer returns a worker's consumers, without dependencies.
func everyConsumer(names Names) []transport.Consumer {
	p := Process{Config: Config{Trail: TrailOff}}
	if names.trail {
		p.Config.Trail = TrailOn
	}
	return consumers(names, p, handlers.New(handlers.Config{}), &provisioning.Converger{}, (&projections.Projector{}).Handle, jobs.NewRunner(nil, nil, time.Now),
		&notices.Notifier{}, &notices.Deliverer{}, intake.Intake{}, trail.Intake{})
}

func TestWorkerReceivesFromAllQueuesAndDeadLetterQueues(t *testing.T) {
	t.Parallel()
	for _, trail := range []string{TrailOff, TrailOn} {
		checkReceives(t, Config{Prefix: "acme", Trail: trail}.Names())
	}
}

func checkReceives(t *testing.T, names Names) {
	t.Helper()
	want := map[string]bool{}
	for _, queue := range names.Queues() {
		want[queue], want[DeadLetterQueue(queue)] = true, true
	}
	got, called := map[string]bool{}, map[string]bool{}
	for _, c := range everyConsumer(names) {
		if got[c.Queue] || called[c.Name] || c.Name == "" {
			t.Errorf("%s of %s is there twice, or has no name", c.Name, c.Queue)
		}
		got[c.Queue], called[c.Name] = true, true
		if c.Subscriber.Pollers < 1 || c.Subscriber.Concurrency < 1 {
			t.Errorf("%s does not receive: %+v", c.Name, c.Subscriber)
		}
		// Only the topic's queues receive facts that a worker need not know. Elsewhere an
		// unknown message becomes a dead letter.
		if c.IgnoreUnknown != slices.Contains(names.Subscribed(), c.Queue) {
			t.Errorf("%s lets unknown messages pass: %t", c.Name, c.IgnoreUnknown)
		}
		// The messages of AWS have no type that could choose a handler.
		raw := c.Queue == names.Marketplace || c.Queue == names.Trail
		if (raw || strings.Contains(c.Queue, "-dlq")) != (len(c.Handlers) == 0) || raw && c.Raw == nil {
			t.Errorf("%s has %d handlers", c.Name, len(c.Handlers))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}
}

func TestOnceCachesResultsButNotErrors(t *testing.T) {
	t.Parallel()
	calls := map[string]int{}
	down := errors.New("down")
	find := cached(func(_ context.Context, name string) (string, error) {
		calls[name]++
		if calls[name] == 1 {
			return "", down
		}
		return "arn:" + name, nil
	})
	for _, name := range []string{"a", "b"} {
		if got, err := find(t.Context(), name); !errors.Is(err, down) {
			t.Errorf("the first time %s is %q, %v", name, got, err)
		}
		for range 3 {
			if got, err := find(t.Context(), name); err != nil || got != "arn:"+name {
				t.Errorf("%s is %q, %v", name, got, err)
			}
		}
		if calls[name] != 2 {
			t.Errorf("%s was looked for %d times, want 2", name, calls[name])
		}
	}
}

func TestOnceIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	find := cached(func(_ context.Context, name string) (string, error) { return "arn:" + name, nil })
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			name := fmt.Sprint(i % 3)
			if got, err := find(t.Context(), name); err != nil || got != "arn:"+name {
				t.Errorf("%s is %q, %v", name, got, err)
			}
		})
	}
	group.Wait()
}
