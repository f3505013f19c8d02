package handlers

import (
	"errors"
	"testing"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestARehearsalSaysWhatARequestLeadsToAndDoesNothing(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.handle(ask("op-register", 1, events.RegisterUser{}), ask("op-free", 3, freePlan))
	before := len(d.facts())
	for name, c := range map[string]struct {
		msg  events.Event
		want events.Fact
	}{
		"a request that is decided":                 {ask("op-leave", 4, events.UnsubscribeRequested{Plan: "free"}), events.SubscriptionEnding{}},
		"one with a newer choice":                   {ask("op-late", 2, events.UnsubscribeRequested{Plan: "free"}), events.RequestSuperseded{}},
		"one that is refused":                       {ask("op-plus", 5, plusPlan), events.RequestRejected{}},
		"one that was handled":                      {ask("op-free", 3, freePlan), nil},
		"the first request of an account, repeated": {ask("op-again", 1, events.RegisterUser{}), events.RequestUnchanged{}},
	} {
		d.outbox.empty()
		facts, ok, err := d.decider.Rehearse(t.Context(), c.msg)
		switch {
		case !ok || err != nil:
			t.Errorf("%s: %v, %v", name, ok, err)
		case c.want == nil && len(facts) > 0, c.want != nil && (len(facts) == 0 || facts[len(facts)-1].EventType() != c.want.EventType() && facts[0].EventType() != c.want.EventType()):
			t.Errorf("%s: %+v, want %T", name, facts, c.want)
		}
		if sent, repeated := d.outbox.empty(); len(d.facts()) != before || len(sent)+len(repeated) > 0 {
			t.Errorf("%s: the rehearsal appended %d facts and sent %v", name, len(d.facts())-before, append(sent, repeated...))
		}
	}
}

func TestOnlyWhatTheJournalDecidesCanBeRehearsed(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	for name, msg := range map[string]events.Event{
		"a wake-up":         {ID: "w", Subject: portal.AccountStream(account), Data: events.ProvisionRequested{}},
		"a fact":            {ID: "f", Subject: portal.AccountStream(account), Data: events.UserRegistered{}},
		"reading a catalog": {ID: "c", Subject: portal.CatalogStream, Data: events.CatalogSyncRequested{}},
	} {
		if _, ok, err := d.decider.Rehearse(t.Context(), msg); ok || err != nil {
			t.Errorf("%s: %v (%v)", name, ok, err)
		}
	}
}

func TestARehearsalFailsLikeTheHandler(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	wrong := ask("op-x", 1, events.RegisterUser{})
	wrong.Subject = portal.CatalogStream
	if _, ok, err := d.decider.Rehearse(t.Context(), wrong); !ok || portal.CodeOf(err) != portal.Invalid {
		t.Errorf("%v (%v), want the error of an invalid request", ok, err)
	}
	panicking := d.beside(func(cfg *Config) {
		cfg.Accounts = moonstruck{accounts.NewReader(d.journal, d.tables.Client, d.tables.Records, clock)}
	})
	_, ok, err := panicking.Rehearse(t.Context(), ask("op-y", 2, freePlan))
	var panicked *portal.PanicError
	if !ok || !errors.As(err, &panicked) {
		t.Errorf("%v (%v), want the panic", ok, err)
	}
}

type moonstruck struct{ accountReader }

func (moonstruck) Remembered(portal.AccountID) (accounts.History, bool) { panic("the moon is full") }
