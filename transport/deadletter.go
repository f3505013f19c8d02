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

// DeadLetter is a message that is given up, with all that an operator needs to replay it.
type DeadLetter struct {
	// ID is the event's, or SQS's if the event cannot be read.
	ID string
	// FailureKey counts the failures of this message in this queue.
	FailureKey string
	Queue      string
	Consumer   string
	Type       string
	Subject    portal.Stream
	Operation  portal.OperationID
	Body       []byte
	Class      Class
	// Error is for operators. It does not contain the body.
	Error string
	// For redriven messages, Attempts counts SQS's deliveries.
	Attempts    int
	First, Last time.Time
}

const maxErrorText = 1000

// errorText is bounded, and without the body. A decoder's error may quote the body, so for
// unreadable messages it is only our own text.
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

// failureKey is SQS's id of the message: another one, and so another count, in each queue and for
// each replay.
func failureKey(msg *message.Message, h *handling) string {
	return cmp.Or(msg.Metadata.Get(pubsub.MessageIDKey), h.consumer.Name+"/"+h.head.ID)
}

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
