package app

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/adoptions"
	"github.com/gatehouse-portal/gatehouse/alarms"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/emf"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/gateway/keyimport"
	"github.com/gatehouse-portal/gatehouse/handlers"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/leases"
	"github.com/gatehouse-portal/gatehouse/marketplace/intake"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/marketplace/reconcile"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/provisioning"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/traces/export"
	"github.com/gatehouse-portal/gatehouse/trail"
	"github.com/gatehouse-portal/gatehouse/transport"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
	"github.com/gatehouse-portal/gatehouse/usage"
)

// Process is what a process needs at start.
type Process struct {
	AWS     aws.Config
	Config  Config
	Log     zerolog.Logger
	Metrics *prometheus.Registry
	// CloudWatch gets the metrics for Amazon CloudWatch; nil is for none.
	CloudWatch *emf.Recorder
	// Traces exports traces; nil is for none.
	Traces *export.Exporter
	Now    func() time.Time
	// Operators are channels for alarms beside those of the configuration.
	Operators []alarms.Channel
	// Around wraps the handler of each type of message; nil is for none. `gatehouse local` breaks handlers with it.
	Around func(messageType string, handle transport.Handler) transport.Handler
	// PollWait is how long a poll of an idle queue lasts, and so how long an idle worker takes
	// to stop; 0 is the transport's default.
	PollWait time.Duration
	// StopTime bounds how long a worker takes to stop, even if AWS does not answer; 0 is 24
	// seconds. Orchestrators kill a process after 30 by default.
	StopTime time.Duration
}

// stopTime is the default of Process.StopTime. Its last sendTime is for sending the worker's own
// messages.
const (
	stopTime = 24 * time.Second
	sendTime = 2 * time.Second
)

func (p Process) stopTime() time.Duration { return cmp.Or(p.StopTime, stopTime) }

func (p Process) now() func() time.Time {
	if p.Now != nil {
		return p.Now
	}
	return time.Now
}

// Worker runs the consumers and the jobs, and empties the dead-letter queues of SQS.
type Worker struct {
	transport transport.WorkerConfig
	worker    *transport.Worker
	plane     *gateway.ControlPlane
	runner    *jobs.Runner
	messaging messaging
	log       zerolog.Logger
	stopTime  time.Duration
	metrics   *emf.Recorder
}

// NewWorker wires a worker. It creates nothing in AWS. It fails if the KMS key or what set-up
// remembers of it is missing, or if they do not match.
func NewWorker(ctx context.Context, p Process) (*Worker, error) {
	w, err := assembleWorker(ctx, p)
	if err != nil {
		return nil, err
	}
	w.worker, err = transport.NewWorker(w.transport)
	return w, err
}

