// Package serverless runs the portal and the workers on AWS Lambda. The same program is either, by
// the function's handler: "api" or "worker". It wires what the processes wire, with the first
// invocation, and does nothing between invocations.
package serverless

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// spare is the part of an invocation's time that is left to AWS Lambda.
const spare = 2 * time.Second

// assumed is the time of an invocation without a deadline.
const assumed = 15 * time.Second

func endOf(ctx context.Context) time.Time {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(assumed)
	}
	return deadline.Add(-min(spare, time.Until(deadline)/4))
}

// API is the portal's function.
type API struct {
	portal *wired[http.Handler]
}

// NewAPI returns the function of the portal that open wires. If open fails, the next invocation
// tries again.
func NewAPI(open func(context.Context) (http.Handler, error)) *API {
	return &API{&wired[http.Handler]{open: open}}
}

// Invoke answers a request of an HTTP API. An error is answered with 500 by API Gateway.
func (a *API) Invoke(ctx context.Context, in events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	if in.RequestContext.HTTP.Method == "" {
		return events.APIGatewayV2HTTPResponse{}, fmt.Errorf("this is no request in API Gateway's payload format 2.0; it has version %q", in.Version)
	}
	ctx, cancel := context.WithDeadline(ctx, endOf(ctx))
	defer cancel()
	handler, err := a.portal.get(ctx)
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	return serve(ctx, handler, in)
}

// Handler is what Worker invokes; see app.InvokedWorker.
type Handler interface {
	Handle(ctx context.Context, queue string, messages []types.Message, end time.Time) (failed []string, err error)
	Tick(ctx context.Context, end time.Time) error
}

// Worker is the workers' function.
type Worker struct {
	worker *wired[Handler]
}

// NewWorker returns the function of the worker that open wires, as NewAPI does.
func NewWorker(open func(context.Context) (Handler, error)) *Worker {
	return &Worker{&wired[Handler]{open: open}}
}

// incoming is an event of a queue, or {"tick": true} from EventBridge Scheduler.
type incoming struct {
	events.SQSEvent
	Tick bool `json:"tick"`
}

// Invoke handles messages of a queue, or starts the jobs that are due. Its answer lists the messages
// that must come again; the event source must have ReportBatchItemFailures. After an error, all of
// them come again, or the scheduler repeats the tick.
func (w *Worker) Invoke(ctx context.Context, in json.RawMessage) (any, error) {
	var event incoming
	if err := json.Unmarshal(in, &event); err != nil {
		return nil, fmt.Errorf("reading the event: %w", err)
	}
	queue, messages, err := received(event.SQSEvent)
	switch {
	case err != nil:
		return nil, err
	case len(messages) == 0 && !event.Tick:
		return nil, fmt.Errorf(`the event is neither one of a queue nor {"tick": true}: %.200s`, in)
	}
	handler, err := w.worker.get(ctx)
	if err != nil {
		return nil, err
	}
	if event.Tick {
		return nil, handler.Tick(ctx, endOf(ctx))
	}
	failed, err := handler.Handle(ctx, queue, messages, endOf(ctx))
	if err != nil {
		return nil, err
	}
	return failures(failed), nil
}

// wired is what the first invocation wires. A sandbox has one invocation at a time.
type wired[T any] struct {
	open func(context.Context) (T, error)
	done bool
	it   T
}

func (w *wired[T]) get(ctx context.Context) (T, error) {
	if w.done {
		return w.it, nil
	}
	it, err := w.open(ctx)
	if err != nil {
		return it, fmt.Errorf("starting: %w", err)
	}
	w.it, w.done = it, true
	return it, nil
}
