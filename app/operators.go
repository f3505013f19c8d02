package app

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// NewMetrics is a registry with the process's own metrics.
func NewMetrics() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Operators is what operators see of a process: /healthz (it runs), /readyz (what it
// depends on answers) and /metrics.
func Operators(p Process) http.Handler {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	ready := &readiness{now: p.now(), check: func(ctx context.Context) map[string]error { return c.dependencies(ctx, names) }}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeHealth(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { writeHealth(w, ready.ask(r.Context())) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(p.Metrics, promhttp.HandlerOpts{}))
	return mux
}

const (
	// readyFor is how long an answer about readiness is given again, so that asking costs
	// AWS calls once a second at most, however many ask.
	readyFor = time.Second
	// readyTime bounds the look at what the process depends on.
	readyTime = 3 * time.Second
)

// readiness remembers whether the process is ready. It is safe for concurrent use.
type readiness struct {
	now   func() time.Time
	check func(context.Context) map[string]error

	mu   sync.Mutex
	at   time.Time
	last map[string]error
}

// ask is what was found within readyFor. Callers at the same time wait for one look, which
// goes on when the caller that began it leaves.
func (r *readiness) ask(ctx context.Context) map[string]error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil || r.now().Sub(r.at) >= readyFor {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTime)
		defer cancel()
		r.last = r.check(ctx)
		r.at = r.now() // not before: a look may take longer than its answer holds
	}
	return r.last
}

// dependencies says what answers and what does not.
func (c clients) dependencies(ctx context.Context, names Names) map[string]error {
	_, tables := c.dynamodb.GetItem(ctx, &dynamodb.GetItemInput{TableName: &names.Records, Key: schema.Health().Attributes()})
	_, queues := c.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(names.Commands)})
	return map[string]error{"tables": tables, "queues": queues}
}

func writeHealth(w http.ResponseWriter, checks map[string]error) {
	status, body := http.StatusOK, map[string]string{"status": "ok"}
	for name, err := range checks {
		body[name] = "ok"
		if err != nil {
			status, body["status"], body[name] = http.StatusServiceUnavailable, "unavailable", "does not answer"
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// observeControlPlane counts calls of API Gateway's control plane.
func observeControlPlane(r *prometheus.Registry) func(operation, outcome string) {
	calls := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gatehouse_control_plane_calls_total", Help: "Calls of API Gateway's control plane by operation and outcome.",
	}, []string{"operation", "outcome"})
	r.MustRegister(calls)
	return func(operation, outcome string) { calls.WithLabelValues(operation, outcome).Inc() }
}

// countWaits counts what converging leaves for later.
func countWaits(r *prometheus.Registry) func(reason events.Reason) {
	waits := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gatehouse_provisioning_waits_total", Help: "Attempts to converge that were left for later, by reason.",
	}, []string{"reason"})
	r.MustRegister(waits)
	for _, reason := range []events.Reason{events.WaitingForAWS, events.WaitingForCapacity, events.WaitingForKMS, events.WaitingForKMSKey} {
		waits.WithLabelValues(string(reason))
	}
	return func(reason events.Reason) { waits.WithLabelValues(string(reason)).Inc() }
}

// countPassedOver counts due rows that could not be handled.
func countPassedOver(r *prometheus.Registry) func(kind string) {
	rows := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gatehouse_due_rows_passed_over_total", Help: "Due rows that could not be handled, by kind.",
	}, []string{"kind"})
	r.MustRegister(rows)
	counts := map[string]prometheus.Counter{}
	for _, kind := range []due.Kind{due.Wish, due.Operation, due.IdleKey, "unknown", "unreadable"} {
		counts[string(kind)] = rows.WithLabelValues(string(kind))
	}
	return func(kind string) {
		if kind == "" {
			kind = "unreadable"
		}
		count, ok := counts[kind]
		if !ok {
			count = counts["unknown"]
		}
		count.Inc()
	}
}
