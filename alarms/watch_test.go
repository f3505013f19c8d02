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

// installation is a condition, channels, and workers that look at the same rows.
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

func newInstallation(t *testing.T) *installation {
	t.Helper()
	tables := journaltest.Start(t)
	return &installation{t: t, store: NewStore(tables.Client, tables.Records), now: opened, topic: &recorder{name: TopicName}, hook: &recorder{name: WebhookName}}
}

func (inst *installation) alarm() Alarm {
	return Alarm{
		Name: DeadLetters, Title: "Messages have become dead letters", Advice: "Replay them.", Page: "/admin/dead-letters", Runbook: "dead-letters", Clear: 5 * time.Minute,
		Look: func(context.Context, bool) (Finding, error) {
			inst.mu.Lock()
			defer inst.mu.Unlock()
			return inst.seen, inst.blind
		},
	}
}

func (inst *installation) worker() Watch {
	return Watch{Store: inst.store, Alarms: []Alarm{inst.alarm()}, Channels: []Channel{inst.topic, inst.hook}, BaseURL: "https://portal.example.com", Now: func() time.Time { return inst.now }}
}

func (inst *installation) step(w Watch) {
	inst.t.Helper()
	if next, err := w.Step(inst.t.Context(), ""); err != nil || next != "" {
		inst.t.Fatalf("a step ends with %q, %v", next, err)
	}
}

// pass has the worker look once a minute for so long.
func (inst *installation) pass(w Watch, long time.Duration) {
	inst.t.Helper()
	for end := inst.now.Add(long); inst.now.Before(end); {
		inst.now = inst.now.Add(time.Minute)
		inst.step(w)
	}
}

// wait is pass, but nobody looks before the last ten minutes.
func (inst *installation) wait(w Watch, long time.Duration) {
	inst.t.Helper()
	inst.now = inst.now.Add(long - 10*time.Minute)
	inst.pass(w, 10*time.Minute)
}

func (inst *installation) row() Row {
	inst.t.Helper()
	row, err := inst.store.Load(inst.t.Context(), DeadLetters)
	if err != nil {
		inst.t.Fatal(err)
	}
	return row
}

func (inst *installation) want(what, phases string) {
	inst.t.Helper()
	for _, channel := range []*recorder{inst.topic, inst.hook} {
		if got := channel.phases(); got != phases {
			inst.t.Errorf("%s: the %s has got %q, want %q", what, channel.name, got, phases)
		}
	}
}

func TestABurstIsOneMessageThenAReminderADayAndOneEnd(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	w := inst.worker()
	inst.pass(w, 3*time.Minute)
	inst.want("nothing has happened", "")
	for n := 1; n <= 5000; n += 500 {
		inst.seen = Finding{Fires: true, Count: n, Since: opened}
		inst.pass(w, time.Minute)
	}
	inst.want("a burst", "began")
	inst.wait(w, 24*time.Hour)
	inst.want("a day later", "began reminder")
	inst.wait(w, 24*time.Hour)
	inst.want("two days later", "began reminder reminder")
	inst.seen = Finding{}
	inst.pass(w, 10*time.Minute)
	inst.want("it is over", "began reminder reminder over")
	inst.wait(w, 72*time.Hour)
	inst.want("long after it was over", "began reminder reminder over")
	inst.seen = Finding{Fires: true, Count: 1}
	inst.pass(w, time.Hour)
	inst.want("it begins again", "began reminder reminder over began")

	ids := map[string]bool{}
	for _, m := range inst.topic.got {
		ids[m.ID] = true
	}
	if len(ids) != 5 {
		t.Errorf("5 messages have %d ids", len(ids))
	}
	first, last := inst.topic.got[0], inst.topic.got[3]
	if first.Count != 1 || !first.Since.Equal(opened) || first.Link != "https://portal.example.com/admin/dead-letters" || !strings.HasSuffix(first.Runbook, "/docs/runbook.md#dead-letters") || first.Advice == "" {
		t.Errorf("the first message is %+v", first)
	}
	if reminder := inst.topic.got[1]; reminder.Count != 4501 || !strings.HasPrefix(reminder.Title, "Still: ") {
		t.Errorf("the reminder is %+v", reminder)
	}
	if last.Ended.IsZero() || !strings.HasPrefix(last.Title, "Over: ") || strings.Contains(last.Plain(), "How many") {
		t.Errorf("the end is %+v", last)
	}
}

