package jobs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

var opened = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// fixture is the job at real tables, with a clock of its own.
type fixture struct {
	DueRows
	t      *testing.T
	tables journaltest.Tables
	facts  *journal.Journal
	outbox *outbox
	now    time.Time
	// handled are the operations that have led to something.
	handled map[portal.OperationID]bool
	resent  []portal.OperationID
	passed  []string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	d := &fixture{t: t, tables: journaltest.Start(t), outbox: &outbox{}, now: opened, handled: map[portal.OperationID]bool{}}
	d.facts = d.tables.Open()
	clock := func() time.Time { return d.now }
	d.DueRows = DueRows{
		Records: d.tables.Records, Tables: d.tables.Client, Accounts: accounts.NewReader(d.facts, d.tables.Client, d.tables.Records, clock),
		Rows: d.facts, Operations: d, Sender: d.outbox, Now: clock,
		PassedOver: func(kind string) { d.passed = append(d.passed, kind) },
	}
	return d
}

func (d *fixture) Republish(_ context.Context, op portal.OperationID) (done bool, err error) {
	if d.handled[op] {
		return true, nil
	}
	d.resent = append(d.resent, op)
	return false, nil
}

func stream(account string) portal.Stream { return portal.AccountStream(portal.AccountID(account)) }

// want opens a wish for each of the plans, with its due row, as a decision does.
func (d *fixture) want(account string, plans ...portal.PlanID) []events.Event {
	d.t.Helper()
	var opening []events.Fact
	for _, plan := range plans {
		opening = append(opening, events.SubscriptionWanted{Plan: plan, Name: string(plan), Ring: portal.AccountRing})
	}
	return d.happen(account, true, opening...)
}

func rowOf(fact events.Event) due.Row {
	var plan portal.PlanID
	if wanted, ok := fact.Data.(events.SubscriptionWanted); ok {
		plan = wanted.Plan
	}
	return due.OfWish(fact.Subject, fact.Sequence, fact.Time, "", plan, fact.Correlation)
}

func (d *fixture) happen(account string, withRows bool, facts ...events.Fact) []events.Event {
	d.t.Helper()
	head, err := d.facts.Head(d.t.Context(), stream(account))
	if err != nil {
		d.t.Fatal(err)
	}
	cause := events.Event{ID: fmt.Sprint("cause", head), Subject: stream(account), Operation: "op", Correlation: "corr"}
	appended := journal.Stamp(cause, "/test", d.now, head, facts)
	var rows []journal.Row
	for _, fact := range appended {
		if withRows {
			rows = append(rows, journal.PutDue(rowOf(fact)))
		}
	}
	if err := d.facts.Append(d.t.Context(), stream(account), head, appended, rows...); err != nil {
		d.t.Fatal(err)
	}
	return appended
}

// run runs the job to its end, by its cursors, and returns how many runs that took.
func (d *fixture) run() (runs int) {
	d.t.Helper()
	cursor := ""
	for runs = 1; runs <= 50; runs++ {
		next, err := d.Run(d.t.Context(), cursor)
		if err != nil {
			d.t.Fatalf("run %d, from %q: %v", runs, cursor, err)
		}
		if next == "" {
			return runs
		}
		cursor = next
	}
	d.t.Fatal("the job does not end")
	return runs
}

func (d *fixture) wishes() []due.Row {
	d.t.Helper()
	var all []due.Row
	for shard := range schema.DueShards + 4 {
		for _, item := range d.tables.Rows(d.t, d.tables.Records, schema.DuePartition(shard)) {
			var row due.Row
			if err := attributevalue.UnmarshalMap(item, &row); err == nil {
				all = append(all, row)
			}
		}
	}
	return all
}

func (d *fixture) asked() []portal.Stream {
	var streams []portal.Stream
	for _, msg := range d.outbox.empty() {
		streams = append(streams, msg.Subject)
	}
	return streams
}

func TestAnOpenWishIsAskedForWhenItIsDueAndMovesOn(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	fact := d.want("ann", "free")[0]
	d.now = opened.Add(2 * time.Minute)
	d.run()
	if sent := d.outbox.empty(); len(sent) > 0 {
		t.Errorf("before it is due it was asked for: %v", sent)
	}
	for ask, after := range []time.Duration{2 * time.Minute, 6 * time.Minute, 14 * time.Minute} {
		d.now = opened.Add(after + time.Millisecond)
		d.run()
		d.run() // in the same slot it is not due any more
		want := []events.Event{{
			ID: portal.DeriveID("provision", fact.ID, fmt.Sprint(ask+1)), Source: "/gatehouse/jobs", Subject: fact.Subject, Time: d.now,
			Causation: fact.ID, Correlation: "corr", Data: events.ProvisionRequested{},
		}}
		if diff := cmp.Diff(want, d.outbox.empty()); diff != "" {
			t.Errorf("ask %d (-want +got):\n%s", ask+1, diff)
		}
		row := rowOf(fact)
		row.Asked = ask + 1
		moved := []due.Row{row}
		if diff := cmp.Diff(moved, d.wishes()); diff != "" {
			t.Errorf("the rows after ask %d (-want +got):\n%s", ask+1, diff)
		}
	}
}

