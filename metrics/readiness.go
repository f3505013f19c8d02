package metrics

import (
	"context"
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Readiness returns metrics of what a process depends on. Each scrape asks check, which must return within a few seconds;
// its result has an entry for each dependency, nil if that answers.
func Readiness(check func(context.Context) map[string]error) prometheus.Gatherer {
	reg := prometheus.NewRegistry()
	reg.MustRegister(readiness{check})
	return reg
}

type readiness struct {
	check func(context.Context) map[string]error
}

var readinessDesc = prometheus.NewDesc("gatehouse_dependency_up", "1 if the process's tables or queues answer, 0 if not, as in /readyz.", []string{"dependency"}, nil)

func (r readiness) Describe(descs chan<- *prometheus.Desc) { descs <- readinessDesc }

func (r readiness) Collect(out chan<- prometheus.Metric) {
	found := r.check(context.Background())
	for _, name := range slices.Sorted(maps.Keys(found)) {
		up := 0.0
		if found[name] == nil {
			up = 1
		}
		out <- prometheus.MustNewConstMetric(readinessDesc, prometheus.GaugeValue, up, name)
	}
}
