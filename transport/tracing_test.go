package transport

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/outputtest"
	"github.com/gatehouse-portal/gatehouse/traces"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
	"github.com/gatehouse-portal/gatehouse/transport/sqstest"
)

func tracer() (*traces.Tracer, *tracetest.SpanRecorder) {
	spans := tracetest.NewSpanRecorder()
	return traces.NewTracer(sdk.NewTracerProvider(sdk.WithSpanProcessor(spans))), spans
}

func sentEvents(t *testing.T, r *recorder) []events.Event {
	t.Helper()
	var all []events.Event
	for _, call := range r.calls {
		for _, msg := range call.msgs {
			ev, err := events.Decode(msg.Payload)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, ev)
		}
	}
	return all
}

func attribute(span sdk.ReadOnlySpan, name string) string {
	for _, pair := range span.Attributes() {
		if string(pair.Key) == name {
			return pair.Value.String()
		}
	}
	return ""
}

const otherTrace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestRequestsNameTheSpanThatSendsThemAndFactsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	tracer, spans := tracer()
	ctx, root := tracer.Begin(t.Context(), traces.Server, "PUT", "", traces.Remote{})
	its := traces.Of(ctx)
	fromHere := event("2", "account/a", events.ProvisionRequested{})
	fromHere.TraceParent = its.Parent
	replayed := event("3", "account/a", events.RegisterUser{})
	replayed.TraceParent, replayed.TraceState = otherTrace, "vendor=1"
	fact := event("4", "account/a", events.UserRegistered{})
	fact.TraceParent, fact.Sequence = its.Parent, 1
	queues, topics := &recorder{}, &recorder{}
	err := NewSender(queues, topics, routes).Send(ctx, event("1", "account/a", events.RegisterUser{}), fromHere, replayed, fact)
	if err != nil {
		t.Fatal(err)
	}
	root.End()
	span := map[string]sdk.ReadOnlySpan{}
	for _, s := range spans.Ended() {
		span[s.Name()] = s
	}
	if len(span) != 4 {
		t.Fatalf("the spans are %v", span)
	}
	parents := map[string]string{
		"1": traceparent(span["send commands.fifo"]), "2": traceparent(span["send provisioning"]), "3": otherTrace, "4": its.Parent,
	}
	for _, ev := range append(sentEvents(t, queues), sentEvents(t, topics)...) {
		if ev.TraceParent != parents[ev.ID] {
			t.Errorf("message %s names %s, want %s", ev.ID, ev.TraceParent, parents[ev.ID])
		}
	}
	commands := span["send commands.fifo"]
	if links := commands.Links(); len(links) != 1 || !strings.Contains(otherTrace, links[0].SpanContext.TraceID().String()) {
		t.Errorf("the links are %v", links)
	}
	if attribute(commands, traces.MessagingCount) != "2" || attribute(commands, traces.MessagingSystem) != "aws_sqs" ||
		attribute(span["send events.fifo"], traces.MessagingSystem) != "aws.sns" {
		t.Errorf("the attributes are %v", commands.Attributes())
	}
}

func traceparent(span sdk.ReadOnlySpan) string {
	return "00-" + span.SpanContext().TraceID().String() + "-" + span.SpanContext().SpanID().String() + "-01"
}

func TestMessagesThatCannotBeSentFailTheirSpan(t *testing.T) {
	t.Parallel()
	tracer, spans := tracer()
	ctx, root := tracer.Begin(t.Context(), traces.Server, "PUT", "", traces.Remote{})
	queues := &recorder{err: errors.New("no answer")}
	if err := NewSender(queues, nil, routes).Send(ctx, event("1", "account/a", events.RegisterUser{})); err == nil {
		t.Error("it was sent")
	}
	if err := NewSender(queues, nil, routes).Send(ctx, event("1", "account/a", events.RegisterUser{}), event("2", "catalog", events.CatalogSyncRequested{})); err == nil {
		t.Error("it was sent")
	}
	root.End()
	ended := spans.Ended()
	if len(ended) != 3 || attribute(ended[0], traces.ErrorType) != "not_sent" {
		t.Errorf("the spans are %v", ended)
	}
}

