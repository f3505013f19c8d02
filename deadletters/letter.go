// Package deadletters keeps the messages that were given up. Dead letters are rows:
// failures are counted in one, what keeps failing is buried as one, and operators find
// and replay it there. What a dead letter means to whoever waits for it is not decided
// here but by handlers.
//
//	          Bury              Replay                handled
//	message ────────▶ open ──────────────▶ replayed ──────────▶ settled
//	                   ▲                       │
//	                   └───────────────────────┘
//	                        fails again, Bury
//
// An operator can also Discard a letter that is open or replayed. A discarded letter can
// still be replayed, and Bury opens it again.
package deadletters

import (
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Letter is a message that was given up, with all that is needed to look into it and to
// replay it. There is one of a message, however many consumers gave it up: a replay
// reaches them all.
type Letter struct {
	// ID is what the letter is found by: the event's id, or SQS's where the event could
	// not be read. Bury replaces one that is too long, or too odd to be typed, by a hash.
	ID string `dynamodbav:"message_id"`
	// FailureKey is what the message's failures were counted under.
	FailureKey string `dynamodbav:"-"`
	// Queue it was received from, by the consumer of that name.
	Queue     string             `dynamodbav:"queue"`
	Consumer  string             `dynamodbav:"consumer"`
	Type      string             `dynamodbav:"type"`
	Subject   portal.Stream      `dynamodbav:"subject"`
	Operation portal.OperationID `dynamodbav:"operation"`
	// Body is the message as it was received: perhaps not JSON, not even text. Each
	// leaves it out.
	Body []byte `dynamodbav:"body"`
	// BodyHash names the rows that hold a body too large for the letter's own.
	BodyHash string `dynamodbav:"body_hash"`
	// Class says why in one word: unreadable, unknown_type, invalid, failed, panic, redriven.
	Class    string    `dynamodbav:"class"`
	Error    string    `dynamodbav:"error"`
	Attempts int       `dynamodbav:"attempts"`
	First    time.Time `dynamodbav:"first"`
	Last     time.Time `dynamodbav:"last"`
	// Replays is how often it was sent again in all; ReplayedAt when last, zero if not
	// since it was buried.
	Replays    int64     `dynamodbav:"replays"`
	ReplayedAt time.Time `dynamodbav:"replayed_at"`
	// SettledReplay is the last replay that was handled, 0 if none was, and SettledAt when.
	SettledReplay int64     `dynamodbav:"settled"`
	SettledAt     time.Time `dynamodbav:"settled_at"`
	// Discard is set once an operator has discarded the letter, and stays when it is
	// replayed after that.
	Discard *Discard `dynamodbav:"discard,omitempty"`
}

// Discard records that an operator closed a letter without replaying it.
type Discard struct {
	By     string    `dynamodbav:"by"`
	At     time.Time `dynamodbav:"at"`
	Reason string    `dynamodbav:"reason"`
	// Replays is how often the letter had been replayed by then.
	Replays int64 `dynamodbav:"replays"`
}

// State is where a letter stands.
type State string

// The states; see the package comment.
const (
	Open      State = "open"
	Replayed  State = "replayed"
	Settled   State = "settled"
	Discarded State = "discarded"
)

// State goes by the numbers of the replays: a replay may be handled before it is noted
// that it was sent, and clocks differ.
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

// Message is the message as it can be sent again. One that workers could only bury again
// is a portal.Error that says why.
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
	// maxText bounds what the message's sender chose; the body has all of it.
	maxText = 1000
)

// trimmed is the letter as it fits a row, but for the body. A text in a row must be
// UTF-8, and a key has at most 1 KB.
func (l Letter) trimmed() Letter {
	l.ID = keyOf(l.ID)
	l.Type, l.Error = short(l.Type), short(l.Error)
	l.Subject, l.Operation = portal.Stream(short(string(l.Subject))), portal.OperationID(short(string(l.Operation)))
	return l
}

// keyOf is an id as a key: itself, unless it is too long or too odd.
func keyOf(id string) string {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if id == "" || len(id) > maxID || strings.ContainsFunc(id, odd) {
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
