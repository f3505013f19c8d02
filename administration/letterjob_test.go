package administration_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

var opened = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// installation is an installation with dead letters, and a worker that carries orders out.
type installation struct {
	t           *testing.T
	tables      journaltest.Tables
	journal     *journal.Journal
	letters     deadletters.Admin
	members     *members.Store
	job         administration.LetterJob
	deadLetters administration.DeadLetters
	now         time.Time

	mu   sync.Mutex
	sent []events.Event
	woke int
	// down is the error of sending; full lets so many messages through first.
	down error
	full int
}

func newInstallation(t *testing.T) *installation {
	t.Helper()
	inst := &installation{t: t, tables: journaltest.Start(t), now: opened.Add(24 * time.Hour), full: -1}
	clock := func() time.Time { return inst.now }
	inst.journal = inst.tables.Open()
	inst.letters = deadletters.Admin{Tables: inst.tables.Client, Records: inst.tables.Records, Sender: inst, Now: clock}
	inst.members = members.NewStore(inst.tables.Client, inst.tables.Records, clock)
	orders := administration.NewLetterOrders(inst.tables.Client, inst.tables.Records, inst.members, clock)
	inst.job = administration.LetterJob{Orders: orders, Letters: inst.letters, Now: clock, Wait: func(_ context.Context, d time.Duration) error {
		inst.now = inst.now.Add(d)
		return nil
	}}
	inst.deadLetters = administration.DeadLetters{
		Letters: inst.letters, Orders: orders,
		Wake: func(context.Context, administration.LetterOrder) error { inst.woke++; return nil },
		ReplayOutlook: func(_ context.Context, l deadletters.Letter) (administration.ReplayOutlook, error) {
			if _, err := l.Message(); err != nil {
				return administration.ReplayOutlook{Outlook: administration.NotReplayable, Text: "No worker can read it."}, nil
			}
			return administration.ReplayOutlook{Outlook: administration.CarriedOut}, nil
		},
	}
	return inst
}

func (inst *installation) SendAgain(_ context.Context, messages ...events.Event) error {
	inst.mu.Lock()
	defer inst.mu.Unlock()
	if inst.down != nil && inst.full <= 0 {
		return inst.down
	}
	inst.full--
	inst.sent = append(inst.sent, messages...)
	return nil
}

// alone tells nobody of failures.
type alone struct{ *journal.Journal }

func (a alone) Fail(ctx context.Context, _ events.Event, _ string, rows ...journal.Row) error {
	return a.Write(ctx, rows...)
}

func (inst *installation) bury(id, class string, replay int64, first time.Time) {
	inst.t.Helper()
	msg := events.Event{
		ID: id, Source: "/test", Subject: portal.AccountStream(portal.AccountID(id)), Time: opened, Operation: portal.OperationID(id), Intent: 1,
		Correlation: id, Replay: replay, Data: events.RegisterUser{},
	}
	body, err := events.Encode(msg)
	if err != nil {
		inst.t.Fatal(err)
	}
	if class == "unreadable" {
		body = []byte("<xml/>")
	}
	recorder := deadletters.Recorder{Requests: alone{inst.journal}, Rows: inst.journal, Tables: inst.tables.Client, Records: inst.tables.Records, Now: func() time.Time { return inst.now }}
	err = recorder.Bury(inst.t.Context(), deadletters.Report{
		ID: id, FailureKey: "sqs-" + id, Queue: "commands.fifo", Consumer: "commands", Type: msg.Type(), Subject: msg.Subject, Operation: msg.Operation,
		Body: body, Class: class, Error: class, Attempts: 5, First: first, Last: first.Add(time.Minute),
	})
	if err != nil {
		inst.t.Fatal(err)
	}
}

func (inst *installation) order(order administration.LetterOrder) (int, error) {
	order.By = "root"
	_, n, err := inst.deadLetters.Order(inst.t.Context(), order)
	return n, err
}

// work does steps until the job has nothing left to do, and counts them.
func (inst *installation) work() (steps int) {
	inst.t.Helper()
	for cursor := ""; ; steps++ {
		next, err := inst.job.Step(inst.t.Context(), cursor)
		if err != nil || steps > 100 {
			inst.t.Fatalf("after %d steps: %v", steps, err)
		}
		if cursor = next; next == "" {
			return steps
		}
	}
}

func (inst *installation) states() map[deadletters.State]int {
	inst.t.Helper()
	found, err := inst.letters.List(inst.t.Context(), deadletters.Choice{}, "", 1)
	if err != nil {
		inst.t.Fatal(err)
	}
	return found.Counts
}

func (inst *installation) audit() []members.AuditEntry {
	inst.t.Helper()
	entries, _, err := inst.members.Audit(inst.t.Context(), members.AuditFilter{}, "", 100)
	if err != nil {
		inst.t.Fatal(err)
	}
	return entries
}

