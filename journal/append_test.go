package journal_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

func TestAppendedFactsAreReadBackWhole(t *testing.T) {
	t.Parallel()
	j := journaltest.Start(t).Open()
	first := say(ann, 0, events.UserRegistered{}, events.KeyObserved{Key: "k1"})
	second := say(ann, 2, events.KeyObserved{Key: "k2"})
	if err := j.Append(t.Context(), ann, 0, first); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(t.Context(), ann, 2, second); err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(first, second)
	for after, want := range [][]events.Event{all, all[1:], all[2:], nil} {
		if diff := cmp.Diff(want, read(t, j, ann, int64(after))); diff != "" {
			t.Errorf("read after %d (-want +got):\n%s", after, diff)
		}
	}
	if got := read(t, j, bob, 0); got != nil {
		t.Errorf("a stream without facts holds %v", got)
	}
}

func TestFactsOfNewerCodeAreReadAndKeptAsTheyWereRecorded(t *testing.T) {
	t.Parallel()
	tables := journaltest.Start(t)
	j := tables.Open()
	facts := say(ann, 0, events.UserRegistered{}, events.Unknown{Type: "gatehouse.KeyPainted.v1", Data: []byte(`{"shade":12345678901234567890}`)}, events.KeyObserved{Key: "k"})
	if err := j.Append(t.Context(), ann, 0, facts); err != nil {
		t.Fatal(err)
	}
	for after := range int64(3) {
		if diff := cmp.Diff(facts[after:], read(t, j, ann, after)); diff != "" {
			t.Errorf("read after %d (-want +got):\n%s", after, diff)
		}
	}
	recorded := textOf(tables.Rows(t, tables.Journal, string(ann))[1]["event"])
	if !strings.Contains(recorded, `"type":"gatehouse.KeyPainted.v1"`) || !strings.Contains(recorded, `"data":{"shade":12345678901234567890}`) {
		t.Errorf("it is recorded as %s", recorded)
	}
}

func TestStampedFactsNameTheirCause(t *testing.T) {
	t.Parallel()
	data := []events.Fact{events.UserRegistered{}, events.KeyObserved{Key: "k"}}
	facts := say(ann, 4, data...)
	for i, fact := range facts {
		want := events.Event{
			ID: journal.FactID(ann, int64(5+i)), Source: "/test", Subject: ann, Time: at, Sequence: int64(5 + i),
			Operation: "op", Actor: "account/asker", Intent: 7, Causation: "request", Correlation: "corr", TraceParent: "trace", Data: data[i],
		}
		if diff := cmp.Diff(want, fact); diff != "" {
			t.Errorf("fact %d (-want +got):\n%s", i, diff)
		}
	}
	if facts[0].ID == facts[1].ID || facts[0].ID == journal.FactID(bob, 5) {
		t.Error("two facts have one id")
	}
}

type counted struct {
	*dynamodb.Client
	queries atomic.Int64
}

func (c *counted) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	c.queries.Add(1)
	return c.Client.Query(ctx, in, opts...)
}

func TestAStreamOfSeveralPagesIsReadInOrder(t *testing.T) {
	t.Parallel()
	tables := journaltest.Start(t)
	client := &counted{Client: tables.Client}
	j := journal.New(client, tables.Journal, tables.Records)
	// DynamoDB ends a page at 1 MB; these facts take 2.4 MB.
	long := strings.Repeat("x", 48<<10)
	for after := int64(0); after < 2*journal.MaxFacts; after += journal.MaxFacts {
		var facts []events.Fact
		for i := range journal.MaxFacts {
			facts = append(facts, events.RequestRejected{Message: fmt.Sprint(after+int64(i)+1, long)})
		}
		grow(t, j, ann, after, facts...)
	}
	facts := read(t, j, ann, 0)
	if len(facts) != 2*journal.MaxFacts {
		t.Fatalf("read %d facts, want %d", len(facts), 2*journal.MaxFacts)
	}
	for i, fact := range facts {
		if f := fact.Data.(events.RequestRejected); fact.Sequence != int64(i)+1 || f.Message != fmt.Sprint(i+1, long) {
			t.Fatalf("fact %d has sequence %d", i+1, fact.Sequence)
		}
	}
	if n := client.queries.Load(); n < 3 {
		t.Errorf("the stream was read in %d pages, so this test shows nothing", n)
	}
}

