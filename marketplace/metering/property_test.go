package metering

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// hostile is a world in which everything goes wrong at random.
type hostile struct {
	*world
	*rapid.T
	rows []due.Row
	// ended, late, unsure and refused say what has happened: AWS took no more usage, a record may have become
	// too late, an answer or a write was lost, and AWS refused records.
	ended, late, unsure, refused bool
}

func (h *hostile) act() {
	switch rapid.SampledFrom([]string{
		"calls", "calls", "late calls", "collect", "tick", "tick", "demand", "wake", "wait", "wait", "wait longer", "fault", "crash", "another worker", "end", "return", "agreement ends", "outage", "refuse", "accept", "resend", "many keys", "wait days",
	}).Draw(h.T, "next") {
	case "calls":
		h.calls(rapid.Int64Range(1, 9).Draw(h.T, "calls"))
	case "late calls":
		h.counted("k", day(h.clock).AddDate(0, 0, -1), rapid.Int64Range(1, 9).Draw(h.T, "calls of yesterday"))
	case "collect":
		h.collect()
	case "tick":
		h.tick("")
	case "demand":
		h.tick(Demanded)
	case "wake":
		h.wakeAll()
	case "wait":
		h.clock = h.clock.Add(time.Duration(rapid.IntRange(1, 59).Draw(h.T, "minutes")) * time.Minute)
	case "wait longer":
		h.clock = h.clock.Add(time.Duration(rapid.IntRange(3, 20).Draw(h.T, "hours")) * time.Hour)
		h.late = true
	case "fault":
		h.aws.next = append(h.aws.next, rapid.SampledFrom([]fault{throttled, unheard, lost, unprocessed}).Draw(h.T, "fault"))
		h.unsure = true
	case "crash":
		h.db.after, h.db.lost, h.db.meanwhile = rapid.IntRange(1, 4).Draw(h.T, "at write"), rapid.Bool().Draw(h.T, "lost"), nil
		h.unsure = true
	case "another worker":
		cursor := rapid.SampledFrom([]string{"", Demanded}).Draw(h.T, "cursor")
		if rapid.Bool().Draw(h.T, "while AWS answers") {
			h.aws.meanwhile = func() { h.tick(cursor) }
		} else {
			h.db.after, h.db.meanwhile = rapid.IntRange(1, 4).Draw(h.T, "at write"), func() { h.tick(cursor) }
		}
		h.unsure = true
	case "end":
		kind := rapid.SampledFrom([]events.NoticeKind{events.NoticeUnsubscribing, events.NoticeDeprovisioned}).Draw(h.T, "end")
		status := map[events.NoticeKind]events.LicenceStatus{events.NoticeUnsubscribing: events.LicenceEnding, events.NoticeDeprovisioned: events.LicenceEnded}[kind]
		h.noticed(kind, status)
		h.rows = append(h.rows, due.OfMetering(bought, int64(len(h.facts[bought])), h.clock))
		h.ended = true
	case "return":
		h.noticed(events.NoticeSubscribed, events.LicenceActive)
	case "outage":
		h.calls(rapid.Int64Range(1, 9).Draw(h.T, "calls"))
		h.collect()
		h.aws.next = append(h.aws.next, rapid.SampledFrom([]fault{throttled, unheard, lost, unprocessed}).Draw(h.T, "fault"))
		h.tick(Demanded)
		h.clock = h.clock.Add(7 * time.Hour)
		h.late, h.unsure = true, true
	case "refuse":
		h.aws.refuses["requests"] = "InvalidUsageDimensionException"
		h.refused = true
	case "accept":
		clear(h.aws.refuses)
	case "resend":
		h.resend()
	case "many keys":
		h.many()
	case "wait days":
		h.clock = h.clock.Add(time.Duration(rapid.IntRange(2, 9).Draw(h.T, "days")) * 24 * time.Hour)
		h.late = true
	case "agreement ends":
		h.rows = append(h.rows, due.OfMetering(bought, 0, h.clock))
	}
}

// many has the licence's keys be so many that one record needs three transactions, each with a call of today.
func (h *hostile) many() {
	for i := range 2*keyRows + 5 {
		id := portal.KeyID(fmt.Sprintf("many-%03d", i))
		h.rings[ann].Keys[id] = state.Key{ID: id, Ring: portal.LicenceRing(bought)}
		h.counted(id, day(h.clock), 1)
	}
}

