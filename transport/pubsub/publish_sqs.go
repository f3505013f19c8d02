package pubsub

import (
	"context"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

type queueSender interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// Publisher publishes to SQS; a topic is a queue's name. Concurrent calls use the same requests:
// the first message is sent at once, those that arrive while requests are under way in the next
// ones.
type Publisher struct{ *publisher }

var _ message.Publisher = Publisher{}

// NewPublisher returns a Publisher. Close it to have everything sent.
func NewPublisher(client queueSender, queues *Queues, cfg PublisherConfig) Publisher {
	send := func(ctx context.Context, url string, batch []*entry) ([]failedEntry, error) {
		return sendToQueue(ctx, client, url, batch)
	}
	return Publisher{newPublisher(cfg.withDefaults(1<<20), queues.URL, send)}
}

func sendToQueue(ctx context.Context, client queueSender, url string, batch []*entry) ([]failedEntry, error) {
	in := &sqs.SendMessageBatchInput{QueueUrl: aws.String(url)}
	for i, e := range batch {
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{
			Id:                     entryID(i),
			MessageBody:            e.wire.Body,
			MessageAttributes:      e.wire.MessageAttributes,
			MessageGroupId:         e.parameter(GroupID),
			MessageDeduplicationId: e.parameter(DeduplicationID),
		})
	}
	out, err := client.SendMessageBatch(ctx, in, func(o *sqs.Options) { o.RetryMaxAttempts = 1 })
	if err != nil {
		return nil, err
	}
	return failedEntries(len(batch), out.Successful, func(ok types.SendMessageBatchResultEntry) *string { return ok.Id }, out.Failed), nil
}
