package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/awsclient"
	"github.com/gatehouse-portal/gatehouse/bench/program"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/usage"
)

// bench is a collector over a local AWS in another process.
type bench struct {
	settings
	dir       string
	aws       *exec.Cmd
	names     app.Names
	wire      *counted
	collector *usage.Collector
	source    *source
}

type counted struct {
	http.RoundTripper
	requests atomic.Int64
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB") {
		c.requests.Add(1)
	}
	return c.RoundTripper.RoundTrip(r)
}

func build(ctx context.Context, s settings) (_ *bench, err error) {
	b := &bench{settings: s, wire: &counted{RoundTripper: awsclient.HTTPClient().GetTransport()}}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.dir, err = os.MkdirTemp("", "gatehouse-usage-"); err != nil {
		return nil, fmt.Errorf("creating a folder: %w", err)
	}
	var endpoint string
	b.aws, endpoint, err = program.StartAWS(ctx, b.dir)
	if err != nil {
		return nil, err
	}
	cfg := aws.Config{
		Region: localaws.Region, BaseEndpoint: &endpoint, HTTPClient: &http.Client{Transport: b.wire},
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		APIOptions:  []func(*middleware.Stack) error{awsclient.PlainBodies},
	}
	config, err := app.LoadConfig(nil)
	if err != nil {
		return nil, err
	}
	if err := app.Setup(ctx, cfg, config); err != nil {
		return nil, err
	}
	b.names = app.NamesFor(config.Prefix)
	tables := dynamodb.NewFromConfig(cfg)
	b.source = &source{client: apigateway.NewFromConfig(cfg), added: map[portal.GatewayKeyID]int64{}}
	b.collector = b.newCollector(tables)
	return b, b.fill(ctx, tables)
}

func (b *bench) close() {
	if b.aws != nil && b.aws.Process != nil {
		_ = b.aws.Process.Signal(syscall.SIGTERM)
		_ = b.aws.Wait()
	}
	_ = os.RemoveAll(b.dir)
}

type nobody struct{}

func (nobody) Send(context.Context, ...events.Event) error      { return nil }
func (nobody) SendAgain(context.Context, ...events.Event) error { return nil }

func (b *bench) newCollector(tables *dynamodb.Client) *usage.Collector {
	facts := journal.New(tables, b.names.Journal, b.names.Records)
	table := usage.NewTable(tables, b.names.Usage)
	return &usage.Collector{
		Table: table, Now: time.Now, Scratch: jobs.NewScratch(tables, b.names.Records, time.Now),
		MessageLease: func(context.Context) time.Time { return time.Now().Add(time.Hour) },
		Holders:      projections.NewHolders(tables, projections.Tables{Views: b.names.Views, Records: b.names.Records}),
		Recorder: &usage.Recorder{
			Table: table, Journal: facts, Accounts: accounts.NewReader(facts, tables, b.names.Records, time.Now), Sender: nobody{}, Now: time.Now,
		},
		Session: func(gateway.Urgency, func() time.Time) usage.Source { return b.source },
	}
}

func (b *bench) fill(ctx context.Context, tables *dynamodb.Client) error {
	plans, err := b.makePlans(ctx)
	if err != nil {
		return err
	}
	in := make([][]portal.PlanID, b.keys)
	for k := range b.keys {
		for i := range b.plansPerKey {
			at := (k + i) % b.large
			if i == 0 {
				at = k % b.plans
			}
			if !slices.Contains(in[k], plans[at]) {
				in[k] = append(in[k], plans[at])
			}
		}
	}
	const batch = 100
	writes, within := errgroup.WithContext(ctx)
	writes.SetLimit(8)
	for from := 0; from < b.keys; from += batch {
		to := min(from+batch, b.keys)
		var rows strings.Builder
		rows.WriteString("name,key,usagePlanIds\n")
		for k := from; k < to; k++ {
			fmt.Fprintf(&rows, "key %d,value%030d,\"%s\"\n", k, k, joined(in[k]))
		}
		out, err := b.source.client.ImportApiKeys(ctx, &apigateway.ImportApiKeysInput{Body: []byte(rows.String()), Format: types.ApiKeysFormatCsv})
		if err != nil || len(out.Ids) != to-from {
			return fmt.Errorf("importing keys: %d of %d, %v, %w", len(out.Ids), to-from, out.Warnings, err)
		}
		writes.Go(func() error { return b.hold(within, tables, from, out.Ids, in[from:to]) })
	}
	return writes.Wait()
}

func joined(plans []portal.PlanID) string {
	texts := make([]string, len(plans))
	for i, plan := range plans {
		texts[i] = string(plan)
	}
	return strings.Join(texts, ",")
}

func (b *bench) makePlans(ctx context.Context) ([]portal.PlanID, error) {
	plans := make([]portal.PlanID, b.plans)
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i := range plans {
		group.Go(func() error {
			out, err := b.source.client.CreateUsagePlan(within, &apigateway.CreateUsagePlanInput{
				Name: aws.String(fmt.Sprint("Plan ", i)), Quota: &types.QuotaSettings{Limit: 1_000_000, Period: types.QuotaPeriodTypeMonth},
			})
			if err == nil {
				plans[i] = portal.PlanID(aws.ToString(out.Id))
			}
			return err
		})
	}
	return plans, group.Wait()
}