func TestAWorkerReplaysWhatAnAdminOrdersTheOldestFirst(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	for i := range 5 {
		inst.bury(fmt.Sprint("m", i), "failed", 0, opened.Add(-time.Duration(i)*time.Hour))
	}
	inst.bury("panicked", "panic", 0, opened)
	n, err := inst.order(administration.LetterOrder{Verb: administration.Replay, Choice: deadletters.Choice{Cause: "failed"}})
	if err != nil || n != 5 || inst.woke != 1 {
		t.Fatalf("the order is about %d letters (%v), and wakes %d times", n, err, inst.woke)
	}
	if len(inst.sent) > 0 {
		t.Fatal("the portal itself has sent letters")
	}
	inst.work()
	var ids []string
	for _, msg := range inst.sent {
		ids = append(ids, msg.ID)
	}
	if got := strings.Join(ids, " "); got != "m4 m3 m2 m1 m0" {
		t.Errorf("the worker sends %s", got)
	}
	if got := inst.states(); got[deadletters.Open] != 1 || got[deadletters.Replayed] != 5 {
		t.Errorf("the letters are %v", got)
	}
	if took := inst.now.Sub(opened.Add(24 * time.Hour)); took < 200*time.Millisecond {
		t.Errorf("five letters take %s, more than 20 in a second", took)
	}
	entries := inst.audit()
	if len(entries) != 1 || entries[0].What != members.AuditLettersReplayed || entries[0].Admin != "root" || entries[0].Count != 5 || !strings.Contains(entries[0].Choice, "cause failed") {
		t.Errorf("the audit says %+v", entries)
	}
	if orders, err := inst.deadLetters.Waiting(t.Context()); err != nil || len(orders) > 0 {
		t.Errorf("orders left: %v (%v)", orders, err)
	}
	if inst.work() != 0 || len(inst.sent) != 5 {
		t.Error("without an order the worker does something")
	}
}

