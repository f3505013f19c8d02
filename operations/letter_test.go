package operations_test

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// box holds dead letters and counts how often somebody looks.
type box struct {
	letters map[string]deadletters.Letter
	err     error
	looks   int
}

func (b *box) Lookup(_ context.Context, id string) (deadletters.Letter, bool, error) {
	b.looks++
	letter, found := b.letters[id]
	return letter, found, b.err
}

// withBox returns Operations that find dead letters in the box.
func (d *fixture) withBox(b *box) *operations.Operations {
	cfg := d.config()
	cfg.Letters = b
	return operations.New(cfg)
}

func TestAFailedOperationSaysWhatBecameOfItsLetter(t *testing.T) {
	t.Parallel()
	buried := deadletters.Letter{Report: deadletters.Report{Last: time.Date(2026, 11, 22, 9, 20, 0, 0, time.UTC)}}
	replayed, discarded, settled := buried, buried, buried
	replayed.Replays, replayed.ReplayedAt = 1, buried.Last.Add(time.Hour)
	discarded.Discard = &deadletters.Discard{By: "root"}
	settled.Replays, settled.SettledReplay = 1, 1
	for name, c := range map[string]struct {
		letter *deadletters.Letter
		fact   events.Fact
		age    time.Duration
		status projections.Status
		state  deadletters.State
	}{
		"failed, and its letter is open":                    {&buried, events.RequestFailed{Class: "failed"}, time.Second, projections.Failed, deadletters.Open},
		"failed, and it is replayed":                        {&replayed, events.RequestFailed{Class: "failed"}, time.Second, projections.Failed, deadletters.Replayed},
		"failed, and an operator closed it":                 {&discarded, events.RequestFailed{Class: "failed"}, time.Second, projections.Failed, deadletters.Discarded},
		"failed, and the letter is deleted":                 {nil, events.RequestFailed{Class: "failed"}, time.Second, projections.Failed, ""},
		"given up, and no fact could say so":                {&buried, nil, time.Hour, projections.Failed, deadletters.Open},
		"given up and replayed, and no fact could say so":   {&replayed, nil, time.Hour, projections.Failed, deadletters.Replayed},
		"handled after a replay, and not shown yet":         {&settled, nil, time.Hour, projections.Accepted, deadletters.Settled},
		"accepted a moment ago":                             {&buried, nil, time.Second, projections.Accepted, ""},
		"accepted, and no letter":                           {nil, nil, time.Hour, projections.Accepted, ""},
		"done after another delivery, with a letter":        {&buried, events.UserRegistered{}, time.Hour, projections.Succeeded, ""},
		"under way after another delivery, with its letter": {&buried, events.SubscriptionWanted{Plan: "free"}, time.Hour, projections.Running, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			op := d.accepts(ask(ann, "", register))
			d.outbox.empty()
			b := &box{letters: map[string]deadletters.Letter{}}
			if c.letter != nil {
				b.letters[string(op.ID)] = *c.letter
			}
			if c.fact != nil {
				d.happen(portal.AccountStream(ann), op.ID, c.fact)
			}
			d.pass(c.age)
			for who, read := range map[string]func() (operations.Operation, error){
				"the person":  func() (operations.Operation, error) { return d.withBox(b).Find(t.Context(), ann, op.ID) },
				"an operator": func() (operations.Operation, error) { return d.withBox(b).FindAny(t.Context(), op.ID) },
			} {
				found, err := read()
				if err != nil || found.Status != c.status || found.Letter != c.state {
					t.Errorf("%s finds it %s with the letter %q (%v), want %s and %q", who, found.Status, found.Letter, err, c.status, c.state)
				}
				if c.fact == nil && c.status == projections.Failed && (found.Code != "failed" || found.Message != projections.FailedText || !found.UpdatedAt.Equal(buried.Last)) {
					t.Errorf("%s is told %q, %q at %v", who, found.Code, found.Message, found.UpdatedAt)
				}
			}
		})
	}
}

func TestARequestThatIsADeadLetterIsNotSentAgainWhenItIsRead(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	op := d.accepts(ask(ann, "", register))
	d.outbox.empty()
	d.pass(time.Hour)
	b := &box{letters: map[string]deadletters.Letter{string(op.ID): {}}}
	if _, err := d.withBox(b).Find(t.Context(), ann, op.ID); err != nil {
		t.Fatal(err)
	}
	if sent, repeated := d.outbox.empty(); len(sent)+len(repeated) > 0 {
		t.Errorf("sent %v, repeated %v", sent, repeated)
	}
}

func TestAnOperationIsReadEvenIfItsLetterCannotBe(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	op := d.accepts(ask(ann, "", register))
	d.happen(portal.AccountStream(ann), op.ID, events.RequestFailed{Class: "failed"})
	found, err := d.withBox(&box{err: errDown}).Find(t.Context(), ann, op.ID)
	if err != nil || found.Status != projections.Failed || found.Letter != "" {
		t.Errorf("it finds %+v (%v)", found, err)
	}
}

func TestAnOperationThatMovesCostsNoLookAtTheLetters(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	op := d.accepts(ask(ann, "", register))
	b := &box{}
	ops := d.withBox(b)
	read := func() {
		t.Helper()
		if _, err := ops.Find(t.Context(), ann, op.ID); err != nil {
			t.Fatal(err)
		}
	}
	read()
	d.happen(portal.AccountStream(ann), op.ID, events.SubscriptionWanted{Plan: "free"})
	d.pass(time.Hour)
	read()
	if b.looks != 0 {
		t.Errorf("it looked at the letters %d times", b.looks)
	}
}
