package handlers

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestFailuresAreCountedFromTheFirst(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for i := range 3 {
		count, first, err := d.letters.Failed(t.Context(), "m1", opened.Add(time.Duration(i)*time.Minute))
		if err != nil || count != i+1 || !first.Equal(opened) {
			t.Errorf("failure %d: counted %d since %v, %v", i+1, count, first, err)
		}
	}
	later := opened.Add(time.Hour)
	if count, first, err := d.letters.Failed(t.Context(), "m2", later); err != nil || count != 1 || !first.Equal(later) {
		t.Errorf("another message: counted %d since %v, %v", count, first, err)
	}
	rows := d.tables.Rows(t, d.tables.Records, "failure#m1")
	if len(rows) != 1 || rows[0]["expires_at"] == nil {
		t.Errorf("the count does not expire: %v", rows)
	}
}

func TestFailuresAtSeveralWorkersAtOnceAreAllCounted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const workers = 6
	counts := make([]int, workers)
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() { counts[i], _, _ = d.letters.Failed(t.Context(), "m", opened) })
	}
	group.Wait()
	seen := map[int]bool{}
	for _, n := range counts {
		seen[n] = true
	}
	for n := 1; n <= workers; n++ {
		if !seen[n] {
			t.Errorf("nobody was told %d: %v", n, counts)
		}
	}
}

// letterOf is the dead letter that the transport makes of a message.
func letterOf(t *testing.T, msg events.Event) DeadLetter {
	t.Helper()
	body, err := events.Encode(msg)
	if err != nil {
		t.Fatal(err)
	}
	return DeadLetter{
		MessageID: msg.ID, Queue: "commands", Type: msg.Type(), Subject: msg.Subject, Operation: msg.Operation, Body: body,
		Class: "failed", Error: "it did not work", Attempts: 5, First: opened, Last: opened.Add(time.Hour),
	}
}

func (d *desk) bury(letters ...DeadLetter) {
	d.t.Helper()
	for _, letter := range letters {
		if err := d.letters.Bury(d.t.Context(), letter); err != nil {
			d.t.Fatalf("burying %s: %v", letter.MessageID, err)
		}
	}
}

func TestARequestThatWasNotHandledFailsForWhoeverWaits(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.handle(register)
	d.outbox.empty()
	letter := letterOf(t, subscribe)
	d.bury(letter)
	if diff := cmp.Diff([]DeadLetter{letter}, d.buried()); diff != "" {
		t.Errorf("the dead letter (-want +got):\n%s", diff)
	}
	facts := d.facts()
	holds(t, facts[1:], events.RequestFailed{Ends: ending("op-subscribe"), Class: "failed"})
	failed := facts[1]
	if failed.Causation != subscribe.ID || failed.Operation != subscribe.Operation || failed.Correlation != subscribe.Correlation {
		t.Errorf("the fact does not say what led to it: %+v", failed)
	}
	sent, _ := d.outbox.empty()
	if diff := cmp.Diff(facts[1:], sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestBuryingTwiceTellsAgainAndFailsOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	letter := letterOf(t, register)
	d.bury(letter)
	d.outbox.empty()
	letter.Attempts, letter.Error = 9, "it still did not work"
	d.bury(letter)
	if diff := cmp.Diff([]DeadLetter{letter}, d.buried()); diff != "" {
		t.Errorf("the dead letter (-want +got):\n%s", diff)
	}
	holds(t, d.facts(), events.RequestFailed{Ends: ending("op-register"), Class: "failed"})
	sent, repeated := d.outbox.empty()
	if diff := cmp.Diff(d.facts(), repeated); diff != "" || len(sent) > 0 {
		t.Errorf("%d sent as new; repeated (-want +got):\n%s", len(sent), diff)
	}
}

func TestWhatAHandledRequestEntailsIsSentAgainWhenItIsBuried(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.handle(register, subscribe)
	sent, _ := d.outbox.empty()
	before := d.facts()
	d.bury(letterOf(t, subscribe))
	_, repeated := d.outbox.empty()
	if diff := cmp.Diff(sent[1:], repeated); diff != "" {
		t.Errorf("repeated (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, d.facts()); diff != "" {
		t.Errorf("burying what was handled changed the stream (-want +got):\n%s", diff)
	}
	if len(d.buried()) != 1 {
		t.Errorf("there are %d dead letters, want 1", len(d.buried()))
	}
}

func TestARequestThatIsHandledWhileItIsBuriedHasNotFailed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.letters.Journal = overtaken{d.journal, once(func() { d.handle(register) })}
	d.bury(letterOf(t, register))
	facts := d.facts()
	if len(facts) != 1 || facts[0].Type() != (events.UserRegistered{}).EventType() {
		t.Errorf("the stream holds %+v, want UserRegistered alone", facts)
	}
	if len(d.buried()) != 1 {
		t.Errorf("there are %d dead letters, want 1", len(d.buried()))
	}
}

func TestARowAndItsRequestFailedStandTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	n := 0
	d.letters.Journal = overtaken{d.journal, func() {
		n++
		d.handle(ask(portal.OperationID("op"+string(rune('a'+n))), 1, events.RegisterUser{}))
	}}
	if err := d.letters.Bury(t.Context(), letterOf(t, subscribe)); !isPostponed(err) {
		t.Errorf("after %d lost races: %v, want Postponed", n, err)
	}
	if letters := d.buried(); len(letters) > 0 {
		t.Errorf("the row stands without its fact: %+v", letters)
	}
}

