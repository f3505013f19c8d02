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
	// The accounts begin with these numbers of facts.
	longAccount, shortAccount = 5000, 50
	// Accounts do their rounds in blocks that take turns, so that other load slows both.
	rounds, blocks = 100, 50
	maxRatio       = 1.5
)

type cost struct {
	requests, queries, bytes int
	processor                time.Duration
}

// meter counts requests to DynamoDB and the answers' bytes.
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

// bench is a worker that handles one message at a time. API Gateway and KMS are fakes, since an
// account's history makes no difference to them.
type bench struct {
	meter     *meter
	execute   *handlers.Decider
	converger *provisioning.Converger
	projector *projections.Projector
	queue     []events.Event
	intent    portal.Intent
}

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
	if err := b.addHistory(ctx, "long", longAccount); err != nil {
		return err
	}
	var long, short cost
	for block := range blocks {
		// Each block has a new account, since measuring lengthens its history.
		account := portal.AccountID(fmt.Sprintf("short-%d", block))
		if err := b.addHistory(ctx, account, shortAccount); err != nil {
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
	if worst > maxRatio {
		return fmt.Errorf("the long account costs %.2f times as much, want at most %g", worst, maxRatio)
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
		Journal: facts, Accounts: reader, Sender: b, Values: fakeAWS{}, AccountLeases: fakeAWS{}, Now: time.Now,
		Session:      func(gateway.Urgency, func() time.Time) provisioning.ControlPlane { return fakeAWS{} },
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

func (b *bench) addHistory(ctx context.Context, account portal.AccountID, facts int) error {
	if err := b.process(ctx, account, events.RegisterUser{}); err != nil {
		return err
	}
	for length := 1; length < facts; length += 6 {
		if err := b.round(ctx, account); err != nil {
			return err
		}
	}
	return nil
}

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

func (b *bench) round(ctx context.Context, account portal.AccountID) error {
	return cmp.Or(b.process(ctx, account, events.SubscribeRequested{Plan: "plan", Name: "Plan"}),
		b.process(ctx, account, events.UnsubscribeRequested{Plan: "plan"}))
}

func (b *bench) process(ctx context.Context, account portal.AccountID, request events.Request) error {
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

func (b *bench) Send(_ context.Context, messages ...events.Event) error {
	b.queue = append(b.queue, slices.Clone(messages)...)
	return nil
}

func (b *bench) SendAgain(ctx context.Context, messages ...events.Event) error {
	return b.Send(ctx, messages...)
}

// fakeAWS is API Gateway, KMS and the leases. Every call succeeds at once.
type fakeAWS struct{}

func (fakeAWS) DeriveAndCreateKey(ctx context.Context, derive func(context.Context) (gateway.Key, error)) (portal.GatewayKeyID, error) {
	key, err := derive(ctx)
	return portal.GatewayKeyID(strings.ReplaceAll(key.Name, "/", "-")), err
}
func (fakeAWS) DeleteKey(context.Context, portal.GatewayKeyID) error             { return nil }
func (fakeAWS) Attach(context.Context, portal.PlanID, portal.GatewayKeyID) error { return nil }
func (fakeAWS) Detach(context.Context, portal.PlanID, portal.GatewayKeyID) error { return nil }
func (fakeAWS) Move(context.Context, portal.PlanID, portal.PlanID, portal.GatewayKeyID) error {
	return nil
}
func (fakeAWS) HasPlan(context.Context, portal.PlanID) (bool, error) { return true, nil }
func (fakeAWS) FindKey(context.Context, string) (portal.GatewayKeyID, bool, error) {
	return "", false, nil
}
func (fakeAWS) Inspect(context.Context, portal.GatewayKeyID) (gateway.KeyState, error) {
	return gateway.KeyState{}, nil
}
func (fakeAWS) Rename(context.Context, portal.GatewayKeyID, string) error      { return nil }
func (fakeAWS) SetEnabled(context.Context, portal.GatewayKeyID, bool) error    { return nil }
func (fakeAWS) SetCustomer(context.Context, portal.GatewayKeyID, string) error { return nil }
func (fakeAWS) QuotaOf(context.Context, portal.PlanID, portal.GatewayKeyID) (gateway.KeyQuota, error) {
	return gateway.KeyQuota{}, nil
}
func (fakeAWS) SetRemaining(context.Context, portal.PlanID, portal.GatewayKeyID, int64) error {
	return nil
}
func (fakeAWS) PlansOf(context.Context, portal.GatewayKeyID) ([]gateway.UsagePlan, error) {
	return nil, nil
}
func (fakeAWS) Value(context.Context, string, string, portal.AccountID, portal.KeyID) (string, error) {
	return "value", nil
}
func (fakeAWS) AccountLease(context.Context, portal.AccountID, string, time.Duration) (leases.AccountLease, bool, error) {
	return leases.AccountLease{}, true, nil
}
func (fakeAWS) NewAccountLease(context.Context, portal.AccountID, string, time.Duration) (leases.AccountLease, leases.LeaseItem, bool) {
	return leases.AccountLease{}, leases.LeaseItem{}, false
}