// wakeAll handles the rows that are due. A row whose handling fails falls due again.
func (h *hostile) wakeAll() {
	var left []due.Row
	for _, row := range h.rows {
		done, err := h.Wake(context.Background(), row)
		if err != nil && !errors.Is(err, errCrash) {
			h.Fatal(err)
		}
		if err != nil || !done {
			left = append(left, row)
		}
	}
	h.rows = left
}

// calm has the buyer return, and nothing go wrong any more.
func (h *hostile) calm() {
	h.db.after, h.db.meanwhile, h.aws.next, h.aws.meanwhile = 0, nil, nil, nil
	clear(h.aws.refuses)
	h.noticed(events.NoticeSubscribed, events.LicenceActive)
	h.resend()
	h.collect()
	for range 4 {
		h.at(0)
		h.tick("")
		h.wakeAll()
		h.at(45)
		h.tick("")
	}
}

// No usage is billed twice. The ledger has a reason for all that is not billed, and something led to it.
func TestUsageIsBilledOnceOrTheLedgerSaysWhyNot(t *testing.T) {
	t.Parallel()
	tables, create := newTable(t)
	var runs atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		table := fmt.Sprintf("usage-%d", runs.Add(1))
		create(table)
		h := &hostile{world: newWorld(rt, tables.Client, table), T: rt}
		for range rapid.IntRange(5, 40).Draw(rt, "actions") {
			h.act()
		}
		h.calm()
		h.check()
	})
}

func (h *hostile) check() {
	balance := h.balanced()
	if balance.Collected == 0 {
		return
	}
	quantities := map[Cause]int64{}
	for _, r := range balance.Reasons {
		quantities[r.Cause] = r.Quantity
	}
	billed := h.aws.billed()
	// AWS may have billed a record whose answer was lost, also one that it has refused since.
	if billed < balance.Accepted || billed > balance.Accepted+quantities[Cause(TooLate)]+quantities[Cause(Refused)] {
		h.Errorf("AWS bills %d; the ledger has %d accepted, and %d too late", billed, balance.Accepted, quantities[Cause(TooLate)])
	}
	for cause, quantity := range quantities {
		switch {
		case cause == Cause(TooLate) && (h.late || h.refused || h.ended) && h.unsure:
		case cause == Cause(Refused) && h.refused:
		case (cause == Cause(NotSubscribed) || cause == AfterEnd) && h.ended:
		default:
			h.Errorf("%d calls are %s, although nothing led to that: %q", quantity, cause, h.records())
		}
	}
	for slot, quantity := range h.aws.bills {
		if quantity < 0 {
			h.Errorf("%s has the quantity %d", slot, quantity)
		}
	}
}

// The usage that is counted by the end of a licence is billed, whenever it ends.
func TestTheLastUsageIsBilled(t *testing.T) {
	t.Parallel()
	tables, create := newTable(t)
	var runs atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		table := fmt.Sprintf("usage-%d", runs.Add(1))
		create(table)
		w := newWorld(rt, tables.Client, table)
		w.used(rapid.Int64Range(0, 9).Draw(rt, "in the first hour"))
		w.at(45)
		w.tick("")
		w.clock = w.clock.Add(time.Duration(rapid.IntRange(1, 59).Draw(rt, "minutes until more calls")) * time.Minute)
		w.calls(rapid.Int64Range(0, 9).Draw(rt, "before the end"))
		if w.clock.Minute() >= 45 {
			w.tick("")
		}
		w.noticed(events.NoticeDeprovisioned, events.LicenceEnded)
		row := due.OfMetering(bought, int64(len(w.facts[bought])), w.clock)
		w.clock = row.At().Add(time.Minute)
		for {
			if w.clock.Minute()%15 == 0 {
				w.tick("")
			}
			if rapid.IntRange(0, 9).Draw(rt, "fault") == 0 {
				w.aws.next = append(w.aws.next, rapid.SampledFrom([]fault{throttled, unheard, lost, unprocessed}).Draw(rt, "kind"))
			}
			if w.clock.Sub(row.From) > 55*time.Minute {
				w.aws.next = nil
			}
			done, err := w.Wake(context.Background(), row)
			if err != nil {
				rt.Fatal(err)
			}
			if done {
				break
			}
			row = row.Next(w.clock)
			w.clock = row.At().Add(time.Minute)
		}
		if b := w.balanced(); b.Difference() != 0 || w.aws.billed() != b.Collected {
			rt.Errorf("of %d calls AWS bills %d: %+v %q", b.Collected, w.aws.billed(), b.Reasons, w.records())
		}
	})
}
