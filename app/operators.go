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
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gatehouse-portal/gatehouse/metrics"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Operators serves /healthz (the process runs), /readyz (DynamoDB and SQS answer) and /metrics, and profiles of the
// process if Config.PProf asks for them.
func Operators(p Process) http.Handler {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	ready := &readiness{now: p.now(), check: func(ctx context.Context) map[string]error { return c.dependencies(ctx, names) }}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeHealth(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { writeHealth(w, ready.ask(r.Context())) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(prometheus.Gatherers{p.Metrics, metrics.Readiness(ready.ask)}, promhttp.HandlerOpts{}))
	if p.Config.PProf == PProfOn {
		serveProfiles(mux)
	}
	return mux
}

const (
	// readyFor is how long a result of /readyz is reused, so that it calls AWS at most once a
	// second.
	readyFor  = time.Second
	readyTime = 3 * time.Second
)

type readiness struct {
	now   func() time.Time
	check func(context.Context) map[string]error

	mu   sync.Mutex
	at   time.Time
	last map[string]error
}

// ask returns a result that is at most readyFor old. Concurrent callers share one check, which
// outlives the caller that started it.
func (r *readiness) ask(ctx context.Context) map[string]error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil || r.now().Sub(r.at) >= readyFor {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTime)
		defer cancel()
		r.last = r.check(ctx)
		r.at = r.now() // not before, since a check may take longer than readyFor
	}
	return r.last
}

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
