package metering

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
	"github.com/gatehouse-portal/gatehouse/usage"
)

const rotated = 5000

// rotate has the licence's key rotated so often, each key with calls of its own today.
func (w *world) rotate(keys int, calls int64) {
	ring := w.rings[ann].Keys
	for i := range keys {
		id := portal.KeyID(fmt.Sprintf("%s-%05d", portal.DeriveID("rotated"), i))
		ring[id] = state.Key{ID: id, Ring: portal.LicenceRing(bought)}
		counter := usage.Counter{Plan: "pro", Key: id, GatewayKey: portal.GatewayKeyID(fmt.Sprintf("gw%08d", i)), Day: day(w.clock), Used: calls}
		w.counts[ann] = append(w.counts[ann], counter)
	}
}

// All 5,000 counters in one row would be more than 400 KB, which DynamoDB refuses.
func TestALicenceWhoseKeyWasRotated5000TimesIsMetered(t *testing.T) {
	t.Parallel()
	tables, create := newTable(t)
	create("usage")
	w := newWorld(t, tables.Client, "usage")
	w.rotate(rotated, 2)
	w.tick(Demanded)
	w.want("with all keys used in one hour", fmt.Sprintf("20T09 %d accepted", 2*rotated))

	clear(w.rings[ann].Keys) // the fold forgets them
	for i := range w.counts[ann] {
		w.counts[ann][i].Used++
	}
	w.clock = w.clock.Add(time.Hour)
	w.at(45)
	w.tick("")
	w.want("with late calls of all keys", fmt.Sprintf("20T09 %d accepted", 2*rotated), fmt.Sprintf("20T10 %d accepted", rotated))

	w.used(7)
	w.rings[ann].Keys["k"] = state.Key{ID: "k", Ring: portal.LicenceRing(bought)}
	w.noticed(events.NoticeDeprovisioned, events.LicenceEnded)
	w.clock = w.clock.Add(2 * time.Hour)
	for i := range w.counts[ann] {
		w.counts[ann][i].Used++
	}
	if err := w.closeLedger(t.Context(), must(w.subject(t.Context(), bought))); err != nil {
		t.Fatal(err)
	}
	balance := w.balanced()
	if w.tally().Closed.IsZero() || balance.Accepted != 3*rotated || balance.Difference() != rotated+1+7 || w.aws.billed() != 3*rotated {
		t.Errorf("AWS bills %d, and the balance is %+v", w.aws.billed(), balance)
	}
}

// A worker may crash, or lose a race, between two transactions of one record.
func TestARecordOfManyTransactionsIsBilledOnce(t *testing.T) {
	t.Parallel()
	tables, create := newTable(t)
	const keys = 3*keyRows + 5
	for name, play := range map[string]func(*world){
		"the worker ends before a transaction": func(w *world) { w.db.after = 3 },
		"the worker ends after a transaction":  func(w *world) { w.db.after, w.db.lost = 3, true },
		"another worker meters at once":        func(w *world) { w.db.after, w.db.meanwhile = 3, func() { w.tick(Demanded) } },
	} {
		table := "usage-" + portal.DeriveID(name)
		create(table)
		w := newWorld(t, tables.Client, table)
		w.rotate(keys, 1)
		play(w)
		w.tick(Demanded)
		w.at(45)
		w.tick("")
		if b := w.balanced(); b.Difference() != 0 || w.aws.billed() != b.Collected || b.Collected < keys {
			t.Errorf("%s: of %d calls AWS bills %d: %+v %q", name, b.Collected, w.aws.billed(), b.Reasons, w.records())
		}
	}
}

// A worker that dies between two transactions leaves usage that no record has. Operators read why.
func TestUsageBetweenTwoTransactionsIsInTheBalance(t *testing.T) {
	t.Parallel()
	tables, create := newTable(t)
	create("usage")
	w := newWorld(t, tables.Client, "usage")
	w.rotate(keyRows+1, 1)
	w.db.after = 3 // the first transaction, the Region, the second transaction
	if w.tick(Demanded) {
		t.Fatal("the worker did not end")
	}
	if b := w.balanced(); len(b.Reasons) != 1 || b.Reasons[0].Cause != Next || b.Reasons[0].Quantity != keyRows || w.tally().Pending["requests"] != keyRows {
		t.Errorf("the balance is %+v, and the tally %+v", b, w.tally())
	}
}

// Without the Region's row nothing is written, so the ledger must stay open for the next try.
func TestALedgerIsNotClosedIfItsRegionCannotBeWritten(t *testing.T) {
	t.Parallel()
	tables, create := newTable(t)
	create("usage")
	w := newWorld(t, tables.Client, "usage")
	w.used(4)
	w.noticed(events.NoticeDeprovisioned, events.LicenceEnded)
	row := due.OfMetering(bought, 0, w.clock)
	w.clock = w.clock.Add(window)
	w.db.after = 1 // the Region
	if done, err := w.Wake(t.Context(), row); err == nil || done || !w.tally().Closed.IsZero() {
		t.Errorf("it is done %v, with %v, and the tally is %+v", done, err, w.tally())
	}
	if done, err := w.Wake(t.Context(), row); err != nil || !done || w.tally().Closed.IsZero() {
		t.Errorf("the second time it is done %v, with %v, and the tally is %+v", done, err, w.tally())
	}
}

