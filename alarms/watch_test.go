package alarms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
)

// installation is an installation: a condition, channels, and workers that look at the same rows.
type installation struct {
	t     *testing.T
	store *Store
	now   time.Time

	mu   sync.Mutex
	seen Finding
	// blind is the error of looking.
	blind error
	topic *recorder
	hook  *recorder
}

// recorder is a channel that keeps what it is given.
type recorder struct {
	name string
	mu   sync.Mutex
	got  []Message
	// down is the error of sending; afterSend runs once the message is out.
	down      error
	afterSend func()
}

func (r *recorder) Name() string { return r.name }

func (r *recorder) Send(_ context.Context, m Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down != nil {
		return r.down
	}
	r.got = append(r.got, m)
	if r.afterSend != nil {
		r.afterSend()
	}
	return nil
}

func (r *recorder) phases() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, m := range r.got {
		all = append(all, string(m.Phase))
	}
	return strings.Join(all, " ")
}

func newPlace(t *testing.T) *installation {
	t.Helper()
	tables := journaltest.Start(t)
	return &installation{t: t, store: NewStore(tables.Client, tables.Records), now: opened, topic: &recorder{name: TopicName}, hook: &recorder{name: WebhookName}}
}

func (p *installation) alarm() Alarm {
	return Alarm{
		Name: DeadLetters, Title: "Messages have become dead letters", Advice: "Replay them.", Page: "/admin/dead-letters", Runbook: "dead-letters", Clear: 5 * time.Minute,
		Look: func(context.Context, bool) (Finding, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.seen, p.blind
		},
	}
}

func (p *installation) worker() Watch {
	return Watch{Store: p.store, Alarms: []Alarm{p.alarm()}, Channels: []Channel{p.topic, p.hook}, BaseURL: "https://portal.example.com", Now: func() time.Time { return p.now }}
}

func (p *installation) step(w Watch) {
	p.t.Helper()
	if next, err := w.Step(p.t.Context(), ""); err != nil || next != "" {
		p.t.Fatalf("a step ends with %q, %v", next, err)
	}
}

// pass has the worker look once a minute for so long.
func (p *installation) pass(w Watch, long time.Duration) {
	p.t.Helper()
	for end := p.now.Add(long); p.now.Before(end); {
		p.now = p.now.Add(time.Minute)
		p.step(w)
	}
}

// wait is pass, but nobody looks before the last ten minutes.
func (p *installation) wait(w Watch, long time.Duration) {
	p.t.Helper()
	p.now = p.now.Add(long - 10*time.Minute)
	p.pass(w, 10*time.Minute)
}

func (p *installation) row() Row {
	p.t.Helper()
	row, err := p.store.Load(p.t.Context(), DeadLetters)
	if err != nil {
		p.t.Fatal(err)
	}
	return row
}

func (p *installation) want(what, phases string) {
	p.t.Helper()
	for _, channel := range []*recorder{p.topic, p.hook} {
		if got := channel.phases(); got != phases {
			p.t.Errorf("%s: the %s has got %q, want %q", what, channel.name, got, phases)
		}
	}
}

func TestABurstIsOneMessageThenAReminderADayAndOneEnd(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	w := p.worker()
	p.pass(w, 3*time.Minute)
	p.want("nothing has happened", "")
	for n := 1; n <= 5000; n += 500 {
		p.seen = Finding{Fires: true, Count: n, Since: opened}
		p.pass(w, time.Minute)
	}
	p.want("a burst", "began")
	p.wait(w, 24*time.Hour)
	p.want("a day later", "began reminder")
	p.wait(w, 24*time.Hour)
	p.want("two days later", "began reminder reminder")
	p.seen = Finding{}
	p.pass(w, 10*time.Minute)
	p.want("it is over", "began reminder reminder over")
	p.wait(w, 72*time.Hour)
	p.want("long after it was over", "began reminder reminder over")
	p.seen = Finding{Fires: true, Count: 1}
	p.pass(w, time.Hour)
	p.want("it begins again", "began reminder reminder over began")

	ids := map[string]bool{}
	for _, m := range p.topic.got {
		ids[m.ID] = true
	}
	if len(ids) != 5 {
		t.Errorf("5 messages have %d ids", len(ids))
	}
	first, last := p.topic.got[0], p.topic.got[3]
	if first.Count != 1 || !first.Since.Equal(opened) || first.Link != "https://portal.example.com/admin/dead-letters" || !strings.HasSuffix(first.Runbook, "/docs/runbook.md#dead-letters") || first.Advice == "" {
		t.Errorf("the first message is %+v", first)
	}
	if reminder := p.topic.got[1]; reminder.Count != 4501 || !strings.HasPrefix(reminder.Title, "Still: ") {
		t.Errorf("the reminder is %+v", reminder)
	}
	if last.Ended.IsZero() || !strings.HasPrefix(last.Title, "Over: ") || strings.Contains(last.Plain(), "How many") {
		t.Errorf("the end is %+v", last)
	}
}

