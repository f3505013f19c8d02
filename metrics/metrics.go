// Package metrics holds what portals and workers measure for Prometheus. Package transport measures messages.
// docs/metrics.md describes every metric, and deploy/prometheus/alerts.yaml watches them. Labels take few values:
// no accounts, keys or operations.
package metrics

import (
	"errors"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Build says what runs.
type Build struct {
	// Process is the program: api, worker, or gatehouse, which is both.
	Process string
	Version string
	// Revision is "" if the program was not built from a checkout.
	Revision string
}

// NewRegistry returns the metrics of the Go runtime, the process and its build.
func NewRegistry(b Build) *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	is := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "gatehouse_build_info", Help: "Always 1. The labels say which program and version runs.",
		ConstLabels: prometheus.Labels{"process": b.Process, "version": b.Version, "revision": b.Revision, "go_version": runtime.Version()},
	})
	is.Set(1)
	reg.MustRegister(is)
	return reg
}

// register returns the collector, or the equal one that the registry has: a portal and a worker of one process share
// a registry. It panics if the registry has another collector of that name.
func register[C prometheus.Collector](reg prometheus.Registerer, c C) C {
	var already prometheus.AlreadyRegisteredError
	err := reg.Register(c)
	if errors.As(err, &already) {
		if existing, ok := already.ExistingCollector.(C); ok {
			return existing
		}
	}
	if err != nil {
		panic(err)
	}
	return c
}

// callOutcomes are the outcomes of gateway.Config.Observe.
var callOutcomes = []string{"ok", "postponed", "throttled", "full", "refused", "forbidden", "not_found", "conflict", "unavailable"}

// ControlPlane returns a function that counts attempts to call API Gateway's control plane.
func ControlPlane(reg prometheus.Registerer) func(operation, outcome string) {
	calls := register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gatehouse_control_plane_calls_total", Help: "Attempts to call API Gateway's control plane, by AWS's operation and the outcome.",
	}, []string{"operation", "outcome"}))
	return func(operation, outcome string) {
		// rate() misses the first call of a series that begins at 1, so all series of an operation begin at 0.
		for _, each := range callOutcomes {
			calls.WithLabelValues(operation, each)
		}
		calls.WithLabelValues(operation, outcome).Inc()
	}
}
