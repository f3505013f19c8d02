package projections

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const ann = portal.AccountID("ann")

var (
	annStream = portal.AccountStream(ann)
	start     = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
)

// at is the time of the fact of that sequence.
func at(seq int64) time.Time { return start.Add(time.Duration(seq) * time.Minute) }

// said is a fact with the operation that it was decided for, "" for an outcome.
type said struct {
	op   portal.OperationID
	fact events.Fact
}

func link(wish int64) events.Link { return events.Link{Wish: wish} }

// The story of an account that signs up, gets a key for one plan and leaves the plan. The third
// fact opens the wish for the plan, the seventh the wish to leave it.
var (
	registered   = said{"op-register", events.UserRegistered{}}
	keyWanted    = said{"op-free", events.KeyWanted{Key: "k1", Ring: portal.AccountRing, Name: "Default key", Scheme: "v1", KMSKey: "arn:key"}}
	freeWanted   = said{"op-free", events.SubscriptionWanted{Plan: "free", Name: "Free", Ring: portal.AccountRing, Stages: []portal.Stage{{API: "a", Stage: "v1"}}}}
	keyCreated   = said{"", events.KeyCreated{Key: "k1", GatewayID: "gw1"}}
	freeAttached = said{"", events.KeyAttached{Link: link(3), Key: "k1", Plan: "free"}}
	freeActive   = said{"", events.SubscriptionActivated{Link: link(3), Plan: "free"}}
	freeEnding   = said{"op-leave", events.SubscriptionEnding{Plan: "free"}}
	whole        = lifeAfter(0)
)

// lifeAfter is the account's whole story, from the fact after that sequence on.
func lifeAfter(seq int64) []said {
	wanted, ending := link(seq+3), link(seq+7)
	return []said{
		registered, keyWanted, freeWanted, keyCreated,
		{"", events.KeyAttached{Link: wanted, Key: "k1", Plan: "free"}}, {"", events.SubscriptionActivated{Link: wanted, Plan: "free"}},
		freeEnding, {"", events.KeyDetached{Link: ending, Key: "k1", Plan: "free"}}, {"", events.SubscriptionEnded{Link: ending, Plan: "free"}},
	}
}

// screen is the views of one set of tables, over a real journal.
type screen struct {
	*Views
	t         *testing.T
	tables    journaltest.Tables
	journal   *journal.Journal
	projector *Projector
	passed    time.Duration
}

func newScreen(t *testing.T) *screen {
	t.Helper()
	return screenOn(t, journaltest.Start(t))
}