func TestManyWorkersTellAChannelOnce(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.seen = Finding{Fires: true, Count: 7}
	for _, phases := range []string{"began", "began over"} {
		for range 10 { // minutes
			var group sync.WaitGroup
			for range 6 {
				group.Go(func() {
					if _, err := p.worker().Step(t.Context(), ""); err != nil && !isPostponed(err) {
						t.Error(err)
					}
				})
			}
			group.Wait()
			p.now = p.now.Add(time.Minute)
		}
		p.want("with six workers", phases)
		p.seen = Finding{}
	}
}

func isPostponed(err error) bool {
	var later *portal.Postponed
	return errors.As(err, &later)
}

func TestAChannelThatFailsIsTriedAgainAndTheOtherIsNotToldTwice(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	w := p.worker()
	p.seen = Finding{Fires: true, Count: 7}
	p.hook.down = errors.New("the webhook answered 500 Internal Server Error")
	p.pass(w, 20*time.Minute)
	told := p.row().Told[WebhookName]
	if p.topic.phases() != "began" || told.Tries < 4 || told.Tries > 6 || told.Error != p.hook.down.Error() {
		t.Errorf("the topic has %q; of the webhook the row says %+v", p.topic.phases(), told)
	}
	p.hook.down = nil
	p.pass(w, 40*time.Minute)
	p.want("the webhook is back", "began")
	if told := p.row().Told[WebhookName]; told.Tries != 0 || told.Error != "" {
		t.Errorf("afterwards the row says %+v", told)
	}
}

func TestWhatIsOverBeforeAChannelCouldBeToldIsNotToldThere(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	w := p.worker()
	p.seen = Finding{Fires: true, Count: 7}
	p.hook.down = errors.New("down")
	p.pass(w, 5*time.Minute)
	p.seen = Finding{}
	p.pass(w, 30*time.Minute)
	p.hook.down = nil
	p.pass(w, 2*time.Hour)
	if p.topic.phases() != "began over" || p.hook.phases() != "" {
		t.Errorf("the topic has %q and the webhook %q", p.topic.phases(), p.hook.phases())
	}
	if told := p.row().Told[WebhookName]; told.Tries != 0 || told.Error != "" || told.Sending != "" {
		t.Errorf("afterwards the row says %+v", told)
	}
}

// A worker that stops between sending and writing that down leaves the message leased.
func TestAWorkerThatStopsAfterSendingRepeatsThatOneMessageWithItsID(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.seen = Finding{Fires: true, Count: 7}
	ctx, stop := context.WithCancel(t.Context())
	p.topic.afterSend = stop
	if _, err := p.worker().Step(ctx, ""); err == nil {
		t.Fatal("the worker did not stop")
	}
	p.topic.afterSend = nil
	p.pass(p.worker(), time.Minute)
	if got := p.topic.phases(); got != "began" {
		t.Errorf("a minute later the topic has %q: the lease is not over yet", got)
	}
	p.pass(p.worker(), 10*time.Minute)
	if got := p.topic.phases(); got != "began began" || p.topic.got[0].ID != p.topic.got[1].ID {
		t.Errorf("the topic has %q with the ids %q and %q", got, p.topic.got[0].ID, p.topic.got[len(p.topic.got)-1].ID)
	}
	if got := p.hook.phases(); got != "began" {
		t.Errorf("the webhook has %q", got)
	}
}

func TestAConditionThatCannotBeLookedAtStaysAsItWas(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	w := p.worker()
	p.seen = Finding{Fires: true, Count: 7}
	p.pass(w, time.Minute)
	for _, blind := range []error{errors.New("the table does not answer"), nil} {
		p.blind = blind
		if blind == nil {
			w.Alarms[0].Look = func(context.Context, bool) (Finding, error) { panic("a fault") }
		}
		p.pass(w, time.Hour)
		p.want("nobody can look", "began")
	}
	p.wait(w, 24*time.Hour)
	p.want("it is a day old, and nobody can look", "began reminder")
}

func TestAnAlarmThatIsOverWhileAWorkerStillSendsItsBeginningIsSaidToBeOver(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.seen = Finding{Fires: true, Count: 7}
	p.topic.afterSend = func() {
		p.topic.afterSend = nil
		p.seen = Finding{}
		other := p.worker()
		other.Channels = []Channel{&recorder{name: TopicName, down: errors.New("not now")}, &recorder{name: WebhookName, down: errors.New("not now")}}
		other.Alarms[0].Clear = 0
		p.now = p.now.Add(10 * time.Second)
		p.step(other)
	}
	w := p.worker()
	w.Alarms[0].Clear = 0
	p.step(w)
	p.pass(w, 5*time.Minute)
	if got := p.topic.phases(); got != "began over" {
		t.Errorf("the topic has %q", got)
	}
}

