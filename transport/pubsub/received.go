package pubsub

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Received is a SubscriberClient for messages that AWS Lambda has received from one queue. AWS
// Lambda deletes those that the function does not report as failed, so Received deletes nothing. It
// hands messages back with the receiptClient.
//
// Leases cannot be extended: use it with SubscriberConfig.LeasesEnd.
type Received struct {
	receiptClient

	mu       sync.Mutex
	waiting  []types.Message
	open     map[string]bool // by receipt: neither handled nor handed back
	failed   map[string]string
	answered chan struct{}
}

// NewReceived returns a client that receives these messages once.
func NewReceived(client receiptClient, messages []types.Message) *Received {
	r := &Received{receiptClient: client, waiting: messages, open: map[string]bool{}, failed: map[string]string{}, answered: make(chan struct{})}
	for _, m := range messages {
		r.open[aws.ToString(m.ReceiptHandle)] = true
		r.failed[aws.ToString(m.ReceiptHandle)] = aws.ToString(m.MessageId)
	}
	if len(messages) == 0 {
		close(r.answered)
	}
	return r
}

// Answered is closed once every message was handled or handed back.
func (r *Received) Answered() <-chan struct{} { return r.answered }

// Failed lists the ids of the messages that were not handled, in no order.
func (r *Received) Failed() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	failed := make([]string, 0, len(r.failed))
	for _, id := range r.failed {
		failed = append(failed, id)
	}
	return failed
}

// ReceiveMessage returns all messages at once, whatever number is asked for: if two answers had
// messages of one group, they would be handled side by side. After that there are none.
func (r *Received) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	r.mu.Lock()
	messages := r.waiting
	r.waiting = nil
	r.mu.Unlock()
	if len(messages) > 0 {
		return &sqs.ReceiveMessageOutput{Messages: messages}, nil
	}
	none := time.NewTimer(time.Duration(in.WaitTimeSeconds) * time.Second)
	defer none.Stop()
	select {
	case <-r.answered:
	case <-none.C:
	case <-ctx.Done():
	}
	return &sqs.ReceiveMessageOutput{}, nil
}

// DeleteMessageBatch notes that the messages were handled.
func (r *Received) DeleteMessageBatch(_ context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	out := &sqs.DeleteMessageBatchOutput{}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range in.Entries {
		delete(r.failed, aws.ToString(e.ReceiptHandle))
		r.answer(aws.ToString(e.ReceiptHandle))
		out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: e.Id})
	}
	return out, nil
}

// ChangeMessageVisibilityBatch hands messages back. If it fails, they come again when the queue's
// visibility timeout is over.
func (r *Received) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, options ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	out, err := r.receiptClient.ChangeMessageVisibilityBatch(ctx, in, options...)
	if err != nil {
		return out, err
	}
	places := map[string]string{}
	for _, e := range in.Entries {
		places[aws.ToString(e.Id)] = aws.ToString(e.ReceiptHandle)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ok := range out.Successful {
		r.answer(places[aws.ToString(ok.Id)])
	}
	return out, nil
}

func (r *Received) answer(receipt string) {
	if !r.open[receipt] {
		return
	}
	delete(r.open, receipt)
	if len(r.open) == 0 {
		close(r.answered)
	}
}
