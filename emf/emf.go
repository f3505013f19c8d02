// Package emf writes metrics for Amazon CloudWatch in its embedded metric format: lines of JSON in the
// log, from which CloudWatch Logs makes metrics
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
// CloudWatch bills each metric, so there are few.
package emf

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// Metric is the name of a metric in CloudWatch.
type Metric string

// The metrics. docs/metrics.md explains them. The operations stack counts five more from other lines of the
// log. The first ten metrics of an AWS account are free.
const (
	// KeysHeld is how many API keys of the portal API Gateway holds, as of the last sweep.
	KeysHeld Metric = "KeysHeld"
	// Drifted is how many accounts the last sweep found different in API Gateway.
	Drifted Metric = "Drifted"
	// DueRowLate is how late the oldest due row is, in seconds.
	DueRowLate Metric = "DueRowLate"
	// FactShownAfter is how long after it was decided a fact is shown, in seconds.
	FactShownAfter Metric = "FactShownAfter"
	// MeteringLate is the age of the oldest usage that AWS Marketplace has not taken yet, in seconds.
	MeteringLate Metric = "MeteringLate"
)

var units = map[Metric]string{KeysHeld: "Count", Drifted: "Count", DueRowLate: "Seconds", FactShownAfter: "Seconds", MeteringLate: "Seconds"}

// All returns every metric, sorted.
func All() []Metric { return slices.Sorted(maps.Keys(units)) }

// Process is the dimension of every metric: the program that wrote it.
const Process = "Process"

// Recorder keeps the largest value of each metric since the last Flush. It is safe for concurrent use. A nil
// Recorder does nothing.
type Recorder struct {
	namespace, process string
	out                io.Writer
	now                func() time.Time

	mu     sync.Mutex
	values map[Metric]float64
}

// Namespace returns the namespace of a portal's metrics. prefix is that of the portal's names in AWS.
func Namespace(prefix string) string { return "Gatehouse/" + prefix }

// New returns a Recorder that writes lines to out.
func New(prefix, process string, out io.Writer, now func() time.Time) *Recorder {
	return &Recorder{namespace: Namespace(prefix), process: process, out: out, now: now, values: map[Metric]float64{}}
}

// Record keeps the value if it is the largest of its metric since the last Flush. A negative value, which clocks
// that differ can cause, counts as 0.
func (r *Recorder) Record(m Metric, value float64) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.values[m] = max(value, r.values[m])
}

// Age records the seconds since a time.
func (r *Recorder) Age(m Metric, since time.Time) {
	if r != nil {
		r.Record(m, r.now().Sub(since).Seconds())
	}
}

type metadata struct {
	Timestamp         int64
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []definition
}

type definition struct{ Name, Unit string }

// Flush writes a line with the values that were noted since the last one, if there are any.
func (r *Recorder) Flush() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	values := r.values
	r.values = map[Metric]float64{}
	r.mu.Unlock()
	if len(values) == 0 {
		return nil
	}
	of := directive{Namespace: r.namespace, Dimensions: [][]string{{Process}}}
	line := map[string]any{Process: r.process}
	for _, m := range slices.Sorted(maps.Keys(values)) {
		of.Metrics = append(of.Metrics, definition{string(m), units[m]})
		line[string(m)] = values[m]
	}
	line["_aws"] = metadata{r.now().UnixMilli(), []directive{of}}
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("writing metrics: %w", err)
	}
	if _, err := r.out.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("writing metrics: %w", err)
	}
	return nil
}
