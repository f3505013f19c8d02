package deadletters_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestAReplayThatIsHandledSettlesItsLetter(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.bury(reportOf(t, register))
	d.now = opened.Add(time.Hour)
	again := d.replay(register.ID)
	want := register
	want.Replay = 1
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("replayed (-want +got):\n%s", diff)
	}
	d.wantState(register.ID, deadletters.Replayed)
	if got := d.find(register.ID); !got.ReplayedAt.Equal(d.now) || got.Replays != 1 {
		t.Errorf("replayed %d times, last at %v", got.Replays, got.ReplayedAt)
	}
	for range 2 { // a second delivery changes nothing
		d.deliver(again)
		d.wantState(register.ID, deadletters.Settled)
	}
	if facts := d.facts(); len(facts) != 2 {
		t.Errorf("the stream holds %+v", facts)
	}
	rows := d.tables.Rows(t, d.tables.Records, "deadletter")
	if len(rows) != 1 || rows[0]["expires_at"] == nil {
		t.Errorf("a settled letter does not expire: %v", rows)
	}
}

func TestAReplayThatFailsIsOpenAgainAndCounted(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.bury(reportOf(t, register))
	failing := d.Settling(func(context.Context, events.Event) error { return errDown })
	for n := int64(1); n <= 2; n++ {
		again := d.replay(register.ID)
		if again.Replay != n {
			t.Errorf("replay %d says that it is number %d", n, again.Replay)
		}
		if err := failing(t.Context(), again); !errors.Is(err, errDown) {
			t.Errorf("the handler's error became %v", err)
		}
		d.wantState(register.ID, deadletters.Replayed)
		d.bury(reportOf(t, again))
		d.outbox.empty()
		if got := d.find(register.ID); got.State() != deadletters.Open || got.Replays != n {
			t.Errorf("buried again it is %s after %d replays, want %d", got.State(), got.Replays, n)
		}
	}
}

// A worker may be done with a replay before the operator's command has noted that there
// was one.
func TestAReplayThatIsHandledAtOnceIsSettled(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.bury(reportOf(t, register))
	letter := d.find(register.ID)
	d.outbox.meanwhile = func(msg events.Event) {
		d.outbox.meanwhile = nil
		handle := d.Settling(func(context.Context, events.Event) error { return nil })
		if err := handle(t.Context(), msg); err != nil {
			t.Error(err)
		}
	}
	if err := d.Replay(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	d.wantState(register.ID, deadletters.Settled)
	if got := d.find(register.ID).Replays; got != 1 {
		t.Errorf("%d replays are noted", got)
	}
}

// nobody is to be told of anything.
type nobody struct{ *journal.Journal }

func (n nobody) Fail(ctx context.Context, _ events.Event, _ string, rows ...journal.Row) error {
	return n.Write(ctx, rows...)
}

func TestAReplayThatIsBuriedAtOnceStaysOpen(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.bury(reportOf(t, register))
	letter := d.find(register.ID)
	d.outbox.meanwhile = func(msg events.Event) {
		d.outbox.meanwhile = nil
		alone := d.Recorder
		alone.Requests = nobody{d.journal}
		if err := alone.Bury(t.Context(), reportOf(t, msg)); err != nil {
			t.Error(err)
		}
	}
	if err := d.Replay(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	d.wantState(register.ID, deadletters.Open)
}

func TestAnOlderReplayDoesNotSettleANewerOne(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.bury(reportOf(t, register))
	first, second := d.replay(register.ID), d.replay(register.ID)
	d.deliver(first)
	d.wantState(register.ID, deadletters.Replayed)
	d.deliver(second)
	d.wantState(register.ID, deadletters.Settled)
	d.deliver(first)
	d.wantState(register.ID, deadletters.Settled)
	d.replay(register.ID)
	d.wantState(register.ID, deadletters.Replayed)
}

func TestOnlyReplaysAreSettled(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.bury(reportOf(t, register))
	d.deliver(register) // a copy of the first message that came late
	d.wantState(register.ID, deadletters.Open)
	unknown := register
	unknown.ID, unknown.Replay = "unknown", 1
	d.deliver(unknown)
	if _, err := d.Find(t.Context(), "unknown"); portal.CodeOf(err) != portal.NotFound {
		t.Errorf("settling made a letter: %v", err)
	}
}

type dark struct{ *dynamodb.Client }

func (dark) UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return nil, errDown
}

func TestAReplayComesAgainUntilItsLetterIsSettled(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.bury(reportOf(t, register))
	again := d.replay(register.ID)
	d.Recorder.Tables = dark{d.tables.Client}
	handle := d.Settling(func(context.Context, events.Event) error { return nil })
	if err := handle(t.Context(), again); !isPostponed(err) {
		t.Errorf("%v, want Postponed", err)
	}
	if err := handle(t.Context(), register); err != nil {
		t.Errorf("what is no replay: %v", err)
	}
}

func TestOneMayReplayAnythingAWorkerCanRead(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	msgs := []events.Event{
		register,
		{ID: "wakeup", Source: "/test", Subject: account, Time: opened, Data: events.ProvisionRequested{}},
		{ID: "tick", Source: "/test", Subject: "job/due", Time: opened, Data: events.JobRequested{Job: "due"}},
		{ID: "fact", Source: "/test", Subject: account, Time: opened, Sequence: 3, Data: events.KeyObserved{Key: "k"}},
	}
	for _, msg := range msgs {
		d.bury(reportOf(t, msg))
		again := d.replay(msg.ID)
		handle := d.Settling(func(context.Context, events.Event) error { return nil })
		if err := handle(t.Context(), again); err != nil {
			t.Fatal(err)
		}
		d.wantState(msg.ID, deadletters.Settled)
		again.Replay = 0
		if diff := cmp.Diff(msg, again); diff != "" {
			t.Errorf("replayed (-want +got):\n%s", diff)
		}
	}
}

func TestWhatNoWorkerCouldReadIsNotReplayed(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	whole := string(reportOf(t, register).Body)
	for id, c := range map[string]struct{ body, says string }{
		"garbage":   {"<xml/>", "not JSON"},
		"unheard":   {strings.Replace(whole, "RegisterUser", "Unheard", 1), "gatehouse.Unheard.v1"},
		"too-large": {strings.Replace(whole, `"corr"`, `"`+strings.Repeat("c", events.MaxSize)+`"`, 1), "more than a message may have"},
	} {
		d.bury(deadletters.Report{ID: id, Body: []byte(c.body), Class: "unreadable"})
		err := d.Replay(t.Context(), d.find(id))
		if portal.CodeOf(err) != portal.Invalid || !strings.Contains(err.Error(), "Dead letter "+id+" cannot be replayed.") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", id, err)
		}
		d.wantState(id, deadletters.Open)
	}
	if repeated := d.outbox.empty(); len(repeated) > 0 {
		t.Errorf("sent %v", repeated)
	}
}

