package app

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/gatehouse-portal/gatehouse/transport"
)

// InvokedWorker is a worker whose messages AWS Lambda receives. Between two invocations it does
// nothing. Use it for one invocation at a time.
type InvokedWorker struct {
	worker    *Worker
	consumers map[string]transport.Consumer
}

// NewInvokedWorker wires a worker as NewWorker does.
func NewInvokedWorker(ctx context.Context, p Process) (*InvokedWorker, error) {
	worker, err := assembleWorker(ctx, p)
	if err != nil {
		return nil, err
	}
	invoked := &InvokedWorker{worker: worker, consumers: map[string]transport.Consumer{}}
	for _, c := range worker.transport.Consumers {
		invoked.consumers[c.Queue] = c
	}
	return invoked, nil
}

// Handle handles messages of the queue, and returns before end. failed lists the ids of the
// messages that must come again; see transport.HandleBatch. An error means that all must.
func (w *InvokedWorker) Handle(ctx context.Context, queue string, messages []types.Message, end time.Time) (failed []string, err error) {
	consumer, ok := w.consumers[queue]
	if !ok {
		return nil, fmt.Errorf("no consumer reads queue %s. Check GATEHOUSE_PREFIX, with which the names of all queues begin", queue)
	}
	cfg := w.worker.transport
	cfg.Consumers = []transport.Consumer{consumer}
	failed, err = transport.HandleBatch(ctx, cfg, messages, end)
	w.worker.plane.Close(ctx)
	w.worker.flushMetrics()
	return failed, err
}

// Tick starts the jobs that are due. Call it every minute. It returns before end.
func (w *InvokedWorker) Tick(ctx context.Context, end time.Time) error {
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	defer w.worker.flushMetrics()
	return w.worker.runner.TickOnce(ctx)
}
