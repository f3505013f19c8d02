package app

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/emf"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/provisioning"
	"github.com/gatehouse-portal/gatehouse/transport"
)

func (p Process) recordSweep(found provisioning.Found) {
	p.CloudWatch.Record(emf.KeysHeld, float64(found.Keys))
	p.CloudWatch.Record(emf.Drifted, float64(found.Drifted))
}

// recordAge returns nil if nobody wants metrics.
func (p Process) recordAge(m emf.Metric) func(since time.Time) {
	if p.CloudWatch == nil {
		return nil
	}
	return func(since time.Time) { p.CloudWatch.Age(m, since) }
}

// recordShown records how old each fact is once it is shown.
func (p Process) recordShown(handle transport.Handler) transport.Handler {
	if p.CloudWatch == nil {
		return handle
	}
	return func(ctx context.Context, msg events.Event) error {
		err := handle(ctx, msg)
		if _, fact := msg.Data.(events.Fact); err == nil && fact {
			p.CloudWatch.Age(emf.FactShownAfter, msg.Time)
		}
		return err
	}
}

// flushEvery is the period of a metric in CloudWatch.
const flushEvery = time.Minute

// flushEveryMinute writes metrics until ctx ends, and at its end. Then it closes the channel.
func (w *Worker) flushEveryMinute(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer w.flushMetrics()
		if w.metrics == nil {
			return
		}
		for wait(ctx, flushEvery) == nil {
			w.flushMetrics()
		}
	}()
	return done
}

func (w *Worker) flushMetrics() {
	if err := w.metrics.Flush(); err != nil {
		w.log.Warn().Err(err).Msg("metrics for CloudWatch are lost")
	}
}
