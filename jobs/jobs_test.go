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

// ticks runs a Runner's Tick for that long, in a bubble's own time, from that much after
// a full hour on, and says what was sent when.
func ticks(t *testing.T, from, length time.Duration, box *outbox, jobs ...Job) (sent []string, ids []string) {
	t.Helper()
	time.Sleep(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour + from)))
	begin := time.Now().Truncate(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	NewRunner(nil, box, time.Now, jobs...).Tick(ctx)
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

// Whether a long slot is over already, the job's row tells when the tick arrives.
func TestAWorkerThatStartsLateInASlotSendsItsTickAllTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sent, _ := ticks(t, 10*time.Minute, 2*time.Hour, &outbox{}, eachHour)
		if diff := cmp.Diff([]string{"sweep 10m0s", "sweep 1h0m0s", "sweep 2h0m0s"}, sent); diff != "" {
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

func TestAClockThatWasAheadIsNoReasonToSendNoMoreTicks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour)))
		box, begin := &outbox{}, time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		now := func() time.Time { // a year ahead in the first minute
			if at := time.Now(); at.Sub(begin) >= time.Minute {
				return at
			}
			return time.Now().Add(365 * 24 * time.Hour)
		}
		NewRunner(nil, box, now, eachMinute).Tick(ctx)
		if sent := box.empty(); len(sent) < 5 {
			t.Errorf("in five minutes there were %d ticks, want one a minute", len(sent))
		}
	})
}

func TestAClockThatStrikesEveryMinuteSendsTheSameTicks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hourly, eachMinute := Job{Name: "hourly", Every: time.Hour}, Job{Name: "each", Every: time.Minute}
		workers := &outbox{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour-time.Second)
		defer cancel()
		NewRunner(nil, workers, time.Now, hourly, eachMinute).Tick(ctx)
		want := map[string]int{}
		for _, m := range workers.sent {
			want[m.ID] = 1
		}

		time.Sleep(time.Second)
		clock := &outbox{}
		runner := NewRunner(nil, clock, func() time.Time { return time.Now().Add(-time.Hour) }, hourly, eachMinute)
		for range 60 {
			if err := runner.TickOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		got := map[string]int{}
		for _, m := range clock.sent {
			got[m.ID] = 1
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-workers +clock):\n%s", diff)
		}
		if len(clock.sent) != 60+5 {
			t.Errorf("%d ticks were sent", len(clock.sent))
		}
	})
}