// It is not parallel, since it counts the allocations of the whole process.
func TestSendingWithoutATraceAllocatesNothingForTraces(t *testing.T) {
	ctx, ev := context.Background(), event("1", "account/a", events.RegisterUser{})
	allocations := testing.AllocsPerRun(100, func() {
		if sent := traced(ctx, ev); sent.TraceParent != "" {
			t.Error("it names a span")
		}
		ctx, span := traces.Start(ctx, traces.Producer, "send", "commands.fifo")
		describe(span, "aws_sqs", "send", "commands.fifo")
		if ctx != context.Background() {
			t.Error("there is a span")
		}
		span.End()
	})
	if allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func TestARedeliveredMessageHasTwoSpansInItsTrace(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	commands, provisioning := c.Queue("commands.fifo"), c.Queue("provisioning")
	tracer, spans := tracer()
	var lines outputtest.Buffer
	var tries atomic.Int32
	got := make(chan events.Event, 1)
	work(t, c, WorkerConfig{
		Failures: &ledger{}, Tracer: tracer, Log: zerolog.New(&lines),
		Consumers: []Consumer{
			{Name: "deciding", Queue: commands, Subscriber: pubsub.SubscriberConfig{Backoff: func(int) time.Duration { return 0 }}, Handlers: map[string]Handler{
				registerType: func(ctx context.Context, ev events.Event) error {
					if tries.Add(1) == 1 {
						return errors.New("first try")
					}
					return c.sender().Send(ctx, events.Event{
						ID: "p1", Source: ev.Source, Subject: ev.Subject, Time: ev.Time, TraceParent: ev.TraceParent, Data: events.ProvisionRequested{},
					})
				},
			}},
			{Name: "converging", Queue: provisioning, Handlers: map[string]Handler{
				events.ProvisionRequested{}.EventType(): func(_ context.Context, ev events.Event) error {
					got <- ev
					return nil
				},
			}},
		},
	})
	request := event("r1", "account/a", events.RegisterUser{})
	request.TraceParent = otherTrace
	if err := c.sender().Send(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	sqstest.Next(t, got)
	sqstest.Eventually(t, "all spans have ended", func() bool { return len(spans.Ended()) == 4 })
	var names []string
	byID := map[string]sdk.ReadOnlySpan{}
	for _, span := range spans.Ended() {
		names = append(names, span.Name()+" "+attribute(span, traces.Outcome)+" "+attribute(span, traces.Deliveries))
		byID[span.SpanContext().SpanID().String()] = span
		if !strings.Contains(otherTrace, span.SpanContext().TraceID().String()) {
			t.Errorf("%s is in another trace", span.Name())
		}
	}
	slices.Sort(names)
	want := []string{"process commands.fifo failed 1", "process commands.fifo handled 2", "process provisioning handled 1", "send provisioning  "}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("the spans (-want +got):\n%s", diff)
	}
	for _, span := range byID {
		if span.Name() == "process provisioning" && byID[span.Parent().SpanID().String()].Name() != "send provisioning" {
			t.Error("the second message does not follow from its sending")
		}
	}
	if !strings.Contains(lines.String(), `"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"`) {
		t.Errorf("the log lacks the trace: %s", lines.String())
	}
}

func TestFactsReachHandlersAsTheJournalHasThem(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	commands := c.Queue("commands.fifo")
	tracer, spans := tracer()
	got := make(chan events.Event, 2)
	take := func(_ context.Context, ev events.Event) error {
		got <- ev
		return nil
	}
	work(t, c, WorkerConfig{Failures: &ledger{}, Tracer: tracer, Consumers: []Consumer{{
		Name: "showing", Queue: commands, OwnTraces: true, Handlers: map[string]Handler{events.UserRegistered{}.EventType(): take},
	}}})
	fact := event("f1", "account/a", events.UserRegistered{})
	fact.Sequence, fact.TraceParent = 1, otherTrace
	toQueue := func(events.Event) (Destination, error) { return Destination{Queue: commands, FIFO: true}, nil }
	if err := NewSender(c.publisher, nil, toQueue).Send(t.Context(), fact); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fact, sqstest.Next(t, got)); diff != "" {
		t.Errorf("the fact changed (-want +got):\n%s", diff)
	}
	sqstest.Eventually(t, "the span has ended", func() bool { return len(spans.Ended()) == 1 })
	span := spans.Ended()[0]
	if links := span.Links(); len(links) != 1 || strings.Contains(otherTrace, span.SpanContext().TraceID().String()) ||
		!strings.Contains(otherTrace, links[0].SpanContext.TraceID().String()) {
		t.Errorf("its trace is not its own, linked to the sender's: %v", span.Links())
	}
}

func TestMadeUpTypesAndUnreadableTextsAreNoAttributes(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a made-up type": `{"specversion":"1.0","id":"x1","source":"/x","type":"ada@example.com","subject":"account/a","time":"2026-01-01T00:00:00Z","data":{}}`,
		"unreadable":     `{"specversion":"9","id":"ada@example.com","type":"x","subject":"ada@example.com","operationid":"ada@example.com"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startCloud(t)
			commands := c.Queue("commands.fifo")
			tracer, spans := tracer()
			work(t, c, WorkerConfig{Failures: &ledger{}, Tracer: tracer, Consumers: []Consumer{{
				Name: "deciding", Queue: commands, Handlers: map[string]Handler{registerType: func(context.Context, events.Event) error { return nil }},
			}}})
			msg := message.NewMessage("x1", []byte(body))
			msg.Metadata.Set(pubsub.GroupID, "x")
			msg.Metadata.Set(pubsub.DeduplicationID, "x")
			if err := c.publisher.Publish(commands, msg); err != nil {
				t.Fatal(err)
			}
			sqstest.Eventually(t, "the span has ended", func() bool { return len(spans.Ended()) == 1 })
			span := spans.Ended()[0]
			if attribute(span, traces.Outcome) != "buried" || attribute(span, traces.ErrorType) == "" {
				t.Errorf("the attributes are %v", span.Attributes())
			}
			for _, pair := range span.Attributes() {
				if strings.Contains(pair.Value.String(), "ada@") {
					t.Errorf("%s is %s", pair.Key, pair.Value.String())
				}
			}
		})
	}
}