func TestAnEndThatIsSentLateHidesNoNewBeginning(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.seen = Finding{Fires: true, Count: 7}
	w := p.worker()
	p.pass(w, time.Minute)
	p.seen = Finding{}
	again := func() {
		p.topic.afterSend = nil
		p.seen = Finding{Fires: true, Count: 9}
		other := p.worker()
		other.Channels = nil
		p.step(other)
	}
	p.topic.afterSend = again
	p.pass(w, 10*time.Minute)
	if got := p.topic.phases(); got != "began over began" {
		t.Errorf("the topic has %q", got)
	}
}

func TestAStepEndsAfterAnAlarmOfWhichItTold(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.seen = Finding{Fires: true, Count: 7}
	w := p.worker()
	second, third := p.alarm(), p.alarm()
	second.Name, third.Name = Drift, Keys
	w.Alarms = append(w.Alarms, second, third)
	var cursors []string
	for cursor := ""; len(cursors) < 5; {
		next, err := w.Step(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		cursors = append(cursors, next)
		if cursor = next; cursor == "" {
			break
		}
	}
	if want := []string{"drift", "keys", ""}; !slices.Equal(cursors, want) {
		t.Errorf("the steps end with %q, want %q", cursors, want)
	}
	if len(p.topic.got) != 3 {
		t.Errorf("the topic has %d messages, want one of each alarm", len(p.topic.got))
	}
	p.step(w)
	if len(p.topic.got) != 3 {
		t.Error("the next run tells again")
	}
}

func TestAChannelThatIsAddedLaterIsToldOfWhatLasts(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	w := p.worker()
	w.Channels = []Channel{p.topic}
	p.seen = Finding{Fires: true, Count: 7}
	p.pass(w, time.Hour)
	p.pass(p.worker(), time.Minute)
	p.want("with the webhook", "began")
}

func TestWithoutAChangeNothingIsWritten(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	w := p.worker()
	p.seen = Finding{Fires: true, Count: 7}
	p.pass(w, 2*time.Minute)
	before := p.row().Version
	p.pass(w, time.Hour)
	if after := p.row().Version; after != before {
		t.Errorf("%d writes without a change", after-before)
	}
}

// racing loses some of its races to another worker.
type racing struct {
	*Store
	lose func() bool
}

func (r racing) save(ctx context.Context, row Row) (Row, error) {
	if r.lose() {
		other, err := r.Store.Load(ctx, row.Alarm)
		if err == nil {
			other.Count++
			_, err = r.Store.save(ctx, other)
		}
		if err != nil {
			return row, err
		}
	}
	return r.Store.save(ctx, row)
}

func TestAMessageIsWrittenDownAlthoughAnotherWorkerChangesTheRowMeanwhile(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.seen = Finding{Fires: true, Count: 7}
	w, saves := p.worker(), 0
	w.rows = racing{p.store, func() bool { saves++; return saves == 2 || saves == 4 }}
	p.step(w)
	p.want("with races", "began")
	if told := p.row().Told; told[TopicName].Phase != Began || told[WebhookName].Phase != Began {
		t.Errorf("the row says %+v", told)
	}
}

func TestARowThatAnotherWorkerHasWrittenIsNotOverwritten(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	row, err := p.store.save(t.Context(), Row{Alarm: Keys, State: Raised, Episode: 1})
	if err != nil {
		t.Fatal(err)
	}
	stale := row
	stale.Version--
	if _, err := p.store.save(t.Context(), stale); !errors.Is(err, records.ErrRefused) {
		t.Errorf("writing a stale row: %v", err)
	}
	all, err := p.store.All(t.Context())
	if err != nil || len(all) != 1 || all[0].Alarm != Keys || all[0].Version != 1 {
		t.Errorf("the rows are %+v (%v)", all, err)
	}
}

func TestAMessageIsReadable(t *testing.T) {
	t.Parallel()
	w := Watch{BaseURL: "https://portal.example.com"}
	alarm := Alarm{Name: DeadLetters, Title: "Messages have become dead letters", Advice: "Replay them.", Page: "/admin/dead-letters", Runbook: "dead-letters"}
	row := Row{Alarm: DeadLetters, State: Raised, Episode: 1, Since: opened, Count: 1000, AtLeast: true, Text: "1000 or more dead letters are open."}
	want := `Messages have become dead letters

1000 or more dead letters are open.
Replay them.

Since     2026-11-22 09:00 UTC
How many  1000 or more
Page      https://portal.example.com/admin/dead-letters
Runbook   ` + RunbookURL + `#dead-letters
`
	if got := w.message(alarm, row, Began, "x", opened).Plain(); got != want {
		t.Errorf("it reads\n%s", got)
	}
	if lines := slices.Collect(strings.Lines(TestMessage("x", w.BaseURL, opened).Plain())); len(lines) < 5 || !strings.Contains(fmt.Sprint(lines), "Nothing is wrong") {
		t.Errorf("the test reads %q", lines)
	}
}