func TestAWishThatIsClosedIsDropped(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.want("active", "free")
	d.happen("active", false, events.SubscriptionActivated{Link: events.Link{Wish: 1}, Plan: "free"})
	d.want("withdrawn", "free")
	d.happen("withdrawn", false, events.RequestRejected{Link: events.Link{Wish: 1}, Code: portal.Conflict})
	// Opened again by a later fact, which has a row of its own.
	d.want("overturned", "free")
	d.happen("overturned", false, events.SubscriptionEnding{Plan: "free"})
	empty := due.OfWish(stream("empty"), 1, opened, "", "free", "")
	if err := d.facts.Write(t.Context(), journal.PutDue(empty)); err != nil {
		t.Fatal(err)
	}
	if n := len(d.wishes()); n != 4 {
		t.Fatalf("there are %d rows, want 4", n)
	}
	d.now = opened.Add(time.Hour)
	d.run()
	if left := d.wishes(); len(left) > 0 {
		t.Errorf("rows are left: %+v", left)
	}
	if woken := d.asked(); len(woken) > 0 {
		t.Errorf("woken: %v", woken)
	}
}

func TestEveryShardHasItsTurn(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	var want []portal.Stream
	shards := map[string]bool{}
	for i := range 40 {
		fact := d.want(fmt.Sprintf("%02d", i), "free")[0]
		want = append(want, fact.Subject)
		shards[placed(rowOf(fact))] = true
	}
	if len(shards) != schema.DueShards {
		t.Fatalf("the wishes are in %d shards of %d, so this test shows little", len(shards), schema.DueShards)
	}
	d.now = opened.Add(time.Hour)
	if runs := d.run(); runs != schema.DueShards {
		t.Errorf("it took %d runs, want one a shard", runs)
	}
	got := d.asked()
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
}

func placed(row due.Row) string {
	return row.Place().PK
}

func TestMoreThanABatchIsWorkedOffInOrderAndAnAccountAskedOnceABatch(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	const many = dueBatch + 25
	for n := 0; n < many; n += 25 {
		var plans []portal.PlanID
		for i := range 25 {
			plans = append(plans, portal.PlanID(fmt.Sprint(n+i)))
		}
		d.want("ann", plans...)
	}
	// Long after: the first batch's next times have passed as well, and are skipped.
	d.now = opened.Add(24 * time.Hour)
	if runs := d.run(); runs != schema.DueShards+1 {
		t.Errorf("it took %d runs, want one more than there are shards", runs)
	}
	ids := map[string]bool{}
	for _, msg := range d.outbox.empty() {
		ids[msg.ID] = true
	}
	if len(ids) != 2 {
		t.Errorf("the account was woken %d times, want once for each of two batches", len(ids))
	}
	rows := d.wishes()
	for _, row := range rows {
		if row.Asked == 0 {
			t.Errorf("the row of %s was not put off", row.Plan)
		}
	}
	if len(rows) != many {
		t.Errorf("%d rows are left of %d", len(rows), many)
	}
}

// Rows of a kind that only newer workers know, and rows that nobody can read, are there for
// somebody else to look into.
func TestRowsThatCannotBeHandledStopNobody(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	fact := d.want("ann", "free")[0]
	shard := placed(rowOf(fact))
	for i := range dueBatch + 10 {
		for kind, stream := range map[string]types.AttributeValue{
			"webhook_retry": &types.AttributeValueMemberS{Value: "account/ann"},
			"damaged":       &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{}},
		} {
			_, err := d.tables.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &d.tables.Records, Item: map[string]types.AttributeValue{
				"pk": &types.AttributeValueMemberS{Value: shard}, "sk": &types.AttributeValueMemberS{Value: fmt.Sprintf("%015d#%s", i, kind)},
				"kind": &types.AttributeValueMemberS{Value: kind}, "stream": stream,
			}})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	strange := due.OfWish("licence/l1", 1, opened, "", "", "")
	if err := d.facts.Write(t.Context(), journal.PutDue(strange)); err != nil {
		t.Fatal(err)
	}
	d.now = opened.Add(3 * time.Minute)
	before := len(d.tables.Rows(t, d.tables.Records, shard))
	d.run()
	if diff := cmp.Diff([]portal.Stream{fact.Subject}, d.asked()); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
	if after := len(d.tables.Rows(t, d.tables.Records, shard)); after != before {
		t.Errorf("of %d rows %d are left", before, after)
	}
	if want := 2*(dueBatch+10) + 1; len(d.passed) != want {
		t.Errorf("%d rows were counted as passed over, want %d", len(d.passed), want)
	}
}

