package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/handlers"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/leases"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/provisioning"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const (
	// longAccount and shortAccount are how many facts the two accounts begin with.
	longAccount, shortAccount = 5000, 50
	// rounds is how often each subscribes and leaves, in blocks that take turns, so that
	// whatever else the machine does falls on both.
	rounds, blocks = 100, 50
	// mostTimes is how much more the long account may cost.
	mostTimes = 1.5
)

// cost is what subscribing and leaving took.
type cost struct {
	requests, queries, bytes int
	processor                time.Duration
}

// meter counts what is asked of DynamoDB and what it answers.
type meter struct {
	http.RoundTripper
	cost
}

func (m *meter) RoundTrip(req *http.Request) (*http.Response, error) {
	m.requests++
	if strings.HasSuffix(req.Header.Get("X-Amz-Target"), ".Query") {
		m.queries++
	}
	resp, err := m.RoundTripper.RoundTrip(req)
	if err == nil {
		resp.Body = &metered{resp.Body, m}
	}
	return resp, err
}

type metered struct {
	io.ReadCloser
	meter *meter
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.meter.bytes += n
	return n, err
}

// bench is a worker whose messages are handled one after the other, in this process. API
// Gateway and KMS are stood in for, since they do not know how long an account's history is.
type bench struct {
	meter     *meter
	execute   *handlers.Decider
	converger *provisioning.Converger
	projector *projections.Projector
	queue     []events.Event
	intent    portal.Intent
}

// compareAccounts compares what subscribing and leaving costs an account with a long
// history and one with a short one.
func compareAccounts(ctx context.Context, out io.Writer) (err error) {
	endpoint, stop, err := startLocalAWS()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	b, err := newBench(ctx, endpoint)
	if err != nil {
		return err
	}
	if err := b.live(ctx, "long", longAccount); err != nil {
		return err
	}
	var long, short cost
	for block := range blocks {
		// A new one each time, since by being measured it would grow long.
		account := portal.AccountID(fmt.Sprintf("short-%d", block))
		if err := b.live(ctx, account, shortAccount); err != nil {
			return err
		}
		if err := b.measure(ctx, account, &short); err != nil {
			return err
		}
		if err := b.measure(ctx, "long", &long); err != nil {
			return err
		}
	}
	return writeCosts(out, long, short)
}

func writeCosts(out io.Writer, long, short cost) error {
	ratio := func(of func(cost) float64) float64 { return of(long) / of(short) }
	rows := []struct {
		what string
		of   func(cost) float64
	}{
		{"requests to DynamoDB", func(c cost) float64 { return float64(c.requests) }},
		{"pages of queries", func(c cost) float64 { return float64(c.queries) }},
		{"bytes read", func(c cost) float64 { return float64(c.bytes) }},
		{"processor time, ms", func(c cost) float64 { return c.processor.Seconds() * 1000 }},
	}
	if _, err := fmt.Fprintf(out, "subscribing and leaving once            %d facts   %d facts   ratio\n", longAccount, shortAccount); err != nil {
		return err
	}
	worst := 0.0
	for _, r := range rows {
		worst = max(worst, ratio(r.of))
		if _, err := fmt.Fprintf(out, "%-34s %14.1f %10.1f %7.2f\n", r.what, r.of(long)/rounds, r.of(short)/rounds, ratio(r.of)); err != nil {
			return err
		}
	}
	if worst > mostTimes {
		return fmt.Errorf("the long account costs %.2f times as much, want at most %g", worst, mostTimes)
	}
	return nil
}

func newBench(ctx context.Context, endpoint string) (*bench, error) {
	b := &bench{meter: &meter{RoundTripper: &http.Transport{MaxIdleConnsPerHost: 8}}}
	cfg := newNetwork(0).config(endpoint)
	cfg.HTTPClient = &http.Client{Transport: b.meter}
	client, names := dynamodb.NewFromConfig(cfg), app.NamesFor("bench")
	for _, table := range []string{names.Journal, names.Records, names.Views} {
		if err := createTable(ctx, client, table); err != nil {
			return nil, err
		}
	}
	facts := journal.New(client, names.Journal, names.Records)
	reader := accounts.NewReader(facts, client, names.Records, time.Now)
	b.execute = handlers.New(handlers.Config{
		Journal: facts, Accounts: reader, Sender: b, Now: time.Now, Keys: handlers.KeyScheme{Scheme: "v1", KMSKey: "k"},
	})
	b.converger = &provisioning.Converger{
		Journal: facts, Accounts: reader, Sender: b, Values: standIn{}, AccountLeases: standIn{}, Now: time.Now,
		Session:      func(gateway.Urgency, func() time.Time) provisioning.ControlPlane { return standIn{} },
		MessageLease: func(context.Context) time.Time { return time.Now().Add(time.Hour) },
		KeyName:      func(a portal.AccountID, k portal.KeyID) string { return string(a) + "/" + string(k) },
	}
	b.projector = projections.NewProjector(facts, reader, client, projections.Tables{Views: names.Views, Records: names.Records})
	return b, nil
}