func TestADeadLetterThatIsNoRequestIsARowAndNothingMore(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.handle(register)
	fact := d.facts()[0]
	d.outbox.empty()
	stream := portal.AccountStream(account)
	unreadable := DeadLetter{MessageID: "unreadable", Queue: "commands", Body: []byte("{not json"), Class: "unreadable"}
	unknown := DeadLetter{MessageID: "unknown", Queue: "commands", Class: "unknown_type",
		Body: []byte(`{"specversion":"1.0","id":"x","subject":"account/acct1","type":"gatehouse.Unheard.v1","data":{}}`)}
	letters := []DeadLetter{
		letterOf(t, fact),
		letterOf(t, events.Event{ID: "tick", Source: "/test", Subject: "job/due", Time: opened, Data: events.JobRequested{Job: "due"}}),
		letterOf(t, events.Event{ID: "wakeup", Source: "/test", Subject: stream, Time: opened, Data: events.ProvisionRequested{}}),
		unknown, unreadable,
	}
	d.bury(letters...)
	buried := map[string]DeadLetter{}
	for _, letter := range d.buried() {
		buried[letter.MessageID] = letter
	}
	for _, want := range letters {
		if diff := cmp.Diff(want, buried[want.MessageID]); diff != "" {
			t.Errorf("the dead letter (-want +got):\n%s", diff)
		}
	}
	if got := len(d.facts()) + len(d.stream("job/due")); got != 1 {
		t.Errorf("the streams hold %d facts, want the one from before", got)
	}
	if sent, repeated := d.outbox.empty(); len(sent)+len(repeated) > 0 {
		t.Errorf("sent %v, repeated %v", sent, repeated)
	}
}

func TestARequestOfNobodyFailsWithoutEndingAnything(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	msg := ask("", 0, events.KeyRevealReported{Key: "k"})
	msg.ID = "reveal"
	d.bury(letterOf(t, msg))
	holds(t, d.facts(), events.RequestFailed{Class: "failed"})
}

func TestBuryingForgetsTheFailures(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.handle(register)
	for name, letter := range map[string]DeadLetter{
		"a request":         letterOf(t, subscribe),
		"a handled request": letterOf(t, register),
		"a row alone":       {MessageID: "unreadable", Body: []byte("?"), Class: "unreadable"},
	} {
		for range 5 {
			if _, _, err := d.letters.Failed(t.Context(), letter.MessageID, opened); err != nil {
				t.Fatal(err)
			}
		}
		d.bury(letter)
		later := opened.Add(time.Hour)
		if count, first, err := d.letters.Failed(t.Context(), letter.MessageID, later); err != nil || count != 1 || !first.Equal(later) {
			t.Errorf("%s: after burying the next failure is number %d since %v, %v; want a new count", name, count, first, err)
		}
	}
}

func TestBuryingIsPostponedWhileTheQueuesAreDownAndTellsLater(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.outbox.down = errDown
	if err := d.letters.Bury(t.Context(), letterOf(t, register)); !isPostponed(err) {
		t.Errorf("%v, want Postponed", err)
	}
	d.outbox.down = nil
	d.bury(letterOf(t, register))
	if _, repeated := d.outbox.empty(); len(repeated) != 1 || len(d.facts()) != 1 {
		t.Errorf("repeated %v, and the stream holds %d facts", repeated, len(d.facts()))
	}
}

func TestAReplayOfWhatFailedIsCarriedOutAndItsOperationSucceeds(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	views := projections.Tables{Views: d.tables.Views, Records: d.tables.Records}
	projector := projections.NewProjector(d.journal, d.tables.Client, views)
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
	d.bury(letterOf(t, register))
	if got := status(); got != projections.Failed {
		t.Fatalf("after burying the operation is %s, want failed", got)
	}
	d.handle(register)
	holds(t, d.facts()[1:], events.UserRegistered{Ends: ending("op-register"), Decides: events.Decides{Scopes: []portal.Scope{portal.RegistrationScope}}})
	if got := status(); got != projections.Succeeded {
		t.Errorf("after the replay the operation is %s, want succeeded", got)
	}
	// The replay dies as well, once it was carried out: that changes nothing.
	d.bury(letterOf(t, register))
	if got := status(); got != projections.Succeeded || len(d.facts()) != 2 {
		t.Errorf("after burying it again the operation is %s and the stream holds %d facts", got, len(d.facts()))
	}
}