// The number of shards may change: a row is handled where it lies.
func TestARowThatLiesElsewhereIsHandledThere(t *testing.T) {
	t.Parallel()
	for name, over := range map[string]bool{"its wish is over": true, "its wish is open": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			fact := d.happen("carol", false, events.SubscriptionWanted{Plan: "free", Name: "free", Ring: portal.AccountRing})[0]
			row := journal.PutDue(rowOf(fact))
			elsewhere := schema.DuePartition(0)
			if row.PK == elsewhere {
				elsewhere = schema.DuePartition(1)
			}
			row.PK = elsewhere
			if err := d.facts.Write(t.Context(), row); err != nil {
				t.Fatal(err)
			}
			if over {
				d.happen("carol", false, events.SubscriptionActivated{Link: events.Link{Wish: 1}, Plan: "free"})
			}
			for range 30 {
				d.now = d.now.Add(time.Minute)
				d.run()
			}
			want := 0
			if !over {
				want = 3 // after 2, 6 and 14 minutes
			}
			if woken := len(d.asked()); woken != want {
				t.Errorf("in 30 minutes it was asked for %d times, want %d", woken, want)
			}
			if left := d.wishes(); len(left) != min(want, 1) {
				t.Errorf("rows are left: %+v", left)
			}
		})
	}
}

func TestAnAcceptedRequestIsHandedInAgainUntilItHasLedToSomething(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	for _, op := range []portal.OperationID{"lost", "decided"} {
		if err := d.facts.Write(t.Context(), journal.PutDue(due.OfOperation(stream("ann"), op, opened))); err != nil {
			t.Fatal(err)
		}
	}
	d.handled["decided"] = true
	d.now = opened.Add(6*time.Minute - time.Second)
	d.run()
	if len(d.resent) > 0 {
		t.Errorf("before they are due were handed in again: %v", d.resent)
	}
	for _, after := range []time.Duration{6 * time.Minute, 18 * time.Minute, 42 * time.Minute} {
		d.now = opened.Add(after + time.Millisecond)
		d.run()
		d.run()
	}
	if diff := cmp.Diff([]portal.OperationID{"lost", "lost", "lost"}, d.resent); diff != "" {
		t.Errorf("handed in again (-want +got):\n%s", diff)
	}
	d.handled["lost"] = true
	d.now = d.now.Add(24 * time.Hour)
	d.run()
	if left := d.wishes(); len(left) > 0 {
		t.Errorf("rows are left: %+v", left)
	}
}

func TestAKeyOfAnEmptyRingIsGivenBackWhenItsTimeHasCome(t *testing.T) {
	t.Parallel()
	key := events.KeyWanted{Key: "k", Ring: portal.AccountRing, Name: "Default key"}
	left := []events.Fact{key, events.KeyCreated{Key: "k", GatewayID: "gw"}, events.SubscriptionWanted{Plan: "free", Ring: portal.AccountRing},
		events.SubscriptionEnding{Plan: "free"}, events.SubscriptionEnded{Plan: "free", Link: events.Link{Wish: 4}}}
	again := events.SubscriptionWanted{Plan: "free", Ring: portal.AccountRing}
	for _, c := range []struct {
		name  string
		given []events.Fact
		asked bool
		stays bool
	}{
		{"the ring has been empty ever since", left, true, true},
		{"it is in use again", append(left[:5:5], again), false, false},
		{"it has been in use since", append(left[:5:5], again, events.SubscriptionLost{Plan: "free", Reason: events.LostPlanGone}), false, false},
		{"it is on its way already", append(left[:5:5], events.KeyReleasing{Key: "k"}), false, true},
		{"it was released", append(left[:5:5], events.KeyReleasing{Key: "k"}, events.KeyReleased{Key: "k", Link: events.Link{Wish: 6}}), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			d.happen("ann", false, c.given...)
			row := due.OfIdleKey(stream("ann"), "k", 5, opened, 720*time.Hour)
			if err := d.facts.Write(t.Context(), journal.PutDue(row)); err != nil {
				t.Fatal(err)
			}
			d.now = opened.Add(720 * time.Hour)
			d.run()
			if sent := d.outbox.empty(); len(sent) > 0 {
				t.Fatalf("before its time was sent %v", sent)
			}
			d.now = d.now.Add(time.Millisecond)
			d.run()
			var want []events.Payload
			if c.asked {
				want = []events.Payload{events.KeyReleaseRequested{Key: "k", Emptied: 5}}
			}
			var got []events.Payload
			for _, msg := range d.outbox.empty() {
				got = append(got, msg.Data)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			if stays := len(d.wishes()) == 1; stays != c.stays {
				t.Errorf("the row stays: %v, want %v", stays, c.stays)
			}
		})
	}
}

