// Package due is what must happen later, as rows. Whatever is to happen later is a row
// in the records table, written in the transaction of the fact or the acceptance that
// needs it, so it cannot be lost. A job works on the rows that have fallen due. This
// package says what a row looks like, where it lies and when it falls due; what is done
// then, the jobs know.
package due

import (
	"strconv"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Kind says what is to happen.
type Kind string

// The kinds. Rows of a kind that a program does not know stay where they are.
const (
	// Wish asks again for a wish that is still open, should every message about it be lost.
	Wish Kind = "wish"
	// Operation hands an accepted request in again, should its message be lost.
	Operation Kind = "operation"
	// IdleKey gives back a key whose ring has held no plan for long.
	IdleKey Kind = "idle_key"
)

// Row is one due row: of the attributes, those of its kind are set.
type Row struct {
	Kind   Kind          `dynamodbav:"kind"`
	Stream portal.Stream `dynamodbav:"stream"`
	// From is what the times count from.
	From time.Time `dynamodbav:"from"`
	// Asked counts how often it has fallen due.
	Asked       int    `dynamodbav:"asked"`
	Correlation string `dynamodbav:"correlation,omitempty"`

	// Opened is the wish, of a Wish; Key and Plan what it is about, as far as it is.
	Opened int64         `dynamodbav:"opened,omitempty"`
	Key    portal.KeyID  `dynamodbav:"key,omitempty"`
	Plan   portal.PlanID `dynamodbav:"plan,omitempty"`
	// Operation is the request to hand in again.
	Operation portal.OperationID `dynamodbav:"operation,omitempty"`
	// Emptied is the fact by which the key's ring lost its last plan; After is how long
	// after From the row falls due.
	Emptied int64         `dynamodbav:"emptied,omitempty"`
	After   time.Duration `dynamodbav:"after,omitempty"`
}

// OfWish is the row of a key in a plan that a fact has opened a wish for; either may be
// "" where the wish is about the other alone.
func OfWish(stream portal.Stream, opened int64, at time.Time, key portal.KeyID, plan portal.PlanID, correlation string) Row {
	return Row{Kind: Wish, Stream: stream, From: at, Opened: opened, Key: key, Plan: plan, Correlation: correlation}
}

// OfOperation is the row of a request that was accepted at that time.
func OfOperation(stream portal.Stream, operation portal.OperationID, at time.Time) Row {
	return Row{Kind: Operation, Stream: stream, From: at, Operation: operation}
}

// OfIdleKey is the row of a key whose ring lost its last plan by that fact.
func OfIdleKey(stream portal.Stream, key portal.KeyID, emptied int64, at time.Time, after time.Duration) Row {
	return Row{Kind: IdleKey, Stream: stream, From: at, Key: key, Emptied: emptied, After: after}
}

// What is asked again is due after the first of these, then after twice as long each
// time, up to lastWait. An operation's message may wait in its queue for a while, and
// SQS drops duplicates for five minutes.
const (
	firstWishWait      = 2 * time.Minute
	firstOperationWait = 6 * time.Minute
	lastWait           = time.Hour
)

// maxAsked bounds what is believed of how often a row has fallen due, so that a damaged
// row is no trouble.
const maxAsked = 1 << 40

// At is when the row falls due.
func (r Row) At() time.Time {
	wait := firstWishWait
	switch r.Kind {
	case Operation:
		wait = firstOperationWait
	case IdleKey:
		wait = max(r.After, 0)
	}
	at, left := r.From.Add(wait), r.asked()
	for ; left > 0 && wait != lastWait; left-- {
		wait = max(min(2*wait, lastWait), time.Minute)
		at = at.Add(wait)
	}
	// In seconds, since a time.Duration holds no more than 292 years.
	return time.Unix(at.Unix()+left*int64(lastWait/time.Second), int64(at.Nanosecond())).In(at.Location())
}

// Next is the row for the next time after now. Times that passed while nobody looked are
// skipped: after an outage a row falls due once, not once for each of them. However long
// ago the row is from, that takes no time.
func (r Row) Next(now time.Time) Row {
	r.Asked = int(r.asked()) + 1
	if behind := now.Unix() - r.At().Unix(); behind > 0 {
		r.Asked += int(behind / int64(lastWait/time.Second)) // no wait after the first is longer
	}
	for !r.At().After(now) {
		r.Asked++
	}
	return r
}

func (r Row) asked() int64 { return int64(min(max(r.Asked, 0), maxAsked)) }

// Place is the item's key. Of a row that has not moved on yet it follows from what the
// row is about, so whoever ends that can delete it; a row that has moved on is dropped
// when it next falls due.
func (r Row) Place() schema.Key {
	id := portal.DeriveID(string(r.Kind), string(r.Stream), strconv.FormatInt(r.Opened, 10), string(r.Key), string(r.Plan),
		string(r.Operation), strconv.FormatInt(r.Emptied, 10))
	return schema.DueRow(r.Stream, r.At(), id)
}
