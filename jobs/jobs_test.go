package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// outbox remembers what was sent, and when.
type outbox struct {
	mu   sync.Mutex
	sent []events.Event
	down error
}

func (o *outbox) Send(_ context.Context, messages ...events.Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down == nil {
		o.sent = append(o.sent, messages...)
	}
	return o.down
}

// empty takes out what was sent so far.
func (o *outbox) empty() []events.Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	sent := o.sent
	o.sent = nil
	return sent
}

func isPostponed(err error) bool {
	var postponed *portal.Postponed
	return errors.As(err, &postponed)
}

func tickOf(job, cursor string) events.Event {
	return events.Event{
		ID: "tick", Source: "/test", Subject: Stream(job), Time: opened, Correlation: "corr",
		Data: events.JobRequested{Job: job, Cursor: cursor},
	}
}

func TestATickRunsItsJobFromItsCursorAndSendsTheContinuation(t *testing.T) {
	t.Parallel()
	var ran []string
	step := func(name string) Job {
		return Job{Name: name, Every: time.Minute, Run: func(_ context.Context, cursor string) (string, error) {
			ran = append(ran, name+cursor)
			return map[string]string{"": "1", "1": "2", "2": ""}[cursor], nil
		}}
	}
	box, now := &outbox{}, opened
	r := NewRunner(box, func() time.Time { return now }, step("other"), step("due"))
	msg, ids := tickOf("due", ""), map[string]bool{}
	for _, cursor := range []string{"1", "2"} {
		if err := r.Handle(t.Context(), msg); err != nil {
			t.Fatal(err)
		}
		sent := box.empty()
		if len(sent) != 1 {
			t.Fatalf("sent %v, want one continuation", sent)
		}
		ids[sent[0].ID] = true
		want := tickOf("due", cursor)
		want.ID, want.Source = sent[0].ID, "/gatehouse/jobs"
		if diff := cmp.Diff(want, sent[0]); diff != "" {
			t.Errorf("the continuation (-want +got):\n%s", diff)
		}
		msg = sent[0]
	}
	if err := r.Handle(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
	if sent := box.empty(); len(sent) > 0 {
		t.Errorf("a job that is done sent %v", sent)
	}
	if diff := cmp.Diff([]string{"due", "due1", "due2"}, ran); diff != "" {
		t.Errorf("ran (-want +got):\n%s", diff)
	}
	// The same tick again runs it again; its continuation is not swallowed as a duplicate.
	now = now.Add(time.Second)
	if err := r.Handle(t.Context(), tickOf("due", "")); err != nil {
		t.Fatal(err)
	}
	if sent := box.empty(); len(sent) != 1 || ids[sent[0].ID] {
		t.Errorf("the second delivery sent %v", sent)
	}
}

func TestATickThatCannotBeRun(t *testing.T) {
	t.Parallel()
	broken := errors.New("the job is broken")
	box := &outbox{}
	r := NewRunner(box, time.Now,
		Job{Name: "broken", Run: func(context.Context, string) (string, error) { return "1", broken }},
		Job{Name: "long", Run: func(context.Context, string) (string, error) { return "1", nil }})
	if err := r.Handle(t.Context(), tickOf("unheard-of", "")); portal.CodeOf(err) != portal.Invalid {
		t.Errorf("a job that is unknown: %v, want invalid", err)
	}
	if err := r.Handle(t.Context(), events.Event{Data: events.RegisterUser{}}); portal.CodeOf(err) != portal.Invalid {
		t.Errorf("what is no tick: %v, want invalid", err)
	}
	if err := r.Handle(t.Context(), tickOf("broken", "")); !errors.Is(err, broken) || isPostponed(err) {
		t.Errorf("a job that fails: %v, want its error", err)
	}
	if sent := box.empty(); len(sent) > 0 {
		t.Errorf("sent %v", sent)
	}
	box.down = errors.New("the queue does not answer")
	if err := r.Handle(t.Context(), tickOf("long", "")); !isPostponed(err) {
		t.Errorf("a continuation that cannot be sent: %v, want Postponed", err)
	}
}

// ticks runs a Runner's Tick for that long, in a bubble's own time, from that much after
// a full hour on, and says what was sent when.
func ticks(t *testing.T, from, length time.Duration, box *outbox, jobs ...Job) (sent []string, ids []string) {
	t.Helper()
	time.Sleep(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour + from)))
	begin := time.Now().Truncate(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	NewRunner(box, time.Now, jobs...).Tick(ctx)
	for _, msg := range box.empty() {
		tick := msg.Data.(events.JobRequested)
		sent = append(sent, fmt.Sprint(tick.Job, " ", msg.Time.Sub(begin)))
		ids = append(ids, msg.ID)
		if msg.Subject != Stream(tick.Job) || tick.Cursor != "" {
			t.Errorf("the tick is %+v", msg)
		}
	}
	return sent, ids
}

