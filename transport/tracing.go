package transport

import (
	"context"
	"strconv"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/traces"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

func newParcel(ctx context.Context, to Destination) *parcel {
	ctx, span := traces.Start(ctx, traces.Producer, "send", to.String())
	system := "aws_sqs"
	if to.Topic != "" {
		system = "aws.sns"
	}
	describe(span, system, "send", to.String())
	return &parcel{to: to, ctx: ctx, span: span}
}

func describe(span traces.Span, system, operation, destination string) {
	span.Set(traces.MessagingSystem, system)
	span.Set(traces.MessagingOperation, operation)
	span.Set(traces.MessagingOperationType, operation)
	span.Set(traces.MessagingDestination, destination)
}

// traced returns the event with the trace context of ctx, unless it is a fact or has that of another trace.
func traced(ctx context.Context, ev events.Event) events.Event {
	if _, fact := ev.Fact(); fact {
		return ev
	}
	if its := remoteOf(ev); its.Parent != "" && !its.SameTrace(ctx) {
		traces.Link(ctx, its)
		return ev
	}
	if here := traces.Of(ctx); here.Parent != "" {
		ev.TraceParent, ev.TraceState = here.Parent, here.State
	}
	return ev
}

func remoteOf(ev events.Event) traces.Remote {
	return traces.Remote{Parent: ev.TraceParent, State: ev.TraceState}
}

// tracing makes a span of each handling. It continues the message's trace, so a redelivered message has
// several spans there. The span becomes a request's trace context, which handlers copy to all that they make
// from it.
func tracing(tracer *traces.Tracer) message.HandlerMiddleware {
	return func(next message.HandlerFunc) message.HandlerFunc {
		return func(msg *message.Message) ([]*message.Message, error) {
			h := handlingOf(msg.Context())
			begin := tracer.Continue
			if h.consumer.OwnTraces {
				begin = tracer.Begin
			}
			ctx, span := begin(msg.Context(), traces.Consumer, "process", h.consumer.Queue, remoteOf(h.event))
			defer span.End()
			msg.SetContext(ctx)
			if _, fact := h.event.Fact(); !fact {
				here := traces.Of(ctx)
				h.event.TraceParent, h.event.TraceState = here.Parent, here.State
			}
			out, err := next(msg)
			conclude(span, msg, h)
			return out, err
		}
	}
}

func conclude(span traces.Span, msg *message.Message, h *handling) {
	describe(span, "aws_sqs", "process", h.consumer.Queue)
	span.Set(traces.ConsumerName, h.consumer.Name)
	span.Set(traces.EventType, knownType(h))
	span.Set(traces.Outcome, string(h.outcome))
	span.Set(traces.MessageID, msg.Metadata.Get(pubsub.MessageIDKey))
	if h.readErr == nil {
		span.Set(traces.EventID, h.head.ID)
		span.Set(traces.Subject, h.head.Subject)
		span.Set(traces.OperationID, h.head.Operation)
	}
	if received, err := strconv.Atoi(msg.Metadata.Get(pubsub.ReceiveCountKey)); err == nil {
		span.SetInt(traces.Deliveries, received)
	}
	if h.outcome == failed || h.outcome == buried || h.outcome == kept {
		span.Fail(classOf(h.err))
	}
}

// knownType is "" for made-up types.
func knownType(h *handling) string {
	if name := typeLabel(h); name != "other" {
		return name
	}
	return ""
}