func assembleWorker(ctx context.Context, p Process) (*Worker, error) {
	p.AWS = p.tracedAWS()
	c, names, now := newClients(p.AWS), p.Config.Names(), p.now()
	deriver, kmsKey, err := c.keyMaterial(ctx, p.Config)
	if err != nil {
		return nil, err
	}
	plane, err := newControlPlane(c, names, p)
	if err != nil {
		return nil, err
	}
	measured := newMeasure(p)
	messages := newMessaging(c, names)
	facts := journal.New(c.dynamodb, names.Journal, names.Records)
	reader := accounts.NewReader(facts, c.dynamodb, names.Records, now)
	writer := accounts.Writer{Journal: facts, Reader: reader}
	documents := catalog.NewStore(c.dynamodb, names.Records)
	tables := projections.Tables{Views: names.Views, Records: names.Records}

	mails, err := newMailSender(c, names, p)
	if err != nil {
		return nil, err
	}
	told, people := notices.NewStore(c.dynamodb, names.Records), members.NewStore(c.dynamodb, names.Records, now)
	notifier := &notices.Notifier{Accounts: reader, Store: told, Sender: messages, Now: now, Mail: mails != nil, Licences: facts}
	deliverer := &notices.Deliverer{
		Store: told, Notifier: notifier, Sender: messages, Now: now, Mail: mails,
		Invitations: people,
		Webhooks:    &notices.WebhookSender{Secrets: deriver, Outbound: webhookHosts(p), BaseURL: strings.TrimSuffix(p.Config.BaseURL, "/")},
	}
	refused := &refusals{facts: facts, documents: documents, now: now}
	execute := handlers.New(handlers.Config{
		Journal: writer, Accounts: reader, Sender: messages, Now: now,
		Keys:    handlers.KeyScheme{Scheme: deriver.Scheme(), KMSKey: kmsKey},
		Limits:  handlers.Limits{PlansPerKey: p.Config.PlansPerKey},
		Rings:   handlers.Rings{PerPlan: p.Config.Keys == KeysPerPlan, Keys: p.Config.KeysPerRing},
		Catalog: catalogRequests{requests: catalog.NewRequests(c.dynamodb, names.Records), sender: messages, now: now},
		Refusal: refused.refusal, ApproveRegistrations: p.Config.Registration == RegistrationApproval,
		Promoted: people.PromotedNow, Entitled: entitlements{seller: newSeller(p), catalog: refused.document}.of,
		AdoptedBy: adoptions.NewStore(c.dynamodb, names.Records, now).Owner,
	})
	collector := newCollector(c, names, plane, facts, reader, messages, now)
	converger := &provisioning.Converger{
		Journal: writer, Accounts: reader, Sender: messages, Values: deriver, Now: now,
		AccountLeases: leases.New(c.dynamodb, leases.Config{Table: names.Records, Now: p.Now}),
		Erase:         newErasure(c, names, people).Erase,
		Usage:         collector, KeepIdleKeys: p.Config.IdleKeys, KeepEndedKeys: p.Config.KeepEndedKeys, CarryUsage: p.Config.RotationCarriesUsage,
		Waits: measured.Waits,
		Session: func(urgency gateway.Urgency, lease func() time.Time) provisioning.ControlPlane {
			return plane.Session(urgency, lease)
		},
		MessageLease: leaseOf,
		KeyName:      func(a portal.AccountID, k portal.KeyID) string { return gateway.KeyName(names.KeyNamePrefix(), a, k) },
	}
	if p.Config.Provisioning == ProvisioningAuto {
		converger.Bulk = keyimport.New(plane, keyimport.Config{Usable: newFindings(c, names, p).Usable})
	}
	offered, err := newCatalogReader(c, names, p.Config, plane, facts, execute, messages, measured.CatalogSync, now)
	if err != nil {
		return nil, err
	}
	projector := projections.NewProjector(facts, reader, c.dynamodb, tables)
	sweep := newSweep(c, names, plane, facts, reader, messages, projector, notifier, now)
	sweep.Swept = measured.swept
	views := projections.NewViews(c.dynamodb, tables, documents)
	meter := newMeter(p, c, names, facts, reader, views, collector, refused)
	meter.Oldest = measured.unmeteredSince
	rows := jobs.DueRows{
		Records: names.Records, Tables: c.dynamodb, Accounts: reader, Journal: facts, Rows: facts, Sender: messages, Now: now,
		PassedOver: measured.PassedOver, Oldest: measured.dueSince, Deliveries: deliverer,
		AdminItems: newAdminTeller(c, names, notifier, people, now), Elsewhere: map[due.Kind]string{due.Metering: lastUsageJob},
		Operations: operations.New(operations.Config{
			Tables: c.dynamodb, Records: names.Records, Sender: messages, Now: now, Source: "/gatehouse/jobs",
			Views: views,
		}),
	}
	lastUsage := rows
	lastUsage.Only, lastUsage.Elsewhere, lastUsage.Metering, lastUsage.Oldest = due.Metering, nil, meter, nil
	repeated := []jobs.Job{
		{Name: dueJob, Every: time.Minute, Run: rows.Run},
		{Name: lastUsageJob, Every: metering.Every, Run: lastUsage.Run},
		{Name: catalogJob, Every: 5 * time.Minute, Run: offered.Step},
		{Name: sweepJob, Every: time.Hour, Run: sweep.Step},
		{Name: deprecationsJob, Every: notices.DeprecationsEvery, Run: newDeprecations(c, tables, views, notifier, now).Step},
		{Name: usageJob, Every: usage.Every, Run: collector.Step},
		{Name: meteringJob, Every: metering.Every, Demanded: metering.Demanded, Run: meter.Step},
		{
			Name: rebuildJob, Every: time.Minute, Demanded: projections.Demanded,
			Run: newRebuild(c, names, facts, projector, now).Step,
		},
	}
	repeated = append(repeated, jobs.Job{Name: lettersJob, Every: 5 * time.Minute, Run: administration.LetterJob{
		Orders:  administration.NewLetterOrders(c.dynamodb, names.Records, people, now),
		Letters: deadletters.Admin{Tables: c.dynamodb, Records: names.Records, Sender: messages, Now: now},
		Now:     now, Wait: wait,
	}.Step})
	repeated = append(repeated, jobs.Job{Name: resendJob, Every: 5 * time.Minute, Run: administration.ResendJob{
		Orders: administration.NewResendOrders(c.dynamodb, names.Records, people, now), Meter: meter, Now: now,
	}.Step})
	late := &lateFacts{rows: records.New(c.dynamodb, names.Records), now: now, shown: projector.Checkpoint}
	watched, err := newAlarms(p, c, names, late)
	if err != nil {
		return nil, err
	}
	repeated = append(repeated, jobs.Job{Name: alarmsJob, Every: alarms.Every, Run: alarms.Watch{
		Store: alarms.NewStore(c.dynamodb, names.Records), Alarms: watched, Now: now,
		Channels: operatorsChannels(c, p, deriver, kmsKey), BaseURL: strings.TrimSuffix(p.Config.BaseURL, "/"),
	}.Step})
	arriving := intake.Intake{Allowed: p.Config.MarketplaceOrigins(), Sender: messages, Now: now}
	if len(p.Config.MarketplaceAccounts)+len(p.Config.MarketplaceTopics) > 0 {
		repeated = append(repeated, jobs.Job{Name: marketplaceJob, Every: reconcile.Every, Run: newReconciler(p, c, names, facts, messages, views).Step})
	}
	if len(p.Config.MarketplaceAccounts) > 0 {
		arriving.Demand = reconciliation
	}
	changed := newTrailIntake(c, names, facts, tables, refused, messages, measured, now)
	runner := jobs.NewRunner(jobs.NewRuns(c.dynamodb, names.Records), messages, now, repeated...)
	runner.Ended = measured.JobEnded
	for _, job := range repeated {
		measured.Job(job.Name, job.Every)
	}
	letters := deadletters.Recorder{Requests: execute, Rows: facts, Tables: c.dynamodb, Records: names.Records, Now: now}

	return &Worker{
		transport: transport.WorkerConfig{
			Consumers: settling(letters, consumers(names, p, execute, converger, measured.shown(late.noting(projector.Handle)), runner, notifier, deliverer, arriving, changed)),
			Client:    c.sqs, Queues: messages.queues, Failures: failures{letters}, Log: p.Log, Metrics: p.Metrics, Now: now,
			Tracer: p.Traces.Tracer(),
		},
		plane: plane, runner: runner, messaging: messages, log: p.Log, stopTime: p.stopTime(), metrics: p.CloudWatch,
	}, nil
}

