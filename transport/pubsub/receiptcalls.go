package pubsub

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/rs/zerolog"
)

// receiptClient is the part of the SQS client for messages held.
type receiptClient interface {
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// requestTime bounds a request about messages held. Such requests have a context of
// their own: what was handled is deleted also while everything shuts down. Then a request
// may take all the time that is left, since a slow answer is better than none.
const requestTime = 10 * time.Second

// settleTries is how often settling a message is tried, with pauses that sum up to
// less than a second, unless the subscription is closing. After that the lease runs out,
// and the message is handled again.
const settleTries = 4

// receiptCalls makes the requests about messages held, which SQS knows by their receipts:
// at most maxBatch of them at a time.
type receiptCalls struct {
	client receiptClient
	url    string
	log    zerolog.Logger
	// stopping ends when the subscription starts to close, life when it must be closed.
	stopping, life context.Context
}

// time is the context of one request.
func (r receiptCalls) time() (context.Context, context.CancelFunc) {
	if r.stopping.Err() != nil {
		return context.WithCancel(r.life)
	}
	return context.WithTimeout(r.life, requestTime)
}

// worthAnother says whether a request that failed so often is made again: a few times, and
// while the subscription closes until it must be closed.
func (r receiptCalls) worthAnother(tries int) bool {
	return r.life.Err() == nil && (tries < settleTries || r.stopping.Err() != nil)
}

// change gives a message another visibility timeout from now on.
type change struct {
	d          *delivery
	visibility time.Duration
}

func (r receiptCalls) delete(batch []*delivery) []refusal {
	ctx, cancel := r.time()
	defer cancel()
	in := &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(r.url)}
	for i, d := range batch {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{
			Id: entryID(i), ReceiptHandle: aws.String(d.receipt),
		})
	}
	out, err := r.client.DeleteMessageBatch(ctx, in)
	if err != nil {
		return allRefused(len(batch), err)
	}
	return refusalsOf(len(batch), out.Successful, func(ok types.DeleteMessageBatchResultEntry) *string { return ok.Id }, out.Failed)
}

func (r receiptCalls) changeVisibility(batch []change) []refusal {
	ctx, cancel := r.time()
	defer cancel()
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: aws.String(r.url)}
	for i, c := range batch {
		in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: entryID(i), ReceiptHandle: aws.String(c.d.receipt),
			VisibilityTimeout: seconds(c.visibility),
		})
	}
	out, err := r.client.ChangeMessageVisibilityBatch(ctx, in)
	if err != nil {
		return allRefused(len(batch), err)
	}
	return refusalsOf(len(batch), out.Successful, func(ok types.ChangeMessageVisibilityBatchResultEntry) *string { return ok.Id }, out.Failed)
}
