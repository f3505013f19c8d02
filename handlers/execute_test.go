package handlers

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

var (
	register  = ask("op-register", 1, events.RegisterUser{})
	subscribe = ask("op-subscribe", 2, freePlan)
	leave     = ask("op-leave", 3, events.UnsubscribeRequested{Plan: "free"})
)

func TestARequestLeadsToFactsThatSayWhatLedToThem(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.handle(register, subscribe)
	facts := d.facts()
	holds(t, facts,
		events.UserRegistered{Ends: ending("op-register"), Decides: events.Decides{Scopes: []portal.Scope{portal.RegistrationScope}}},
		events.KeyWanted{Key: portal.KeyID(portal.DeriveID("key", string(account), "op-subscribe")), Slot: portal.DefaultSlot, Name: "Default key", Scheme: scheme.Scheme, KMSKey: scheme.KMSKey},
		events.SubscriptionWanted{Decides: freeOnly, Plan: "free", Name: "Free", Key: portal.KeyID(portal.DeriveID("key", string(account), "op-subscribe")), Stages: stageV1},
	)
	for i, fact := range facts {
		cause := register
		if i > 0 {
			cause = subscribe
		}
		want := events.Event{
			ID: journal.FactID(cause.Subject, int64(i)+1), Source: "/gatehouse/handlers", Subject: cause.Subject, Time: opened,
			Sequence: int64(i) + 1, Operation: cause.Operation, Intent: cause.Intent, Causation: cause.ID,
			Correlation: cause.Correlation, TraceParent: cause.TraceParent, Data: fact.Data,
		}
		if diff := cmp.Diff(want, fact); diff != "" {
			t.Errorf("fact %d (-want +got):\n%s", i+1, diff)
		}
	}
}

func TestFactsAreSentAndConvergingIsWokenForThoseThatOpenAWish(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.handle(register)
	sent, _ := d.outbox.empty()
	if diff := cmp.Diff(d.facts(), sent); diff != "" {
		t.Errorf("sent after signing up (-want +got):\n%s", diff)
	}
	for _, msg := range []events.Event{subscribe, leave} {
		known := len(d.facts())
		d.handle(msg)
		news := d.facts()[known:]
		wish := news[len(news)-1]
		want := append(news, events.Event{
			ID: jobs.WakeUpID(wish.ID, 0), Source: "/gatehouse/handlers", Subject: msg.Subject, Time: opened,
			Causation: wish.ID, Correlation: msg.Correlation, TraceParent: msg.TraceParent, Data: events.ProvisionRequested{},
		})
		sent, repeated := d.outbox.empty()
		if diff := cmp.Diff(want, sent); diff != "" || len(repeated) > 0 {
			t.Errorf("%d repeated; sent after %s (-want +got):\n%s", len(repeated), msg.ID, diff)
		}
	}
}

func TestAFactThatOpensAWishHasADueRow(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.handle(register, subscribe)
	facts := d.facts()
	want := jobs.NewWish(facts[2])
	rows := d.tables.Rows(t, d.tables.Records, want.Row().PK)
	if len(rows) != 1 {
		t.Fatalf("there are %d due rows, want 1", len(rows))
	}
	var got jobs.Wish
	if err := attributevalue.UnmarshalMap(rows[0], &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the due row (-want +got):\n%s", diff)
	}
	if want.OpenedBy != 3 || want.Correlation != subscribe.Correlation {
		t.Errorf("the wish is %+v", want)
	}
}

func TestASecondDeliverySendsAgainAndAppendsNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.handle(register, subscribe)
	sent, _ := d.outbox.empty()
	want := sent[1:] // of subscribe
	before := d.facts()
	for range 2 {
		d.handle(subscribe)
		sent, repeated := d.outbox.empty()
		if diff := cmp.Diff(want, repeated); diff != "" || len(sent) > 0 {
			t.Errorf("%d sent as new; repeated (-want +got):\n%s", len(sent), diff)
		}
	}
	// However much has happened since.
	d.handle(leave)
	d.outbox.empty()
	after := d.facts()
	d.handle(subscribe)
	if _, repeated := d.outbox.empty(); !cmp.Equal(want, repeated) {
		t.Errorf("after leaving the duplicate sent %v", repeated)
	}
	if diff := cmp.Diff(after, d.facts()); diff != "" || !cmp.Equal(before, after[:len(before)]) {
		t.Errorf("duplicates changed the stream (-want +got):\n%s", diff)
	}
}