// noticeLease is the lease of a notice. Passing one on takes milliseconds, so another worker can soon take over those
// of a worker that was killed.
const noticeLease = 10 * time.Second

func consumers(names Names, p Process, execute *handlers.Decider, converger *provisioning.Converger, show transport.Handler, runner *jobs.Runner,
	notifier *notices.Notifier, deliverer *notices.Deliverer, arriving intake.Intake, changed trail.Intake,
) []transport.Consumer {
	// Most messages of a busy queue wait for DynamoDB, so many are handled at once.
	receiving := pubsub.SubscriberConfig{WaitTime: p.PollWait, CloseTimeout: max(p.stopTime()-sendTime, 1)}
	busy := receiving
	busy.Pollers, busy.Concurrency = 2, 256
	// Keys that wait for the budget are imported together; the more wait, the fewer calls.
	crowd := receiving
	crowd.Pollers, crowd.Concurrency = 2, 512
	// Each delivery may wait for a webhook that does not answer.
	slow := receiving
	slow.Pollers, slow.Concurrency = 1, 64
	quiet := receiving
	quiet.Pollers, quiet.Concurrency = 1, 10
	// Notices may come in thousands. Few at a time are passed on, so that people's requests do not wait behind them.
	arrivals := quiet
	arrivals.Visibility = noticeLease
	list := []transport.Consumer{
		{Name: "commands", Queue: names.Commands, Handlers: byType(execute.Handlers()), Subscriber: busy},
		{Name: "provisioning", Queue: names.Provisioning, Subscriber: crowd, Handlers: map[string]transport.Handler{
			events.ProvisionRequested{}.EventType(): converger.Handle,
		}},
		{Name: "projections", Queue: names.Projections, IgnoreUnknown: true, Handlers: everyWakeUp(show), Subscriber: busy},
		{Name: "jobs", Queue: names.Jobs, Subscriber: quiet, OwnTraces: true, Handlers: map[string]transport.Handler{
			events.JobRequested{}.EventType(): runner.Handle,
		}},
		{Name: "notices", Queue: names.Notices, IgnoreUnknown: true, Handlers: everyNotice(notifier.Handle), Subscriber: busy},
		{Name: "deliveries", Queue: names.Deliveries, Subscriber: slow, Handlers: map[string]transport.Handler{
			events.DeliveryRequested{}.EventType(): deliverer.Handle,
		}},
		{Name: "marketplace", Queue: names.Marketplace, Subscriber: arrivals, Raw: arriving.Handle},
	}
	if p.Config.Trail == TrailOn {
		list = append(list, transport.Consumer{Name: "trail", Queue: names.Trail, Subscriber: arrivals, Raw: changed.Handle})
	}
	if p.Around != nil {
		for _, consumer := range list {
			for messageType, handle := range consumer.Handlers {
				consumer.Handlers[messageType] = p.Around(messageType, handle)
			}
		}
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

func everyWakeUp(handle transport.Handler) map[string]transport.Handler {
	out := map[string]transport.Handler{events.ShowRequested{}.EventType(): handle}
	for _, name := range events.FactTypes() {
		out[name] = handle
	}
	return out
}

// everyNotice handles only the facts that make notices. The consumer acks the others.
func everyNotice(handle transport.Handler) map[string]transport.Handler {
	out := map[string]transport.Handler{events.TellRequested{}.EventType(): handle}
	for _, name := range notices.FactTypes() {
		out[name] = handle
	}
	return out
}

func leaseOf(ctx context.Context) time.Time {
	until, _ := pubsub.Lease(ctx)
	return until
}

// Run works until ctx ends. Then it finishes what is in flight, hands back the rest and
// returns, all within Process.StopTime. It fails at once if a queue is missing.
func (w *Worker) Run(ctx context.Context) error {
	ticking, stop := context.WithCancel(w.log.WithContext(ctx))
	ticked := make(chan struct{})
	go func() {
		defer close(ticked)
		w.runner.Tick(ticking)
	}()
	flushed := w.flushEveryMinute(ticking)
	stopping, cancel := outlasting(ctx, w.stopTime)
	defer cancel()
	err := w.worker.Run(ctx)
	stop()
	<-ticked
	<-flushed
	if ctx.Err() == nil {
		return errors.Join(err, w.messaging.close())
	}
	w.plane.Close(stopping)
	if unsent := w.messaging.shutdown(stopping); unsent != nil {
		// Nothing is lost: the messages whose handlers sent these were handed back, and the
		// next tick makes up for a lost one.
		w.log.Warn().Err(unsent).Msg("stopping before AWS has confirmed every message that was sent")
	}
	return err
}

func outlasting(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	longer, end := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(by):
			end()
		case <-longer.Done():
		}
	})
	return longer, func() { unhook(); end() }
}

// Running is closed once the worker receives from every queue.
func (w *Worker) Running() <-chan struct{} { return w.worker.Running() }
