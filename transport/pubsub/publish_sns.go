package pubsub

import (
	"context"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

type topicSender interface {
	PublishBatch(context.Context, *sns.PublishBatchInput, ...func(*sns.Options)) (*sns.PublishBatchOutput, error)
}

// TopicPublisher publishes to SNS by the rules of Publisher. The topic's subscriptions need raw
// message delivery, so that a Subscriber receives the same message.
type TopicPublisher struct{ *publisher }

var _ message.Publisher = TopicPublisher{}

// NewTopicPublisher returns a TopicPublisher. arn returns a topic's ARN; with nil, topics are
// ARNs.
func NewTopicPublisher(client topicSender, arn func(ctx context.Context, topic string) (string, error), cfg PublisherConfig) TopicPublisher {
	if arn == nil {
		arn = func(_ context.Context, topic string) (string, error) { return topic, nil }
	}
	send := func(ctx context.Context, topic string, batch []*entry) ([]failedEntry, error) {
		return sendToTopic(ctx, client, topic, batch)
	}
	return TopicPublisher{newPublisher(cfg.withDefaults(256<<10), arn, send)}
}

func sendToTopic(ctx context.Context, client topicSender, arn string, batch []*entry) ([]failedEntry, error) {
	in := &sns.PublishBatchInput{TopicArn: aws.String(arn)}
	for i, e := range batch {
		in.PublishBatchRequestEntries = append(in.PublishBatchRequestEntries, types.PublishBatchRequestEntry{
			Id:                     entryID(i),
			Message:                e.wire.Body,
			MessageAttributes:      topicAttributes(e.wire),
			MessageGroupId:         e.parameter(GroupID),
			MessageDeduplicationId: e.parameter(DeduplicationID),
		})
	}
	out, err := client.PublishBatch(ctx, in, func(o *sns.Options) { o.RetryMaxAttempts = 1 })
	if err != nil {
		return nil, err
	}
	failed := make([]sqstypes.BatchResultErrorEntry, len(out.Failed))
	for i, no := range out.Failed {
		failed[i] = sqstypes.BatchResultErrorEntry{Id: no.Id, Code: no.Code, Message: no.Message, SenderFault: no.SenderFault}
	}
	return failedEntries(len(batch), out.Successful, func(ok types.PublishBatchResultEntry) *string { return ok.Id }, failed), nil
}

func topicAttributes(wire *sqstypes.Message) map[string]types.MessageAttributeValue {
	attributes := make(map[string]types.MessageAttributeValue, len(wire.MessageAttributes))
	for name, value := range wire.MessageAttributes {
		attributes[name] = types.MessageAttributeValue{
			DataType: value.DataType, StringValue: value.StringValue, BinaryValue: value.BinaryValue,
		}
	}
	return attributes
}
