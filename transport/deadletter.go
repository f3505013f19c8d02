package transport

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

// DeadLetter is a message that is no longer tried, with all that is needed to
// understand it and to send it again.
type DeadLetter struct {
	// MessageID is the event's id; that of SQS if the event cannot be read.
	MessageID string
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

// failureKey is SQS's id of the message: another one for each queue that an event
// reaches, so that two consumers do not count for each other, another one for each
// replay, which starts anew, and the same for every delivery.
func failureKey(msg *message.Message, h *handling) string {
	return cmp.Or(msg.Metadata.Get(pubsub.MessageIDKey), h.consumer.Name+"/"+h.head.ID)
}

// deadLetter is what would be buried if the first attempt were the last.
func deadLetter(msg *message.Message, h *handling, err error, now time.Time) DeadLetter {
	letter := DeadLetter{
		MessageID: h.head.ID, FailureKey: failureKey(msg, h), Queue: h.consumer.Queue, Consumer: h.consumer.Name,
		Type: h.head.Type, Subject: portal.Stream(h.head.Subject), Operation: portal.OperationID(h.head.Operation),
		Body: msg.Payload, Class: classOf(err), Error: errorText(err, msg.Payload),
		Attempts: 1, First: now, Last: now,
	}
	if letter.Class == Redriven {
		if received, err := strconv.Atoi(msg.Metadata.Get(pubsub.ReceiveCountKey)); err == nil {
			letter.Attempts = received
		}
		if sent, err := time.Parse(time.RFC3339Nano, msg.Metadata.Get(pubsub.SentAtKey)); err == nil {
			letter.First = sent
		}
	}
	return letter
}
