package traces_test

import (
	"context"
	"strings"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gatehouse-portal/gatehouse/traces"
)

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	parent  = "00-" + traceID + "-00f067aa0ba902b7-01"
)

func recording(sampler sdk.Sampler) (*traces.Tracer, *tracetest.SpanRecorder) {
	spans := tracetest.NewSpanRecorder()
	return traces.NewTracer(sdk.NewTracerProvider(sdk.WithSampler(sampler), sdk.WithSpanProcessor(spans))), spans
}

// It is not parallel, since it counts the allocations of the whole process.
func TestNothingIsAllocatedWithoutATrace(t *testing.T) {
	ctx := context.Background()
	event := traces.Remote{Parent: parent}
	allocations := testing.AllocsPerRun(100, func() {
		ctx, span := traces.Start(ctx, traces.Producer, "send", "commands.fifo")
		span.Set(traces.MessagingSystem, "aws_sqs")
		span.SetInt(traces.MessagingCount, 3)
		span.Fail("no_answer")
		traces.Link(ctx, event)
		if traces.On(ctx) || traces.Of(ctx).Parent != "" {
			t.Error("there is a trace")
		}
		if trace, _ := traces.IDs(ctx); trace != "" {
			t.Error("there is a trace id")
		}
		span.Rename("send")
		span.End()
	})
	if allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func TestASpanContinuesTheTraceThatAMessageNames(t *testing.T) {
	t.Parallel()
	tracer, spans := recording(sdk.ParentBased(sdk.AlwaysSample()))
	ctx, process := tracer.Continue(t.Context(), traces.Consumer, "process", "commands.fifo", traces.Remote{Parent: parent, State: "vendor=1"})
	if its := traces.Of(ctx); !strings.HasPrefix(its.Parent, "00-"+traceID+"-") || its.Parent == parent || its.State != "vendor=1" {
		t.Errorf("what follows continues %+v", its)
	}
	below, send := traces.Start(ctx, traces.Producer, "send", "provisioning")
	if !(traces.Remote{Parent: parent}).SameTrace(below) {
		t.Error("the child is in another trace")
	}
	send.End()
	process.End()
	got := spans.Ended()
	if len(got) != 2 || got[0].Name() != "send provisioning" || got[1].Name() != "process commands.fifo" {
		t.Fatalf("the spans are %v", got)
	}
	if got[0].Parent().SpanID() != got[1].SpanContext().SpanID() || got[1].Parent().SpanID().String() != "00f067aa0ba902b7" {
		t.Error("the spans are not connected")
	}
}

func TestASpanOfItsOwnTraceIsLinkedToItsCause(t *testing.T) {
	t.Parallel()
	tracer, spans := recording(sdk.AlwaysSample())
	ctx, span := tracer.Begin(t.Context(), traces.Server, "GET", "", traces.Remote{Parent: parent})
	traces.Link(ctx, traces.Remote{Parent: "00-11111111111111111111111111111111-2222222222222222-01"})
	traces.Link(ctx, traces.Of(ctx))
	span.End()
	got := spans.Ended()[0]
	if got.SpanContext().TraceID().String() == traceID || got.Parent().IsValid() {
		t.Error("it continues the trace")
	}
	if links := got.Links(); len(links) != 2 || links[0].SpanContext.TraceID().String() != traceID {
		t.Errorf("the links are %v", links)
	}
}

func TestWhatNamesNoSpanBeginsATrace(t *testing.T) {
	t.Parallel()
	for name, remote := range map[string]traces.Remote{
		"nothing":   {},
		"garbage":   {Parent: "trace", State: "=,="},
		"no ids":    {Parent: "00-00000000000000000000000000000000-0000000000000000-01"},
		"too long":  {Parent: parent + strings.Repeat("0", 1000)},
		"no parent": {State: "vendor=1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracer, spans := recording(sdk.AlwaysSample())
			_, span := tracer.Continue(t.Context(), traces.Consumer, "process", "queue", remote)
			span.End()
			if got := spans.Ended()[0]; got.Parent().IsValid() || len(got.Links()) > 0 {
				t.Errorf("it has the parent %v and the links %v", got.Parent(), got.Links())
			}
		})
	}
}

func TestATraceThatIsNotSampledStaysSo(t *testing.T) {
	t.Parallel()
	tracer, spans := recording(sdk.ParentBased(sdk.NeverSample()))
	ctx, root := tracer.Begin(t.Context(), traces.Server, "GET", "", traces.Remote{})
	_, span := traces.Start(ctx, traces.Producer, "send", "queue")
	span.End()
	root.End()
	its := traces.Of(ctx)
	if !strings.HasSuffix(its.Parent, "-00") {
		t.Errorf("a message names %q", its.Parent)
	}
	if id, _ := traces.IDs(ctx); id == "" {
		t.Error("log lines have no trace id")
	}
	_, process := tracer.Continue(t.Context(), traces.Consumer, "process", "queue", its)
	process.End()
	if got := spans.Ended(); len(got) != 0 {
		t.Errorf("%d spans were recorded", len(got))
	}
}