// Rows of keys are read after the tally, so they may be older than the tally says.
func TestAKeyThatWasReadBeforeAnotherWorkerMeteredItIsNotMeteredTwice(t *testing.T) {
	t.Parallel()
	tables, create := newTable(t)
	create("usage")
	w := newWorld(t, tables.Client, "usage")
	w.used(4)
	of := must(w.subject(t.Context(), bought))
	stale, readings, err := w.read(t.Context(), of)
	if err != nil {
		t.Fatal(err)
	}
	w.tick(Demanded)
	stale.Tally = w.tally()
	w.clock = w.clock.Add(time.Hour)
	after := take{now: w.clock, readings: readings, sold: func(id portal.PlanID) Sold { return w.plans[id] }, like: of.record(), active: true}.apply(stale)
	if err := w.Ledger.write(t.Context(), stale.Tally, after.after, after.records); !errors.Is(err, errRace) {
		t.Errorf("the error is %v, want that another worker was faster", err)
	}
	w.tick("")
	w.want("after it", "20T09 4 accepted")
}

// Tallies of earlier versions have all keys and counters in one row.
func TestATallyThatHasItsKeysInOneRowGoesOn(t *testing.T) {
	t.Parallel()
	tables, create := newTable(t)
	create("usage")
	w := newWorld(t, tables.Client, "usage")
	w.used(4)
	w.tick(Demanded)
	w.rotate(2*keyRows, 3)
	w.counted("k", day(w.clock), 9)
	w.makeEarlier(tables.Client, "usage", 9)
	if b := w.balanced(); b.Accepted != 4 || b.Collected != 4+9+2*keyRows*3 {
		t.Errorf("before the first change the balance is %+v", b)
	}
	clear(w.rings[ann].Keys)
	for i := range w.counts[ann] {
		w.counts[ann][i].Used++
	}
	w.clock = w.clock.Add(time.Hour)
	w.at(45)
	w.tick("")
	w.want("after the first change", "20T09 4 accepted", fmt.Sprintf("20T10 %d accepted", 2*keyRows*4+1))
	if tally := w.tally(); len(tally.EarlierKeys)+len(tally.EarlierTaken) > 0 || tally.Unbilled[Elsewhere] != 9 || tally.Sums["elsewhere"] != 0 {
		t.Errorf("the tally is %+v", tally)
	}
	w.at(45)
	w.tick("")
	if b := w.balanced(); b.Difference() != 9 || w.aws.billed() != b.Accepted {
		t.Errorf("AWS bills %d, and the balance is %+v", w.aws.billed(), b)
	}
}

// makeEarlier writes the tally as earlier versions did: it has the ring's keys, what was taken of each counter,
// and all sums in one map. So many calls more were taken, without a record.
func (w *world) makeEarlier(client *dynamodb.Client, table string, elsewhere int64) {
	w.t.Helper()
	tally := w.tally()
	keys, err := w.Ledger.takenKeys(context.Background(), tally)
	if err != nil {
		w.t.Fatal(err)
	}
	tally.EarlierTaken = map[string]int64{}
	for name, key := range keys.all {
		for counter, calls := range key.Calls {
			tally.EarlierTaken[string(name.account)+"#"+counter[:10]+"#pro#"+string(name.key)+"#gw"] = calls + elsewhere
		}
		if _, err := client.DeleteItem(context.Background(), &dynamodb.DeleteItemInput{TableName: &table, Key: schema.MeteringKey(bought, name.account, name.key).Attributes()}); err != nil {
			w.t.Fatal(err)
		}
	}
	for id := range w.rings[ann].Keys {
		tally.EarlierKeys = append(tally.EarlierKeys, id)
	}
	slices.Sort(tally.EarlierKeys)
	tally.Sums["elsewhere"], tally.Unbilled = elsewhere, nil
	item, err := encode(schema.MeteringTally(bought), tally)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := client.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &table, Item: item}); err != nil {
		w.t.Fatal(err)
	}
}

// The first transactions must not forget what was taken of earlier days, since the next ones look at all counters
// again.
func TestManyKeysAreMeteredOnceAfterDaysWithoutChange(t *testing.T) {
	t.Parallel()
	tables, create := newTable(t)
	create("usage")
	const keys = 3*keyRows + 5
	w := newWorld(t, tables.Client, "usage")
	w.rotate(keys, 1)
	w.tick(Demanded)
	w.clock = w.clock.Add(5 * 24 * time.Hour)
	w.rotate(keys, 1)
	w.tick(Demanded)
	if b := w.balanced(); b.Difference() != 0 || w.aws.billed() != 2*keys || b.Collected != 2*keys {
		t.Errorf("of %d calls AWS bills %d: %+v %q", b.Collected, w.aws.billed(), b.Reasons, w.records())
	}
}

// One transaction has room for 100 rows.
func TestALicenceWithManyDimensionsIsMetered(t *testing.T) {
	t.Parallel()
	tables, create := newTable(t)
	create("usage")
	const plans = 3*mostRecords + 3
	w := newWorld(t, tables.Client, "usage")
	w.rotate(keyRows, 1)
	for i := range plans {
		plan := portal.PlanID(fmt.Sprintf("plan-%02d", i))
		w.plans[plan] = Sold{Known: true, Dimension: "of " + string(plan)}
		w.counts[ann] = append(w.counts[ann], usage.Counter{Plan: plan, Key: "k", GatewayKey: "gw", Day: day(w.clock), Used: 3})
	}
	for range 4 {
		w.tick(Demanded)
	}
	if b := w.balanced(); b.Difference() != 0 || w.aws.billed() != b.Collected || b.Collected != 3*plans+keyRows {
		t.Errorf("of %d calls AWS bills %d: %+v", b.Collected, w.aws.billed(), b.Reasons)
	}
}
