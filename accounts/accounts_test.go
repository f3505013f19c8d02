package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
	"github.com/gatehouse-portal/gatehouse/state/statetest"
)

const ann = portal.AccountID("ann")

var (
	stream = portal.AccountStream(ann)
	start  = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
)

type counted struct {
	*dynamodb.Client
	pages, facts, looks atomic.Int64
	// down is the error of reading and writing single items.
	down error
}

func (c *counted) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	out, err := c.Client.Query(ctx, in, opts...)
	if err == nil {
		c.pages.Add(1)
		c.facts.Add(int64(len(out.Items)))
	}
	return out, err
}

func (c *counted) GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	c.looks.Add(1)
	if c.down != nil {
		return nil, c.down
	}
	return c.Client.GetItem(ctx, in, opts...)
}

func (c *counted) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if c.down != nil {
		return nil, c.down
	}
	return c.Client.PutItem(ctx, in, opts...)
}

// costs counts the pages of the journal that read reads, and the facts on them.
func (c *counted) costs(read func()) (pages, facts int64) {
	pages, facts = c.pages.Load(), c.facts.Load()
	read()
	return c.pages.Load() - pages, c.facts.Load() - facts
}

// world is the stream of one account.
type world struct {
	t       *testing.T
	tables  journaltest.Tables
	facts   []events.Event
	account state.Account
	// request is the prefix of the ids of requests.
	request string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t: t, tables: journaltest.Start(t), account: state.NewAccount(ann), request: "request-"}
}

// process returns the Reader of a process that has read nothing yet.
func (w *world) process() (*accounts.Reader, *counted) {
	client := &counted{Client: w.tables.Client}
	facts := journal.New(client, w.tables.Journal, w.tables.Records)
	return accounts.NewReader(facts, client, w.tables.Records, func() time.Time { return start }), client
}

// next returns a fact that can follow: the account subscribes to plans and leaves them.
func (w *world) next() events.Fact {
	plan := portal.PlanID(fmt.Sprint("plan-", w.account.Sequence/40%7))
	now, link := w.account.Subscription(plan), events.Link{Wish: w.account.Subscription(plan).OpenedBy}
	pair := w.account.Attachments[portal.Pair{Key: "k1", Plan: plan}]
	switch {
	case !w.account.Registered:
		return events.UserRegistered{}
	case len(w.account.Keys) == 0:
		return events.KeyWanted{Key: "k1", Ring: portal.AccountRing, Name: "Default key", Scheme: "v1", KMSKey: "mrk-1"}
	case now.Phase == state.Wanted && !w.account.Keys["k1"].Created():
		return events.KeyCreated{Key: "k1", GatewayID: "gw1"}
	case now.Phase == state.Wanted && pair.HasOpenWish():
		return events.KeyAttached{Link: link, Key: "k1", Plan: plan}
	case now.Phase == state.Wanted:
		return events.SubscriptionActivated{Link: link, Plan: plan}
	case now.Phase == state.Active:
		return events.SubscriptionEnding{Decides: events.Decides{Scopes: []portal.Scope{portal.PlanScope(plan)}}, Plan: plan}
	case now.Phase == state.Ending && pair.HasOpenWish():
		return events.KeyDetached{Link: link, Key: "k1", Plan: plan}
	case now.Phase == state.Ending:
		return events.SubscriptionEnded{Link: link, Plan: plan}
	}
	return events.SubscriptionWanted{
		Decides: events.Decides{Scopes: []portal.Scope{portal.PlanScope(plan)}}, Plan: plan, Name: "Plan " + string(plan),
		Ring: portal.AccountRing, Stages: []portal.Stage{{API: "a", Stage: string(plan)}},
	}
}

func (w *world) grow(to int) {
	w.t.Helper()
	var added []events.Event
	for len(w.facts) < to {
		added = append(added, w.happens(w.next()))
	}
	w.append(added)
}

// happens stamps the next fact, which has a request of its own.
func (w *world) happens(fact events.Fact) events.Event {
	head := w.account.Sequence
	cause := events.Event{ID: fmt.Sprint(w.request, head+1), Subject: stream, Operation: portal.OperationID(fmt.Sprint("op-", head+1)), Intent: portal.Intent(head + 1)}
	stamped := journal.Stamp(cause, "/test", start.Add(time.Duration(head)*time.Second), head, []events.Fact{fact})[0]
	w.facts = append(w.facts, stamped)
	w.account.Apply(stamped)
	return stamped
}