func TestManyWorkersTellAChannelOnce(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	inst.seen = Finding{Fires: true, Count: 7}
	for _, phases := range []string{"began", "began over"} {
		for range 10 { // minutes
			var group sync.WaitGroup
			for range 6 {
				group.Go(func() {
					if _, err := inst.worker().Step(t.Context(), ""); err != nil && !isPostponed(err) {
						t.Error(err)
					}
				})
			}
			group.Wait()
			inst.now = inst.now.Add(time.Minute)
		}
		inst.want("with six workers", phases)
		inst.seen = Finding{}
	}
}

func isPostponed(err error) bool {
	var later *portal.Postponed
	return errors.As(err, &later)
}

func TestAChannelThatFailsIsTriedAgainAndTheOtherIsNotToldTwice(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	w := inst.worker()
	inst.seen = Finding{Fires: true, Count: 7}
	inst.hook.down = errors.New("the webhook answered 500 Internal Server Error")
	inst.pass(w, 20*time.Minute)
	told := inst.row().Told[WebhookName]
	if inst.topic.phases() != "began" || told.Tries < 4 || told.Tries > 6 || told.Error != inst.hook.down.Error() {
		t.Errorf("the topic has %q; of the webhook the row says %+v", inst.topic.phases(), told)
	}
	inst.hook.down = nil
	inst.pass(w, 40*time.Minute)
	inst.want("the webhook is back", "began")
	if told := inst.row().Told[WebhookName]; told.Tries != 0 || told.Error != "" {
		t.Errorf("afterwards the row says %+v", told)
	}
}

func TestWhatIsOverBeforeAChannelCouldBeToldIsNotToldThere(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	w := inst.worker()
	inst.seen = Finding{Fires: true, Count: 7}
	inst.hook.down = errors.New("down")
	inst.pass(w, 5*time.Minute)
	inst.seen = Finding{}
	inst.pass(w, 30*time.Minute)
	inst.hook.down = nil
	inst.pass(w, 2*time.Hour)
	if inst.topic.phases() != "began over" || inst.hook.phases() != "" {
		t.Errorf("the topic has %q and the webhook %q", inst.topic.phases(), inst.hook.phases())
	}
	if told := inst.row().Told[WebhookName]; told.Tries != 0 || told.Error != "" || told.Sending != "" {
		t.Errorf("afterwards the row says %+v", told)
	}
}

// A worker that stops between sending and writing that down leaves the message leased.
func TestAWorkerThatStopsAfterSendingRepeatsThatOneMessageWithItsID(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	inst.seen = Finding{Fires: true, Count: 7}
	ctx, stop := context.WithCancel(t.Context())
	inst.topic.afterSend = stop
	if _, err := inst.worker().Step(ctx, ""); err == nil {
		t.Fatal("the worker did not stop")
	}
	inst.topic.afterSend = nil
	inst.pass(inst.worker(), time.Minute)
	if got := inst.topic.phases(); got != "began" {
		t.Errorf("a minute later the topic has %q: the lease is not over yet", got)
	}
	inst.pass(inst.worker(), 10*time.Minute)
	if got := inst.topic.phases(); got != "began began" || inst.topic.got[0].ID != inst.topic.got[1].ID {
		t.Errorf("the topic has %q with the ids %q and %q", got, inst.topic.got[0].ID, inst.topic.got[len(inst.topic.got)-1].ID)
	}
	if got := inst.hook.phases(); got != "began" {
		t.Errorf("the webhook has %q", got)
	}
}

