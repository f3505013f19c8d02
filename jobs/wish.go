// Package jobs is what must happen later. Time is data: whatever is to happen later
// is a due row, written in the transaction of the fact that needs it, and a job runs
// because a tick message says so. Anyone may send ticks; one a job and slot survives.
package jobs

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// dueShards spreads due rows over partitions; it may grow, never shrink.
const dueShards = 8

// A wish is asked again after firstAsk, and then after twice as long each time, up
// to lastAsk.
const (
	firstAsk = 2 * time.Minute
	lastAsk  = time.Hour
)

// Wish is the due row of an open wish: if it is still open when the row falls due,
// converging is woken again. So a wish is fulfilled even if every message about it
// is lost.
type Wish struct {
	Stream portal.Stream `dynamodbav:"stream"`
	// OpenedBy is the sequence of the fact that opened the wish, OpenedAt its time.
	OpenedBy int64     `dynamodbav:"opened_by"`
	OpenedAt time.Time `dynamodbav:"opened_at"`
	// Asked counts how often it was asked again.
	Asked       int    `dynamodbav:"asked"`
	Correlation string `dynamodbav:"correlation,omitempty"`
}

// NewWish is the due row that goes with a fact that opens a wish.
func NewWish(fact events.Event) Wish {
	return Wish{Stream: fact.Subject, OpenedBy: fact.Sequence, OpenedAt: fact.Time, Correlation: fact.Correlation}
}

// Due is when to ask again.
func (w Wish) Due() time.Time {
	due, wait := w.OpenedAt, firstAsk
	for range w.Asked + 1 {
		due = due.Add(wait)
		wait = min(2*wait, lastAsk)
	}
	return due
}

// Row is the item; its sort key begins with the time it is due.
func (w Wish) Row() journal.Row {
	row := w.Gone()
	row.Value = w
	return row
}

// Gone deletes the item. For a wish that was never asked again it can be derived
// from the fold; an item that has moved on since is dropped when it falls due.
func (w Wish) Gone() journal.Row {
	h := fnv.New32a()
	_, _ = h.Write([]byte(w.Stream))
	return journal.Row{
		PK: dueKey(int(h.Sum32() % dueShards)),
		SK: timeKey(w.Due()) + "#" + portal.DeriveID(string(w.Stream), strconv.FormatInt(w.OpenedBy, 10)),
	}
}

// Again is the row for the next time. Times that have passed while nobody looked are
// skipped: after an outage a wish is asked once, not once for each of them.
func (w Wish) Again(now time.Time) Wish {
	w.Asked++
	for !w.Due().After(now) {
		w.Asked++
	}
	return w
}

// WakeUpID is the id of a wake-up for the wish that this fact opened; asked counts
// the wake-ups before it.
func WakeUpID(fact string, asked int) string {
	return portal.DeriveID("provision", fact, strconv.Itoa(asked))
}

func dueKey(shard int) string { return fmt.Sprintf("due#%02d", shard) }

func timeKey(t time.Time) string { return fmt.Sprintf("%015d", t.UnixMilli()) }
