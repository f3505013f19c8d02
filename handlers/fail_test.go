package handlers

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// graveRow is a row that records that a message was given up.
func graveRow(msg events.Event) journal.Row {
	return journal.Row{Key: schema.Key{PK: "grave", SK: msg.ID}, Value: struct{}{}}
}

// fail gives messages up.
func (d *fixture) fail(msgs ...events.Event) {
	d.t.Helper()
	for _, msg := range msgs {
		if err := d.decider.Fail(d.t.Context(), msg, "failed", graveRow(msg)); err != nil {
			d.t.Fatalf("giving up %s %s: %v", msg.Type(), msg.ID, err)
		}
	}
}

// graves counts those rows.
func (d *fixture) graves() int {
	d.t.Helper()
	return len(d.tables.Rows(d.t, d.tables.Records, "grave"))
}

func TestARequestThatWasNotHandledFailsForWhoeverWaits(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.handle(register)
	d.outbox.empty()
	d.fail(subscribe)
	if d.graves() != 1 {
		t.Errorf("there are %d rows, want 1", d.graves())
	}
	facts := d.facts()
	holds(t, facts[1:], events.RequestFailed{Class: "failed"})
	failed := facts[1]
	if failed.Causation != subscribe.ID || failed.Operation != subscribe.Operation || failed.Correlation != subscribe.Correlation {
		t.Errorf("the fact does not say what led to it: %+v", failed)
	}
	sent, _ := d.outbox.empty()
	if diff := cmp.Diff(facts[1:], sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestARequestFailsOnceAndIsToldOfAgain(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.fail(register)
	d.outbox.empty()
	d.fail(register)
	holds(t, d.facts(), events.RequestFailed{Class: "failed"})
	sent, repeated := d.outbox.empty()
	if diff := cmp.Diff(d.facts(), repeated); diff != "" || len(sent) > 0 {
		t.Errorf("%d sent as new; repeated (-want +got):\n%s", len(sent), diff)
	}
}

func TestWhatAHandledRequestEntailsIsSentAgainWhenItIsGivenUp(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.handle(register, subscribe)
	sent, _ := d.outbox.empty()
	before := d.facts()
	d.fail(subscribe)
	_, repeated := d.outbox.empty()
	if diff := cmp.Diff(sent[1:], repeated); diff != "" {
		t.Errorf("repeated (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, d.facts()); diff != "" {
		t.Errorf("giving up what was handled changed the stream (-want +got):\n%s", diff)
	}
	if d.graves() != 1 {
		t.Errorf("there are %d rows, want 1", d.graves())
	}
}

func TestARequestThatIsHandledWhileItIsGivenUpHasNotFailed(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	slow := d.beside(func(cfg *Config) {
		cfg.Journal = overtaken{d.journal, once(func() { d.handle(register) })}
	})
	if err := slow.Fail(t.Context(), register, "failed", graveRow(register)); err != nil {
		t.Fatal(err)
	}
	facts := d.facts()
	if len(facts) != 1 || facts[0].Type() != (events.UserRegistered{}).EventType() {
		t.Errorf("the stream holds %+v, want UserRegistered alone", facts)
	}
	if d.graves() != 1 {
		t.Errorf("there are %d rows, want 1", d.graves())
	}
}

func TestARowAndItsRequestFailedAreWrittenTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	n := 0
	slow := d.beside(func(cfg *Config) {
		cfg.Journal = overtaken{d.journal, func() {
			n++
			d.handle(ask(portal.OperationID("op"+string(rune('a'+n))), 1, events.RegisterUser{}))
		}}
	})
	if err := slow.Fail(t.Context(), subscribe, "failed", graveRow(subscribe)); !isPostponed(err) {
		t.Errorf("after %d lost races: %v, want Postponed", n, err)
	}
	if d.graves() != 0 {
		t.Error("the row was written without its fact")
	}
}

func TestAMessageThatNobodyWaitsForIsItsRowAndNothingMore(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.handle(register)
	fact := d.facts()[0]
	d.outbox.empty()
	odd := register
	odd.ID, odd.Subject = "odd", "nonsense/x"
	d.fail(
		fact, odd,
		events.Event{ID: "tick", Source: "/test", Subject: "job/due", Time: opened, Data: events.JobRequested{Job: "due"}},
		events.Event{ID: "look", Source: "/test", Subject: portal.AccountStream(account), Time: opened, Data: events.ShowRequested{}},
		events.Event{ID: "wakeup", Source: "/test", Subject: portal.AccountStream(account), Time: opened, Data: events.ProvisionRequested{}},
	)
	if d.graves() != 5 {
		t.Errorf("there are %d rows, want 5", d.graves())
	}
	if got := len(d.facts()) + len(d.stream("job/due")) + len(d.stream("nonsense/x")); got != 1 {
		t.Errorf("the streams hold %d facts, want the one from before", got)
	}
	if sent, repeated := d.outbox.empty(); len(sent)+len(repeated) > 0 {
		t.Errorf("sent %v, repeated %v", sent, repeated)
	}
}

func TestARequestOfNobodyFailsWithoutEndingAnything(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	msg := ask("", 0, events.KeyReleaseRequested{Key: "k"})
	msg.ID = "release"
	d.fail(msg)
	holds(t, d.facts(), events.RequestFailed{Class: "failed"})
}

func TestGivingUpIsPostponedWhileTheQueuesAreDownAndTellsLater(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.outbox.down = errDown
	if err := d.decider.Fail(t.Context(), register, "failed", graveRow(register)); !isPostponed(err) {
		t.Errorf("%v, want Postponed", err)
	}
	d.outbox.down = nil
	d.fail(register)
	if _, repeated := d.outbox.empty(); len(repeated) != 1 || len(d.facts()) != 1 {
		t.Errorf("repeated %v, and the stream holds %d facts", repeated, len(d.facts()))
	}
}

func TestAReplayOfWhatFailedIsCarriedOutAndItsOperationSucceeds(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	views := projections.Tables{Views: d.tables.Views, Records: d.tables.Records}
	projector := projections.NewProjector(d.journal, accounts.NewReader(d.journal, d.tables.Client, d.tables.Records, clock), d.tables.Client, views)
	shown := projections.NewViews(d.tables.Client, views, (*catalog.Store)(nil))
	status := func() projections.Status {
		t.Helper()
		if err := projector.Handle(t.Context(), events.Event{Subject: portal.AccountStream(account)}); err != nil {
			t.Fatal(err)
		}
		p, err := shown.Progress(t.Context(), register.Operation)
		if err != nil {
			t.Fatal(err)
		}
		return p.Status
	}
	d.fail(register)
	if got := status(); got != projections.Failed {
		t.Fatalf("after giving up the operation is %s, want failed", got)
	}
	d.handle(register)
	holds(t, d.facts()[1:], events.UserRegistered{Decides: events.Decides{Scopes: []portal.Scope{portal.RegistrationScope}}})
	if got := status(); got != projections.Succeeded {
		t.Errorf("after the replay the operation is %s, want succeeded", got)
	}
	// The replay fails after it was carried out: that changes nothing.
	d.fail(register)
	if got := status(); got != projections.Succeeded || len(d.facts()) != 2 {
		t.Errorf("after giving it up again the operation is %s and the stream holds %d facts", got, len(d.facts()))
	}
}

// A request about any kind of stream may have an operation.
func TestARequestAboutAnyStreamOfOursFailsThere(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	for _, stream := range []portal.Stream{"licence/l-1", "legacy/product/customer", portal.CatalogStream, portal.PortalStream} {
		msg := register
		msg.ID, msg.Subject = "op-"+string(stream), stream
		d.fail(msg)
		holds(t, d.stream(stream), events.RequestFailed{Class: "failed"})
	}
}

// A long stream's snapshot knows handled requests as well as its facts do.
func TestARequestThatWasHandledLongAgoIsNeitherCarriedOutAgainNorFails(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.decider = d.beside(func(cfg *Config) {
		cfg.Accounts = accounts.NewReader(d.journal, d.tables.Client, d.tables.Records, clock).SnapshotEvery(4, 1)
	})
	d.handle(register, subscribe, leave, ask("op-again", 4, freePlan), ask("op-leave-again", 5, events.UnsubscribeRequested{Plan: "free"}))
	before := d.facts()
	d.handle(register, subscribe)
	d.fail(register, subscribe)
	if diff := cmp.Diff(before, d.facts()); diff != "" {
		t.Errorf("what was handled long ago changed the stream (-want +got):\n%s", diff)
	}
	if d.graves() != 2 {
		t.Errorf("there are %d rows, want 2", d.graves())
	}
}

// wakeUpOf is the wake-up that the last wish of the stream led to.
func (d *fixture) wakeUpOf(wish events.Event) events.Event {
	return events.Event{
		ID: portal.DeriveID("provision", wish.ID, "0"), Source: "/gatehouse/handlers", Subject: wish.Subject, Time: opened,
		Causation: wish.ID, Correlation: wish.Correlation, Data: events.ProvisionRequested{},
	}
}

func TestAWakeUpThatIsGivenUpParksTheWishesThatNothingExplains(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.handle(register, subscribe)
	d.outbox.empty()
	known := d.facts()
	wake := d.wakeUpOf(known[2])
	d.fail(wake)
	facts := d.facts()
	holds(t, facts[3:], events.WishParked{Link: events.Link{Wish: 3}, Reason: events.WaitingForRepair})
	if sent, _ := d.outbox.empty(); len(sent) != 1 || sent[0].ID != facts[3].ID {
		t.Errorf("sent %+v, want the fact alone", sent)
	}
	d.fail(wake) // a second delivery, and each further failure
	wake.ID = "another"
	d.fail(wake)
	if got := d.facts(); len(got) != 4 || d.graves() != 2 {
		t.Errorf("giving it up again leaves %d facts and %d rows, want 4 and 2", len(got), d.graves())
	}
}

func TestAWakeUpThatIsGivenUpLeavesOtherReasonsAlone(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.handle(register, subscribe)
	known := d.facts()
	wake := d.wakeUpOf(known[2])
	parked := journal.Stamp(wake, "/test", opened, 3, []events.Fact{events.WishParked{Link: events.Link{Wish: 3}, Reason: events.WaitingForCapacity}})
	if err := d.journal.Append(t.Context(), wake.Subject, 3, parked); err != nil {
		t.Fatal(err)
	}
	d.fail(wake)
	if got := d.facts(); len(got) != 4 || d.graves() != 1 {
		t.Errorf("the stream holds %d facts and there are %d rows, want 4 and 1", len(got), d.graves())
	}
}

func TestAWakeUpThatIsGivenUpWhileItsAccountMovesOnSaysNothing(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.handle(register, subscribe)
	wish := d.facts()[2]
	slow := d.beside(func(cfg *Config) {
		cfg.Journal = overtaken{d.journal, once(func() {
			done := journal.Stamp(d.wakeUpOf(wish), "/test", opened, 3, []events.Fact{events.SubscriptionActivated{Link: events.Link{Wish: 3}, Plan: "free"}})
			if err := d.journal.Append(t.Context(), wish.Subject, 3, done); err != nil {
				t.Error(err)
			}
		})}
	})
	if err := slow.Fail(t.Context(), d.wakeUpOf(wish), "panic", graveRow(wish)); err != nil {
		t.Fatal(err)
	}
	if got := d.facts(); len(got) != 4 || d.graves() != 1 {
		t.Errorf("the stream holds %d facts and there are %d rows, want 4 and 1", len(got), d.graves())
	}
}
