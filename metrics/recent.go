package metrics

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Recent is a gauge of what one worker out of many finds now and then. It shows the largest value that this process
// found within its window, and has no sample without one, so that a worker that has not looked lately reports nothing.
// It is safe for concurrent use.
type Recent struct {
	desc   *prometheus.Desc
	window time.Duration
	now    func() time.Time

	mu    sync.Mutex
	found []finding
}

type finding struct {
	at    time.Time
	value float64
}

func newRecent(name, help string, window time.Duration, now func() time.Time) *Recent {
	return &Recent{desc: prometheus.NewDesc(name, help, nil, nil), window: window, now: now}
}

// Record notes a value. A negative one, which clocks that differ can cause, counts as 0.
func (r *Recent) Record(value float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget()
	r.found = append(r.found, finding{r.now(), max(value, 0)})
}

func (r *Recent) forget() {
	since := r.now().Add(-r.window)
	r.found = slices.DeleteFunc(r.found, func(f finding) bool { return f.at.Before(since) })
}

// Describe implements prometheus.Collector.
func (r *Recent) Describe(descs chan<- *prometheus.Desc) { descs <- r.desc }

// Collect implements prometheus.Collector.
func (r *Recent) Collect(metrics chan<- prometheus.Metric) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget()
	if len(r.found) == 0 {
		return
	}
	largest := slices.MaxFunc(r.found, func(a, b finding) int { return cmp.Compare(a.value, b.value) })
	metrics <- prometheus.MustNewConstMetric(r.desc, prometheus.GaugeValue, largest.value)
}
