package app

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/handlers"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/provisioning"
	"github.com/gatehouse-portal/gatehouse/transport"
)

// Process is what one process is told besides its configuration.
type Process struct {
	AWS     aws.Config
	Config  Config
	Log     zerolog.Logger
	Metrics *prometheus.Registry
	// Now is the clock; nil is the system's.
	Now func() time.Time
	// PollWait is how long a worker's poll of an idle queue lasts, and so how long an idle
	// worker takes to stop; 0 is the transport's own.
	PollWait time.Duration
}

func (p Process) now() func() time.Time {
	if p.Now != nil {
		return p.Now
	}
	return time.Now
}

// Worker decides, converges and shows.
type Worker struct {
	worker    *transport.Worker
	runner    *jobs.Runner
	messaging messaging
	log       zerolog.Logger
}

// NewWorker puts a worker together. It checks that what set-up creates is there and
// says what is missing; it creates nothing.
func NewWorker(ctx context.Context, p Process) (*Worker, error) {
	c, names, now := newClients(p.AWS), NamesFor(p.Config.Prefix), p.now()
	deriver, kmsKey, err := c.keyMaterial(ctx, p.Config)
	if err != nil {
		return nil, err
	}
	budget, err := gateway.NewBudget(c.dynamodb, gateway.BudgetConfig{Table: names.Records, Share: p.Config.QuotaShare, Now: p.Now})
	if err != nil {
		return nil, err
	}
	plane := gateway.New(c.apigateway, budget, gateway.Config{Observe: observeControlPlane(p.Metrics)})
	messages := newMessaging(c, names)
	facts := journal.New(c.dynamodb, names.Journal, names.Records)
	execute := handlers.New(handlers.Config{
		Journal: facts, Sender: messages, Now: now,
		Keys:    handlers.KeyScheme{Scheme: deriver.Scheme(), KMSKey: kmsKey},
		Catalog: catalogRequests{requests: catalog.NewRequests(c.dynamodb, names.Records), sender: messages, now: now},
	})
	converger := &provisioning.Converger{
		Journal: facts, Sender: messages, Values: deriver, Leases: plane, Now: now,
		Session: func(urgency gateway.Urgency, lease func() time.Time) provisioning.ControlPlane {
			return plane.Session(urgency, lease)
		},
		Lease:   leaseOf,
		KeyName: func(a portal.AccountID, k portal.KeyID) string { return gateway.KeyName(names.KeyNamePrefix(), a, k) },
	}
	if p.Config.Provisioning == provisioningAuto {
		converger.Bulk = gateway.NewImporter(plane, gateway.ImporterConfig{Usable: newFindings(c, names, p).Usable})
	}
	projector := projections.NewProjector(facts, c.dynamodb, projections.Tables{Views: names.Views, Records: names.Records})
	runner := jobs.NewRunner(jobs.NewRuns(c.dynamodb, names.Records), messages, now,
		jobs.Job{Name: dueJob, Every: time.Minute, Run: jobs.DueWishes{
			Records: names.Records, Tables: c.dynamodb, Journal: facts, Sender: messages, Now: now,
		}.Run},
		jobs.Job{Name: catalogJob, Every: 5 * time.Minute, Run: newCatalogReader(c, names, plane, facts, execute, messages, now).Step},
		jobs.Job{Name: sweepJob, Every: time.Hour, Run: newSweep(c, names, plane, facts, messages, projector, now).Step},
	)
	letters := deadletters.Keeper{Requests: execute, Rows: facts, Tables: c.dynamodb, Records: names.Records, Now: now}

	worker, err := transport.NewWorker(transport.WorkerConfig{
		Consumers: settling(letters, consumers(names, p.PollWait, execute, converger, projector, runner)),
		Client:    c.sqs, Queues: messages.queues, Failures: failures{letters}, Log: p.Log, Metrics: p.Metrics, Now: now,
	})
	if err != nil {
		return nil, err
	}
	return &Worker{worker: worker, runner: runner, messaging: messages, log: p.Log}, nil
}

func consumers(names Names, wait time.Duration, execute *handlers.Execute, converger *provisioning.Converger, projector *projections.Projector, runner *jobs.Runner) []transport.Consumer {
	// Most of a busy queue's messages wait: for a table, or for their share of the budget.
	busy := transport.SubscriberConfig{Pollers: 2, Concurrency: 256, WaitTime: wait}
	// What waits for the budget is made many at a time; the more wait here, the fewer calls.
	crowd := transport.SubscriberConfig{Pollers: 2, Concurrency: 512, WaitTime: wait}
	quiet := transport.SubscriberConfig{Pollers: 1, Concurrency: 10, WaitTime: wait}
	list := []transport.Consumer{
		{Name: "commands", Queue: names.Commands, Handlers: byType(execute.Handlers()), Subscriber: busy},
		{Name: "provisioning", Queue: names.Provisioning, Subscriber: crowd, Handlers: map[string]transport.Handler{
			events.ProvisionRequested{}.EventType(): converger.Handle,
		}},
		{Name: "projections", Queue: names.Projections, IgnoreUnknown: true, Handlers: everyFact(projector.Handle), Subscriber: busy},
		{Name: "jobs", Queue: names.Jobs, Subscriber: quiet, Handlers: map[string]transport.Handler{
			events.JobRequested{}.EventType(): runner.Handle,
		}},
	}
	for _, queue := range names.Queues() {
		dlq := DeadLetterQueue(queue)
		drain := transport.Drain(strings.TrimSuffix(dlq, fifoSuffix), dlq)
		drain.Subscriber = quiet
		list = append(list, drain)
	}
	return list
}

func byType(table map[string]func(context.Context, events.Event) error) map[string]transport.Handler {
	out := make(map[string]transport.Handler, len(table))
	for name, handle := range table {
		out[name] = handle
	}
	return out
}

func everyFact(handle transport.Handler) map[string]transport.Handler {
	out := map[string]transport.Handler{}
	for _, name := range events.FactTypes() {
		out[name] = handle
	}
	return out
}

// leaseOf tells until when the message is ours.
func leaseOf(ctx context.Context) time.Time {
	until, _ := transport.Lease(ctx)
	return until
}

// Run works until ctx ends, then finishes what is in flight, hands back the rest and
// returns.
func (w *Worker) Run(ctx context.Context) error {
	ticking, stop := context.WithCancel(w.log.WithContext(ctx))
	ticked := make(chan struct{})
	go func() {
		defer close(ticked)
		w.runner.Tick(ticking)
	}()
	err := w.worker.Run(ctx)
	stop()
	<-ticked
	return errors.Join(err, w.messaging.close())
}

// Running is closed once every queue is being received from.
func (w *Worker) Running() <-chan struct{} { return w.worker.Running() }
