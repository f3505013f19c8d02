package handlers

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state/statetest"
)

var (
	register  = ask("op-register", 1, events.RegisterUser{})
	subscribe = ask("op-subscribe", 2, freePlan)
	leave     = ask("op-leave", 3, events.UnsubscribeRequested{Plan: "free"})
)

func TestARequestLeadsToFactsThatSayWhatLedToThem(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.handle(register, subscribe)
	facts := d.facts()
	holds(t, facts,
		events.UserRegistered{Decides: events.Decides{Scopes: []portal.Scope{portal.RegistrationScope}}},
		events.KeyWanted{Key: portal.KeyID(portal.DeriveID("key", string(account), "op-subscribe")), Ring: portal.AccountRing, Name: "Default key", Scheme: scheme.Scheme, KMSKey: scheme.KMSKey},
		events.SubscriptionWanted{Decides: freeOnly, Plan: "free", Name: "Free", Ring: portal.AccountRing, Stages: stageV1},
	)
	for i, fact := range facts {
		cause := register
		if i > 0 {
			cause = subscribe
		}
		want := events.Event{
			ID: journal.FactID(cause.Subject, int64(i)+1), Source: "/gatehouse/handlers", Subject: cause.Subject, Time: opened,
			Sequence: int64(i) + 1, Operation: cause.Operation, Actor: cause.Actor, Intent: cause.Intent, Causation: cause.ID,
			Correlation: cause.Correlation, TraceParent: cause.TraceParent, Data: fact.Data,
		}
		if diff := cmp.Diff(want, fact); diff != "" {
			t.Errorf("fact %d (-want +got):\n%s", i+1, diff)
		}
	}
}

func TestFactsAreSentAndConvergingIsWokenForThoseThatOpenAWish(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
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
			ID: portal.DeriveID("provision", wish.ID, "0"), Source: "/gatehouse/handlers", Subject: msg.Subject, Time: opened,
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
	d := newFixture(t)
	d.handle(register, subscribe)
	facts := d.facts()
	want := due.OfWish(facts[2].Subject, 3, facts[2].Time, "", "free", subscribe.Correlation)
	rows := d.tables.Rows(t, d.tables.Records, want.Place().PK)
	if len(rows) != 1 {
		t.Fatalf("there are %d due rows, want 1", len(rows))
	}
	var got due.Row
	if err := attributevalue.UnmarshalMap(rows[0], &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the due row (-want +got):\n%s", diff)
	}
	if at := schema.KeyOf(rows[0]); at != want.Place() {
		t.Errorf("it lies at %v, want %v", at, want.Place())
	}
}

func TestDecidingEndsTheRowByWhichARequestIsHandedInAgain(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*fixture){
		"it is carried out": func(d *fixture) { d.handle(subscribe) },
		"it is given up":    func(d *fixture) { d.fail(subscribe) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			row := due.OfOperation(subscribe.Subject, subscribe.Operation, subscribe.Time)
			if err := d.journal.Write(t.Context(), journal.PutDue(row)); err != nil {
				t.Fatal(err)
			}
			end(d)
			for _, left := range d.tables.Rows(t, d.tables.Records, row.Place().PK) {
				if schema.KeyOf(left) == row.Place() {
					t.Errorf("the row is still there: %v", left)
				}
			}
		})
	}
}

func TestASecondDeliverySendsAgainAndAppendsNothing(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.handle(register, subscribe)
	sent, _ := d.outbox.empty()
	want := sent[1:] // of subscribe
	before := d.facts()
	for range 2 {
		d.elsewhere(subscribe)
		sent, repeated := d.outbox.empty()
		if diff := cmp.Diff(want, repeated); diff != "" || len(sent) > 0 {
			t.Errorf("%d sent as new; repeated (-want +got):\n%s", len(sent), diff)
		}
	}
	// Also after many later facts.
	d.handle(leave)
	d.outbox.empty()
	after := d.facts()
	d.elsewhere(subscribe)
	if _, repeated := d.outbox.empty(); !cmp.Equal(want, repeated) {
		t.Errorf("after leaving the duplicate sent %v", repeated)
	}
	if diff := cmp.Diff(after, d.facts()); diff != "" || !cmp.Equal(before, after[:len(before)]) {
		t.Errorf("duplicates changed the stream (-want +got):\n%s", diff)
	}
}

