package traces

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Remote names a span as messages and HTTP requests do: by the values of traceparent and tracestate (W3C
// Trace Context). The zero value names none, and so does a value that cannot be read.
type Remote struct{ Parent, State string }

// The names of the values in headers.
const (
	traceParent = "traceparent"
	traceState  = "tracestate"
)

// Of names the context's span, sampled or not.
func Of(ctx context.Context) Remote {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return Remote{}
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return Remote{Parent: carrier[traceParent], State: carrier[traceState]}
}

// IDs returns the ids of the context's trace and span in hexadecimal, or "" without a span.
func IDs(ctx context.Context) (traceID, spanID string) {
	of := trace.SpanContextFromContext(ctx)
	if !of.IsValid() {
		return "", ""
	}
	return of.TraceID().String(), of.SpanID().String()
}

// SameTrace reports whether r names a span of the context's trace.
func (r Remote) SameTrace(ctx context.Context) bool {
	of := r.context()
	return of.IsValid() && of.TraceID() == trace.SpanContextFromContext(ctx).TraceID()
}

// Link links the context's span to the span that r names, unless that is in the same trace. OpenTelemetry
// keeps 128 links of a span.
func Link(ctx context.Context, r Remote) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	if of := r.context(); of.IsValid() && of.TraceID() != span.SpanContext().TraceID() {
		span.AddLink(trace.Link{SpanContext: of})
	}
}

func (r Remote) context() trace.SpanContext {
	if r.Parent == "" {
		return trace.SpanContext{}
	}
	carrier := propagation.MapCarrier{traceParent: r.Parent, traceState: r.State}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
}
