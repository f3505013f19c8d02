package migration_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/adoptions"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/migration"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// world stands in for tables, queues and workers.
type world struct {
	// mapped are the accounts of subjects, migrated those that were opened by a run.
	mapped, migrated map[string]portal.AccountID
	people           map[portal.AccountID]identity.Person
	adopted          map[portal.GatewayKeyID]portal.AccountID
	waiting          []string
	facts            map[portal.AccountID][]events.Event
	sent             []events.Event
	// idle workers decide nothing.
	idle bool
}

func newWorld() *world {
	return &world{
		mapped: map[string]portal.AccountID{}, migrated: map[string]portal.AccountID{}, people: map[portal.AccountID]identity.Person{},
		adopted: map[portal.GatewayKeyID]portal.AccountID{}, facts: map[portal.AccountID][]events.Event{},
	}
}

func (w *world) Open(_ context.Context, _, subject string, _ identity.Person) (portal.AccountID, error) {
	if w.mapped[subject] == "" {
		w.mapped[subject] = portal.AccountID("acct-" + subject)
	}
	return w.mapped[subject], nil
}

func (w *world) BySubject(_ context.Context, _, subject string) (portal.AccountID, error) {
	return w.mapped[subject], nil
}

func (w *world) EachPerson(_ context.Context, visit func(portal.AccountID, identity.Person) error) error {
	for account, person := range w.people {
		if err := visit(account, person); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) Find(_ context.Context, key portal.GatewayKeyID) (adoptions.Adopted, bool, error) {
	account, ok := w.adopted[key]
	return adoptions.Adopted{Account: account}, ok, nil
}

func (w *world) Migrated(_ context.Context, _, subject string) (portal.AccountID, error) {
	return w.migrated[subject], nil
}

func (w *world) SetMigrated(_ context.Context, _, subject string, account portal.AccountID) error {
	w.migrated[subject] = account
	return nil
}

func (w *world) AddWaiting(_ context.Context, email string, key events.KeyToAdopt) error {
	w.waiting = append(w.waiting, email+" "+string(key.GatewayID))
	return nil
}

func (w *world) Account(_ context.Context, id portal.AccountID) (accounts.History, error) {
	account := state.NewAccount(id)
	for _, fact := range w.facts[id] {
		account.Apply(fact)
	}
	return accounts.History{Account: account, Facts: w.facts[id]}, nil
}

// Send decides at once, as a worker would.
func (w *world) Send(_ context.Context, messages ...events.Event) error {
	w.sent = append(w.sent, messages...)
	for _, msg := range messages {
		id, _ := msg.Subject.Account()
		asked := msg.Data.(events.AccountMigrationRequested)
		var decided []events.Fact
		if len(w.facts[id]) == 0 {
			decided = append(decided, events.UserRegistered{})
		}
		if asked.Key != nil {
			w.adopted[asked.Key.GatewayID] = id
			decided = append(decided, events.KeyAdopted{Key: "k", GatewayID: asked.Key.GatewayID, Ring: portal.AccountRing})
		}
		for _, fact := range decided {
			if !w.idle {
				w.facts[id] = append(w.facts[id], events.Event{Subject: msg.Subject, Sequence: int64(len(w.facts[id]) + 1), Causation: msg.ID, Data: fact})
			}
		}
		if w.idle && asked.Key != nil {
			delete(w.adopted, asked.Key.GatewayID)
		}
	}
	return nil
}

func (w *world) ImportFeedback(context.Context, portal.AccountID, string, time.Time, string) (bool, error) {
	return true, nil
}

func (w *world) run(t *testing.T, list migration.Worklist) migration.Done {
	t.Helper()
	r := migration.Runner{Issuer: "issuer", Opener: w, People: w, Rows: w, Accounts: w, Sender: w, Feedback: w, Now: time.Now, DecisionTimeout: time.Millisecond, Poll: time.Millisecond}
	done, err := r.Run(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func keyed(p migration.Person, keys ...portal.GatewayKeyID) migration.Worklist {
	for _, key := range keys {
		p.Keys = append(p.Keys, events.KeyToAdopt{GatewayID: key})
	}
	return migration.Worklist{People: []migration.Person{p}, Feedback: []migration.Feedback{{ID: "f", Subject: p.Subject}}}
}

func TestARunDoesWhatIsLeft(t *testing.T) {
	t.Parallel()
	subject, email := migration.Person{Subject: "ada"}, migration.Person{Email: "Ada@example.com"}
	verified, unverified := identity.Person{Email: "ada@example.com"}, identity.Person{Email: "ada@example.com", Unverified: true}
	taken := []migration.Unmatched{{What: "key old1", Why: "Another account has taken it over before. `gatehouse keys whose old1` shows which."}}
	for name, c := range map[string]struct {
		given func(*world)
		plan  migration.Worklist
		want  migration.Done
		sent  int
	}{
		"a person with two keys": {func(*world) {}, keyed(subject, "old1", "old2"), migration.Done{Accounts: 1, Adopted: 2, Feedback: 1}, 2},
		"a person without a key": {func(*world) {}, keyed(subject), migration.Done{Accounts: 1, Feedback: 1}, 1},
		"one of two keys was taken over by a run that was stopped": {func(w *world) {
			w.mapped["ada"], w.adopted["old1"] = "acct-ada", "acct-ada"
			w.facts["acct-ada"] = []events.Event{{Sequence: 1, Data: events.UserRegistered{}}}
		}, keyed(subject, "old1", "old2"), migration.Done{Adopted: 1, Feedback: 1}, 1},
		"all was done before": {func(w *world) {
			w.mapped["ada"], w.migrated["ada"], w.adopted["old1"] = "acct-ada", "acct-ada", "acct-ada"
			w.facts["acct-ada"] = []events.Event{{Sequence: 1, Data: events.UserRegistered{}}}
		}, keyed(subject, "old1"), migration.Done{Before: 1, Feedback: 1}, 0},
		"the person has deleted the account":                    {func(w *world) { w.migrated["ada"] = "acct-ada" }, keyed(subject, "old1"), migration.Done{Deleted: 1}, 0},
		"the person has deleted the account and opened another": {func(w *world) { w.migrated["ada"], w.mapped["ada"] = "acct-ada", "acct-new" }, keyed(subject, "old1"), migration.Done{Deleted: 1}, 0},
		"another account has the key":                           {func(w *world) { w.adopted["old1"] = "acct-bea" }, keyed(subject, "old1"), migration.Done{Accounts: 1, Feedback: 1, Unmatched: taken}, 1},
		"no worker decides":                                     {func(w *world) { w.idle = true }, keyed(subject, "old1", "old2"), migration.Done{Undecided: 1}, 1},
		"nobody has the address":                                {func(*world) {}, keyed(email, "old1"), migration.Done{Waiting: 1}, 0},
		"the address is not verified":                           {func(w *world) { w.people["acct-ada"] = unverified }, keyed(email, "old1"), migration.Done{Waiting: 1}, 0},
		"an account has the address":                            {func(w *world) { w.people["acct-ada"] = verified }, keyed(email, "old1"), migration.Done{Accounts: 1, Adopted: 1}, 1},
		"two accounts have the address": {func(w *world) { w.people["a"], w.people["b"] = verified, verified }, keyed(email, "old1"), migration.Done{Unmatched: []migration.Unmatched{{
			What: "person Ada@example.com", Why: "2 accounts have this e-mail address. Delete those that nobody uses, then run the migration again."}}}, 0},
		"the key of a person who is to come was taken over": {func(w *world) { w.adopted["old1"] = "acct-bea" }, keyed(email, "old1"), migration.Done{Unmatched: taken}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			c.given(w)
			if diff := cmp.Diff(c.want, w.run(t, c.plan)); diff != "" {
				t.Errorf("done (-want +got):\n%s", diff)
			}
			if len(w.sent) != c.sent {
				t.Errorf("it sent %d requests, want %d", len(w.sent), c.sent)
			}
		})
	}
}
