// Package due defines the rows for work that must happen later. A row is written in the
// transaction that needs it, so it cannot be lost. Package jobs does the work.
package due

import (
	"slices"
	"strconv"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Kind is what a row asks for.
type Kind string

// The kinds. A program leaves rows of a kind that it does not know.
const (
	// Wish repeats the wake-up for an open wish, in case all messages about it were lost.
	Wish Kind = "wish"
	// Operation publishes an accepted request again, in case its message was lost.
	Operation Kind = "operation"
	// IdleKey releases a key whose ring has had no plan for long.
	IdleKey Kind = "idle_key"
	KeyEnd  Kind = "key_end"
	// KeyEndSoon tells a key's owner that it expires soon.
	KeyEndSoon Kind = "key_end_soon"
	// KeyRemoval deletes a key that has ended, after its usage was read.
	KeyRemoval Kind = "key_removal"
	// Licence tells an account what it should have because of a licence, in case the message was
	// lost.
	Licence Kind = "licence"
	// Metering meters the last usage of a licence that ends.
	Metering Kind = "metering"
	// Delivery sends a notice to a channel, again if an earlier attempt failed or its outcome
	// was lost.
	Delivery Kind = "delivery"
	// AdminItem tells the admins that something waits for them.
	AdminItem Kind = "admin_item"
)

// Kinds returns the kinds that this version knows.
func Kinds() []Kind {
	return []Kind{Wish, Operation, IdleKey, KeyEnd, KeyEndSoon, KeyRemoval, Licence, Metering, Delivery, AdminItem}
}

// Known reports whether this version knows the kind.
func Known(kind Kind) bool { return slices.Contains(Kinds(), kind) }

// The things that an AdminItem row can be about.
const (
	Registration = "registration"
	Approval     = "approval"
	Feedback     = "feedback"
	DeadLetter   = "dead_letter"
)

// Row is one due row, with the attributes of its kind.
type Row struct {
	Kind   Kind          `dynamodbav:"kind"`
	Stream portal.Stream `dynamodbav:"stream"`
	// From is where the waits begin.
	From time.Time `dynamodbav:"from"`
	// Asked counts how often the row has fallen due.
	Asked       int    `dynamodbav:"asked"`
	Correlation string `dynamodbav:"correlation,omitempty"`

	// A Licence row tells the Account of the fact Opened.
	Account portal.AccountID `dynamodbav:"account,omitempty"`
	// Opened is the wish of a Wish row; Key and Plan are what it is about, if anything.
	Opened    int64              `dynamodbav:"opened,omitempty"`
	Key       portal.KeyID       `dynamodbav:"key,omitempty"`
	Plan      portal.PlanID      `dynamodbav:"plan,omitempty"`
	Operation portal.OperationID `dynamodbav:"operation,omitempty"`
	// Emptied is the fact that ended the ring's last subscription; After counts from From.
	Emptied int64         `dynamodbav:"emptied,omitempty"`
	After   time.Duration `dynamodbav:"after,omitempty"`
	// Ended is the fact that ended the key of a KeyRemoval row.
	Ended int64 `dynamodbav:"ended,omitempty"`
	// Ahead is how long before the end of its key a KeyEndSoon row falls due.
	Ahead time.Duration `dynamodbav:"ahead,omitempty"`

	// Channel and Notice name the delivery of a Delivery row, and Attempt counts from 1. In an AdminItem
	// row they are what it is about, and the item's id.
	Channel string `dynamodbav:"channel,omitempty"`
	Notice  string `dynamodbav:"notice,omitempty"`
	Attempt int    `dynamodbav:"attempt,omitempty"`
}

// OfWish is the row of a wish. key and plan may be "".
func OfWish(stream portal.Stream, opened int64, at time.Time, key portal.KeyID, plan portal.PlanID, correlation string) Row {
	return Row{Kind: Wish, Stream: stream, From: at, Opened: opened, Key: key, Plan: plan, Correlation: correlation}
}

// OfOperation is the row of an accepted request.
func OfOperation(stream portal.Stream, operation portal.OperationID, at time.Time) Row {
	return Row{Kind: Operation, Stream: stream, From: at, Operation: operation}
}

// OfLicence is the row of a licence's fact that gives the account access or ends it.
func OfLicence(stream portal.Stream, sequence int64, at time.Time, account portal.AccountID) Row {
	return Row{Kind: Licence, Stream: stream, From: at, Opened: sequence, Account: account}
}

// meteringEvery is how often a Metering row falls due.
const meteringEvery = 4 * time.Minute

// OfMetering is the row of a licence that ends at that time by its fact of that sequence, or by an
// agreement, with the sequence 0.
func OfMetering(stream portal.Stream, sequence int64, at time.Time) Row {
	return Row{Kind: Metering, Stream: stream, From: at, Opened: sequence}
}

// OfIdleKey is the row of a key whose ring lost its last plan by the fact emptied.
func OfIdleKey(stream portal.Stream, key portal.KeyID, emptied int64, at time.Time, after time.Duration) Row {
	return Row{Kind: IdleKey, Stream: stream, From: at, Key: key, Emptied: emptied, After: after}
}

// OfKeyEnd is the row of a key that ends at that time.
func OfKeyEnd(stream portal.Stream, key portal.KeyID, ends time.Time) Row {
	return Row{Kind: KeyEnd, Stream: stream, From: ends, Key: key}
}

// OfKeyEndSoon falls due that long before the key ends.
func OfKeyEndSoon(stream portal.Stream, key portal.KeyID, ends time.Time, ahead time.Duration) Row {
	return Row{Kind: KeyEndSoon, Stream: stream, From: ends.Add(-ahead), Key: key, Ahead: ahead}
}

// KeyEnds is when the key of a KeyEnd or KeyEndSoon row ends.
func (r Row) KeyEnds() time.Time { return r.From.Add(r.Ahead) }

// OfKeyRemoval is the row of a key that the fact ended has ended.
func OfKeyRemoval(stream portal.Stream, key portal.KeyID, ended int64, at time.Time, after time.Duration) Row {
	return Row{Kind: KeyRemoval, Stream: stream, From: at, Key: key, Ended: ended, After: after}
}

// OfDelivery is the row of an attempt to deliver a notice.
func OfDelivery(stream portal.Stream, channel, notice string, attempt int, from time.Time, after time.Duration) Row {
	return Row{Kind: Delivery, Stream: stream, From: from, After: after, Channel: channel, Notice: notice, Attempt: attempt}
}

// OfAdminItem is the row of an item that waits for the admins.
func OfAdminItem(stream portal.Stream, about, id string, at time.Time) Row {
	return Row{Kind: AdminItem, Stream: stream, From: at, Channel: about, Notice: id}
}

// WaitingID is the item's id of a wish that waits for an admin.
func WaitingID(account portal.AccountID, wish int64) string {
	return string(account) + "#" + schema.Sequence(wish)
}

// A row falls due after its kind's first wait, then after twice as long each time, up to
// lastWait. Metering rows fall due at once, and then each meteringEvery. The first wait for operations
// allows for a queue's backlog and SQS's deduplication of five minutes.
const (
	firstWishWait      = 2 * time.Minute
	firstOperationWait = 6 * time.Minute
	lastWait           = time.Hour
)

// maxAsked bounds Asked, so that a damaged row does no harm.
const maxAsked = 1 << 40

// At is when the row falls due.
func (r Row) At() time.Time {
	if r.Kind == Metering {
		return r.meteringAt()
	}
	wait := firstWishWait
	switch r.Kind {
	case Operation:
		wait = firstOperationWait
	case IdleKey, KeyRemoval, Delivery, AdminItem:
		wait = max(r.After, 0)
	case KeyEnd, KeyEndSoon:
		wait = 0
	}
	at, left := r.From.Add(wait), r.asked()
	for ; left > 0 && wait != lastWait; left-- {
		wait = max(min(2*wait, lastWait), time.Minute)
		at = at.Add(wait)
	}
	// In seconds, because a time.Duration holds at most 292 years.
	return time.Unix(at.Unix()+left*int64(lastWait/time.Second), int64(at.Nanosecond())).In(at.Location())
}

// meteringAt is the beginning of each hour, too: AWS may take the last usage of that hour for a few seconds only.
func (r Row) meteringAt() time.Time {
	at := time.Unix(r.From.Unix()+r.asked()*int64(meteringEvery/time.Second), int64(r.From.Nanosecond())).In(r.From.Location())
	if hour := at.Truncate(time.Hour); r.asked() > 0 && at.Sub(hour) < meteringEvery {
		return hour
	}
	return at
}

// Next is the row for the next due time after now. It skips missed times, so after an outage a
// row falls due once.
func (r Row) Next(now time.Time) Row {
	r.Asked = int(r.asked()) + 1
	longest := lastWait
	if r.Kind == Metering {
		longest = meteringEvery
	}
	if behind := now.Unix() - r.At().Unix(); behind > 0 {
		r.Asked += int(behind / int64(longest/time.Second)) // no later wait is longer
	}
	for !r.At().After(now) {
		r.Asked++
	}
	return r
}

func (r Row) asked() int64 { return int64(min(max(r.Asked, 0), maxAsked)) }

// Place is the row's key. Until the row is put off, the key follows from what the row is about,
// so the worker that ends the matter can delete it.
func (r Row) Place() schema.Key {
	parts := []string{
		string(r.Kind), string(r.Stream), strconv.FormatInt(r.Opened, 10), string(r.Key), string(r.Plan),
		string(r.Operation), strconv.FormatInt(r.Emptied, 10),
	}
	if r.Kind == Licence {
		parts = append(parts, string(r.Account))
	}
	if r.Kind == Delivery || r.Kind == AdminItem {
		parts = append(parts, r.Channel, r.Notice, strconv.Itoa(r.Attempt))
	}
	id := portal.DeriveID(parts...)
	return schema.DueRow(r.Stream, r.At(), id)
}
