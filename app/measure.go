package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-portal/gatehouse/emf"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/metrics"
	"github.com/gatehouse-portal/gatehouse/provisioning"
	"github.com/gatehouse-portal/gatehouse/transport"
)

// NewMetrics returns a registry with the metrics that every process has.
func NewMetrics(process string) *prometheus.Registry {
	return metrics.NewRegistry(metrics.Build{Process: process, Version: Version, Revision: revision()})
}

// observeCalls returns nil if nobody wants metrics, as for most commands.
func (p Process) observeCalls() func(operation, outcome string) {
	if p.Metrics == nil {
		return nil
	}
	return metrics.ControlPlane(p.Metrics)
}

func (p Process) observeRequests() func(method, route string, status int, took time.Duration) {
	if p.Metrics == nil {
		return nil
	}
	return metrics.Requests(p.Metrics)
}

// measure records what a worker finds, for Prometheus and for CloudWatch.
type measure struct {
	*metrics.Worker
	cloudWatch *emf.Recorder
	now        func() time.Time
}

func newMeasure(p Process) measure {
	return measure{metrics.NewWorker(p.Metrics, p.now()), p.CloudWatch, p.now()}
}

func (m measure) swept(found provisioning.Found) {
	m.Keys.Record(float64(found.Keys))
	m.Drifted.Record(float64(found.Drifted))
	m.cloudWatch.Record(emf.KeysHeld, float64(found.Keys))
	m.cloudWatch.Record(emf.Drifted, float64(found.Drifted))
}

func (m measure) dueSince(at time.Time) {
	m.DueRowLate.Record(m.now().Sub(at).Seconds())
	m.cloudWatch.Age(emf.DueRowLate, at)
}

func (m measure) unmeteredSince(at time.Time) {
	m.MeteringLate.Record(m.now().Sub(at).Seconds())
	m.cloudWatch.Age(emf.MeteringLate, at)
}

// shown records how old each fact is once it is shown.
func (m measure) shown(handle transport.Handler) transport.Handler {
	return func(ctx context.Context, msg events.Event) error {
		err := handle(ctx, msg)
		if _, fact := msg.Data.(events.Fact); err == nil && fact {
			m.Shown(m.now().Sub(msg.Time))
			m.cloudWatch.Age(emf.FactShownAfter, msg.Time)
		}
		return err
	}
}
