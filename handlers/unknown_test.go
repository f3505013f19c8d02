package handlers

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// painted is what newer code has decided on a request.
var painted = events.Unknown{Type: "gatehouse.KeyPainted.v1", Data: json.RawMessage(`{"colour":"red"}`)}

// decideElsewhere appends facts as a newer worker does.
func (d *fixture) decideElsewhere(msg events.Event, facts ...events.Fact) {
	d.t.Helper()
	head := int64(len(d.facts()))
	if err := d.journal.Append(d.t.Context(), msg.Subject, head, journal.Stamp(msg, "/newer", opened, head, facts)); err != nil {
		d.t.Fatal(err)
	}
}

func TestARequestThatNewerCodeHasDecidedIsNotDecidedAgain(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.handle(register)
	d.outbox.empty()
	d.decideElsewhere(subscribe, painted)
	d.elsewhere(subscribe)
	d.fail(subscribe)
	facts := d.facts()
	holds(t, facts[1:], painted)
	_, repeated := d.outbox.empty()
	want := []events.Event{facts[1], facts[1]} // by the delivery, and by the burial
	if diff := cmp.Diff(want, repeated); diff != "" {
		t.Errorf("repeated (-want +got):\n%s", diff)
	}
	if body, err := events.Encode(repeated[0]); err != nil || !json.Valid(body) || repeated[0].Type() != painted.Type {
		t.Errorf("it is sent as %s, %v", body, err)
	}
}

func TestDecidingGoesOnAfterAFactOfNewerCode(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.handle(register)
	d.decideElsewhere(ask("op-newer", 9, events.RegisterUser{}), painted)
	d.handle(subscribe)
	facts := d.facts()
	if len(facts) != 4 {
		t.Fatalf("the stream holds %d facts, want 4", len(facts))
	}
	key := portal.KeyID(portal.DeriveID("key", string(account), "op-subscribe"))
	holds(t, facts[2:],
		events.KeyWanted{Key: key, Ring: portal.AccountRing, Name: "Default key", Scheme: scheme.Scheme, KMSKey: scheme.KMSKey},
		events.SubscriptionWanted{Decides: freeOnly, Plan: "free", Name: "Free", Ring: portal.AccountRing, Stages: stageV1})
	if facts[2].Sequence != 3 {
		t.Errorf("it goes on at %d", facts[2].Sequence)
	}
}

// strange is a fact that no worker may pass over, and that this one does not know.
var strange = events.Unknown{Type: "gatehouse.AccountMerged.v1", Data: json.RawMessage(`{}`), Must: true}

func TestDecidingWaitsForAWorkerThatUnderstandsTheStream(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.handle(register)
	d.decideElsewhere(ask("op-newer", 9, events.RegisterUser{}), strange)
	d.outbox.empty()
	before := d.facts()
	for _, msg := range []events.Event{subscribe, leave, ask("op-again", 10, events.RegisterUser{})} {
		if err := deliver(t.Context(), d.decider, msg); !isPostponed(err) {
			t.Errorf("%s: %v, want Postponed", msg.Type(), err)
		}
	}
	if diff := cmp.Diff(before, d.facts()); diff != "" {
		t.Errorf("it was decided on (-want +got):\n%s", diff)
	}
	if sent, repeated := d.outbox.empty(); len(sent)+len(repeated) > 0 {
		t.Errorf("sent %v, repeated %v", sent, repeated)
	}
	// Earlier decisions stay in force.
	d.elsewhere(register)
	if _, repeated := d.outbox.empty(); len(repeated) != 1 {
		t.Errorf("repeated %v, want the fact of signing up", repeated)
	}
}

func TestTheCatalogWaitsForAWorkerThatUnderstandsIt(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	msg := l.tick("")
	if err := l.journal.Append(t.Context(), msg.Subject, 0, journal.Stamp(msg, "/newer", opened, 0, []events.Fact{strange})); err != nil {
		t.Fatal(err)
	}
	if err := deliver(t.Context(), l.decider, l.tick("op")); !isPostponed(err) {
		t.Errorf("%v, want Postponed", err)
	}
}

// Such a message was written by hand. API Gateway has no plan without an id, so a wish for one would never end.
func TestARequestThatNamesNoPlanIsInvalid(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]events.Request{
		"subscribing": events.SubscribeRequested{Name: "Free"}, "leaving": events.UnsubscribeRequested{},
		"changing": events.PlanChangeRequested{Replaces: "free"}, "changing nothing": events.PlanChangeRequested{Plan: "free"},
	} {
		d := newFixture(t)
		d.handle(register)
		if err := d.decider.Handlers()[data.EventType()](t.Context(), ask("op-none", 9, data)); portal.CodeOf(err) != portal.Invalid || !strings.HasSuffix(portal.MessageOf(err), " names no plan.") {
			t.Errorf("%s: %v", name, err)
		}
		if facts := d.facts(); len(facts) != 1 {
			t.Errorf("%s: the stream has %d facts", name, len(facts))
		}
	}
}