func createTable(ctx context.Context, client *dynamodb.Client, name string) error {
	attributes, primaryKey := schema.PrimaryKey()
	_, err := client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: attributes, KeySchema: primaryKey,
	})
	if err != nil {
		return fmt.Errorf("creating table %s: %w", name, err)
	}
	return nil
}

// live gives an account a history of so many facts, or a few more.
func (b *bench) live(ctx context.Context, account portal.AccountID, facts int) error {
	if err := b.ask(ctx, account, events.RegisterUser{}); err != nil {
		return err
	}
	for length := 1; length < facts; length += 6 {
		if err := b.round(ctx, account); err != nil {
			return err
		}
	}
	return nil
}

// measure adds up what a block of rounds of one account costs.
func (b *bench) measure(ctx context.Context, account portal.AccountID, sum *cost) error {
	before, used := b.meter.cost, processorTime()
	for range rounds / blocks {
		if err := b.round(ctx, account); err != nil {
			return err
		}
	}
	sum.requests += b.meter.requests - before.requests
	sum.queries += b.meter.queries - before.queries
	sum.bytes += b.meter.bytes - before.bytes
	sum.processor += processorTime() - used
	return nil
}

func processorTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// round has the account subscribe and leave: six facts.
func (b *bench) round(ctx context.Context, account portal.AccountID) error {
	return cmp.Or(b.ask(ctx, account, events.SubscribeRequested{Plan: "plan", Name: "Plan"}),
		b.ask(ctx, account, events.UnsubscribeRequested{Plan: "plan"}))
}

// ask hands a request in, and handles everything that follows from it.
func (b *bench) ask(ctx context.Context, account portal.AccountID, request events.Request) error {
	b.intent++
	id := fmt.Sprintf("request-%d", b.intent)
	b.queue = append(b.queue, events.Event{
		ID: id, Source: "/bench", Subject: portal.AccountStream(account), Time: time.Now().UTC(), Actor: portal.AccountActor(account),
		Operation: portal.OperationID(id), Intent: b.intent, Data: request,
	})
	for len(b.queue) > 0 {
		msg := b.queue[0]
		b.queue = b.queue[1:]
		if err := b.handle(ctx, msg); err != nil {
			return fmt.Errorf("handling a %s of account %s: %w", msg.Type(), account, err)
		}
	}
	return nil
}

func (b *bench) handle(ctx context.Context, msg events.Event) error {
	if handle, ok := b.execute.Handlers()[msg.Type()]; ok {
		return handle(ctx, msg)
	}
	if _, ok := msg.Data.(events.ProvisionRequested); ok {
		return b.converger.Handle(ctx, msg)
	}
	return b.projector.Handle(ctx, msg)
}

// Send queues what the worker sends. The wake-ups come last, as the queues would have it.
func (b *bench) Send(_ context.Context, messages ...events.Event) error {
	b.queue = append(b.queue, slices.Clone(messages)...)
	return nil
}

// Repeat is Send.
func (b *bench) Repeat(ctx context.Context, messages ...events.Event) error {
	return b.Send(ctx, messages...)
}

// standIn stands in for API Gateway, KMS and the leases. Everything is done at once.
type standIn struct{}

func (standIn) CreateKey(context.Context, gateway.Key) (portal.GatewayKeyID, error) {
	return "gateway-key", nil
}
func (standIn) DeleteKey(context.Context, portal.GatewayKeyID) error             { return nil }
func (standIn) Attach(context.Context, portal.PlanID, portal.GatewayKeyID) error { return nil }
func (standIn) Detach(context.Context, portal.PlanID, portal.GatewayKeyID) error { return nil }
func (standIn) FindKey(context.Context, string) (portal.GatewayKeyID, bool, error) {
	return "", false, nil
}
func (standIn) Inspect(context.Context, portal.GatewayKeyID) (gateway.KeyState, error) {
	return gateway.KeyState{}, nil
}
func (standIn) Rename(context.Context, portal.GatewayKeyID, string) error { return nil }
func (standIn) PlansOf(context.Context, portal.GatewayKeyID) ([]gateway.UsagePlan, error) {
	return nil, nil
}
func (standIn) Value(context.Context, string, string, portal.AccountID, portal.KeyID) (string, error) {
	return "value", nil
}
func (standIn) AccountLease(context.Context, portal.AccountID, string, time.Duration) (leases.AccountLease, bool, error) {
	return leases.AccountLease{}, true, nil
}
