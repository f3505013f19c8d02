package transport

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/rs/zerolog"
)

// requestTime bounds a request that settles messages. Such requests have a context
// of their own: what was handled is deleted also while everything shuts down.
const requestTime = 10 * time.Second

// requests makes the requests about messages held, at most maxBatch of them at a time.
type requests struct {
	client queueReceiver
	url    string
	log    zerolog.Logger
}

// change gives a message another visibility timeout from now on.
type change struct {
	d          *delivery
	visibility time.Duration
}

func (r requests) delete(batch []*delivery) []refusal {
	ctx, cancel := context.WithTimeout(context.Background(), requestTime)
	defer cancel()
	in := &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(r.url)}
	for i, d := range batch {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(d.receipt),
		})
	}
	out, err := r.client.DeleteMessageBatch(ctx, in)
	if err != nil {
		return allRefused(len(batch), err)
	}
	answers := newAnswers(len(batch))
	for _, ok := range out.Successful {
		answers.confirmed(ok.Id)
	}
	return r.failed(answers, out.Failed)
}

func (r requests) changeVisibility(batch []change) []refusal {
	ctx, cancel := context.WithTimeout(context.Background(), requestTime)
	defer cancel()
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: aws.String(r.url)}
	for i, c := range batch {
		in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(c.d.receipt),
			VisibilityTimeout: seconds(c.visibility),
		})
	}
	out, err := r.client.ChangeMessageVisibilityBatch(ctx, in)
	if err != nil {
		return allRefused(len(batch), err)
	}
	answers := newAnswers(len(batch))
	for _, ok := range out.Successful {
		answers.confirmed(ok.Id)
	}
	return r.failed(answers, out.Failed)
}

func (r requests) failed(answers answers, failed []types.BatchResultErrorEntry) []refusal {
	for _, no := range failed {
		answers.refused(no.Id, no.SenderFault, refusedEntry(aws.ToString(no.Code), aws.ToString(no.Message)))
	}
	return answers.refusals()
}

func allRefused(n int, err error) []refusal {
	all := make([]refusal, n)
	for i := range all {
		all[i] = refusal{index: i, err: err}
	}
	return all
}