var (
	eachMinute = Job{Name: "due", Every: time.Minute}
	eachFifth  = Job{Name: "catalog", Every: 5 * time.Minute}
	eachHour   = Job{Name: "sweep", Every: time.Hour}
)

func TestTicksAreSentAtTheBeginningOfEverySlotUntilTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sent, ids := ticks(t, 0, 6*time.Minute-time.Nanosecond, &outbox{}, eachMinute, eachFifth)
		want := []string{"due 0s", "catalog 0s", "due 1m0s", "due 2m0s", "due 3m0s", "due 4m0s", "due 5m0s", "catalog 5m0s"}
		if diff := cmp.Diff(want, sent); diff != "" {
			t.Errorf("ticks (-want +got):\n%s", diff)
		}
		seen := map[string]bool{}
		for _, id := range ids {
			if seen[id] {
				t.Errorf("two slots have the id %s", id)
			}
			seen[id] = true
		}
	})
}

// A worker that starts within a slot ticks at once, since it cannot know that another
// did; the queue recognises the two by their id.
func TestEveryWorkersTickOfASlotIsTheSameMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var early, late outbox
		var first, second []string
		var group sync.WaitGroup
		group.Go(func() { _, first = ticks(t, 0, 179*time.Second, &early, eachMinute, eachFifth) })
		group.Go(func() {
			var sent []string
			sent, second = ticks(t, 90*time.Second, 89*time.Second, &late, eachMinute, eachFifth)
			if diff := cmp.Diff([]string{"due 1m30s", "catalog 1m30s", "due 2m0s"}, sent); diff != "" {
				t.Errorf("ticks of the late one (-want +got):\n%s", diff)
			}
		})
		group.Wait()
		// due 0, catalog 0, due 1, due 2 of the first are due 1, catalog 0, due 2 of the second.
		if diff := cmp.Diff([]string{first[2], first[1], first[3]}, second); diff != "" {
			t.Errorf("ids (-want +got):\n%s", diff)
		}
	})
}

// SQS would recognise a second tick for five minutes only, so who starts later leaves a
// long slot alone.
func TestASlotThatBeganLongAgoIsLeftToWhoeverWasThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sent, _ := ticks(t, 10*time.Minute, 2*time.Hour, &outbox{}, eachHour)
		if diff := cmp.Diff([]string{"sweep 1h0m0s", "sweep 2h0m0s"}, sent); diff != "" {
			t.Errorf("ticks (-want +got):\n%s", diff)
		}
	})
}

func TestATickThatCannotBeSentIsLeftToTheNextSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &outbox{down: errors.New("the queue does not answer")}
		time.AfterFunc(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour+90*time.Second)), func() {
			box.mu.Lock()
			defer box.mu.Unlock()
			box.down = nil
		})
		sent, _ := ticks(t, 0, 179*time.Second, box, eachMinute)
		if diff := cmp.Diff([]string{"due 2m0s"}, sent); diff != "" {
			t.Errorf("ticks (-want +got):\n%s", diff)
		}
	})
}
