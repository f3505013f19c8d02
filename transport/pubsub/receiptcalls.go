package pubsub

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/portal"
)

type receiptClient interface {
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// requestTime bounds a request, except while the subscription closes: a slow answer is then
// better than none.
const requestTime = 10 * time.Second

// receiptTries bounds the tries to delete a message or hand it back, except while the
// subscription closes.
const receiptTries = 4

type receiptCalls struct {
	client receiptClient
	url    string
	log    zerolog.Logger
	// stopping ends when the subscription starts to close, life when it must be closed.
	stopping, life context.Context
}

func (r receiptCalls) requestContext() (context.Context, context.CancelFunc) {
	if r.stopping.Err() != nil {
		return context.WithCancel(r.life)
	}
	return context.WithTimeout(r.life, requestTime)
}

func (r receiptCalls) worthAnother(tries int) bool {
	return r.life.Err() == nil && (tries < receiptTries || r.stopping.Err() != nil)
}

type change struct {
	d          *delivery
	visibility time.Duration
}

func (r receiptCalls) delete(batch []*delivery) []failedEntry {
	ctx, cancel := r.requestContext()
	defer cancel()
	in := &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(r.url)}
	for i, d := range batch {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{
			Id: entryID(i), ReceiptHandle: aws.String(d.receipt),
		})
	}
	var out *sqs.DeleteMessageBatchOutput
	err := portal.Guard(func() (err error) {
		out, err = r.client.DeleteMessageBatch(ctx, in)
		return err
	})()
	if err != nil {
		return allFailed(len(batch), err)
	}
	return failedEntries(len(batch), out.Successful, func(ok types.DeleteMessageBatchResultEntry) *string { return ok.Id }, out.Failed)
}

func (r receiptCalls) changeVisibility(batch []change) []failedEntry {
	ctx, cancel := r.requestContext()
	defer cancel()
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: aws.String(r.url)}
	for i, c := range batch {
		in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: entryID(i), ReceiptHandle: aws.String(c.d.receipt),
			VisibilityTimeout: seconds(c.visibility),
		})
	}
	var out *sqs.ChangeMessageVisibilityBatchOutput
	err := portal.Guard(func() (err error) {
		out, err = r.client.ChangeMessageVisibilityBatch(ctx, in)
		return err
	})()
	if err != nil {
		return allFailed(len(batch), err)
	}
	return failedEntries(len(batch), out.Successful, func(ok types.ChangeMessageVisibilityBatchResultEntry) *string { return ok.Id }, out.Failed)
}