func TestOneOfManyConcurrentAppendsSucceeds(t *testing.T) {
	t.Parallel()
	tables := journaltest.Start(t)
	j := tables.Open()
	const writers = 8
	for _, after := range []int64{0, 1} { // the first append also registers the stream
		t.Run(fmt.Sprintf("after %d", after), func(t *testing.T) {
			errs := make([]error, writers)
			var group sync.WaitGroup
			for i := range writers {
				group.Go(func() {
					row := journal.Row{Key: schema.Key{PK: fmt.Sprintf("after%d", after), SK: fmt.Sprint(i)}, Value: note{Text: "mine"}}
					fact := events.KeyObserved{Key: portal.KeyID(fmt.Sprint(i))}
					errs[i] = j.Append(t.Context(), ann, after, say(ann, after, fact), row)
				})
			}
			group.Wait()
			won := -1
			for i, err := range errs {
				switch {
				case err == nil && won < 0:
					won = i
				case err == nil:
					t.Errorf("both %d and %d took the number", won, i)
				case !errors.Is(err, journal.ErrTaken):
					t.Errorf("writer %d: %v, want ErrTaken", i, err)
				}
			}
			facts := read(t, j, ann, after)
			if len(facts) != 1 || won < 0 || facts[0].Data.(events.KeyObserved).Key != portal.KeyID(fmt.Sprint(won)) {
				t.Fatalf("the stream holds %+v, but writer %d succeeded", facts, won)
			}
			if rows := tables.Rows(t, tables.Records, fmt.Sprintf("after%d", after)); len(rows) != 1 {
				t.Errorf("%d rows were written, want the winner's alone", len(rows))
			}
		})
	}
}

func TestIfANumberIsTakenNothingIsAppended(t *testing.T) {
	t.Parallel()
	tables := journaltest.Start(t)
	j := tables.Open()
	grow(t, j, ann, 0, events.UserRegistered{})
	grow(t, j, ann, 1, events.KeyObserved{Key: "k1"})
	row := journal.Row{Key: schema.Key{PK: "row", SK: "1"}, Value: note{Text: "must not be written"}}
	// The first append has no free number; the second only its last.
	for _, facts := range [][]events.Event{
		say(ann, 1, events.KeyObserved{Key: "k2"}),
		say(ann, 0, events.KeyObserved{Key: "k2"}, events.KeyObserved{Key: "k3"}, events.KeyObserved{Key: "k4"}),
	} {
		err := j.Append(t.Context(), ann, facts[0].Sequence-1, facts, row)
		if !errors.Is(err, journal.ErrTaken) || isPostponed(err) {
			t.Errorf("appending at a place that is taken: %v, want ErrTaken", err)
		}
	}
	if got := len(read(t, j, ann, 0)); got != 2 {
		t.Errorf("the stream holds %d facts, want 2", got)
	}
	if rows := tables.Rows(t, tables.Records, "row"); len(rows) != 0 {
		t.Errorf("the row was written: %v", rows)
	}
}

