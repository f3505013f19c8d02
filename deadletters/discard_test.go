package deadletters_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func (d *fixture) discard(id, reason string) {
	d.t.Helper()
	if err := d.Discard(d.t.Context(), id, reason); err != nil {
		d.t.Fatal(err)
	}
}

func TestADiscardedLetterSaysWhoWhenAndWhy(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.Operator = "ops@example.com"
	d.bury(reportOf(t, register))
	d.now = opened.Add(time.Hour)
	d.discard(register.ID, " a duplicate of ticket 12 ")
	want := &deadletters.Discard{By: "ops@example.com", At: d.now, Reason: "a duplicate of ticket 12"}
	err := d.Each(t.Context(), func(l deadletters.Letter) error {
		if diff := cmp.Diff(want, l.Discard); diff != "" || l.State() != deadletters.Discarded {
			t.Errorf("listed as %s (-want +got):\n%s", l.State(), diff)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, d.find(register.ID).Discard); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	rows := d.tables.Rows(t, d.tables.Records, "deadletter")
	if len(rows) != 1 || rows[0]["expires_at"] == nil {
		t.Errorf("a discarded letter does not expire: %v", rows)
	}
}

func TestTheOperationOfADiscardedLetterStaysFailed(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.bury(reportOf(t, register))
	d.outbox.empty()
	d.discard(register.ID, "nobody needs it")
	if diff := cmp.Diff([]events.Fact{events.RequestFailed{Class: "failed"}}, d.facts()); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if sent := d.outbox.empty(); len(sent) > 0 {
		t.Errorf("discarding sent %v", sent)
	}
}

func TestALetterThatNoWorkerCouldReadCanBeDiscarded(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	for id, body := range map[string]string{"garbage": "<xml/>", "large": strings.Repeat("x", 1<<20), "empty": ""} {
		d.bury(deadletters.Report{ID: id, Body: []byte(body), Class: "unreadable"})
		d.discard(id, "not one of ours")
		d.wantState(id, deadletters.Discarded)
		if got := d.find(id); string(got.Body) != body {
			t.Errorf("%s: %d bytes are left of the body, want %d", id, len(got.Body), len(body))
		}
	}
}

func TestDiscardingAgainKeepsTheFirstRecord(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.bury(reportOf(t, register))
	d.discard(register.ID, "the first reason")
	d.now = opened.Add(time.Hour)
	d.discard(register.ID, "another reason")
	if got := d.find(register.ID).Discard; got.Reason != "the first reason" || !got.At.Equal(opened) {
		t.Errorf("the record is %+v", got)
	}
}

func TestADiscardNeedsAReasonOfSomeLength(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.bury(reportOf(t, register))
	for name, reason := range map[string]string{
		"empty": "", "spaces": " \n", "too long": strings.Repeat("y", 1001),
	} {
		if err := d.Discard(t.Context(), register.ID, reason); portal.CodeOf(err) != portal.Invalid {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
	d.wantState(register.ID, deadletters.Open)
	if err := d.Discard(t.Context(), "unheard-of", "why"); portal.CodeOf(err) != portal.NotFound {
		t.Errorf("an unknown letter: %v, want not_found", err)
	}
}

func TestASettledLetterIsNotDiscarded(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.bury(reportOf(t, register))
	d.deliver(d.replay(register.ID))
	if err := d.Discard(t.Context(), register.ID, "why"); portal.CodeOf(err) != portal.Conflict {
		t.Errorf("%v, want conflict", err)
	}
	d.wantState(register.ID, deadletters.Settled)
}

func TestWhatHappensToADiscardedLetterLater(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		later func(*fixture)
		want  deadletters.State
	}{
		"replayed, it waits for the replay": {func(d *fixture) { d.replay(register.ID) }, deadletters.Replayed},
		"replayed and handled, it is settled": {
			func(d *fixture) { d.deliver(d.replay(register.ID)) }, deadletters.Settled,
		},
		"buried again, it is open": {func(d *fixture) { d.bury(reportOf(d.t, register)) }, deadletters.Open},
		"replayed and discarded again, it is so": {
			func(d *fixture) { d.replay(register.ID); d.discard(register.ID, "still not") }, deadletters.Discarded,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			d.bury(reportOf(t, register))
			d.discard(register.ID, "nobody needs it")
			c.later(d)
			d.wantState(register.ID, c.want)
		})
	}
}

func TestAReplayUnderWaySettlesALetterThatWasDiscarded(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.bury(reportOf(t, register))
	again := d.replay(register.ID)
	d.discard(register.ID, "it takes too long")
	d.wantState(register.ID, deadletters.Discarded)
	d.deliver(again)
	d.wantState(register.ID, deadletters.Settled)
}

// meddling changes the letter just before each update.
type meddling struct {
	*dynamodb.Client
	before func()
}

func (m *meddling) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if m.before != nil {
		m.before()
	}
	return m.Client.UpdateItem(ctx, in, opts...)
}

func TestALetterThatWasReplayedMeanwhileIsReadAgainBeforeItIsDiscarded(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.bury(reportOf(t, register))
	between := &meddling{Client: d.tables.Client}
	other := d.Admin
	between.before = func() {
		between.before = nil
		if err := other.Replay(t.Context(), d.find(register.ID)); err != nil {
			t.Error(err)
		}
	}
	d.Admin.Tables = between
	d.discard(register.ID, "nobody needs it")
	if got := d.find(register.ID); got.State() != deadletters.Discarded || got.Discard.Replays != 1 {
		t.Errorf("it is %s, after %d replays", got.State(), got.Discard.Replays)
	}
}

func TestALetterThatKeepsChangingIsNotDiscarded(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.bury(reportOf(t, register))
	between, tries := &meddling{Client: d.tables.Client}, 0
	between.before = func() {
		tries++
		letter := reportOf(t, register)
		letter.Last = opened.Add(time.Duration(tries) * time.Hour * 2)
		d.bury(letter)
	}
	d.Admin.Tables = between
	if err := d.Discard(t.Context(), register.ID, "why"); portal.CodeOf(err) != portal.Conflict {
		t.Errorf("%v, want conflict", err)
	}
	d.wantState(register.ID, deadletters.Open)
	if tries < 2 || tries > 20 {
		t.Errorf("it was tried %d times", tries)
	}
}

func TestADiscardThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.bury(reportOf(t, register))
	d.Admin.Tables = dark{d.tables.Client}
	if err := d.Discard(t.Context(), register.ID, "why"); !errors.Is(err, errDown) {
		t.Errorf("%v, want the table's error", err)
	}
	d.wantState(register.ID, deadletters.Open)
}
