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

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// desk is the job at real tables, with a clock of its own.
type desk struct {
	DueWishes
	t      *testing.T
	tables journaltest.Tables
	facts  *journal.Journal
	outbox *outbox
	now    time.Time
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, tables: journaltest.Start(t), outbox: &outbox{}, now: opened}
	d.facts = d.tables.Open()
	d.DueWishes = DueWishes{
		Records: d.tables.Records, Tables: d.tables.Client, Journal: d.facts, Sender: d.outbox,
		Now: func() time.Time { return d.now },
	}
	return d
}

func stream(account string) portal.Stream { return portal.AccountStream(portal.AccountID(account)) }

// want opens a wish for each of the plans, with its due row, as a decision does.
func (d *desk) want(account string, plans ...portal.PlanID) []events.Event {
	d.t.Helper()
	var opening []events.Fact
	for _, plan := range plans {
		opening = append(opening, events.SubscriptionWanted{Plan: plan, Name: string(plan), Key: "k"})
	}
	return d.happen(account, true, opening...)
}

func (d *desk) happen(account string, due bool, facts ...events.Fact) []events.Event {
	d.t.Helper()
	head, err := d.facts.Head(d.t.Context(), stream(account))
	if err != nil {
		d.t.Fatal(err)
	}
	cause := events.Event{ID: fmt.Sprint("cause", head), Subject: stream(account), Operation: "op", Correlation: "corr"}
	appended := journal.Stamp(cause, "/test", d.now, head, facts)
	var rows []journal.Row
	for _, fact := range appended {
		if due {
			rows = append(rows, NewWish(fact).Row())
		}
	}
	if err := d.facts.Append(d.t.Context(), stream(account), head, appended, rows...); err != nil {
		d.t.Fatal(err)
	}
	return appended
}

// run runs the job to its end, by its cursors, and returns how many runs that took.
func (d *desk) run() (runs int) {
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

// wishes are all due rows.
func (d *desk) wishes() []Wish {
	d.t.Helper()
	var all []Wish
	for shard := range dueShards {
		for _, row := range d.tables.Rows(d.t, d.tables.Records, dueKey(shard)) {
			var wish Wish
			if err := attributevalue.UnmarshalMap(row, &wish); err != nil {
				d.t.Fatal(err)
			}
			all = append(all, wish)
		}
	}
	return all
}

// asked are the streams that were woken.
func (d *desk) asked() []portal.Stream {
	var streams []portal.Stream
	for _, msg := range d.outbox.empty() {
		streams = append(streams, msg.Subject)
	}
	return streams
}

func TestAnOpenWishIsAskedForWhenItIsDueAndMovesOn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	fact := d.want("ann", "free")[0]
	d.now = opened.Add(2 * time.Minute)
	d.run()
	if sent := d.outbox.empty(); len(sent) > 0 {
		t.Errorf("before it is due it was asked for: %v", sent)
	}
	for ask, due := range []time.Duration{2 * time.Minute, 6 * time.Minute, 14 * time.Minute} {
		d.now = opened.Add(due + time.Millisecond)
		d.run()
		d.run() // in the same slot it is not due any more
		want := []events.Event{{
			ID: WakeUpID(fact.ID, ask+1), Source: "/gatehouse/jobs", Subject: fact.Subject, Time: d.now,
			Causation: fact.ID, Correlation: "corr", Data: events.ProvisionRequested{},
		}}
		if diff := cmp.Diff(want, d.outbox.empty()); diff != "" {
			t.Errorf("ask %d (-want +got):\n%s", ask+1, diff)
		}
		moved := []Wish{{Stream: fact.Subject, OpenedBy: 1, OpenedAt: opened, Asked: ask + 1, Correlation: "corr"}}
		if diff := cmp.Diff(moved, d.wishes()); diff != "" {
			t.Errorf("the rows after ask %d (-want +got):\n%s", ask+1, diff)
		}
	}
}

func TestAWishThatIsClosedIsDropped(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.want("active", "free")
	d.happen("active", false, events.SubscriptionActivated{Plan: "free", Key: "k"})
	d.want("withdrawn", "free")
	d.happen("withdrawn", false, events.RequestRejected{Code: portal.Conflict, Withdraws: "free"})
	// Opened anew by a later fact, which has a row of its own.
	d.want("overturned", "free")
	d.happen("overturned", false, events.SubscriptionEnding{Plan: "free", Key: "k"})
	nobody := Wish{Stream: "licence/l1", OpenedBy: 1, OpenedAt: opened}
	empty := Wish{Stream: stream("empty"), OpenedBy: 1, OpenedAt: opened}
	if err := d.facts.Write(t.Context(), nobody.Row(), empty.Row()); err != nil {
		t.Fatal(err)
	}
	if n := len(d.wishes()); n != 5 {
		t.Fatalf("there are %d rows, want 5", n)
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
	d := newDesk(t)
	var want []portal.Stream
	shards := map[string]bool{}
	for i := range 40 {
		fact := d.want(fmt.Sprintf("%02d", i), "free")[0]
		want = append(want, fact.Subject)
		shards[NewWish(fact).Row().PK] = true
	}
	if len(shards) != dueShards {
		t.Fatalf("the wishes are in %d shards of %d, so this test shows little", len(shards), dueShards)
	}
	d.now = opened.Add(time.Hour)
	if runs := d.run(); runs != dueShards {
		t.Errorf("it took %d runs, want one a shard", runs)
	}
	got := d.asked()
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
}

func TestMoreThanABatchIsWorkedOffInOrderAndEachAskedOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const many = dueBatch + 25
	seen := map[string]int{}
	for n := 0; n < many; n += 25 {
		var plans []portal.PlanID
		for i := range 25 {
			plans = append(plans, portal.PlanID(fmt.Sprint(n+i)))
		}
		for _, fact := range d.want("ann", plans...) {
			seen[WakeUpID(fact.ID, 1)] = 0
		}
	}
	// Long after: the first batch's next times have passed as well, and are skipped.
	d.now = opened.Add(24 * time.Hour)
	if runs := d.run(); runs != dueShards+1 {
		t.Errorf("it took %d runs, want one more than there are shards", runs)
	}
	for _, msg := range d.outbox.empty() {
		seen[msg.ID]++
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("wake-up %s was sent %d times", id, n)
		}
	}
	if len(seen) != many || len(d.wishes()) != many {
		t.Errorf("%d wake-ups of %d, %d rows", len(seen), many, len(d.wishes()))
	}
}

// crashing is a journal whose worker dies before it writes rows.
type crashing struct{ *journal.Journal }

var errCrash = errors.New("the worker crashed")

func (crashing) Write(context.Context, ...journal.Row) error { return errCrash }

func TestACrashBetweenAskingAndMovingAsksOnceMore(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.want("ann", "free")
	d.now = opened.Add(3 * time.Minute)
	healthy := d.Journal
	d.Journal = crashing{d.facts}
	for shard := range dueShards {
		_, err := d.Run(t.Context(), fmt.Sprint(shard))
		if err != nil && !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
	}
	first := d.outbox.empty()
	d.Journal = healthy
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
	d := newDesk(t)
	shard := NewWish(d.want("ann", "free")[0]).Row().PK
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
	d := newDesk(t)
	// Two streams of one shard, of which the first in order is spoilt.
	spoilt := d.want("ann", "free")[0]
	d.now = opened.Add(time.Second)
	other := spoilt
	for i := 0; other.Subject == spoilt.Subject; i++ {
		account := fmt.Sprint("other", i)
		if (Wish{Stream: stream(account)}).Gone().PK == NewWish(spoilt).Row().PK {
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