// hold writes what the projector shows of keys in plans.
func (b *bench) hold(ctx context.Context, tables *dynamodb.Client, first int, ids []string, in [][]portal.PlanID) error {
	const batch = 25
	var puts []ddbtypes.WriteRequest
	for i, id := range ids {
		account, key := fmt.Sprintf("account%06d", first+i), fmt.Sprintf("key%06d", first+i)
		for _, plan := range in[i] {
			item := schema.Generation(1).Holder(plan, portal.GatewayKeyID(id)).Attributes()
			for name, text := range map[string]string{"account": account, "plan": string(plan), "key": key, "gateway_id": id} {
				item[name] = schema.Text(text)
			}
			item["since"], item["until"] = schema.Time(time.Now()), schema.Time(time.Time{})
			puts = append(puts, ddbtypes.WriteRequest{PutRequest: &ddbtypes.PutRequest{Item: item}})
		}
	}
	for len(puts) > 0 {
		n := min(len(puts), batch)
		out, err := tables.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]ddbtypes.WriteRequest{b.names.Views: puts[:n]}})
		if err != nil || len(out.UnprocessedItems) > 0 {
			return fmt.Errorf("writing the holders of keys: %d left, %w", len(out.UnprocessedItems), err)
		}
		puts = puts[n:]
	}
	return nil
}

// source calls API Gateway without tokens, and adds to its counters.
type source struct {
	client *apigateway.Client
	calls  int

	// added are invented calls, and seen the keys of the answers.
	added map[portal.GatewayKeyID]int64
	seen  []portal.GatewayKeyID
}

func (s *source) UsagePlansPage(ctx context.Context, position string) (plans []gateway.UsagePlan, next string, err error) {
	s.calls++
	in := &apigateway.GetUsagePlansInput{Limit: aws.Int32(500)}
	if position != "" {
		in.Position = &position
	}
	out, err := s.client.GetUsagePlans(ctx, in)
	if err != nil {
		return nil, "", err
	}
	for _, item := range out.Items {
		plans = append(plans, gateway.UsagePlan{ID: portal.PlanID(aws.ToString(item.Id)), Quota: &gateway.Quota{Limit: int(item.Quota.Limit), Period: string(item.Quota.Period)}})
	}
	return plans, aws.ToString(out.Position), nil
}

func (s *source) UsagePage(ctx context.Context, plan portal.PlanID, first, last time.Time, position string) (map[portal.GatewayKeyID][]gateway.DayUsage, string, error) {
	s.calls++
	in := &apigateway.GetUsageInput{
		UsagePlanId: aws.String(string(plan)), Limit: aws.Int32(500),
		StartDate: aws.String(first.Format(time.DateOnly)), EndDate: aws.String(last.Format(time.DateOnly)),
	}
	if position != "" {
		in.Position = &position
	}
	out, err := s.client.GetUsage(ctx, in)
	if err != nil {
		return nil, "", err
	}
	page := make(map[portal.GatewayKeyID][]gateway.DayUsage, len(out.Items))
	for id, series := range out.Items {
		key := portal.GatewayKeyID(id)
		for i, pair := range series {
			d := gateway.DayUsage{Day: first.AddDate(0, 0, i), Used: pair[0], Remaining: pair[1]}
			if d.Day.Equal(last) {
				d.Used, d.Remaining = d.Used+s.added[key], d.Remaining-s.added[key]
			}
			page[key] = append(page[key], d)
		}
		s.seen = append(s.seen, key)
	}
	return page, aws.ToString(out.Position), nil
}

func (s *source) UsageOf(context.Context, portal.PlanID, portal.GatewayKeyID, time.Time, time.Time) ([]gateway.DayUsage, error) {
	return nil, errors.New("the job does not ask for single keys")
}

func (b *bench) changeSome() {
	slices.Sort(b.source.seen)
	for i, key := range slices.Compact(b.source.seen) {
		if i%10 == 0 {
			b.source.added[key]++
		}
	}
}

type measured struct {
	calls, written int
	requests       int64
	cpu, took      time.Duration
	cycle          usage.Cycle
}

func (b *bench) measure(ctx context.Context) (m measured, err error) {
	requests, calls := b.wire.requests.Load(), b.source.calls
	began, cpu := time.Now(), processorTime()
	for cursor, begun := "", false; cursor != "" || !begun; begun = true {
		if cursor, err = b.collector.Step(ctx, cursor); err != nil {
			return m, err
		}
	}
	m.took, m.cpu = time.Since(began), processorTime()-cpu
	m.requests, m.calls = b.wire.requests.Load()-requests, b.source.calls-calls
	m.cycle, err = b.collector.Table.LastCycle(ctx)
	m.written = m.cycle.Written
	return m, err
}

func (m measured) check(s settings) error {
	if m.cycle.Plans != s.plans || m.cycle.Failed > 0 || m.cycle.Keys < s.keys {
		return fmt.Errorf("the run collected too little: %+v", m.cycle)
	}
	return nil
}

func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
