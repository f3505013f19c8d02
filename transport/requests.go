package transport

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// requestTime bounds a request about messages held. Such requests have a context of
// their own: what was handled is deleted also while everything shuts down. Then a request
// may take all the time that is left, since a slow answer is better than none.
const requestTime = 10 * time.Second

// requests makes the requests about messages held, at most maxBatch of them at a time.
type requests struct {
	client queueReceiver
	url    string
	log    zerolog.Logger
	// stopping ends when the subscription starts to close, life when it must be closed.
	stopping, life context.Context
}

// time is the context of one request.
func (r requests) time() (context.Context, context.CancelFunc) {
	if r.stopping.Err() != nil {
		return context.WithCancel(r.life)
	}
	return context.WithTimeout(r.life, requestTime)
}

// worthAnother says whether a request that failed so often is made again: a few times, and
// while the subscription closes until it must be closed.
func (r requests) worthAnother(tries int) bool {
	return r.life.Err() == nil && (tries < settleTries || r.stopping.Err() != nil)
}

// change gives a message another visibility timeout from now on.
type change struct {
	d          *delivery
	visibility time.Duration
}

func (r requests) delete(batch []*delivery) []refusal {
	ctx, cancel := r.time()
	defer cancel()
	in := &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(r.url)}
	for i, d := range batch {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(d.receipt),
		})
	}
	var out *sqs.DeleteMessageBatchOutput
	err := portal.Guard(func() (err error) {
		out, err = r.client.DeleteMessageBatch(ctx, in)
		return err
	})()
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
	ctx, cancel := r.time()
	defer cancel()
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: aws.String(r.url)}
	for i, c := range batch {
		in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(c.d.receipt),
			VisibilityTimeout: seconds(c.visibility),
		})
	}
	var out *sqs.ChangeMessageVisibilityBatchOutput
	err := portal.Guard(func() (err error) {
		out, err = r.client.ChangeMessageVisibilityBatch(ctx, in)
		return err
	})()
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
