package metering

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
	"github.com/gatehouse-portal/gatehouse/usage"
)

func TestMetering(t *testing.T) {
	t.Parallel()
	tables, create := newTable(t)
	n := 0
	for name, play := range map[string]func(*world){
		"the growth of the counters is metered in the last quarter of each hour": func(w *world) {
			w.used(7)
			w.at(30)
			w.tick("")
			w.want("before")
			w.at(45)
			w.tick("")
			w.used(5)
			w.at(46)
			w.tick("") // a second tick of the hour
			w.at(45)
			w.tick("")
			w.want("two hours", "20T09 7 accepted", "20T10 5 accepted")
		},
		"a demanded run meters at once, and the rest goes into the next hour": func(w *world) {
			w.used(7)
			w.tick(Demanded)
			w.used(2)
			w.tick(Demanded)
			w.at(45)
			w.tick("")
			w.at(45)
			w.tick("")
			w.want("after it", "20T09 7 accepted", "20T10 2 accepted")
		},
		"late growth of yesterday's counter goes into the present hour": func(w *world) {
			w.used(3)
			w.at(45)
			w.tick("")
			w.clock = began.AddDate(0, 0, 1)
			w.counted("k", day(began), 4)
			w.at(45)
			w.tick("")
			w.want("late", "20T09 3 accepted", "21T09 4 accepted")
		},
		"counters are forgotten once they can no longer grow, and not metered again": func(w *world) {
			for range 20 {
				w.clock = w.clock.AddDate(0, 0, 1)
				w.used(2)
				w.at(45)
				w.tick("")
			}
			if n := w.counters(); n > 5 || w.aws.billed() != 40 {
				w.t.Errorf("after 20 days the ledger has %d counters, and AWS bills %d", n, w.aws.billed())
			}
		},
		"an hour without usage has no record": func(w *world) {
			w.at(45)
			w.tick("")
			w.want("idle")
		},
		"an hour without usage is metered as zero if the listing wants that": func(w *world) {
			w.plans["pro"] = Sold{Known: true, Dimension: "requests", Idle: true}
			w.at(45)
			w.tick("")
			w.want("idle", "20T09 0 accepted")
		},
		"a rotated key and its successor are metered together": func(w *world) {
			w.used(3)
			w.rings[ann] = state.Account{Keys: map[portal.KeyID]state.Key{"k2": {ID: "k2", Ring: portal.LicenceRing(bought)}}}
			w.tick(Demanded)
			w.want("without the old key")
			w.rings[ann].Keys["k"] = state.Key{ID: "k", Ring: portal.LicenceRing(bought)}
			w.counted("k2", day(w.clock), 4)
			w.counted("other", day(w.clock), 100)
			w.at(45)
			w.tick("")
			w.want("both keys", "20T09 7 accepted")
			delete(w.rings[ann].Keys, "k") // the fold forgets it
			w.counted("k", day(w.clock), 1)
			w.at(45)
			w.tick("")
			w.want("late growth of a forgotten key", "20T09 7 accepted", "20T10 1 accepted")
		},
		"more than AWS takes in an hour goes into the next": func(w *world) {
			w.used(math.MaxInt32 + 5)
			w.at(45)
			w.tick("")
			w.at(45)
			w.tick("")
			w.want("much", fmt.Sprintf("20T09 %d accepted", math.MaxInt32), "20T10 5 accepted")
		},
		"usage that another meter counts is never metered": func(w *world) {
			w.plans["pro"] = Sold{Known: true}
			w.used(7)
			w.at(45)
			w.tick("")
			w.plans["pro"] = Sold{Known: true, Dimension: "requests"}
			w.used(2)
			w.at(45)
			w.tick("")
			w.want("once the portal meters it", "20T10 2 accepted")
			if b := w.balanced(); b.Difference() != 7 || b.Reasons[0].Cause != Elsewhere {
				w.t.Errorf("the balance is %+v", b)
			}
		},
		"a plan that left the catalog is metered as before": func(w *world) {
			w.used(7)
			w.at(45)
			w.tick("")
			delete(w.plans, "pro")
			w.used(2)
			w.at(45)
			w.tick("")
			w.want("without the plan", "20T09 7 accepted", "20T10 2 accepted")
		},
		"usage of a plan that the catalog does not know yet waits": func(w *world) {
			sold := w.plans["pro"]
			delete(w.plans, "pro")
			w.used(7)
			w.at(45)
			w.tick("")
			w.want("unknown")
			w.plans["pro"] = sold
			w.at(45)
			w.tick("")
			w.want("known", "20T10 7 accepted")
		},
		"a record whose answer was lost is sent again byte for byte": func(w *world) {
			w.used(7)
			w.aws.next = []fault{lost}
			w.at(45)
			w.tick("")
			w.want("unanswered", "20T09 7 written")
			oldest := time.Time{}
			w.Oldest = func(at time.Time) { oldest = at }
			defer func() {
				if sent := w.aws.sent[0][0].At; !oldest.Equal(sent) {
					w.t.Errorf("the oldest record is told as of %v, and is of %v", oldest, sent)
				}
			}()
			w.used(3)
			w.at(0)
			w.tick("")
			w.want("answered", "20T09 7 accepted")
			if a, b := w.aws.sent[0][0], w.aws.sent[1][0]; a != b {
				w.t.Errorf("it was sent as %+v and as %+v", a, b)
			}
		},
		"a record that AWS does not process is sent again": func(w *world) {
			w.used(7)
			w.aws.next = []fault{unprocessed, throttled, unheard}
			w.at(45)
			for range 3 {
				w.tick("")
			}
			w.want("unanswered", "20T09 7 written")
			w.at(0)
			w.tick("")
			w.want("answered", "20T09 7 accepted")
		},
		"another quantity for the hour is told, and not carried on": func(w *world) {
			w.aws.bills["prodarn:aws:license-manager::1:license:l-1 requests 2026-11-20T09"] = 99
			w.used(7)
			w.at(45)
			w.tick("")
			w.at(45)
			w.tick("")
			w.want("once", "20T09 7 duplicate")
		},
		"a quantity that AWS surely did not bill is metered again when it is too late": func(w *world) {
			w.used(7)
			w.aws.next = []fault{throttled}
			w.at(45)
			w.tick("")
			w.clock = w.clock.Add(7 * time.Hour)
			w.used(1)
			w.at(0)
			w.tick("")
			w.at(45)
			w.tick("")
			w.want("again", "20T09 7 returned", "20T17 8 accepted")
		},
		"a quantity that AWS may have billed is not metered again when it is too late": func(w *world) {
			w.used(7)
			w.aws.next = []fault{lost}
			w.at(45)
			w.tick("")
			w.clock = w.clock.Add(7 * time.Hour)
			w.at(45)
			w.tick("")
			w.want("too late", "20T09 7 too_late")
		},
		"a quantity that AWS may have billed before the licence ended is too late": func(w *world) {
			w.used(7)
			w.aws.next = []fault{lost}
			w.at(45)
			w.tick("")
			w.noticed(events.NoticeUnsubscribing, events.LicenceEnding)
			w.clock = w.clock.Add(2 * time.Hour)
			w.tick("")
			w.want("too late", "20T09 7 too_late")
		},
		"a record that is ahead of AWS's clock is sent again": func(w *world) {
			w.used(7)
			w.at(45)
			w.aws.behind = 10 * time.Minute
			w.tick("")
			w.want("ahead", "20T09 7 written")
			w.aws.behind = 0
			w.tick("")
			w.want("no more", "20T09 7 accepted")
		},
		"a record that is ahead of AWS's clock is sent again, also in the next hour and after a lost answer": func(w *world) {
			w.used(7)
			w.at(59)
			w.aws.behind = 10 * time.Minute
			w.aws.next = []fault{unheard}
			w.tick("")
			w.at(1)
			w.tick("")
			w.want("ahead", "20T09 7 written")
			w.at(15)
			w.tick("")
			w.want("no more", "20T09 7 accepted")
		},
		"the last record of a month is sent until 06:00 on the first": func(w *world) {
			w.clock = time.Date(2026, 11, 30, 23, 50, 0, 0, time.UTC)
			w.used(7)
			w.aws.next = slices.Repeat([]fault{unheard}, 24)
			for end := time.Date(2026, 12, 1, 6, 0, 0, 0, time.UTC); w.clock.Before(end); w.clock = w.clock.Truncate(Every).Add(Every) {
				w.tick("")
			}
			w.want("the month's last", "30T23 7 accepted")
			if sent := len(w.aws.sent); sent != 25 {
				w.t.Errorf("it was sent %d times, want once each quarter of an hour", sent)
			}
		},
		"another Region sends nothing, and says what to set": func(w *world) {
			w.used(7)
			w.tick(Demanded)
			w.aws.region = "us-west-2"
			w.used(2)
			w.at(45)
			w.tick("")
			w.want("elsewhere", "20T09 7 accepted")
			if problem := w.saved["last"].(Result).Problem; !strings.Contains(problem, "GATEHOUSE_MARKETPLACE_REGION=us-east-1") {
				w.t.Errorf("the problem is %q", problem)
			}
			w.aws.region = "us-east-1"
			w.at(45)
			w.tick("")
			w.want("back", "20T09 7 accepted", "20T10 2 accepted")
		},
		"the last usage is metered at once, and what is counted later in the next hour": func(w *world) {
			w.used(7)
			w.at(45)
			w.tick("")
			w.at(10)
			w.calls(3) // not collected yet
			w.noticed(events.NoticeUnsubscribing, events.LicenceEnding)
			row := due.OfMetering(bought, 3, w.clock)
			w.wake(row, false)
			w.want("at once", "20T09 7 accepted", "20T10 3 accepted")
			w.calls(2)
			w.clock = w.clock.Add(10 * time.Minute)
			w.wake(row, false)
			w.want("in the same hour", "20T09 7 accepted", "20T10 3 accepted")
			w.at(2)
			w.wake(row, false)
			w.want("in the next hour", "20T09 7 accepted", "20T10 3 accepted", "20T11 2 accepted")
			w.used(1)
			w.at(25)
			w.wake(row, true)
			if b := w.balanced(); b.Difference() != 1 || b.Reasons[0].Cause != AfterEnd {
				w.t.Errorf("the balance is %+v", b)
			}
			if w.tally().Closed.IsZero() {
				w.t.Errorf("the metering goes on")
			}
		},
		"a licence without a free hour meters its last usage in the next": func(w *world) {
			w.used(7)
			w.at(45)
			w.tick("")
			w.at(50)
			w.calls(3)
			w.noticed(events.NoticeDeprovisioned, events.LicenceEnded)
			row := due.OfMetering(bought, 3, w.clock)
			w.wake(row, false)
			w.want("the hour is taken", "20T09 7 accepted")
			w.at(1)
			w.wake(row, false)
			w.want("the next hour", "20T09 7 accepted", "20T10 3 accepted")
		},
		"a licence that moves to another account and plan is metered with the calls of both": func(w *world) {
			w.plans["max"] = Sold{Known: true, Dimension: "units"}
			w.used(7)
			w.at(45)
			w.tick("")
			w.happens(bought, events.LicenceReleased{Account: ann})
			w.happens(bought, events.LicenceClaimed{Account: "bob", Plan: "max", Purchase: events.Purchase{Product: "prod", Buyer: "111122223333", ARN: "arn:aws:license-manager::1:license:l-1"}})
			w.rings["bob"] = state.Account{Keys: map[portal.KeyID]state.Key{"b": {ID: "b", Ring: portal.LicenceRing(bought)}}}
			w.counts["bob"] = []usage.Counter{{Plan: "max", Key: "b", GatewayKey: "gwb", Day: day(w.clock), Used: 4}}
			w.used(2)
			delete(w.rings, ann) // ann's account is deleted, and its counters stay
			w.at(45)
			w.tick("")
			w.want("both", "20T09 7 accepted", "20T10 2 accepted", "20T10 4 accepted")
			if billed := w.aws.billed(); billed != 13 {
				w.t.Errorf("AWS bills %d of 13", billed)
			}
		},
		"a key that API Gateway no longer has in an earlier plan does not keep the last usage of the present one from being read": func(w *world) {
			w.happens(bought, events.LicencePlanChanged{Account: ann, From: "pro", Plan: "max", HasAccess: true})
			w.plans["max"] = Sold{Known: true, Dimension: "units"}
			read := w.ReadKey
			w.ReadKey = func(ctx context.Context, account portal.AccountID, pair portal.Pair, id portal.GatewayKeyID) error {
				if pair.Plan == "pro" {
					return errors.New("the key is not in the plan")
				}
				return read(ctx, account, pair, id)
			}
			w.calls(3)
			w.noticed(events.NoticeDeprovisioned, events.LicenceEnded)
			w.wake(due.OfMetering(bought, 4, w.clock), false)
			if billed := w.aws.billed(); billed != 3 {
				w.t.Errorf("AWS bills %d of the last 3 calls", billed)
			}
		},
		"a change of plans bills the calls of each plan once in its dimension": func(w *world) {
			w.plans["max"] = Sold{Known: true, Dimension: "units"}
			w.used(7)
			w.tick(Demanded)
			w.happens(bought, events.LicencePlanChanged{Account: ann, From: "pro", Plan: "max", HasAccess: true})
			w.counts[ann] = append(w.counts[ann], counterOf("max", day(w.clock), 3))
			w.used(2) // in pro, before its key moved
			w.at(50)
			w.tick("")
			w.at(45)
			w.tick("")
			w.want("each", "20T09 7 accepted", "20T09 3 accepted", "20T10 2 accepted")
		},
		"AWS's refusal of an ended licence ends its metering": func(w *world) {
			w.noticed(events.NoticeUnsubscribed, events.LicenceEnded)
			w.aws.ends = w.clock // AWS gives no hour
			w.used(4)
			w.wake(due.OfMetering(bought, 3, w.clock), true)
			w.want("refused", "20T09 4 not_subscribed")
			if w.tally().Closed.IsZero() {
				w.t.Errorf("the metering goes on")
			}
		},
		"usage that AWS does not take yet, although the licence is active, is sent again for its hour": func(w *world) {
			w.aws.ends = w.clock
			w.used(4)
			w.at(45)
			w.tick("")
			w.want("at first", "20T09 4 written")
			w.aws.ends = time.Time{}
			w.used(2)
			w.at(45)
			w.tick("")
			w.want("both", "20T09 4 accepted", "20T10 2 accepted")
		},
		"usage that AWS has not taken for six hours, although the licence is active, is in the next record": func(w *world) {
			w.aws.ends = w.clock
			w.used(4)
			for range 8 {
				w.at(45)
				w.tick("")
			}
			w.want("at first", "20T09 4 returned", "20T16 4 written")
			w.aws.ends = time.Time{}
			w.at(0)
			w.tick("")
			w.want("then", "20T09 4 returned", "20T16 4 accepted")
			w.wantBilled(4)
		},
		"usage that AWS does not take is not billed if the licence turns out to have ended": func(w *world) {
			w.aws.ends = w.clock
			w.used(4)
			w.at(45)
			w.tick("")
			w.noticed(events.NoticeUnsubscribed, events.LicenceEnded)
			w.at(0)
			w.tick("")
			w.want("the end", "20T09 4 not_subscribed")
			if w.tally().Closed.IsZero() {
				w.t.Errorf("the metering goes on")
			}
		},
		"a record is sent although another one of its batch cannot be": func(w *world) {
			w.plans["max"] = Sold{Known: true, Dimension: "units"}
			w.happens(bought, events.LicencePlanChanged{Account: ann, From: "pro", Plan: "max", HasAccess: true})
			w.used(2)
			w.counts[ann] = append(w.counts[ann], counterOf("max", day(w.clock), 3))
			w.aws.next = []fault{throttled}
			w.at(45)
			w.tick("")
			w.db.after = 2 // of the two tries, one is noted
			w.tick("")
			w.clock = w.clock.Add(7 * time.Hour)
			w.tick("")
			w.at(45)
			w.tick("")
			w.wantBilled(5)
		},
		"calls that are counted after the end are billed in the next hour, before AWS takes no more": func(w *world) {
			w.at(2)
			w.used(4)
			w.noticed(events.NoticeDeprovisioned, events.LicenceEnded)
			for row := due.OfMetering(bought, 3, w.clock); ; row = row.Next(w.clock) {
				if w.clock = row.At(); w.clock.Minute() == 10 {
					w.calls(3)
				}
				if done, err := w.Wake(context.Background(), row); err != nil || done {
					break
				}
			}
			w.wantBilled(7)
		},
		"a buyer who returns is metered on": func(w *world) {
			w.used(4)
			w.noticed(events.NoticeUnsubscribed, events.LicenceEnded)
			row := due.OfMetering(bought, 3, w.clock)
			w.wake(row, false)
			w.clock = w.clock.Add(2 * time.Hour)
			w.wake(row, true)
			w.noticed(events.NoticeSubscribed, events.LicenceActive)
			w.used(5)
			w.at(45)
			w.tick("")
			w.want("again", "20T09 4 accepted", "20T11 5 accepted")
			w.wake(row, true)
		},
		"an ended agreement has its usage metered at once while the licence is active": func(w *world) {
			w.used(4)
			w.wake(due.OfMetering(bought, 0, w.clock), false)
			w.want("at once", "20T09 4 accepted")
		},
		"a licence that nobody has claimed is not metered": func(w *world) {
			w.facts["licence/l-2"] = []events.Event{{Subject: "licence/l-2", Sequence: 1, Data: events.LicenceNoticed{Status: events.LicenceEnded}}}
			done, err := w.Wake(context.Background(), due.OfMetering("licence/l-2", 1, w.clock))
			if !done || err != nil {
				w.t.Errorf("its row is done: %t, %v", done, err)
			}
			w.tick(Demanded)
		},
		"an older listing is metered by customer": func(w *world) {
			w.facts = map[portal.Stream][]events.Event{}
			w.happens("legacy/prod/cust", events.LicenceClaimed{Account: ann, Plan: "pro", Purchase: events.Purchase{Product: "prod", Customer: "cust", Buyer: "111122223333", ARN: "arn:x"}})
			w.happens("legacy/prod/cust", events.LicenceNoticed{Notice: events.MarketplaceNotified{At: w.clock}, Status: events.LicenceActive})
			w.rings[ann] = state.Account{Keys: map[portal.KeyID]state.Key{"k": {ID: "k", Ring: "legacy/prod/cust"}}}
			w.used(6)
			w.tick(Demanded)
			if len(w.aws.sent) != 1 || w.aws.sent[0][0].Customer != "cust" || w.aws.sent[0][0].Licence != "" || w.aws.sent[0][0].Buyer != "" || w.aws.billed() != 6 {
				w.t.Errorf("AWS was sent %+v", w.aws.sent)
			}
		},
	} {
		n++
		table := fmt.Sprintf("usage-%d", n)
		create(table)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tables.Client, table)
			play(w)
			if w.tally().Version > 0 {
				w.balanced()
			}
		})
	}
}