func TestAWorkerThatCrashesBetweenAppendingAndSendingIsMadeGoodByTheNextDelivery(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.handle(register)
	d.outbox.empty()
	d.outbox.down = errDown
	if err := deliver(t.Context(), d.decider, subscribe); !isPostponed(err) || !errors.Is(err, errDown) {
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
	if repeated[2].ID != portal.DeriveID("provision", appended[2].ID, "0") {
		t.Errorf("the last is %+v, want the wake-up", repeated[2])
	}
	if got := d.facts(); len(got) != len(appended) {
		t.Errorf("the second delivery made %d facts of %d", len(got), len(appended))
	}
}

// A client may send the same request as often as it likes.
func TestARequestThatIsRepeatedIsToldOfOnceInAWhile(t *testing.T) {
	t.Parallel()
	now := opened
	d := newFixture(t, func(cfg *Config) { cfg.Now = func() time.Time { return now } })
	d.handle(register, subscribe)
	d.outbox.empty()
	for range 50 {
		d.handle(subscribe)
	}
	if sent, repeated := d.outbox.empty(); len(sent)+len(repeated) > 0 {
		t.Errorf("50 repetitions of one request sent %d messages and repeated %d", len(sent), len(repeated))
	}
	replay := subscribe
	replay.Replay = 1
	d.handle(replay)
	if _, repeated := d.outbox.empty(); len(repeated) != 3 {
		t.Errorf("an operator's replay repeated %d messages, want both facts and the wake-up", len(repeated))
	}
	now = now.Add(followedFor)
	d.handle(subscribe, subscribe)
	if _, repeated := d.outbox.empty(); len(repeated) != 3 {
		t.Errorf("after a while %d messages were repeated, want both facts and the wake-up once", len(repeated))
	}
}

// Many repeats of one request must not keep an account from leaving a plan.
func TestAWishThatManyWaitForCanStillBeLeft(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.handle(register, subscribe)
	stream := portal.AccountStream(account)
	for batch := range 96 {
		head := int64(len(d.facts()))
		var joined []events.Event
		for n := range 25 {
			op := portal.OperationID(portal.DeriveID("op", fmt.Sprint(batch, n)))
			joined = append(joined, journal.Stamp(ask(op, portal.Intent(100+batch*25+n), freePlan), "/test", opened, head+int64(n),
				[]events.Fact{events.RequestJoined{Decides: freeOnly, Link: wish(3), Plan: "free"}})...)
		}
		if err := d.journal.Append(t.Context(), stream, head, joined); err != nil {
			t.Fatal(err)
		}
	}
	before := len(d.facts())
	d.handle(ask("op-leave-late", 9000, events.UnsubscribeRequested{Plan: "free"}))
	holds(t, d.facts()[before:], events.RequestSuperseded{Link: wish(3)}, events.SubscriptionEnding{Decides: freeOnly, Plan: "free"})
}

func TestALostRaceDecidesAnew(t *testing.T) {
	t.Parallel()
	other := ask("op-other", 3, freePlan)
	for _, c := range []struct {
		name      string
		meanwhile events.Event
		want      events.Fact
	}{
		{"two who want the same plan share one key", other, events.RequestJoined{Decides: freeOnly, Link: wish(3), Plan: "free"}},
		{"a newer leaving supersedes", ask("op-other", 9, events.UnsubscribeRequested{Plan: "free"}),
			events.RequestSuperseded{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
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
			if folded := statetest.FoldAccount(account, facts); len(folded.Keys) > 1 {
				t.Errorf("the account has %d keys, want at most 1", len(folded.Keys))
			}
			for _, fact := range facts[1 : len(facts)-1] {
				if fact.Causation != c.meanwhile.ID {
					t.Errorf("%s was decided for %s before it lost the race, and appended", fact.Type(), fact.Causation)
				}
			}
		})
	}
}

func TestTheSameMessageAtTwoWorkersIsCarriedOutOnce(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
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
	d := newFixture(t)
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

func (unreachable) ReadUpTo(context.Context, portal.Stream, int64, int) ([]events.Event, bool, error) {
	return nil, false, portal.Postpone("the journal does not answer", errDown)
}

func TestNothingIsDecidedWithoutTheJournal(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	blind := d.beside(func(cfg *Config) { cfg.Journal = unreachable{d.journal} })
	if err := deliver(t.Context(), blind, subscribe); !isPostponed(err) {
		t.Errorf("%v, want Postponed", err)
	}
	if sent, repeated := d.outbox.empty(); len(sent)+len(repeated) > 0 {
		t.Errorf("sent %v, repeated %v", sent, repeated)
	}
}

func TestAMessageAboutTheWrongThingIsInvalid(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	for _, subject := range []portal.Stream{portal.CatalogStream, "account/", "licence/x"} {
		msg := register
		msg.Subject = subject
		if err := deliver(t.Context(), d.decider, msg); portal.CodeOf(err) != portal.Invalid {
			t.Errorf("RegisterUser about %q: %v, want invalid", subject, err)
		}
	}
	mismatched := d.decider.Handlers()[events.RegisterUser{}.EventType()]
	if err := mismatched(t.Context(), subscribe); portal.CodeOf(err) != portal.Invalid {
		t.Errorf("a SubscribeRequested as RegisterUser: %v, want invalid", err)
	}
}

func TestAWorkerAsksTheCatalogBeforeItSubscribes(t *testing.T) {
	t.Parallel()
	answer, err := "Not here.", error(nil)
	d := newFixture(t, func(cfg *Config) {
		cfg.Refusal = func(_ context.Context, plan portal.PlanID) (string, error) {
			if plan != freePlan.Plan {
				return "", nil
			}
			return answer, err
		}
	})
	ask := func(id string) events.Event {
		return events.Event{ID: id, Source: "/test", Subject: portal.AccountStream(account), Time: opened, Operation: portal.OperationID(id), Intent: 2, Data: freePlan}
	}
	d.handle(events.Event{ID: "r", Source: "/test", Subject: portal.AccountStream(account), Time: opened, Operation: "r", Intent: 1, Data: events.RegisterUser{}})
	err = &portal.Postponed{Reason: "the catalog cannot be read"}
	if got := deliver(t.Context(), d.decider, ask("a")); !isPostponed(got) {
		t.Errorf("without a catalog: %v, want Postponed", got)
	}
	err = nil
	d.handle(ask("a"))
	answer = "" // a second delivery repeats the first decision
	d.handle(ask("a"))
	facts := d.stream(portal.AccountStream(account))
	if rejected, ok := facts[len(facts)-1].Data.(events.RequestRejected); len(facts) != 2 || !ok || rejected.Message != "Not here." {
		t.Errorf("the stream holds %v", facts)
	}
}
