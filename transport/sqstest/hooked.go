package sqstest

import (
	"context"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Hooked is an SQS client whose calls a test can see and change.
type Hooked struct {
	// Client makes the real calls, also for hooks.
	*sqs.Client

	// Send, Receive, Delete and Change replace the calls if they are set.
	Send    func(context.Context, *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error)
	Receive func(context.Context, *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error)
	Delete  func(context.Context, *sqs.DeleteMessageBatchInput) (*sqs.DeleteMessageBatchOutput, error)
	Change  func(context.Context, *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error)

	mu                      sync.Mutex
	sends, deletes, lookups int
	visibilities            []int32
}

// GetQueueUrl counts as a look-up.
func (h *Hooked) GetQueueUrl(ctx context.Context, in *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) {
	h.count(func() { h.lookups++ })
	return h.Client.GetQueueUrl(ctx, in)
}

// SendMessageBatch passes through Send.
func (h *Hooked) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, opts ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	h.count(func() { h.sends++ })
	if h.Send != nil {
		return h.Send(ctx, in)
	}
	return h.Client.SendMessageBatch(ctx, in, opts...)
}

// ReceiveMessage passes through Receive.
func (h *Hooked) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	if h.Receive != nil {
		return h.Receive(ctx, in)
	}
	return h.Client.ReceiveMessage(ctx, in)
}

// DeleteMessageBatch passes through Delete.
func (h *Hooked) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	h.count(func() { h.deletes++ })
	if h.Delete != nil {
		return h.Delete(ctx, in)
	}
	return h.Client.DeleteMessageBatch(ctx, in)
}

// ChangeMessageVisibilityBatch passes through Change.
func (h *Hooked) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	h.count(func() {
		for _, e := range in.Entries {
			h.visibilities = append(h.visibilities, e.VisibilityTimeout)
		}
	})
	if h.Change != nil {
		return h.Change(ctx, in)
	}
	return h.Client.ChangeMessageVisibilityBatch(ctx, in)
}

func (h *Hooked) count(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// Sends counts the calls of SendMessageBatch so far.
func (h *Hooked) Sends() (n int) { h.count(func() { n = h.sends }); return n }

// Deletes counts the calls of DeleteMessageBatch so far.
func (h *Hooked) Deletes() (n int) { h.count(func() { n = h.deletes }); return n }

// Lookups counts the calls of GetQueueUrl so far.
func (h *Hooked) Lookups() (n int) { h.count(func() { n = h.lookups }); return n }

// Visibilities are the visibility timeouts asked for so far, in seconds, in order.
func (h *Hooked) Visibilities() (all []int32) {
	h.count(func() { all = slices.Clone(h.visibilities) })
	return all
}
