// Package traces starts the spans of OpenTelemetry traces. A trace shows all that one HTTP request
// leads to: messages, facts, calls of AWS and rows, across processes and queues. Package
// traces/export sends spans to a collector; no other package uses OpenTelemetry's SDK.
//
// A Tracer begins traces, and continues those that a message names. Everything below such a span
// calls Start, which does nothing and allocates nothing if the context has no sampled span. So code
// need not know whether traces are on.
//
// Attributes never have secrets, key values, e-mail addresses, or texts that people typed.
package traces

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// scope is the name of the instrumentation scope.
const scope = "github.com/gatehouse-portal/gatehouse"

// Kind is OpenTelemetry's kind of span.
type Kind = trace.SpanKind

// The kinds of spans.
const (
	Internal = trace.SpanKindInternal
	Server   = trace.SpanKindServer
	Client   = trace.SpanKindClient
	Producer = trace.SpanKindProducer
	Consumer = trace.SpanKindConsumer
)

// Span is one step of a trace. The methods of the zero Span do nothing.
type Span struct{ span trace.Span }

// On reports whether the context has a sampled span, so that Start starts one.
func On(ctx context.Context) bool { return trace.SpanContextFromContext(ctx).IsSampled() }

// Start starts a span below the context's, named "verb object", or "verb" if there is no object. The
// caller ends it. Without a sampled span in the context it returns ctx and the zero Span.
func Start(ctx context.Context, kind Kind, verb, object string) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.SpanContext().IsSampled() {
		return ctx, Span{}
	}
	return start(ctx, parent.TracerProvider().Tracer(scope), kind, verb, object)
}

func start(ctx context.Context, tracer trace.Tracer, kind Kind, verb, object string, opts ...trace.SpanStartOption) (context.Context, Span) {
	name := verb
	if object != "" {
		name += " " + object
	}
	ctx, span := tracer.Start(ctx, name, append(opts, trace.WithSpanKind(kind))...)
	return ctx, Span{span}
}

// Set sets an attribute, unless the value is "".
func (s Span) Set(key, value string) {
	if s.span != nil && value != "" {
		s.span.SetAttributes(attribute.String(key, value))
	}
}

// SetInt sets an attribute.
func (s Span) SetInt(key string, value int) {
	if s.span != nil {
		s.span.SetAttributes(attribute.Int(key, value))
	}
}

// SetList sets an attribute, unless there are no values.
func (s Span) SetList(key string, values ...string) {
	if s.span != nil && len(values) > 0 {
		s.span.SetAttributes(attribute.StringSlice(key, values))
	}
}

// Fail marks the span as failed. kind says in a word what went wrong. It must not be an error's text,
// which may quote what somebody sent.
func (s Span) Fail(kind string) {
	if s.span != nil {
		s.span.SetAttributes(attribute.String(ErrorType, kind))
		s.span.SetStatus(codes.Error, "")
	}
}

// Rename replaces the span's name.
func (s Span) Rename(name string) {
	if s.span != nil {
		s.span.SetName(name)
	}
}

// End ends the span.
func (s Span) End() {
	if s.span != nil {
		s.span.End()
	}
}

// Tracer begins traces.
type Tracer struct{ tracer trace.Tracer }

// NewTracer returns a Tracer whose spans go to the provider.
func NewTracer(provider trace.TracerProvider) *Tracer { return &Tracer{provider.Tracer(scope)} }

// Begin starts a trace. Its first span links to the span that cause names, if it names one.
func (t *Tracer) Begin(ctx context.Context, kind Kind, verb, object string, cause Remote) (context.Context, Span) {
	opts := []trace.SpanStartOption{trace.WithNewRoot()}
	if of := cause.context(); of.IsValid() {
		opts = append(opts, trace.WithLinks(trace.Link{SpanContext: of}))
	}
	return start(ctx, t.tracer, kind, verb, object, opts...)
}

// Continue starts a span below the one that parent names. It starts a trace if parent names none.
func (t *Tracer) Continue(ctx context.Context, kind Kind, verb, object string, parent Remote) (context.Context, Span) {
	of := parent.context()
	if !of.IsValid() {
		return t.Begin(ctx, kind, verb, object, parent)
	}
	return start(trace.ContextWithRemoteSpanContext(ctx, of), t.tracer, kind, verb, object)
}
