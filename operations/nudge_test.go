package operations_test

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// looks reads the operation and counts the requests to show that it leads to.
func (d *fixture) looks(op portal.OperationID) (nudges int) {
	d.t.Helper()
	if _, err := d.Find(d.t.Context(), ann, op); err != nil {
		d.t.Fatal(err)
	}
	sent, repeated := d.outbox.empty()
	if len(sent) > 0 {
		d.t.Errorf("sent %v", sent)
	}
	for _, msg := range repeated {
		if msg.Data != (events.ShowRequested{}) || msg.Subject != portal.AccountStream(ann) || msg.Operation != "" {
			d.t.Errorf("repeated %+v", msg)
		}
		if _, err := events.Encode(msg); err != nil {
			d.t.Error(err)
		}
	}
	return len(repeated)
}

func (d *fixture) wantNudges(when string, op portal.OperationID, want int) {
	d.t.Helper()
	if got := d.looks(op); got != want {
		d.t.Errorf("%s: %d requests to show, want %d", when, got, want)
	}
}

func TestReadingAStuckOperationWakesShowing(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	op := d.accepts(ask(ann, "", register))
	d.outbox.empty()
	d.pass(10 * time.Second)
	d.wantNudges("nothing has happened", op.ID, 0)
	d.append(portal.AccountStream(ann), op.ID, events.SubscriptionWanted{Plan: "free"})
	d.wantNudges("it was looked after just now", op.ID, 0)
	d.pass(10 * time.Second)
	d.wantNudges("a fact is not shown", op.ID, 1)
	d.wantNudges("at once again", op.ID, 0)
	d.pass(10*time.Second - time.Nanosecond)
	d.wantNudges("not quite ten seconds later", op.ID, 0)
	d.pass(time.Nanosecond)
	d.wantNudges("ten seconds later", op.ID, 1)
}

func TestReadingAnOperationWithoutStepsSendsItsRequestAgain(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	op := d.accepts(ask(ann, "", register))
	first, _ := d.outbox.empty()
	handed := func(when string, want int) {
		t.Helper()
		if _, err := d.Find(t.Context(), ann, op.ID); err != nil {
			t.Fatal(err)
		}
		sent, repeated := d.outbox.empty()
		if len(sent) > 0 || len(repeated) != want {
			t.Errorf("%s: sent %v, repeated %v; want %d repeated", when, sent, repeated, want)
		}
		for _, msg := range repeated {
			same(t, "the message", first[0], msg)
		}
	}
	d.pass(29 * time.Second)
	handed("within half a minute", 0)
	d.pass(10 * time.Second)
	handed("later", 1)
	handed("at once again", 0)
	d.pass(20 * time.Second)
	handed("within half a minute of that", 0)
	d.pass(10 * time.Second)
	handed("after it", 1)
	d.happen(portal.AccountStream(ann), op.ID, events.SubscriptionWanted{Plan: "free"})
	d.pass(time.Hour)
	handed("once it has led to something", 0)
}

func TestAnOperatorsReadNudgesNothing(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	op := d.accepts(ask(ann, "", register))
	d.outbox.empty()
	d.append(portal.AccountStream(ann), op.ID, events.UserRegistered{})
	d.pass(10 * time.Second)
	if _, err := d.FindAny(t.Context(), op.ID); err != nil {
		t.Fatal(err)
	}
	if sent, repeated := d.outbox.empty(); len(sent)+len(repeated) > 0 {
		t.Errorf("sent %v, repeated %v", sent, repeated)
	}
}

func TestReadingAnOperationWakesShowingOnlyIfNeeded(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	stream := portal.AccountStream(ann)
	op := d.accepts(ask(ann, "", register))
	d.outbox.empty()
	d.pass(9 * time.Second)
	d.append(stream, op.ID, events.SubscriptionWanted{Plan: "free"})
	d.wantNudges("a request that is young", op.ID, 0)
	d.happen(stream, op.ID, events.WishParked{Link: events.Link{Wish: 1}, Reason: events.WaitingForAWS})
	d.append(stream, "", events.KeyObserved{Key: "k"})
	d.pass(9 * time.Second)
	d.wantNudges("an operation that has moved lately", op.ID, 0)
	d.happen(stream, "", events.SubscriptionActivated{Link: events.Link{Wish: 1}, Plan: "free"})
	d.append(stream, "", events.KeyObserved{Key: "k"})
	d.pass(time.Hour)
	d.wantNudges("an operation that is over", op.ID, 0)
}

type headless struct{}

func (headless) Head(context.Context, portal.Stream) (int64, error) { return 0, errDown }

func TestAnOperationIsReadEvenIfShowingCannotBeWoken(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	op := d.accepts(ask(ann, "", register))
	d.append(portal.AccountStream(ann), op.ID, events.UserRegistered{})
	d.outbox.empty()
	d.pass(time.Minute)
	cfg := d.config()
	cfg.Heads = headless{}
	if found, err := operations.New(cfg).Find(t.Context(), ann, op.ID); err != nil || found.ID != op.ID {
		t.Errorf("without the journal: %+v, %v", found, err)
	}
	d.outbox.down = errDown
	if found, err := d.Find(t.Context(), ann, op.ID); err != nil || found.ID != op.ID {
		t.Errorf("without the queue: %+v, %v", found, err)
	}
}

// The operators' commands read with Operations that can send nothing.
func TestReadingWithoutASenderDoesNotNudge(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	op := d.accepts(ask(ann, "", register))
	d.outbox.empty()
	d.append(portal.AccountStream(ann), op.ID, events.SubscriptionWanted{Plan: "free"})
	d.pass(time.Hour)
	cfg := d.config()
	cfg.Sender, cfg.Heads = nil, nil
	reading := operations.New(cfg)
	found, err := reading.Find(t.Context(), ann, op.ID)
	if err != nil || found.ID != op.ID {
		t.Errorf("it finds %q, %v", found.ID, err)
	}
	if recent, err := reading.Recent(t.Context(), ann, 10); err != nil || len(recent) != 1 {
		t.Errorf("it lists %v, %v", recent, err)
	}
	if sent, repeated := d.outbox.empty(); len(sent)+len(repeated) > 0 {
		t.Errorf("sent %v %v", sent, repeated)
	}
}