func TestAConditionThatCannotBeLookedAtStaysAsItWas(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	w := inst.worker()
	inst.seen = Finding{Fires: true, Count: 7}
	inst.pass(w, time.Minute)
	for _, blind := range []error{errors.New("the table does not answer"), nil} {
		inst.blind = blind
		if blind == nil {
			w.Alarms[0].Look = func(context.Context, bool) (Finding, error) { panic("a fault") }
		}
		inst.pass(w, time.Hour)
		inst.want("nobody can look", "began")
	}
	inst.wait(w, 24*time.Hour)
	inst.want("it is a day old, and nobody can look", "began reminder")
}

func TestAnAlarmThatIsOverWhileAWorkerStillSendsItsBeginningIsSaidToBeOver(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	inst.seen = Finding{Fires: true, Count: 7}
	inst.topic.afterSend = func() {
		inst.topic.afterSend = nil
		inst.seen = Finding{}
		other := inst.worker()
		other.Channels = []Channel{&recorder{name: TopicName, down: errors.New("not now")}, &recorder{name: WebhookName, down: errors.New("not now")}}
		other.Alarms[0].Clear = 0
		inst.now = inst.now.Add(10 * time.Second)
		inst.step(other)
	}
	w := inst.worker()
	w.Alarms[0].Clear = 0
	inst.step(w)
	inst.pass(w, 5*time.Minute)
	if got := inst.topic.phases(); got != "began over" {
		t.Errorf("the topic has %q", got)
	}
}

func TestAnEndThatIsSentLateHidesNoNewBeginning(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	inst.seen = Finding{Fires: true, Count: 7}
	w := inst.worker()
	inst.pass(w, time.Minute)
	inst.seen = Finding{}
	again := func() {
		inst.topic.afterSend = nil
		inst.seen = Finding{Fires: true, Count: 9}
		other := inst.worker()
		other.Channels = nil
		inst.step(other)
	}
	inst.topic.afterSend = again
	inst.pass(w, 10*time.Minute)
	if got := inst.topic.phases(); got != "began over began" {
		t.Errorf("the topic has %q", got)
	}
}

func TestAStepEndsAfterAnAlarmOfWhichItTold(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	inst.seen = Finding{Fires: true, Count: 7}
	w := inst.worker()
	second, third := inst.alarm(), inst.alarm()
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
	if len(inst.topic.got) != 3 {
		t.Errorf("the topic has %d messages, want one of each alarm", len(inst.topic.got))
	}
	inst.step(w)
	if len(inst.topic.got) != 3 {
		t.Error("the next run tells again")
	}
}

func TestAChannelThatIsAddedLaterIsToldOfWhatLasts(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	w := inst.worker()
	w.Channels = []Channel{inst.topic}
	inst.seen = Finding{Fires: true, Count: 7}
	inst.pass(w, time.Hour)
	inst.pass(inst.worker(), time.Minute)
	inst.want("with the webhook", "began")
}

func TestWithoutAChangeNothingIsWritten(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	w := inst.worker()
	inst.seen = Finding{Fires: true, Count: 7}
	inst.pass(w, 2*time.Minute)
	before := inst.row().Version
	inst.pass(w, time.Hour)
	if after := inst.row().Version; after != before {
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
	inst := newInstallation(t)
	inst.seen = Finding{Fires: true, Count: 7}
	w, saves := inst.worker(), 0
	w.rows = racing{inst.store, func() bool { saves++; return saves == 2 || saves == 4 }}
	inst.step(w)
	inst.want("with races", "began")
	if told := inst.row().Told; told[TopicName].Phase != Began || told[WebhookName].Phase != Began {
		t.Errorf("the row says %+v", told)
	}
}

func TestARowThatAnotherWorkerHasWrittenIsNotOverwritten(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	row, err := inst.store.save(t.Context(), Row{Alarm: Keys, State: Raised, Episode: 1})
	if err != nil {
		t.Fatal(err)
	}
	stale := row
	stale.Version--
	if _, err := inst.store.save(t.Context(), stale); !errors.Is(err, records.ErrRefused) {
		t.Errorf("writing a stale row: %v", err)
	}
	all, err := inst.store.All(t.Context())
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
