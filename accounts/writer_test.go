package accounts_test

import (
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// since reads the account as a handler of the message about that fact does.
func (w *world) since(r *accounts.Reader, after int64, fact events.Event) accounts.History {
	w.t.Helper()
	h, err := r.AccountSince(w.t.Context(), ann, after, fact)
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

func TestAProcessThatHasReadOrAppendedAFactDoesNotReadItAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reader, client := w.process()
	writer := accounts.Writer{Journal: journal.New(client, w.tables.Journal, w.tables.Records), Reader: reader}
	ends := time.Date(2027, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600))
	payloads := []events.Fact{
		events.UserRegistered{}, events.KeyWanted{Key: "k1", Ring: "account", Name: "Key", Scheme: "v1", KMSKey: "mrk-1"},
		events.KeyEndScheduled{Key: "k1", Ends: &ends},
	}
	var facts []events.Event
	for i, payload := range payloads {
		cause := events.Event{ID: "r", Subject: stream, Correlation: "c"}
		stamped := journal.Stamp(cause, "/test", time.Now(), int64(i), []events.Fact{payload})
		if err := writer.Append(t.Context(), stream, int64(i), stamped); err != nil {
			t.Fatal(err)
		}
		facts = append(facts, asSent(t, stamped[0]))
	}
	w.facts, w.account = facts, state.NewAccount(ann)
	for _, fact := range facts {
		w.account.Apply(fact)
	}
	for _, fact := range facts {
		if pages, _ := client.costs(func() { w.right("appended", w.since(reader, 0, fact)) }); pages != 0 {
			t.Errorf("fact %d was read in %d pages", fact.Sequence, pages)
		}
	}
	if pages, read := client.costs(func() { w.right("read on", w.read(reader)) }); pages != 1 || read != 1 {
		t.Errorf("after that %d facts were read in %d pages, want the last one again", read, pages)
	}
	other, client := w.process()
	w.right("by another process", w.since(other, 0, facts[2]))
	if pages, _ := client.costs(func() { w.right("by another process, again", w.since(other, 1, facts[1])) }); pages != 0 {
		t.Errorf("a fact that was read before is read in %d pages", pages)
	}
}

// asSent is the event as it comes out of a queue.
func asSent(t *testing.T, e events.Event) events.Event {
	t.Helper()
	body, err := events.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	sent, err := events.Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	return sent
}

func TestAFactThatAProcessDoesNotRememberIsRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(10)
	last := w.facts[9]
	readers, clients := map[string]*accounts.Reader{}, map[string]*counted{}
	for _, name := range []string{"a newer fact", "another fact of that number", "no fact"} {
		readers[name], clients[name] = w.process()
		w.read(readers[name])
	}
	w.grow(12)
	another := last
	another.ID = "of a journal that was restored"
	for name, fact := range map[string]events.Event{
		"a newer fact": w.facts[11], "another fact of that number": another, "no fact": {Subject: stream, Data: events.ShowRequested{}},
	} {
		if pages, _ := clients[name].costs(func() { w.right(name, w.since(readers[name], 9, fact)) }); pages == 0 {
			t.Errorf("for %s nothing was read", name)
		}
	}
}

func TestFactsThatWereNotAppendedAreNotRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(3)
	reader, client := w.process()
	writer := accounts.Writer{Journal: journal.New(client, w.tables.Journal, w.tables.Records), Reader: reader}
	late := journal.Stamp(events.Event{ID: "r", Subject: stream}, "/test", start.Add(-time.Hour), 0, []events.Fact{events.UserRegistered{}})
	if err := writer.Append(t.Context(), stream, 0, late); !errors.Is(err, journal.ErrTaken) {
		t.Fatalf("%v, want ErrTaken", err)
	}
	w.right("after an append that came too late", w.since(reader, 0, late[0]))
}

func TestTheFirstFactOfAnAccountIsTakenFromItsMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(1)
	reader, client := w.process()
	if pages, _ := client.costs(func() { w.right("the first fact", w.since(reader, 0, w.facts[0])) }); pages != 0 {
		t.Errorf("the stream was read in %d pages", pages)
	}
	w.grow(3)
	if pages, _ := client.costs(func() { w.right("after more facts", w.read(reader)) }); pages != 1 {
		t.Errorf("after more facts the stream was read in %d pages, want one", pages)
	}
}

func TestAMessageAboutAFirstFactIsNotTakenForIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(2)
	old := w.facts[0]
	old.Time = start.Add(-time.Hour)
	other := w.facts[0]
	other.Subject = portal.AccountStream("bob")
	for name, fact := range map[string]events.Event{"that is old": old, "of another stream": other, "but about the second": w.facts[1]} {
		reader, client := w.process()
		if pages, _ := client.costs(func() { w.right(name, w.since(reader, 0, fact)) }); pages == 0 {
			t.Errorf("%s: nothing was read", name)
		}
	}
}

func TestAFirstFactThatTheJournalDoesNotHaveIsForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(2)
	reader, _ := w.process()
	lost := w.facts[0]
	lost.ID = "of a journal that was restored"
	if _, err := reader.AccountSince(t.Context(), ann, 0, lost); err != nil {
		t.Fatal(err)
	}
	w.right("when it is read", w.read(reader))
}

func TestFactsThatContinueWhatIsRememberedAreTakenFromTheirMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(2)
	readers, clients := map[string]*accounts.Reader{}, map[string]*counted{}
	for _, name := range []string{"two follow", "nothing follows", "another stream follows", "one after the next follows", "an old one follows", "the message is not the next"} {
		readers[name], clients[name] = w.process()
		w.read(readers[name])
	}
	w.grow(5)
	old, other := w.facts[3], w.facts[3]
	old.Time, other.Subject = start.Add(-time.Hour), portal.AccountStream("bob")
	for name, c := range map[string]struct {
		message   int
		following []events.Event
		pages     int64
	}{
		"two follow": {2, w.facts[3:], 0}, "nothing follows": {2, nil, 1}, "another stream follows": {2, []events.Event{other}, 1},
		"one after the next follows": {2, w.facts[4:], 1}, "an old one follows": {2, []events.Event{old}, 1},
		"the message is not the next": {3, w.facts[4:], 1},
	} {
		pages, _ := clients[name].costs(func() {
			ctx := events.WithFollowing(t.Context(), func() []events.Event { return c.following })
			h, err := readers[name].AccountSince(ctx, ann, 2, w.facts[c.message])
			if err != nil {
				t.Fatal(err)
			}
			w.right(name, h)
		})
		if pages != c.pages {
			t.Errorf("%s: the stream was read in %d pages, want %d", name, pages, c.pages)
		}
		w.right(name+", read on", w.read(readers[name]))
	}
}
