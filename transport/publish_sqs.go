package transport

import (
	"context"
	"strconv"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// queueSender is the part of the SQS client that Publisher needs.
type queueSender interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// Publisher publishes to SQS; a topic is a queue's name. Messages of concurrent
// calls are sent together: the first goes at once, what arrives while requests are
// under way goes with the next.
type Publisher struct{ *batching }

var _ message.Publisher = Publisher{}

// NewPublisher returns a Publisher; its Close must be called for it to drain.
func NewPublisher(client queueSender, queues *Queues, cfg PublisherConfig) Publisher {
	send := func(ctx context.Context, url string, batch []*entry) ([]refusal, error) {
		return sendToQueue(ctx, client, url, batch)
	}
	return Publisher{newBatching(cfg.withDefaults(1<<20), queues.URL, send)}
}

func sendToQueue(ctx context.Context, client queueSender, url string, batch []*entry) ([]refusal, error) {
	in := &sqs.SendMessageBatchInput{QueueUrl: aws.String(url)}
	for i, e := range batch {
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{
			Id:                     aws.String(strconv.Itoa(i)),
			MessageBody:            e.wire.Body,
			MessageAttributes:      e.wire.MessageAttributes,
			MessageGroupId:         systemAttribute(e.wire, GroupID),
			MessageDeduplicationId: systemAttribute(e.wire, DeduplicationID),
		})
	}
	out, err := client.SendMessageBatch(ctx, in, func(o *sqs.Options) { o.RetryMaxAttempts = 1 })
	if err != nil {
		return nil, err
	}
	answers := newAnswers(len(batch))
	for _, ok := range out.Successful {
		answers.confirmed(ok.Id)
	}
	for _, no := range out.Failed {
		answers.refused(no.Id, no.SenderFault, entryError(aws.ToString(no.Code), aws.ToString(no.Message)))
	}
	return answers.refusals(), nil
}

func systemAttribute(wire *types.Message, name string) *string {
	if value := wire.Attributes[name]; value != "" {
		return aws.String(value)
	}
	return nil
}