func (w *world) append(added []events.Event) {
	w.t.Helper()
	for part := range slices.Chunk(added, journal.MaxFacts) {
		if err := w.tables.Open().Append(w.t.Context(), stream, part[0].Sequence-1, part); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) read(reader *accounts.Reader) accounts.History {
	w.t.Helper()
	h, err := reader.Account(w.t.Context(), ann)
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

func (w *world) same(what string, want, got any) {
	w.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("%s (-want +got):\n%.2000s", what, diff)
	}
}

func (w *world) right(what string, h accounts.History) {
	w.t.Helper()
	w.same(what+": the state", w.account, h.Account)
	n := len(w.facts)
	if least := min(100, n); len(h.Facts) < least || n < 200 && len(h.Facts) != n {
		w.t.Errorf("%s: of %d facts the history has %d", what, n, len(h.Facts))
		return
	}
	first := n - len(h.Facts)
	if len(h.Facts) > 0 {
		w.same(what+": the facts", w.facts[first:], h.Facts)
	}
	w.same(what+": the base", statetest.FoldAccount(ann, w.facts[:first]), h.Base)
	for i, fact := range w.facts[:first] {
		if recent := i >= first-1000; recent && !h.Handled(fact.Causation) {
			w.t.Errorf("%s: %s does not count as handled", what, fact.Causation)
			break
		}
	}
	for _, unknown := range []string{"request-0", fmt.Sprint("request-", n+1), ""} {
		if h.Handled(unknown) {
			w.t.Errorf("%s: %q counts as handled", what, unknown)
		}
	}
}

func TestAnAccountIsReadCorrectlyHoweverLongItsStreamIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, _ := w.process()
	for _, length := range []int{0, 1, 199, 200, 201, 299, 300, 450, 5000} {
		w.grow(length)
		name := fmt.Sprintf("%d facts", length)
		w.right(name+", read by a process that has read before", w.read(old))
		fresh, _ := w.process()
		w.right(name+", read by a new process", w.read(fresh))
		w.right(name+", read again", w.read(fresh))
		for _, after := range []int{0, length / 2, length - 120, length - 1, length} {
			if after < 0 {
				continue
			}
			h, err := fresh.AccountSince(t.Context(), ann, int64(after), events.Event{})
			if err != nil {
				t.Fatal(err)
			}
			w.right(fmt.Sprintf("%s, from %d on", name, after), h)
			if h.Base.Sequence > int64(after) {
				t.Errorf("%s, from %d on: the first fact is %d", name, after, h.Base.Sequence+1)
			}
		}
	}
}

func TestALongStreamIsReadFromItsSnapshot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reader, client := w.process()
	w.grow(150)
	w.read(reader)
	w.read(reader)
	if n := client.looks.Load(); n > 0 {
		t.Errorf("%d reads of a short stream looked for a snapshot", n)
	}
	w.grow(5000)
	if pages, facts := client.costs(func() { w.read(reader) }); facts < 4800 {
		t.Errorf("the first read took only %d facts in %d pages, so this test shows nothing", facts, pages)
	}
	again := func(what string) {
		t.Helper()
		if pages, facts := client.costs(func() { w.right(what, w.read(reader)) }); pages > 3 || facts > 300 {
			t.Errorf("%s %d facts were read in %d pages", what, facts, pages)
		}
	}
	again("the second time")
	for length := 5020; length <= 5600; length += 20 {
		w.grow(length)
		again(fmt.Sprintf("at %d facts", length))
	}
	// A new process finds the snapshot that another has stored.
	reader, client = w.process()
	if pages, facts := client.costs(func() { w.right("by a new process", w.read(reader)) }); pages > 4 || facts > 500 {
		t.Errorf("a new process read %d facts in %d pages", facts, pages)
	}
}

func TestAProcessContinuesFromWhatItHasRead(t *testing.T) {
	t.Parallel()
	for _, length := range []int{1, 50, 199, 400} {
		w := newWorld(t)
		reader, client := w.process()
		w.grow(length)
		w.read(reader)
		for _, more := range []int{0, 1, 5} {
			name := fmt.Sprintf("%d facts and %d more", length, more)
			w.grow(len(w.facts) + more)
			looks := client.looks.Load()
			if _, facts := client.costs(func() { w.right(name, w.read(reader)) }); facts != int64(more)+1 {
				t.Errorf("%s: %d facts were read, want the new ones and the one before", name, facts)
			}
			if n := client.looks.Load() - looks; n > 0 {
				t.Errorf("%s: it looked for a snapshot %d times", name, n)
			}
		}
	}
}

func TestChangesByTheCallerAreNotRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reader, _ := w.process()
	w.grow(20)
	h := w.read(reader)
	for _, fact := range w.facts {
		h.Base.Apply(fact)
	}
	clear(h.Account.Subscriptions)
	w.right("read again", w.read(reader))
}