func TestAReplayThatCannotBeSentIsNotNoted(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.bury(reportOf(t, register))
	d.outbox.down = errDown
	if err := d.Replay(t.Context(), d.find(register.ID)); !errors.Is(err, errDown) {
		t.Errorf("%v, want the queue's error", err)
	}
	d.wantState(register.ID, deadletters.Open)
}

func TestALetterThatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	for _, id := range []string{"x", "", strings.Repeat("x", 3000)} {
		if _, err := d.Find(t.Context(), id); portal.CodeOf(err) != portal.NotFound {
			t.Errorf("%.20q: %v, want not_found", id, err)
		}
	}
}

func TestABodyOfWhichAPartIsMissingIsNotTakenForWhole(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.bury(deadletters.Report{ID: "m", Body: []byte(strings.Repeat("x", 1<<20))})
	parts := d.tables.Rows(t, d.tables.Records, "deadletter#"+d.find("m").BodyHash)
	if len(parts) < 5 {
		t.Fatalf("the body is in %d parts, so this test shows nothing", len(parts))
	}
	_, err := d.tables.Client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
		TableName: aws.String(d.tables.Records), Key: map[string]types.AttributeValue{"pk": parts[2]["pk"], "sk": parts[2]["sk"]},
	})
	if err != nil {
		t.Fatal(err)
	}
	if letter, err := d.Find(t.Context(), "m"); err == nil {
		t.Errorf("found it with %d bytes", len(letter.Body))
	}
}

// A message that fails again keeps its place before those that came after it: replayed behind them, a registration
// would follow the subscription that needs it.
func TestALetterThatFailsAgainKeepsItsPlace(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	later := register
	later.ID, later.Operation = "op-later", "op-later"
	second := reportOf(t, later)
	second.First = opened.Add(time.Minute)
	d.bury(reportOf(t, register), second)
	for try := range 2 {
		again := reportOf(t, d.replay(register.ID))
		again.First = opened.Add(time.Duration(try+1) * time.Hour)
		d.bury(again)
		chosen, err := d.Chosen(t.Context(), deadletters.Choice{})
		if err != nil || len(chosen) != 2 || chosen[0].ID != register.ID {
			t.Errorf("after %d replays, the order is %v, %v", try+1, chosen, err)
		}
		found, err := d.List(t.Context(), deadletters.Choice{}, "", 1)
		if err != nil || found.Letters[0].ID != register.ID || found.Left != 1 {
			t.Errorf("after %d replays, the list begins with %v, %v", try+1, found.Letters, err)
		}
		if !d.find(register.ID).First.Equal(again.First) {
			t.Errorf("after %d replays, the first failure is %s", try+1, d.find(register.ID).First)
		}
	}
}
