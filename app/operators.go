package app

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
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
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeHealth(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		writeHealth(w, c.dependencies(ctx, names))
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(p.Metrics, promhttp.HandlerOpts{}))
	return mux
}

// dependencies says what answers and what does not.
func (c clients) dependencies(ctx context.Context, names Names) map[string]error {
	_, tables := c.dynamodb.GetItem(ctx, &dynamodb.GetItemInput{TableName: &names.Records, Key: map[string]ddbtypes.AttributeValue{
		"pk": &ddbtypes.AttributeValueMemberS{Value: "health"}, "sk": &ddbtypes.AttributeValueMemberS{Value: "health"},
	}})
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