func screenOn(t *testing.T, tables journaltest.Tables) *screen {
	s := &screen{t: t, tables: tables, journal: tables.Open()}
	s.projector = s.beside(s.journal, tables.Client)
	s.Views = NewViews(tables.Client, s.names(), noDocuments{})
	// The first projector of all stores the pointer; here it is stored already.
	if _, err := newGenerations(tables.Client, tables.Views).forWriting(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *screen) names() Tables { return Tables{Views: s.tables.Views, Records: s.tables.Records} }

// wholeJournal is what a projector and its account reader need of the journal.
type wholeJournal interface {
	streams
	ReadUpTo(ctx context.Context, stream portal.Stream, after int64, limit int) (facts []events.Event, more bool, err error)
}

// beside returns another projector of the same views. Its clock stands still, so it reads the
// pointer only once.
func (s *screen) beside(journal wholeJournal, client client) *Projector {
	reader := accounts.NewReader(journal, client, s.tables.Records, func() time.Time { return start })
	p := NewProjector(journal, reader, client, s.names())
	p.store.generations = patient(client, s.tables.Views)
	p.store.generations.now = func() time.Time { return start }
	return p
}

// say appends the facts and returns them.
func (s *screen) say(stream portal.Stream, all ...said) []events.Event {
	s.t.Helper()
	head, err := s.journal.Head(s.t.Context(), stream)
	if err != nil {
		s.t.Fatal(err)
	}
	var facts []events.Event
	for i, one := range all {
		seq := head + int64(i)
		cause := events.Event{ID: fmt.Sprint("cause", seq), Subject: stream, Operation: one.op}
		facts = append(facts, journal.Stamp(cause, "/test", at(seq+1).Add(s.passed), seq, []events.Fact{one.fact})...)
	}
	for part := range slices.Chunk(facts, journal.MaxFacts) {
		if err := s.journal.Append(s.t.Context(), stream, part[0].Sequence-1, part); err != nil {
			s.t.Fatal(err)
		}
	}
	return facts
}

// pass lets time pass before the next facts.
func (s *screen) pass(by time.Duration) { s.passed += by }

// show has the projector handle each of the messages.
func (s *screen) show(messages ...events.Event) {
	s.t.Helper()
	for _, msg := range messages {
		if err := s.projector.Handle(s.t.Context(), msg); err != nil {
			s.t.Fatalf("showing %s at %d: %v", msg.Subject, msg.Sequence, err)
		}
	}
}

// shown appends the facts and shows them.
func (s *screen) shown(stream portal.Stream, all ...said) {
	s.t.Helper()
	facts := s.say(stream, all...)
	s.show(facts[len(facts)-1])
}

func (s *screen) account() Account {
	s.t.Helper()
	account, err := s.Account(s.t.Context(), ann)
	if err != nil {
		s.t.Fatal(err)
	}
	return account
}

func (s *screen) progress(op portal.OperationID) Progress {
	s.t.Helper()
	p, err := s.Progress(s.t.Context(), op)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

func (s *screen) checkpoint(stream portal.Stream) int64 {
	s.t.Helper()
	seq, err := s.projector.Checkpoint(s.t.Context(), stream)
	if err != nil {
		s.t.Fatal(err)
	}
	return seq
}

// rows returns all rows of the partitions in the first generation, as they are stored.
func (s *screen) rows(partitions ...string) map[string]map[string]any {
	s.t.Helper()
	return s.rowsIn(1, partitions...)
}

func (s *screen) rowsIn(generation schema.Generation, partitions ...string) map[string]map[string]any {
	s.t.Helper()
	all := map[string]map[string]any{}
	for _, of := range partitions {
		for _, item := range s.tables.Rows(s.t, s.tables.Views, partition(generation, of)) {
			var row map[string]any
			if err := attributevalue.UnmarshalMap(item, &row); err != nil {
				s.t.Fatal(err)
			}
			all[of+" "+row["sk"].(string)] = row
		}
	}
	return all
}

// partition returns a partition key; these tests name partitions without the generation.
func partition(generation schema.Generation, of string) string { return generation.Prefix() + of }

func accountPartition(id portal.AccountID) string { return "account#" + string(id) }

func wishPartition(stream portal.Stream, wish int64) string {
	return fmt.Sprintf("wish#%s#%012d", stream, wish)
}

const catalogPartition = "catalog"

func checkpointKey(generation schema.Generation, stream portal.Stream) (pk, sk string) {
	key := generation.Checkpoint(stream)
	return key.PK, key.SK
}

// everything lists the partitions of the account, operations and wishes of `whole`.
var everything = []string{
	accountPartition(ann), "operation#op-register", "operation#op-free", "operation#op-leave",
	wishPartition(annStream, 3), wishPartition(annStream, 7),
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// describeRows describes the rows of one fact, a line each.
func describeRows(rows map[string]map[string]any, seq int64) []string {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		row := rows[key]
		if row["seq"] != float64(seq) {
			continue
		}
		for wish := range int64(20) {
			for _, stream := range []portal.Stream{annStream, licenceStream} {
				key = strings.Replace(key, wishPartition(stream, wish)+" ", fmt.Sprintf("wish %d ", wish), 1)
			}
		}
		key = strings.ReplaceAll(key, fmt.Sprintf("%012d", seq), "N")
		key = strings.TrimPrefix(key, accountPartition(ann)+" ")
		key = strings.Replace(key, "step#"+string(annStream)+"#N", "step", 1)
		key = strings.Replace(key, "step#"+string(portal.CatalogStream)+"#N", "step", 1)
		key = strings.Replace(key, "step#"+string(licenceStream)+"#N", "step", 1)
		for _, name := range []string{"status", "state", "waiting", "lost", "code", "text", "hash"} {
			if value, ok := row[name].(string); ok && value != "" {
				key += " | " + value
			}
		}
		lines = append(lines, key)
	}
	return lines
}

type noDocuments struct{}

func (noDocuments) Load(context.Context, string) (catalog.Document, error) {
	return catalog.Document{}, errors.New("this test has no documents")
}