// used has API Gateway count calls, which are collected at once.
func (w *world) used(n int64) {
	w.calls(n)
	w.collect()
}

func (w *world) wake(row due.Row, want bool) {
	w.t.Helper()
	done, err := w.Wake(context.Background(), row)
	if err != nil {
		w.t.Fatal(err)
	}
	if done != want {
		w.t.Errorf("at %s the row is done: %t, want %t", w.clock.Format("02T15:04"), done, want)
	}
}

// One record that AWS refuses does not hold up the others of its batch.
func TestARefusedRecordStandsAlone(t *testing.T) {
	t.Parallel()
	tables, create := newTable(t)
	create("usage")
	w := newWorld(t, tables.Client, "usage")
	var statuses []string
	for i := range 60 {
		stream := portal.Stream(fmt.Sprintf("licence/l-%02d", i))
		plan := portal.PlanID(fmt.Sprintf("plan-%02d", i))
		w.happens(stream, events.LicenceClaimed{Account: portal.AccountID(stream), Plan: plan, Purchase: events.Purchase{Product: "prod", Buyer: "111122223333", ARN: "arn:aws:x:" + string(stream)}})
		w.happens(stream, events.LicenceNoticed{Notice: events.MarketplaceNotified{At: w.clock}, Status: events.LicenceActive})
		w.rings[portal.AccountID(stream)] = state.Account{Keys: map[portal.KeyID]state.Key{"k": {ID: "k", Ring: portal.LicenceRing(stream)}}}
		w.plans[plan] = Sold{Known: true, Dimension: "requests"}
		if i == 7 || i == 41 {
			w.plans[plan] = Sold{Known: true, Dimension: "wrong"}
		}
		counter := w.counts[ann]
		w.counts[portal.AccountID(stream)] = append(counter, counterOf(plan, day(w.clock), 3))
	}
	w.aws.refuses["wrong"] = "InvalidUsageDimensionException"
	w.tick(Demanded)
	for i := range 60 {
		err := w.Ledger.Records(context.Background(), portal.Stream(fmt.Sprintf("licence/l-%02d", i)), func(r Record) bool {
			if r.Status != Accepted {
				statuses = append(statuses, fmt.Sprintf("%d %s %s", i, r.Status, r.Code))
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"7 refused InvalidUsageDimensionException", "41 refused InvalidUsageDimensionException"}; !slices.Equal(statuses, want) || w.aws.billed() != 58*3 {
		t.Errorf("the records that are not accepted are %q, want %q, and AWS bills %d", statuses, want, w.aws.billed())
	}
	for _, batch := range w.aws.sent {
		if len(batch) > 25 {
			t.Errorf("a batch has %d records", len(batch))
		}
	}
	calls, refused := len(w.aws.sent), w.clock
	w.at(0)
	w.tick("")
	if last := w.saved["last"].(Result); !last.LastRefused.Equal(refused) || last.Refused != 0 {
		t.Errorf("a later run says %+v, want the refusal of %v", last, refused)
	}
	if len(w.aws.sent) != calls {
		t.Errorf("records with an outcome are sent again")
	}
}