// The journal was restored to an earlier time while a process ran, and has grown since.
func TestAJournalThatWasRestoredIsReadAgain(t *testing.T) {
	t.Parallel()
	for name, kept := range map[string]int{"to the beginning": 0, "to the middle": 10, "to after a snapshot": 230} {
		for _, since := range []int{0, 1, 60} {
			t.Run(fmt.Sprintf("%s, %d facts ago", name, since), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				reader, _ := w.process()
				w.grow(kept + 30)
				w.read(reader)
				w.restore(kept)
				w.grow(kept + since)
				w.right("restored", w.read(reader))
			})
		}
	}
}

// restore deletes all but the first facts of the stream. The facts that follow will differ.
func (w *world) restore(to int) {
	w.t.Helper()
	for _, fact := range w.facts[to:] {
		_, err := w.tables.Client.DeleteItem(w.t.Context(), &dynamodb.DeleteItemInput{TableName: &w.tables.Journal, Key: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: string(stream)}, "sk": &types.AttributeValueMemberS{Value: fmt.Sprintf("%012d", fact.Sequence)},
		}})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	w.facts = slices.Clone(w.facts[:to])
	w.account = state.NewAccount(ann)
	for _, fact := range w.facts {
		w.account.Apply(fact)
	}
	w.request = "request-since-"
}

func (w *world) snapshots() []map[string]types.AttributeValue {
	return w.tables.Rows(w.t, w.tables.Records, "snapshot#"+string(stream))
}

func (w *world) put(item map[string]types.AttributeValue) {
	w.t.Helper()
	if _, err := w.tables.Client.PutItem(w.t.Context(), &dynamodb.PutItemInput{TableName: &w.tables.Records, Item: item}); err != nil {
		w.t.Fatal(err)
	}
}

func number(n int) types.AttributeValue { return &types.AttributeValueMemberN{Value: fmt.Sprint(n)} }

func TestAWrongSnapshotChangesOnlyTheCost(t *testing.T) {
	t.Parallel()
	type item = map[string]types.AttributeValue
	binary := func(change func([]byte) []byte) func(*world, item) {
		return func(_ *world, row item) {
			row["state"] = &types.AttributeValueMemberB{Value: change(slices.Clone(row["state"].(*types.AttributeValueMemberB).Value))}
		}
	}
	for name, damage := range map[string]func(w *world, row item){
		"of bytes that are not gzipped": binary(func([]byte) []byte { return []byte("not packed") }),
		"a single byte":                 binary(func([]byte) []byte { return []byte{0} }),
		"cut off":                       binary(func(b []byte) []byte { return b[:len(b)/2] }),
		"changed in the middle":         binary(func(b []byte) []byte { b[len(b)/2] ^= 0xff; return b }),
		"of another type":               func(_ *world, row item) { row["state"] = number(7) },
		"without a state":               func(_ *world, row item) { delete(row, "state") },
		"with another sequence":         func(_ *world, row item) { row["seq"] = number(99) },
		"without a sequence":            func(_ *world, row item) { delete(row, "seq") },
		"of another account":            foreign,
		"of an older fold":              func(w *world, row item) { w.move(row, "another version") },
		"deleted":                       func(w *world, row item) { w.move(row, "") },
		"ahead of the journal":          ahead,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.grow(250)
			reader, client := w.process()
			w.right("before", w.read(reader))
			rows := w.snapshots()
			if len(rows) != 1 {
				t.Fatalf("%d snapshots are stored, want one", len(rows))
			}
			row := maps.Clone(rows[0])
			if damage(w, row); row["pk"] != nil {
				w.put(row)
			}
			for _, r := range []*accounts.Reader{reader, first(w.process())} {
				w.right("with it", w.read(r))
				from, err := r.AccountSince(t.Context(), ann, 249, events.Event{})
				if err != nil {
					t.Fatal(err)
				}
				w.right("from the last fact on", from)
			}
			w.grow(300)
			w.read(reader)
			if _, facts := client.costs(func() { w.right("after it", w.read(reader)) }); facts > 200 {
				t.Errorf("a later read took %d facts, so the wrong snapshot was not replaced", facts)
			}
		})
	}
}

func first(r *accounts.Reader, _ *counted) *accounts.Reader { return r }

