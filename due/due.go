// Package due defines the rows of what must happen later. A due row is written in the same
// transaction as the fact or the acceptance that needs it, so it cannot be lost. Package jobs
// handles the rows that have fallen due.
package due

import (
	"strconv"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Kind says what is to happen.
type Kind string

// The kinds. A job leaves rows of kinds that it does not know to newer versions.
const (
	// Wish wakes converging for a wish that is still open, in case its messages were lost.
	Wish Kind = "wish"
	// Operation sends an accepted request again, in case its message was lost.
	Operation Kind = "operation"
	// IdleKey gives back a key whose ring has had no plan for a long time.
	IdleKey Kind = "idle_key"
)

// Row is a due row. Only the attributes of its kind are set.
type Row struct {
	Kind   Kind          `dynamodbav:"kind"`
	Stream portal.Stream `dynamodbav:"stream"`
	// From is the time from which the waits count.
	From time.Time `dynamodbav:"from"`
	// Asked is how often the row has fallen due.
	Asked       int    `dynamodbav:"asked"`
	Correlation string `dynamodbav:"correlation,omitempty"`

	// Opened names the wish of a Wish row. Key and Plan are what the wish is about; either may be
	// empty.
	Opened int64         `dynamodbav:"opened,omitempty"`
	Key    portal.KeyID  `dynamodbav:"key,omitempty"`
	Plan   portal.PlanID `dynamodbav:"plan,omitempty"`
	// Operation is the request to send again.
	Operation portal.OperationID `dynamodbav:"operation,omitempty"`
	// Emptied is the sequence of the fact by which the key's ring lost its last plan. After is how
	// long after From the row falls due.
	Emptied int64         `dynamodbav:"emptied,omitempty"`
	After   time.Duration `dynamodbav:"after,omitempty"`
}

// OfWish is the row of the wish that the fact numbered opened has opened at that time. key or plan
// is "" if the wish is not about one.
func OfWish(stream portal.Stream, opened int64, at time.Time, key portal.KeyID, plan portal.PlanID, correlation string) Row {
	return Row{Kind: Wish, Stream: stream, From: at, Opened: opened, Key: key, Plan: plan, Correlation: correlation}
}

// OfOperation is the row of a request that was accepted at that time.
func OfOperation(stream portal.Stream, operation portal.OperationID, at time.Time) Row {
	return Row{Kind: Operation, Stream: stream, From: at, Operation: operation}
}

// OfIdleKey is the row of a key whose ring lost its last plan by the fact numbered emptied.
func OfIdleKey(stream portal.Stream, key portal.KeyID, emptied int64, at time.Time, after time.Duration) Row {
	return Row{Kind: IdleKey, Stream: stream, From: at, Key: key, Emptied: emptied, After: after}
}

// A row falls due after its first wait, then after twice as long each time, up to lastWait. An
// operation waits longer at first, since its message may wait in the queue and SQS drops
// duplicates for five minutes.
const (
	firstWishWait      = 2 * time.Minute
	firstOperationWait = 6 * time.Minute
	lastWait           = time.Hour
)

// maxAsked bounds Asked, in case a stored row is damaged.
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
	// In seconds: a time.Duration holds at most 292 years.
	return time.Unix(at.Unix()+left*int64(lastWait/time.Second), int64(at.Nanosecond())).In(at.Location())
}

// Next is the row as it falls due next, after now. It skips the times that have passed, so after
// an outage a row falls due once.
func (r Row) Next(now time.Time) Row {
	r.Asked = int(r.asked()) + 1
	if behind := now.Unix() - r.At().Unix(); behind > 0 {
		r.Asked += int(behind / int64(lastWait/time.Second)) // no later wait is longer than lastWait
	}
	for !r.At().After(now) {
		r.Asked++
	}
	return r
}

func (r Row) asked() int64 { return int64(min(max(r.Asked, 0), maxAsked)) }

// Place is the row's key. As long as Next was not called, it follows from what the row is about,
// so the fact that ends the matter can delete the row. The job deletes a row that was moved when
// it next falls due.
func (r Row) Place() schema.Key {
	id := portal.DeriveID(string(r.Kind), string(r.Stream), strconv.FormatInt(r.Opened, 10), string(r.Key), string(r.Plan),
		string(r.Operation), strconv.FormatInt(r.Emptied, 10))
	return schema.DueRow(r.Stream, r.At(), id)
}
