package transport

import (
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Class says why a message became a dead letter. Classes are data.
type Class = string

// The classes. Failed and Panicked messages were tried again and again, the others
// were buried at once.
const (
	Unreadable  Class = "unreadable"
	UnknownType Class = "unknown_type"
	Invalid     Class = "invalid" // the handler says that it can never be carried out
	Failed      Class = "failed"
	Panicked    Class = "panic"
	Redriven    Class = "redriven" // SQS gave up on it and moved it to its dead-letter queue
)

func permanent(c Class) bool { return c != Failed && c != Panicked }

// DeadLetter is a message that is no longer tried, with all that is needed to
// understand it and to send it again.
type DeadLetter struct {
	// ID is the event's id; that of SQS if the event cannot be read.
	ID string
	// FailureKey is what its failures were counted under: one message in one queue.
	FailureKey string
	// Queue it was received from, by the consumer of that name.
	Queue    string
	Consumer string
	// Type, Subject and Operation are as far as known.
	Type      string
	Subject   portal.Stream
	Operation portal.OperationID
	// Body is the message as it was received.
	Body  []byte
	Class Class
	// Error is for operators. It does not repeat the body.
	Error string
	// Attempts is how often it was tried: of redriven ones, how often it was handed
	// out, as far as SQS tells.
	Attempts    int
	First, Last time.Time
}

const maxErrorText = 1000

// errorText is the error without the body, of bounded length. Of an unreadable
// message only our own words are used: a decoder's may quote from the body.
func errorText(err error, body []byte) string {
	text := err.Error()
	if classOf(err) == Unreadable {
		text = portal.MessageOf(err)
	}
	if len(body) > 0 {
		text = strings.ReplaceAll(text, string(body), "(the body)")
	}
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "") + " …"
	}
	return text
}