func TestAWorkerThatCrashesBetweenAppendingAndSendingIsMadeGoodByTheNextDelivery(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.handle(register)
	d.outbox.empty()
	d.outbox.down = errDown
	if err := deliver(t.Context(), d.execute, subscribe); !isPostponed(err) || !errors.Is(err, errDown) {
		t.Fatalf("while the queue is down: %v, want Postponed", err)
	}
	appended := d.facts()
	d.outbox.down = nil
	d.handle(subscribe)
	sent, repeated := d.outbox.empty()
	// What was never sent may have been, for all one knows: it goes out as a repetition,
	// which no deduplication swallows.
	if len(sent) != 0 || len(repeated) != 3 {
		t.Fatalf("sent %d, repeated %d; want both facts and the wake-up repeated", len(sent), len(repeated))
	}
	if diff := cmp.Diff(appended[1:], repeated[:2]); diff != "" {
		t.Errorf("repeated facts (-want +got):\n%s", diff)
	}
	if repeated[2].ID != jobs.WakeUpID(appended[2].ID, 0) {
		t.Errorf("the last is %+v, want the wake-up", repeated[2])
	}
	if got := d.facts(); len(got) != len(appended) {
		t.Errorf("the second delivery made %d facts of %d", len(got), len(appended))
	}
}

func TestALostRaceDecidesAnew(t *testing.T) {
	t.Parallel()
	other := ask("op-other", 3, freePlan)
	for _, c := range []struct {
		name      string
		meanwhile events.Event
		want      events.Fact
	}{
		{"two who want the same plan share one key", other, events.RequestJoined{Decides: freeOnly, Plan: "free"}},
		{"a newer leaving supersedes", ask("op-other", 9, events.UnsubscribeRequested{Plan: "free"}),
			events.RequestSuperseded{Ends: ending("op-subscribe")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.handle(register)
			slow := d.beside(func(cfg *Config) {
				cfg.Journal = overtaken{d.journal, once(func() { d.handle(c.meanwhile) })}
			})
			if err := deliver(t.Context(), slow, subscribe); err != nil {
				t.Fatal(err)
			}
			facts := d.facts()
			last := facts[len(facts)-1]
			holds(t, []events.Event{last}, c.want)
			if last.Causation != subscribe.ID {
				t.Errorf("the last fact was caused by %s", last.Causation)
			}
			if folded := state.FoldAccount(account, facts); len(folded.Keys) > 1 {
				t.Errorf("the account has %d keys in one slot", len(folded.Keys))
			}
			for _, fact := range facts[1 : len(facts)-1] {
				if fact.Causation != c.meanwhile.ID {
					t.Errorf("%s stands, decided for %s before it lost the race", fact.Type(), fact.Causation)
				}
			}
		})
	}
}

func TestTheSameMessageAtTwoWorkersIsCarriedOutOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.handle(register)
	slow := d.beside(func(cfg *Config) {
		cfg.Journal = overtaken{d.journal, once(func() { d.handle(subscribe) })}
	})
	if err := deliver(t.Context(), slow, subscribe); err != nil {
		t.Fatal(err)
	}
	if got := len(d.facts()); got != 3 {
		t.Errorf("the stream holds %d facts, want 3", got)
	}
	if _, repeated := d.outbox.empty(); len(repeated) != 3 {
		t.Errorf("the slow worker repeated %d messages, want both facts and the wake-up", len(repeated))
	}
}

func TestAMessageThatKeepsLosingRacesGoesBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	n := 0
	slow := d.beside(func(cfg *Config) {
		cfg.Journal = overtaken{d.journal, func() {
			n++
			d.handle(ask(portal.OperationID(fmt.Sprint("op", n)), portal.Intent(n), events.RegisterUser{}))
		}}
	})
	var postponed *portal.Postponed
	if err := deliver(t.Context(), slow, subscribe); !errors.As(err, &postponed) || postponed.After == 0 {
		t.Errorf("after %d lost races: %v, want Postponed for a moment", n, err)
	}
	if n != maxRaces || len(d.facts()) != n {
		t.Errorf("it tried %d times, and the stream holds %d facts", n, len(d.facts()))
	}
}

// unreachable is a journal that does not answer.
type unreachable struct{ *journal.Journal }

func (unreachable) Read(context.Context, portal.Stream, int64) ([]events.Event, error) {
	return nil, portal.Postpone("the journal does not answer", errDown)
}

func TestNothingIsDecidedWithoutTheJournal(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	blind := d.beside(func(cfg *Config) { cfg.Journal = unreachable{d.journal} })
	if err := deliver(t.Context(), blind, register); !isPostponed(err) {
		t.Errorf("%v, want Postponed", err)
	}
	if sent, repeated := d.outbox.empty(); len(sent)+len(repeated) > 0 {
		t.Errorf("sent %v, repeated %v", sent, repeated)
	}
}

func TestAMessageAboutTheWrongThingIsInvalid(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, subject := range []portal.Stream{portal.CatalogStream, "account/", "licence/x"} {
		msg := register
		msg.Subject = subject
		if err := deliver(t.Context(), d.execute, msg); portal.CodeOf(err) != portal.Invalid {
			t.Errorf("RegisterUser about %q: %v, want invalid", subject, err)
		}
	}
	mismatched := d.execute.Handlers()[events.RegisterUser{}.EventType()]
	if err := mismatched(t.Context(), subscribe); portal.CodeOf(err) != portal.Invalid {
		t.Errorf("a SubscribeRequested as RegisterUser: %v, want invalid", err)
	}
}
