package pubsub

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	wasqs "github.com/ThreeDotsLabs/watermill-aws/sqs"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Metadata keys with a meaning to this package. GroupID and DeduplicationID become
// parameters of the send request, never message attributes, and are found again on
// the received message.
const (
	// GroupID orders messages on FIFO queues; on standard ones it names the tenant
	// that SQS is to be fair to (SQS Developer Guide, "Amazon SQS fair queues").
	GroupID = "MessageGroupId"
	// DeduplicationID makes a FIFO queue or topic swallow a second message with the
	// same id for five minutes.
	DeduplicationID = "MessageDeduplicationId"
	// TypeKey holds the event's type. It travels as a message attribute, so that
	// subscriptions of a topic can filter by it.
	TypeKey = "type"
	// ReceiveCountKey says how often SQS has handed out the message, from 1.
	ReceiveCountKey = "sqs.receive_count"
	// MessageIDKey holds the id that SQS gave the message.
	MessageIDKey = "sqs.message_id"
	// SentAtKey holds the time SQS took the message, RFC 3339.
	SentAtKey = "sqs.sent_at"
	// UnreadableKey is set on a message that could not be unmarshaled; it says why.
	// Such a message still travels, with its raw body, so that it can be buried.
	UnreadableKey = "sqs.unreadable"
)

// Wire is how a Watermill message looks on SQS and SNS: the payload is the body,
// the metadata's type and Watermill's uuid are the only two message attributes. All
// other metadata stays behind: a body of ours is enough to handle a message.
// It is the default of Publisher, TopicPublisher and Subscriber.
type Wire struct{}

var (
	_ wasqs.Marshaler   = Wire{}
	_ wasqs.Unmarshaler = Wire{}
)

// Marshal never sets an empty attribute, which SQS would refuse. Group and
// deduplication id are left in Attributes for the publisher.
func (Wire) Marshal(msg *message.Message) (*types.Message, error) {
	wire := &types.Message{
		Body:              aws.String(string(msg.Payload)),
		Attributes:        map[string]string{},
		MessageAttributes: map[string]types.MessageAttributeValue{},
	}
	for name, value := range map[string]string{
		TypeKey:             msg.Metadata.Get(TypeKey),
		wasqs.UUIDAttribute: msg.UUID,
	} {
		if value != "" {
			wire.MessageAttributes[name] = stringAttribute(value)
		}
	}
	for _, name := range []string{GroupID, DeduplicationID} {
		if value := msg.Metadata.Get(name); value != "" {
			wire.Attributes[name] = value
		}
	}
	return wire, nil
}

// Unmarshal takes messages of any sender: one without our uuid goes by the id that
// SQS gave it.
func (Wire) Unmarshal(wire *types.Message) (*message.Message, error) {
	msg := message.NewMessage(aws.ToString(wire.MessageId), []byte(aws.ToString(wire.Body)))
	if uuid, ok := wire.MessageAttributes[wasqs.UUIDAttribute]; ok && aws.ToString(uuid.StringValue) != "" {
		msg.UUID = *uuid.StringValue
	}
	if eventType, ok := wire.MessageAttributes[TypeKey]; ok && aws.ToString(eventType.StringValue) != "" {
		msg.Metadata.Set(TypeKey, *eventType.StringValue)
	}
	return msg, nil
}

func stringAttribute(value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
}

// unmarshal reads a received message and notes what SQS says of it. It never fails:
// what the unmarshaler cannot read, or panics over, travels with its raw body and
// the reason.
func unmarshal(u wasqs.Unmarshaler, wire *types.Message) *message.Message {
	msg, err := guarded(u, wire)
	if err != nil {
		msg = message.NewMessage(aws.ToString(wire.MessageId), []byte(aws.ToString(wire.Body)))
		msg.Metadata.Set(UnreadableKey, err.Error())
	}
	if msg.Metadata == nil {
		msg.Metadata = message.Metadata{}
	}
	msg.Metadata.Set(MessageIDKey, aws.ToString(wire.MessageId))
	msg.Metadata.Set(ReceiveCountKey, strconv.Itoa(receiveCount(wire)))
	if sent, ok := sentAt(wire); ok {
		msg.Metadata.Set(SentAtKey, sent.Format(time.RFC3339Nano))
	}
	for _, name := range []string{GroupID, DeduplicationID} {
		if value := wire.Attributes[name]; value != "" {
			msg.Metadata.Set(name, value)
		}
	}
	return msg
}

func guarded(u wasqs.Unmarshaler, wire *types.Message) (msg *message.Message, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("unmarshaling panicked: %v", value)
		}
	}()
	msg, err = u.Unmarshal(wire)
	if err == nil && msg == nil {
		err = errors.New("unmarshaling made no message")
	}
	return msg, err
}

// receiveCount is at least 1, also where SQS does not tell.
func receiveCount(wire *types.Message) int {
	count, err := strconv.Atoi(wire.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
	if err != nil || count < 1 {
		return 1
	}
	return count
}

func sentAt(wire *types.Message) (time.Time, bool) {
	millis, err := strconv.ParseInt(wire.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64)
	return time.UnixMilli(millis).UTC(), err == nil
}

// size is what SQS counts of a message: the body, and names, types and values of
// its attributes.
func size(wire *types.Message) int {
	n := len(aws.ToString(wire.Body))
	for name, value := range wire.MessageAttributes {
		n += len(name) + len(aws.ToString(value.DataType)) + len(aws.ToString(value.StringValue)) + len(value.BinaryValue)
	}
	return n
}

// seconds rounds up, since SQS counts visibility in whole seconds and an earlier
// delivery than asked for would be in vain.
func seconds(d time.Duration) int32 {
	return int32((max(d, 0) + time.Second - 1) / time.Second)
}