func TestRowsAreWrittenInTheTransactionOfTheFacts(t *testing.T) {
	t.Parallel()
	tables := journaltest.Start(t)
	j := tables.Open()
	old := journal.Row{Key: schema.Key{PK: "row", SK: "old"}, Value: note{Text: "there"}}
	if err := j.Write(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	old.Value = nil
	err := j.Append(t.Context(), ann, 0, say(ann, 0, events.UserRegistered{}), old,
		journal.Row{Key: schema.Key{PK: "row", SK: "absent"}}, journal.Row{Key: schema.Key{PK: "row", SK: "new"}, Value: note{Text: "here"}})
	if err != nil {
		t.Fatal(err)
	}
	rows := tables.Rows(t, tables.Records, "row")
	if len(rows) != 1 || textOf(rows[0]["sk"]) != "new" || textOf(rows[0]["text"]) != "here" {
		t.Errorf("the rows are %v, want the new one alone", rows)
	}
	// If a row cannot be written, neither are the facts.
	twice := journal.Row{Key: schema.Key{PK: "row", SK: "twice"}, Value: note{}}
	if err := j.Append(t.Context(), ann, 1, say(ann, 1, events.KeyObserved{}), twice, twice); err == nil {
		t.Error("a transaction with an item twice succeeded")
	}
	if head, err := j.Head(t.Context(), ann); err != nil || head != 1 {
		t.Errorf("the head is %d, %v, want 1: the fact was written without its row", head, err)
	}
}

func TestDropDueDeletesTheRowThatPutDueWrote(t *testing.T) {
	t.Parallel()
	tables := journaltest.Start(t)
	j := tables.Open()
	wish, other := due.OfWish(ann, 1, at, "", "free", "corr"), due.OfWish(ann, 1, at, "", "plus", "corr")
	if err := j.Append(t.Context(), ann, 0, say(ann, 0, events.UserRegistered{}), journal.PutDue(wish), journal.PutDue(other)); err != nil {
		t.Fatal(err)
	}
	// The worker that ends the wish does not know its correlation.
	if err := j.Append(t.Context(), ann, 1, say(ann, 1, events.KeyObserved{}), journal.DropDue(due.OfWish(ann, 1, at, "", "free", ""))); err != nil {
		t.Fatal(err)
	}
	pk := other.Place().PK
	rows := tables.Rows(t, tables.Records, pk)
	if len(rows) != 1 {
		t.Fatalf("%d rows are left, want one", len(rows))
	}
	var left due.Row
	if err := attributevalue.UnmarshalMap(rows[0], &left); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(other, left); diff != "" {
		t.Errorf("the row that is left (-want +got):\n%s", diff)
	}
}

func TestWrongFactsAreRefusedAndNothingIsWritten(t *testing.T) {
	t.Parallel()
	j := journaltest.Start(t).Open()
	tooMany := make([]events.Fact, journal.MaxFacts+1)
	for i := range tooMany {
		tooMany[i] = events.UserRegistered{}
	}
	wide := events.RequestRejected{Message: strings.Repeat("x", events.MaxSize)}
	for name, facts := range map[string][]events.Event{
		"no facts":                        nil,
		"more facts than an append holds": say(ann, 0, tooMany...),
		"a gap before the first":          say(ann, 1, events.UserRegistered{}),
		"a gap in the middle":             append(say(ann, 0, events.UserRegistered{}), say(ann, 2, events.UserRegistered{})...),
		"the number before":               say(ann, -1, events.UserRegistered{}),
		"facts of another stream":         say(bob, 0, events.UserRegistered{}),
		"a fact larger than a message":    say(ann, 0, wide),
	} {
		err := j.Append(t.Context(), ann, 0, facts)
		if !isPermanent(err) {
			t.Errorf("%s: %v, want PermanentError", name, err)
		}
	}
	if facts := read(t, j, ann, 0); len(facts) > 0 {
		t.Errorf("the stream holds %v", facts)
	}
}

func TestMaxFactsAreAppendedAtOnce(t *testing.T) {
	t.Parallel()
	j := journaltest.Start(t).Open()
	facts := make([]events.Fact, journal.MaxFacts)
	for i := range facts {
		facts[i] = events.UserRegistered{}
	}
	grow(t, j, ann, 0, facts...)
	if got := len(read(t, j, ann, 0)); got != journal.MaxFacts {
		t.Errorf("the stream holds %d facts, want %d", got, journal.MaxFacts)
	}
}

func TestALeaseIsDroppedOnlyForItsHolder(t *testing.T) {
	t.Parallel()
	tables := journaltest.Start(t)
	j := tables.Open()
	lease := schema.AccountLease("", "ann")
	put := func(holder string) {
		t.Helper()
		item := lease.Attributes()
		item["holder"] = schema.Text(holder)
		if _, err := tables.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &tables.Records, Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	put("other")
	facts := say(ann, 0, events.UserRegistered{})
	if err := j.Append(t.Context(), ann, 0, facts, journal.DropLease(lease, "me")); !errors.Is(err, journal.ErrTaken) {
		t.Errorf("another's lease: %v, want ErrTaken", err)
	}
	if got := read(t, j, ann, 0); len(got) > 0 {
		t.Errorf("facts were appended: %v", got)
	}
	put("me")
	if err := j.Append(t.Context(), ann, 0, facts, journal.DropLease(lease, "me")); err != nil {
		t.Fatal(err)
	}
	if rows := tables.Rows(t, tables.Records, lease.PK); len(rows) > 0 {
		t.Errorf("the lease is still there: %v", rows)
	}
}

func TestRowsAreWrittenOnlyIfAStreamEndsWithThatFact(t *testing.T) {
	t.Parallel()
	tables := journaltest.Start(t)
	j := tables.Open()
	facts := say(ann, 0, events.UserRegistered{}, events.RequestUnchanged{})
	if err := j.Append(t.Context(), ann, 0, facts); err != nil {
		t.Fatal(err)
	}
	recorded := read(t, j, ann, 0)
	other := recorded[1]
	other.Causation = "another request"
	place := schema.Key{PK: "row", SK: "1"}
	for name, fact := range map[string]events.Event{
		"not the last": recorded[0], "another of its number": other, "one that is missing": say(ann, 2, events.UserRegistered{})[0],
	} {
		if err := j.Write(t.Context(), append(journal.MustEndWith(fact), journal.PutNew(place, note{Text: "x"}))...); !errors.Is(err, journal.ErrTaken) {
			t.Errorf("%s: %v, want ErrTaken", name, err)
		}
	}
	if rows := tables.Rows(t, tables.Records, "row"); len(rows) > 0 {
		t.Errorf("rows were written: %v", rows)
	}
	write := func() error {
		return j.Write(t.Context(), append(journal.MustEndWith(recorded[1]), journal.PutNew(place, note{Text: "x"}))...)
	}
	if err := write(); err != nil {
		t.Errorf("the last: %v", err)
	}
	if err := write(); !errors.Is(err, journal.ErrTaken) {
		t.Errorf("the last, when the row exists: %v, want ErrTaken", err)
	}
}
