// Package export sends the spans of package traces to a collector, by OTLP over HTTP. Spans wait in a
// bounded queue in memory and leave it in the background. If the queue is full or the collector
// does not take them, they are lost: exporting never delays or fails anything else.
package export

import (
	"cmp"
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/gatehouse-portal/gatehouse/traces"
)

// Exporter exports the spans of its Tracer. A nil Exporter exports nothing.
type Exporter struct {
	provider *sdk.TracerProvider
	tracer   *traces.Tracer
	client   *client
	log      zerolog.Logger

	mu sync.Mutex
	// failedAt is when the last request or flush failed, and zero if the last request did not.
	failedAt time.Time
	loggedAt time.Time
	lost     int
}

// New starts the exporter of a process, or returns nil if the settings are off. service is the process's name
// unless the settings have one. An error is for people.
func New(s Settings, service, version string, log zerolog.Logger) (*Exporter, error) {
	if !s.On() {
		return nil, nil
	}
	e := &Exporter{log: log}
	var err error
	if e.client, err = newClient(s, e.sent); err != nil {
		return nil, err
	}
	spans, err := otlptrace.New(context.Background(), e.client)
	if err != nil {
		return nil, err
	}
	e.provider = sdk.NewTracerProvider(
		sdk.WithResource(s.describes(service, version)), sdk.WithSampler(samplers[s.Sampler](s.Ratio)), sdk.WithBatcher(spans),
	)
	e.tracer = traces.NewTracer(e.provider)
	return e, nil
}

// describes the process, by OpenTelemetry's semantic conventions.
func (s Settings) describes(service, version string) *resource.Resource {
	attributes := map[string]string{
		"service.name": service, "service.version": version, "service.instance.id": rand.Text(),
	}
	for name, value := range s.Resource {
		attributes[name] = value
	}
	attributes["service.name"] = cmp.Or(s.Service, attributes["service.name"])
	var all []attribute.KeyValue
	for name, value := range attributes {
		all = append(all, attribute.String(name, value))
	}
	return resource.NewSchemaless(all...)
}

// Tracer returns the tracer, or nil if traces are off.
func (e *Exporter) Tracer() *traces.Tracer {
	if e == nil {
		return nil
	}
	return e.tracer
}

const (
	// flushTime bounds a flush. A collector beside the process answers in milliseconds.
	flushTime = time.Second
	// restTime is how long no flush waits for a collector that failed.
	restTime = 30 * time.Second
	logEvery = time.Minute
)

// Flush sends the spans that have ended, and waits for that for a second at most. It waits for nothing if the
// collector failed less than 30 seconds ago.
func (e *Exporter) Flush(ctx context.Context) {
	if e == nil || e.rests() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	if e.provider.ForceFlush(ctx) != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.failedAt = time.Now()
	}
}

func (e *Exporter) rests() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.failedAt.IsZero() && time.Since(e.failedAt) < restTime
}

// Close sends the spans that have ended, and ends the work in the background, at the latest when ctx ends.
// Spans that end later are lost.
func (e *Exporter) Close(ctx context.Context) {
	if e == nil {
		return
	}
	defer context.AfterFunc(ctx, e.client.end)()
	_ = e.provider.Shutdown(ctx) // an error is the end of ctx
	e.client.end()
}

// sent notes what came of a request. It logs at most once a minute.
func (e *Exporter) sent(spans int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err == nil {
		e.failedAt = time.Time{}
		return
	}
	e.failedAt = time.Now()
	e.lost += spans
	if time.Since(e.loggedAt) >= logEvery {
		e.log.Warn().Err(err).Int("spans", e.lost).Msg("spans are lost: the collector of traces refuses them or does not answer; check OTEL_EXPORTER_OTLP_ENDPOINT")
		e.loggedAt, e.lost = e.failedAt, 0
	}
}
