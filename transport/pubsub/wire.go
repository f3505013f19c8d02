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

// Metadata keys. GroupID and DeduplicationID become parameters of the send request, not message
// attributes.
const (
	// GroupID orders messages on FIFO queues. On standard queues it names the tenant for
	// SQS's fair queues (SQS Developer Guide, "Amazon SQS fair queues").
	GroupID = "MessageGroupId"
	// DeduplicationID makes a FIFO queue or topic drop repeats for five minutes.
	DeduplicationID = "MessageDeduplicationId"
	// TypeKey holds the event's type, a message attribute for filters of topic subscriptions.
	TypeKey         = "type"
	ReceiveCountKey = "sqs.receive_count"
	MessageIDKey    = "sqs.message_id"
	// SentAtKey holds the time when SQS took the message, RFC 3339.
	SentAtKey = "sqs.sent_at"
	// UnreadableKey says why a message could not be unmarshaled. It is handed out with its raw
	// body, to become a dead letter.
	UnreadableKey = "sqs.unreadable"
)

// Wire is the default format: the payload is the body; the type and Watermill's uuid are
// attributes. Other metadata is not sent.
type Wire struct{}

var (
	_ wasqs.Marshaler   = Wire{}
	_ wasqs.Unmarshaler = Wire{}
)

// Marshal leaves out empty attributes, which SQS would refuse.
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

// Unmarshal reads messages of any sender. Without Watermill's uuid it takes SQS's id.
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

// unmarshal adds what SQS says. If the unmarshaler fails or panics, the message gets its raw body
// and the reason.
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

// size is what SQS limits: the body, and names, types and values of attributes.
func size(wire *types.Message) int {
	n := len(aws.ToString(wire.Body))
	for name, value := range wire.MessageAttributes {
		n += len(name) + len(aws.ToString(value.DataType)) + len(aws.ToString(value.StringValue)) + len(value.BinaryValue)
	}
	return n
}

// seconds rounds up: SQS takes whole seconds, and an early delivery would be in vain.
func seconds(d time.Duration) int32 {
	return int32((max(d, 0) + time.Second - 1) / time.Second)
}
