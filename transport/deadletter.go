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

// DeadLetter is a message that is given up, with all that is needed to understand it and to
// send it again.
type DeadLetter struct {
	// ID is the event's id, or SQS's id if the event cannot be read.
	ID string
	// FailureKey stands for this message in this queue; failures are counted under it.
	FailureKey string
	Queue      string
	Consumer   string
	// Type, Subject and Operation are "" if the message does not tell.
	Type      string
	Subject   portal.Stream
	Operation portal.OperationID
	Body      []byte
	Class     Class
	// Error is for operators. It does not contain the body.
	Error string
	// Attempts counts how often it was handled; for redriven messages, how often SQS
	// delivered it, as far as SQS tells.
	Attempts    int
	First, Last time.Time
}

const maxErrorText = 1000

// errorText is the error's text, of bounded length and without the body. Of an unreadable
// message's error it is only our own message, since a decoder's error may quote the body.
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

// failureKey is SQS's id of the message, which is the same for every delivery. Each queue
// that an event reaches, and each replay, has an id and so a count of its own.
func failureKey(msg *message.Message, h *handling) string {
	return cmp.Or(msg.Metadata.Get(pubsub.MessageIDKey), h.consumer.Name+"/"+h.head.ID)
}

// deadLetter is the dead letter of a message that has failed once.
func deadLetter(msg *message.Message, h *handling, err error, now time.Time) DeadLetter {
	letter := DeadLetter{
		ID: h.head.ID, FailureKey: failureKey(msg, h), Queue: h.consumer.Queue, Consumer: h.consumer.Name,
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