// move moves the item to another version's key, or only deletes it if the version is "".
func (w *world) move(row map[string]types.AttributeValue, version string) {
	w.t.Helper()
	_, err := w.tables.Client.DeleteItem(w.t.Context(), &dynamodb.DeleteItemInput{
		TableName: &w.tables.Records, Key: map[string]types.AttributeValue{"pk": row["pk"], "sk": row["sk"]},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if row["sk"] = (&types.AttributeValueMemberS{Value: version}); version == "" {
		delete(row, "pk")
	}
}

func foreign(w *world, row map[string]types.AttributeValue) {
	w.t.Helper()
	const bob = portal.AccountID("bob")
	var facts []events.Event
	for i := range int64(250) {
		cause := events.Event{ID: "request", Subject: portal.AccountStream(bob)}
		facts = append(facts, journal.Stamp(cause, "/test", start, i, []events.Fact{events.UserRegistered{}})...)
	}
	for part := range slices.Chunk(facts, journal.MaxFacts) {
		if err := w.tables.Open().Append(w.t.Context(), portal.AccountStream(bob), part[0].Sequence-1, part); err != nil {
			w.t.Fatal(err)
		}
	}
	reader, _ := w.process()
	if _, err := reader.Account(w.t.Context(), bob); err != nil {
		w.t.Fatal(err)
	}
	theirs := w.tables.Rows(w.t, w.tables.Records, "snapshot#"+string(portal.AccountStream(bob)))
	row["state"], row["seq"] = theirs[0]["state"], theirs[0]["seq"]
}

// ahead replaces the snapshot with that of a longer stream, as when the journal was restored
// from a backup and the records were not.
func ahead(w *world, row map[string]types.AttributeValue) {
	w.t.Helper()
	longer := newWorld(w.t)
	longer.grow(400)
	reader, _ := longer.process()
	longer.read(reader)
	rows := longer.snapshots()
	row["state"], row["seq"] = rows[0]["state"], rows[0]["seq"]
}

func TestAnAccountIsReadEvenIfSnapshotsCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(250)
	reader, client := w.process()
	client.down = errors.New("the table does not answer")
	for range 2 {
		w.right("without the table", w.read(reader))
	}
	if n := len(w.snapshots()); n > 0 {
		t.Errorf("%d snapshots were stored", n)
	}
}

func TestASnapshotThatMayNotBeReadIsLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(250)
	reader, client := w.process()
	client.down = errors.New("AccessDenied")
	var log strings.Builder
	logger := zerolog.New(&log)
	if _, err := reader.Account(logger.WithContext(t.Context()), ann); err != nil {
		t.Fatal(err)
	}
	if line, _, _ := strings.Cut(log.String(), "\n"); !strings.Contains(line, "cannot read a snapshot") || !strings.Contains(line, "AccessDenied") {
		t.Errorf("the first line of the log is %q", line)
	}
}

func TestAJournalThatDoesNotAnswerIsPostponed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reader := accounts.NewReader(journal.New(w.tables.Client, "not-there", w.tables.Records), w.tables.Client, w.tables.Records, time.Now)
	var postponed *portal.Postponed
	if _, err := reader.Account(t.Context(), ann); !errors.As(err, &postponed) {
		t.Errorf("%v, want Postponed", err)
	}
}

// Workers that know the fact fold differently, so this worker's fold is not stored.
func TestAFactThatIsNotUnderstoodIsInNoSnapshot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(50)
	w.append([]events.Event{w.happens(events.Unknown{Type: "gatehouse.PlanMerged.v1", Data: []byte(`{}`), Must: true})})
	w.grow(320)
	reader, _ := w.process()
	for range 2 {
		h := w.read(reader)
		if h.Account.NotUnderstood != "gatehouse.PlanMerged.v1" {
			t.Errorf("NotUnderstood is %q", h.Account.NotUnderstood)
		}
		w.right("with it", h)
	}
	if n := len(w.snapshots()); n > 0 {
		t.Errorf("%d snapshots were stored", n)
	}
}

func TestConcurrentReadersDoNotShareAnAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(390)
	want := w.account.Clone()
	reader, _ := w.process()
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			for range 3 {
				h, err := reader.Account(t.Context(), ann)
				if err != nil || cmp.Diff(want, h.Account) != "" {
					t.Errorf("read %d facts, %v", h.Account.Sequence, err)
				}
				h.Account.Apply(events.Event{Sequence: 391, Data: events.KeyReleasing{Key: "k1"}}) // only this reader's copy
			}
		})
	}
	group.Wait()
}

// The replay of a request that was given up is carried out, however long ago the request
// failed.
func TestARequestThatFailedDoesNotCountAsHandledInASnapshot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(50)
	failed := w.happens(events.RequestFailed{Class: "failed"})
	w.append([]events.Event{failed})
	w.grow(320)
	reader, _ := w.process()
	w.read(reader)
	h := w.read(reader)
	if len(w.snapshots()) != 1 || slices.ContainsFunc(h.Facts, func(fact events.Event) bool { return fact.ID == failed.ID }) {
		t.Fatalf("the failure is among the %d facts after the snapshot, so this test shows nothing", len(h.Facts))
	}
	if h.Handled(failed.Causation) {
		t.Error("the request that failed counts as handled")
	}
	for _, neighbour := range []int{int(failed.Sequence) - 1, int(failed.Sequence) + 1} {
		if request := fmt.Sprint("request-", neighbour); !h.Handled(request) {
			t.Errorf("%s does not count as handled", request)
		}
	}
}
