package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/trail"
)

// Worker measures what a worker does besides handling messages. It is safe for concurrent use.
type Worker struct {
	// Keys and Drifted are of the last sweep: the API keys that API Gateway holds, and the accounts that differed
	// there.
	Keys, Drifted *Recent
	// DueRowLate and MeteringLate are how late the oldest due row is, and the oldest usage that AWS Marketplace has
	// not taken, in seconds.
	DueRowLate, MeteringLate *Recent

	waits, passedOver, syncs, changes *prometheus.CounterVec
	lag                               prometheus.Histogram
	jobEnded, jobPeriod               *prometheus.GaugeVec
}

// jobLabel is not job, because Prometheus gives its own label of that name to every series.
const jobLabel = "job_name"

// How long a worker reports what it has found: a little longer than until a worker, perhaps another one, looks again.
const (
	dueEvery      = 2 * time.Minute
	meteringEvery = 20 * time.Minute
	sweepEvery    = 65 * time.Minute
)

// NewWorker registers the metrics of a worker.
func NewWorker(reg prometheus.Registerer, now func() time.Time) *Worker {
	counter := func(name, help, label string) *prometheus.CounterVec {
		return register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label}))
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{jobLabel}))
	}
	recent := func(name, help string, every time.Duration) *Recent {
		return register(reg, newRecent(name, help, every, now))
	}
	w := &Worker{
		Keys: recent("gatehouse_api_keys",
			"API keys that API Gateway holds in this AWS account and Region, of at most 10,000, as of the last sweep.", sweepEvery),
		Drifted:      recent("gatehouse_drifted_accounts", "Accounts that differed in API Gateway from the journal, as of the last sweep.", sweepEvery),
		DueRowLate:   recent("gatehouse_due_row_late_seconds", "How long ago the oldest row that waits for the job due fell due.", dueEvery),
		MeteringLate: recent("gatehouse_metering_late_seconds", "Age of the oldest usage that AWS Marketplace has not taken yet.", meteringEvery),

		waits:      counter("gatehouse_provisioning_waits_total", "Attempts to make API Gateway match the journal that were left for later, by reason.", "reason"),
		passedOver: counter("gatehouse_due_rows_passed_over_total", "Due rows that could not be handled, by kind, each time that one was found.", "kind"),
		syncs:      counter("gatehouse_catalog_syncs_total", "Requests to read the catalog, by whether its source could be read.", "outcome"),
		changes:    counter("gatehouse_trail_events_total", "Events about calls to API Gateway, by what became of them.", "outcome"),
		lag: register(reg, prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gatehouse_projection_lag_seconds", Help: "Time from the decision that a fact records until the views show it.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800},
		})),
		jobEnded:  gauge("gatehouse_job_last_success_timestamp_seconds", "When the job's last run ended, as Unix time; 0 if none has."),
		jobPeriod: gauge("gatehouse_job_period_seconds", "How often the job runs."),
	}
	w.beginAtZero()
	return w
}

// beginAtZero makes every series exist from the start, since a series that begins at 1 does not count as an increase.
func (w *Worker) beginAtZero() {
	for _, reason := range []events.Reason{events.WaitingForAWS, events.WaitingForCapacity, events.WaitingForKMS, events.WaitingForKMSKey} {
		w.waits.WithLabelValues(string(reason))
	}
	for _, kind := range append(due.Kinds(), unknownKind, unreadableKind) {
		w.passedOver.WithLabelValues(string(kind))
	}
	for _, outcome := range []string{"ok", "failed"} {
		w.syncs.WithLabelValues(outcome)
	}
	for _, outcome := range trail.Outcomes() {
		w.changes.WithLabelValues(string(outcome))
	}
}

// Waits counts an attempt to converge that was left for later.
func (w *Worker) Waits(reason events.Reason) { w.waits.WithLabelValues(string(reason)).Inc() }

const (
	unknownKind    due.Kind = "unknown"
	unreadableKind due.Kind = "unreadable"
)

// PassedOver counts a due row that could not be handled. kind is "" if the row could not be decoded.
func (w *Worker) PassedOver(kind string) {
	is := due.Kind(kind)
	switch {
	case kind == "":
		is = unreadableKind
	case !due.Known(is):
		is = unknownKind
	}
	w.passedOver.WithLabelValues(string(is)).Inc()
}

// CatalogSync counts a request to read the catalog.
func (w *Worker) CatalogSync(failed bool) {
	outcome := "ok"
	if failed {
		outcome = "failed"
	}
	w.syncs.WithLabelValues(outcome).Inc()
}

// TrailEvent counts an event about a call to API Gateway.
func (w *Worker) TrailEvent(outcome trail.Outcome) {
	w.changes.WithLabelValues(string(outcome)).Inc()
}

// Shown notes how long after its decision a fact is in the views. A negative time, which clocks that differ can cause,
// counts as 0.
func (w *Worker) Shown(after time.Duration) { w.lag.Observe(max(after, 0).Seconds()) }

// Job announces a job that runs once in a period.
func (w *Worker) Job(name string, every time.Duration) {
	w.jobPeriod.WithLabelValues(name).Set(every.Seconds())
}

// JobEnded notes when the job's last run ended; the zero time is for a job that never ended.
func (w *Worker) JobEnded(job string, at time.Time) {
	seconds := 0.0
	if !at.IsZero() {
		seconds = float64(at.UnixMilli()) / 1000
	}
	w.jobEnded.WithLabelValues(job).Set(seconds)
}