// crashing is a journal whose worker dies before it writes rows.
type crashing struct{ *journal.Journal }

var errCrash = errors.New("the worker crashed")

func (crashing) Write(context.Context, ...journal.Row) error { return errCrash }

func TestACrashBetweenAskingAndMovingAsksOnceMore(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.want("ann", "free")
	d.now = opened.Add(3 * time.Minute)
	healthy := d.Rows
	d.Rows = crashing{d.facts}
	for shard := range schema.DueShards {
		_, err := d.Run(t.Context(), fmt.Sprint(shard))
		if err != nil && !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
	}
	first := d.outbox.empty()
	d.Rows = healthy
	d.run()
	again := d.outbox.empty()
	if len(first) != 1 || !cmp.Equal(first, again) {
		t.Errorf("asked as %v, and after the crash as %v; want the same message", first, again)
	}
	if left := d.wishes(); len(left) != 1 || left[0].Asked != 1 {
		t.Errorf("the rows are %+v", left)
	}
}

func TestNothingMovesWhileItCannotBeAskedFor(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	shard := placed(rowOf(d.want("ann", "free")[0]))
	d.now = opened.Add(3 * time.Minute)
	d.outbox.down = errors.New("the queue does not answer")
	cursor := shard[len(shard)-1:]
	if _, err := d.Run(t.Context(), cursor); !isPostponed(err) {
		t.Errorf("without a queue: %v, want Postponed", err)
	}
	d.outbox.down = nil
	d.Tables = dynamodb.NewFromConfig(d.tables.Config, func(o *dynamodb.Options) {
		o.RetryMaxAttempts = 1
		o.HTTPClient = unreachable{}
	})
	if _, err := d.Run(t.Context(), cursor); !isPostponed(err) {
		t.Errorf("without a table: %v, want Postponed", err)
	}
	if left := d.wishes(); len(left) != 1 || left[0].Asked != 0 {
		t.Errorf("the rows are %+v", left)
	}
}

type unreachable struct{}

func (unreachable) Do(*http.Request) (*http.Response, error) { return nil, errCrash }

func TestAStreamThatCannotBeReadHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	// Two streams of one shard, of which the first in order is spoilt.
	spoilt := d.want("ann", "free")[0]
	d.now = opened.Add(time.Second)
	other := spoilt
	for i := 0; other.Subject == spoilt.Subject; i++ {
		account := fmt.Sprint("other", i)
		if placed(due.OfWish(stream(account), 1, opened, "", "", "")) == placed(rowOf(spoilt)) {
			other = d.want(account, "free")[0]
		}
	}
	_, err := d.tables.Client.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String(d.tables.Journal), Item: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: string(spoilt.Subject)}, "sk": &types.AttributeValueMemberS{Value: "000000000002"},
			"event": &types.AttributeValueMemberS{Value: "not an event"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.now = opened.Add(3 * time.Minute)
	d.run()
	if diff := cmp.Diff([]portal.Stream{other.Subject}, d.asked()); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
	for _, wish := range d.wishes() {
		if wish.Asked != 1 {
			t.Errorf("the row of %s was not put off", wish.Stream)
		}
	}
}

// A fact that this worker does not understand may have opened the wish again; newer workers will tell.
func TestARowOfAWishIsKeptWhileItsStreamIsNotUnderstood(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.want("ann", "free")
	d.happen("ann", false, events.SubscriptionActivated{Link: events.Link{Wish: 1}, Plan: "free"},
		events.Unknown{Type: "gatehouse.PlanMerged.v1", Data: []byte(`{}`), Must: true})
	d.now = opened.Add(time.Hour)
	d.run()
	if left := d.wishes(); len(left) != 1 {
		t.Errorf("the rows are %+v", left)
	}
}

func TestItTellsWhenTheOldestRowOfEachShardFellDue(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	var oldest []time.Time
	d.Oldest = func(due time.Time) { oldest = append(oldest, due) }
	fact := d.want("ann", "free")[0]
	falls := rowOf(fact).At()
	d.now = opened.Add(time.Hour)
	d.run()
	late := 0
	for _, at := range oldest {
		if at.Equal(falls) {
			late++
		} else if !at.Equal(d.now) {
			t.Errorf("a shard's oldest row fell due at %v", at)
		}
	}
	if late != 1 || len(oldest) != schema.DueShards {
		t.Errorf("%d of %d shards have a row that fell due at %v: %v", late, len(oldest), falls, oldest)
	}
}