// A message that fails again is buried again, under a new first failure.
func TestALetterThatFailsAgainIsNotReplayedForEver(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	inst.bury("m", "failed", 0, opened)
	if _, err := inst.order(administration.LetterOrder{Verb: administration.Replay}); err != nil {
		t.Fatal(err)
	}
	if _, err := inst.job.Step(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	inst.now = inst.now.Add(time.Hour)
	inst.bury("m", "failed", 1, inst.now)
	inst.work()
	if len(inst.sent) != 1 || inst.states()[deadletters.Open] != 1 {
		t.Errorf("%d messages are sent, and the letters are %v", len(inst.sent), inst.states())
	}
}

func TestAnOrderGoesOnWhereAWorkerStopped(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	for i := range 6 {
		inst.bury(fmt.Sprint("m", i), "failed", 0, opened.Add(time.Duration(i)*time.Hour))
	}
	if _, err := inst.order(administration.LetterOrder{Verb: administration.Replay}); err != nil {
		t.Fatal(err)
	}
	inst.down, inst.full = errors.New("the queue does not answer"), 2
	_, err := inst.job.Step(t.Context(), "")
	var later *portal.Postponed
	if !errors.As(err, &later) || len(inst.sent) != 2 {
		t.Fatalf("%d messages are sent (%v), want 2 and the message to come again", len(inst.sent), err)
	}
	inst.down = nil
	inst.work()
	seen := map[string]int{}
	for _, msg := range inst.sent {
		seen[msg.ID]++
	}
	if len(seen) != 6 || len(inst.sent) != 6 {
		t.Errorf("sent: %v", seen)
	}
}

func TestALongOrderTakesSeveralSteps(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	for i := range 200 {
		inst.bury(fmt.Sprintf("m%03d", i), "failed", 0, opened.Add(time.Duration(i)*time.Second))
	}
	if _, err := inst.order(administration.LetterOrder{Verb: administration.Replay}); err != nil {
		t.Fatal(err)
	}
	if steps := inst.work(); steps != 2 || len(inst.sent) != 200 {
		t.Errorf("200 letters are sent in %d steps: %d", steps, len(inst.sent))
	}
}

func TestAnAdminDiscardsWithAReason(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	inst.bury("m", "failed", 0, opened)
	inst.bury("x", "unreadable", 0, opened)
	for _, reason := range []string{"", " \n", strings.Repeat("x", 1001)} {
		if _, err := inst.order(administration.LetterOrder{Verb: administration.Discard, Letter: "x", Reason: reason}); portal.CodeOf(err) != portal.Invalid {
			t.Errorf("with the reason %.10q: %v", reason, err)
		}
	}
	if _, err := inst.order(administration.LetterOrder{Verb: administration.Discard, Letter: "x", Reason: "Sent by hand."}); err != nil {
		t.Fatal(err)
	}
	inst.work()
	letter, err := inst.letters.Find(t.Context(), "x")
	if err != nil || letter.State() != deadletters.Discarded || letter.Discard.By != "admin root" || letter.Discard.Reason != "Sent by hand." {
		t.Errorf("the letter is %+v (%v)", letter, err)
	}
	if got := inst.states(); got[deadletters.Open] != 1 || len(inst.sent) > 0 {
		t.Errorf("the letters are %v", got)
	}
	if entries := inst.audit(); len(entries) != 1 || entries[0].Choice != "x" || entries[0].Reason != "Sent by hand." {
		t.Errorf("the audit says %+v", entries)
	}
	if _, err := inst.order(administration.LetterOrder{Verb: administration.Discard, Letter: "x", Reason: "Again."}); portal.CodeOf(err) != portal.Conflict {
		t.Errorf("discarding it again: %v", err)
	}
}

func TestOrdersThatMeanNothingAreRefused(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	inst.bury("x", "unreadable", 0, opened)
	for name, c := range map[string]struct {
		order administration.LetterOrder
		want  portal.Code
	}{
		"an unknown letter":             {administration.LetterOrder{Verb: administration.Replay, Letter: "nope"}, portal.NotFound},
		"an unknown verb":               {administration.LetterOrder{Verb: "eat", Letter: "x"}, portal.Invalid},
		"a letter that nobody can read": {administration.LetterOrder{Verb: administration.Replay, Letter: "x"}, portal.Conflict},
		"a choice that nothing matches": {administration.LetterOrder{Verb: administration.Replay, Choice: deadletters.Choice{Queue: "none"}}, portal.Conflict},
	} {
		if _, err := inst.order(c.order); portal.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if entries := inst.audit(); len(entries) > 0 || inst.woke > 0 {
		t.Errorf("the audit says %+v", entries)
	}
	// A letter of a choice that cannot be replayed stays, and the order ends.
	inst.bury("m", "failed", 0, opened)
	shown, err := inst.deadLetters.Preview(t.Context(), administration.LetterOrder{Verb: administration.Replay})
	if err != nil || shown.Letters != 1 || len(shown.First) != 1 || shown.First[0].ID != "m" || !slices.Equal(shown.NotReplayable, []administration.SkippedLetters{{Why: "No worker can read it.", Letters: 1}}) {
		t.Errorf("the preview is %+v, %v", shown, err)
	}
	if n, err := inst.order(administration.LetterOrder{Verb: administration.Replay}); err != nil || n != 1 {
		t.Fatalf("the order is about %d letters, %v", n, err)
	}
	inst.work()
	if got := inst.states(); got[deadletters.Open] != 1 || got[deadletters.Replayed] != 1 {
		t.Errorf("the letters are %v", got)
	}
	if entries := inst.audit(); len(entries) != 1 || entries[0].Count != 1 {
		t.Errorf("the audit says %+v", entries)
	}
	// Nothing is left that can be replayed: the preview says so, and there is no order.
	if shown, err := inst.deadLetters.Preview(t.Context(), administration.LetterOrder{Verb: administration.Replay}); err != nil || shown.Letters != 0 || shown.Skipped() != 1 {
		t.Errorf("the preview is %+v, %v", shown, err)
	}
	if _, err := inst.order(administration.LetterOrder{Verb: administration.Replay}); portal.CodeOf(err) != portal.Conflict || !strings.Contains(portal.MessageOf(err), "None of the dead letters that match can be replayed. No worker can read it.") {
		t.Errorf("an order that can replay nothing: %v", err)
	}
	// A discard counts it, since it can be discarded.
	if shown, err := inst.deadLetters.Preview(t.Context(), administration.LetterOrder{Verb: administration.Discard}); err != nil || shown.Letters != 1 || shown.Skipped() != 0 {
		t.Errorf("the preview of a discard is %+v, %v", shown, err)
	}
}

func TestAPreviewLeavesOutALetterThatIsDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	inst.bury("m1", "failed", 0, opened)
	inst.bury("m2", "failed", 0, opened.Add(time.Minute))
	inst.bury("m3", "failed", 0, opened.Add(time.Hour))
	inst.deadLetters.ReplayOutlook = func(ctx context.Context, l deadletters.Letter) (administration.ReplayOutlook, error) {
		if l.ID == "m1" {
			inst.remove(schema.DeadLetter("m2"))
		}
		return administration.ReplayOutlook{Outlook: administration.CarriedOut}, nil
	}
	shown, err := inst.deadLetters.Preview(t.Context(), administration.LetterOrder{Verb: administration.Replay})
	if err != nil || shown.Letters != 2 || len(shown.First) != 2 || shown.First[1].ID != "m3" {
		t.Errorf("it shows %+v, %v", shown, err)
	}
	inst.remove(schema.DeadLetter("m1"))
	inst.remove(schema.DeadLetter("m3"))
	if _, err := inst.deadLetters.Preview(t.Context(), administration.LetterOrder{Verb: administration.Replay}); portal.CodeOf(err) != portal.Conflict {
		t.Errorf("without any letter: %v", err)
	}
}

func (inst *installation) remove(key schema.Key) {
	inst.t.Helper()
	if _, err := inst.tables.Client.DeleteItem(inst.t.Context(), &dynamodb.DeleteItemInput{TableName: &inst.tables.Records, Key: key.Attributes()}); err != nil {
		inst.t.Fatal(err)
	}
}

// An order whose letter can never be sent ends after half an hour of tries, and the one behind it is carried out.
func TestALetterThatCannotBeSentDoesNotBlockLaterOrders(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	inst.bury("stuck", "failed", 0, opened)
	inst.bury("fine", "failed", 0, opened)
	for _, letter := range []string{"stuck", "fine"} {
		if _, err := inst.order(administration.LetterOrder{Verb: administration.Replay, Letter: letter}); err != nil {
			t.Fatal(err)
		}
		inst.now = inst.now.Add(time.Second)
	}
	inst.down = errors.New("the message is too large")
	inst.wantStepFails()
	inst.now = inst.now.Add(31 * time.Minute)
	if _, err := inst.job.Step(t.Context(), ""); err != nil {
		t.Fatalf("after half an hour the order still blocks others: %v", err)
	}
	inst.down = nil
	inst.work()
	if got := inst.states(); got[deadletters.Open] != 1 || got[deadletters.Replayed] != 1 || len(inst.sent) != 1 || inst.sent[0].ID != "fine" {
		t.Errorf("the letters are %v, and sent are %v", got, inst.sent)
	}
}

func (inst *installation) wantStepFails() {
	inst.t.Helper()
	next, err := inst.job.Step(inst.t.Context(), "")
	var later *portal.Postponed
	if !errors.As(err, &later) {
		inst.t.Fatalf("the step ends with %q (%v), and the queue does not answer", next, err)
	}
}

// Half an hour counts from the first failure since a letter was last sent, and not from the order.
func TestAnOrderThatWaitedForWorkersIsTriedForHalfAnHour(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	for i := range 4 {
		inst.bury(fmt.Sprint("m", i), "failed", 0, opened.Add(time.Duration(i)*time.Hour))
	}
	if _, err := inst.order(administration.LetterOrder{Verb: administration.Replay}); err != nil {
		t.Fatal(err)
	}
	inst.now = inst.now.Add(2 * time.Hour) // no worker runs
	inst.down = errors.New("the queue does not answer")
	inst.wantStepFails()
	inst.now, inst.full = inst.now.Add(20*time.Minute), 2
	inst.wantStepFails()
	inst.now = inst.now.Add(20 * time.Minute)
	inst.wantStepFails()
	inst.down = nil
	inst.work()
	if got := inst.states(); got[deadletters.Replayed] != 4 || len(inst.sent) != 4 {
		t.Errorf("the letters are %v, and %d messages are sent", got, len(inst.sent))
	}
}

// A tick of the job finds the order. An admin who is told of a failure would order again.
func TestAnOrderThatNoWorkerIsToldOfIsPlacedAllTheSame(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	inst.bury("m", "failed", 0, opened)
	inst.deadLetters.Wake = func(context.Context, administration.LetterOrder) error {
		return errors.New("the queue does not answer")
	}
	if n, err := inst.order(administration.LetterOrder{Verb: administration.Replay}); err != nil || n != 1 {
		t.Errorf("the order is about %d letters, %v", n, err)
	}
	inst.work()
	if len(inst.sent) != 1 {
		t.Errorf("sent are %v", inst.sent)
	}
}

func TestAnOrderOfANewerVersionIsPassedOver(t *testing.T) {
	t.Parallel()
	inst := newInstallation(t)
	inst.bury("a", "failed", 0, opened)
	inst.bury("b", "failed", 0, opened.Add(time.Hour))
	newer := schema.LetterOrder("0-newer").Attributes()
	newer["order"] = schema.Text(`{"id":"0-newer","verb":"park","letter":"a","choice":{"queue":"other"},"reason":"Later."}`)
	if _, err := inst.tables.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &inst.tables.Records, Item: newer}); err != nil {
		t.Fatal(err)
	}
	if _, err := inst.order(administration.LetterOrder{Verb: administration.Replay}); err != nil {
		t.Fatal(err)
	}
	inst.work()
	if len(inst.sent) != 2 {
		t.Errorf("sent are %v, want both letters", inst.sent)
	}
}
