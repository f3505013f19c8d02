// Package deadletters keeps the messages that workers gave up on: one row counts a message's
// failures, another holds the letter.
//
//	          Bury              Replay                handled
//	message ────────▶ open ──────────────▶ replayed ──────────▶ settled
//	                   ▲                       │
//	                   └───────────────────────┘
//	                        fails again, Bury
//
// An operator can also Discard an open or replayed letter. It can still be replayed, and
// Bury opens it again.
package deadletters

import (
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Report describes a message that a worker gave up on.
type Report struct {
	// ID is the event's id, or SQS's message id if the event is unreadable. Bury hashes an id
	// that is too long, not printable ASCII, "." or "..".
	ID         string             `dynamodbav:"message_id"`
	FailureKey string             `dynamodbav:"-"`
	Queue      string             `dynamodbav:"queue"`
	Consumer   string             `dynamodbav:"consumer"`
	Type       string             `dynamodbav:"type"`
	Subject    portal.Stream      `dynamodbav:"subject"`
	Operation  portal.OperationID `dynamodbav:"operation"`
	// Body is the message as received, perhaps neither JSON nor text.
	Body []byte `dynamodbav:"body"`
	// Class is one of unreadable, unknown_type, invalid, failed, panic, redriven.
	Class    string    `dynamodbav:"class"`
	Error    string    `dynamodbav:"error"`
	Attempts int       `dynamodbav:"attempts"`
	First    time.Time `dynamodbav:"first"`
	Last     time.Time `dynamodbav:"last"`
}

// Letter is a message that workers gave up on. It is one letter even if several consumers gave up
// on it; a replay reaches all of them.
type Letter struct {
	Report
	// FirstEver is the first failure before all replays, zero if that is First.
	FirstEver time.Time `dynamodbav:"first_ever"`
	// BodyHash names the rows of a large body.
	BodyHash string `dynamodbav:"body_hash"`
	// Replays counts all replays. ReplayedAt is the last one since the burial, or zero.
	Replays    int64     `dynamodbav:"replays"`
	ReplayedAt time.Time `dynamodbav:"replayed_at"`
	// SettledReplay is the last replay that a worker handled, 0 if none.
	SettledReplay int64     `dynamodbav:"settled"`
	SettledAt     time.Time `dynamodbav:"settled_at"`
	// Discard is the last discard, kept if the letter is replayed later.
	Discard *Discard `dynamodbav:"discard,omitempty"`
}

// Began is the first failure of the message, before all replays. Letters are replayed in this order, so that a letter
// that fails again stays ahead of those that came after it.
func (l Letter) Began() time.Time {
	if l.FirstEver.IsZero() {
		return l.First
	}
	return l.FirstEver
}

// Discard records that an operator closed a letter without replaying it.
type Discard struct {
	By     string    `dynamodbav:"by"`
	At     time.Time `dynamodbav:"at"`
	Reason string    `dynamodbav:"reason"`
	// Replays is how often the letter had been replayed by then.
	Replays int64 `dynamodbav:"replays"`
}

// State is a letter's state; see the package comment.
type State string

// The states of a Letter.
const (
	Open      State = "open"
	Replayed  State = "replayed"
	Settled   State = "settled"
	Discarded State = "discarded"
)

// State compares numbers of replays, not times: a worker may handle a replay before it is
// recorded, and clocks differ.
func (l Letter) State() State {
	switch {
	case l.SettledReplay > 0 && l.SettledReplay >= l.Replays:
		return Settled
	case l.Discard != nil && l.Discard.Replays >= l.Replays:
		return Discarded
	case !l.ReplayedAt.IsZero():
		return Replayed
	}
	return Open
}

// Message returns the message to send again, or a portal.Error if this version cannot read or
// encode it.
func (l Letter) Message() (events.Event, error) {
	msg, err := events.Decode(l.Body)
	if err == nil {
		_, err = events.Encode(msg)
	}
	if err != nil {
		return events.Event{}, &portal.Error{Code: portal.Invalid, Message: "Dead letter " + l.ID + " cannot be replayed.", Err: err}
	}
	return msg, nil
}

const (
	maxID = 128
	// maxText bounds the sender's texts; the body holds them in full.
	maxText = 1000
)

// trimmed makes the report fit a row: texts must be UTF-8, and a key has at most 1 KB.
func (r Report) trimmed() Report {
	r.ID = keyOf(r.ID)
	r.Type, r.Error = short(r.Type), short(r.Error)
	r.Subject, r.Operation = portal.Stream(short(string(r.Subject))), portal.OperationID(short(string(r.Operation)))
	return r
}

// keyOf returns the id, or a hash of one that no key or path of a URL can hold: browsers resolve "."
// and "..".
func keyOf(id string) string {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if id == "" || id == "." || id == ".." || len(id) > maxID || strings.ContainsFunc(id, odd) {
		return portal.DeriveID("letter", id)
	}
	return id
}

func short(text string) string {
	if len(text) > maxText {
		text = text[:maxText] + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
