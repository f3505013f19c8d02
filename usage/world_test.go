package usage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const ann = portal.AccountID("ann")

var (
	today = time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	noon  = today.Add(12 * time.Hour)
)

// on is a day of November.
func on(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }

// counts are what API Gateway has counted for a key: used and remaining, by day.
type counts map[time.Time][2]int64

// fakeGateway is an API Gateway with counters that tests set.
type fakeGateway struct {
	plans  []gateway.UsagePlan
	counts map[portal.PlanID]map[portal.GatewayKeyID]counts
	// page is how many keys a page has.
	page int
	// calls lists the calls of GetUsage, as plan, first and last day, and position.
	calls []string
	// fails answers calls for a plan with an error.
	fails map[portal.PlanID]error
	// meanwhile happens after API Gateway has read its counters, before the answer arrives.
	meanwhile func()
}

func (f *fakeGateway) UsagePlansPage(_ context.Context, position string) ([]gateway.UsagePlan, string, error) {
	if position == "" && len(f.plans) > 1 {
		return f.plans[:1], "1", nil
	}
	if position == "1" {
		return f.plans[1:], "", nil
	}
	return f.plans, "", nil
}

func (f *fakeGateway) UsagePage(_ context.Context, plan portal.PlanID, first, last time.Time, position string) (map[portal.GatewayKeyID][]gateway.DayUsage, string, error) {
	f.calls = append(f.calls, fmt.Sprintf("%s %s..%s %s", plan, first.Format("01-02"), last.Format("01-02"), position))
	if err := f.fails[plan]; err != nil {
		return nil, "", err
	}
	found, next := map[portal.GatewayKeyID][]gateway.DayUsage{}, ""
	for _, key := range slices.Sorted(maps.Keys(f.counts[plan])) {
		switch {
		case string(key) <= position:
		case len(found) == f.page:
			next = slices.Max(slices.Sorted(func(yield func(string) bool) {
				for k := range found {
					if !yield(string(k)) {
						return
					}
				}
			}))
		default:
			found[key] = f.of(plan, key, first, last)
		}
	}
	f.then()
	return found, next, nil
}

func (f *fakeGateway) UsageOf(_ context.Context, plan portal.PlanID, key portal.GatewayKeyID, first, last time.Time) ([]gateway.DayUsage, error) {
	f.calls = append(f.calls, fmt.Sprintf("%s/%s", plan, key))
	if err := f.fails[plan]; err != nil {
		return nil, err
	}
	days := f.of(plan, key, first, last)
	f.then()
	return days, nil
}

func (f *fakeGateway) then() {
	if happens := f.meanwhile; happens != nil {
		f.meanwhile = nil
		happens()
	}
}

func (f *fakeGateway) of(plan portal.PlanID, key portal.GatewayKeyID, first, last time.Time) []gateway.DayUsage {
	var days []gateway.DayUsage
	for d := first; !d.After(last); d = d.AddDate(0, 0, 1) {
		c := f.counts[plan][key][d]
		days = append(days, gateway.DayUsage{Day: d, Used: c[0], Remaining: c[1]})
	}
	return days
}

func (f *fakeGateway) count(plan portal.PlanID, key portal.GatewayKeyID, d time.Time, used, remaining int64) {
	if f.counts[plan] == nil {
		f.counts[plan] = map[portal.GatewayKeyID]counts{}
	}
	if f.counts[plan][key] == nil {
		f.counts[plan][key] = counts{}
	}
	f.counts[plan][key][d] = [2]int64{used, remaining}
}

type fakeHolders map[portal.PlanID][]projections.Holder

func (f fakeHolders) Held(_ context.Context, plan portal.PlanID, after time.Time) (bool, error) {
	return slices.ContainsFunc(f[plan], func(h projections.Holder) bool { return h.Until.IsZero() || h.Until.After(after) }), nil
}

func (f fakeHolders) Of(_ context.Context, plan portal.PlanID, keys []portal.GatewayKeyID) (map[portal.GatewayKeyID]projections.Holder, error) {
	found := map[portal.GatewayKeyID]projections.Holder{}
	for _, h := range f[plan] {
		if slices.Contains(keys, h.GatewayID) {
			found[h.GatewayID] = h
		}
	}
	return found, nil
}

// sent are the facts that were published.
type sent struct {
	facts []events.Event
	fails error
}

func (s *sent) Send(_ context.Context, facts ...events.Event) error {
	if err := s.fails; err != nil {
		s.fails = nil
		return err
	}
	s.facts = append(s.facts, facts...)
	return nil
}

func (s *sent) SendAgain(ctx context.Context, facts ...events.Event) error {
	return s.Send(ctx, facts...)
}

type world struct {
	*Collector
	t       *testing.T
	gateway *fakeGateway
	holders fakeHolders
	sent    *sent
	journal *journal.Journal
	tables  journaltest.Tables
	clock   time.Time
}

// newWorld has an account with the key k, which is gw1 in API Gateway, in the plan free with a
// monthly quota of 1000 since the 10th.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, tables: journaltest.Start(t), sent: &sent{}, clock: noon,
		gateway: &fakeGateway{
			plans: []gateway.UsagePlan{{ID: "free", Quota: &gateway.Quota{Limit: 1000, Period: "MONTH"}}}, page: 500,
			counts: map[portal.PlanID]map[portal.GatewayKeyID]counts{}, fails: map[portal.PlanID]error{},
		},
		holders: fakeHolders{"free": {{Account: ann, Plan: "free", Key: "k", GatewayID: "gw1", Since: on(10)}}},
	}
	createTable(t, w.tables.Client)
	w.journal = w.tables.Open()
	w.Collector = w.worker(w.journal)
	w.append(ann, events.UserRegistered{})
	return w
}

func createTable(t *testing.T, client *dynamodb.Client) {
	t.Helper()
	attributes, primaryKey := schema.PrimaryKey()
	name := "usage"
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest, AttributeDefinitions: attributes, KeySchema: primaryKey,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// worker is another worker's collector.
func (w *world) worker(facts facts) *Collector {
	now := func() time.Time { return w.clock }
	table := NewTable(w.tables.Client, "usage")
	return &Collector{
		Table: table, Holders: w.holders, Scratch: jobs.NewScratch(w.tables.Client, w.tables.Records, now), Now: now,
		Recorder:     &Recorder{Table: table, Journal: facts, Accounts: accounts.NewReader(w.journal, w.tables.Client, w.tables.Records, now), Sender: w.sent, Now: now},
		Session:      func(gateway.Urgency, func() time.Time) Source { return w.gateway },
		MessageLease: func(context.Context) time.Time { return w.clock.Add(time.Hour) },
	}
}

func (w *world) append(account portal.AccountID, facts ...events.Fact) {
	w.t.Helper()
	stream := portal.AccountStream(account)
	head, err := w.journal.Head(w.t.Context(), stream)
	if err != nil {
		w.t.Fatal(err)
	}
	cause := events.Event{ID: "by-hand", Subject: stream}
	if err := w.journal.Append(w.t.Context(), stream, head, journal.Stamp(cause, "/test", w.clock, head, facts)); err != nil {
		w.t.Fatal(err)
	}
}

// run does a whole run.
func (w *world) run() { w.runBy(w.Collector) }

func (w *world) runBy(c *Collector) {
	w.t.Helper()
	for cursor, begun := "", false; cursor != "" || !begun; begun = true {
		next, err := c.Step(w.t.Context(), cursor)
		if err != nil {
			w.t.Fatal(err)
		}
		cursor = next
	}
}

// counters are all counters of ann, as text: day, plan, key, used, remaining of limit.
func (w *world) counters() []string {
	w.t.Helper()
	all, err := w.Table.Between(w.t.Context(), ann, on(1).AddDate(-1, 0, 0), on(1).AddDate(1, 0, 0))
	if err != nil {
		w.t.Fatal(err)
	}
	texts := []string{}
	for _, c := range all {
		text := fmt.Sprintf("%s %s %s %s %d", c.Day.Format("01-02"), c.Plan, c.Key, c.GatewayKey, c.Used)
		if c.Limit != nil {
			text += fmt.Sprintf(", %d of %d a %s left", *c.Remaining, *c.Limit, c.Period)
		}
		texts = append(texts, text)
	}
	return texts
}

// told are the thresholds in ann's stream.
func (w *world) told() []string { return thresholdsIn(w.read()) }

func (w *world) published() []string { return thresholdsIn(w.sent.facts) }

func (w *world) read() []events.Event {
	w.t.Helper()
	facts, err := w.journal.Read(w.t.Context(), portal.AccountStream(ann), 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return facts
}

func thresholdsIn(facts []events.Event) []string {
	texts := []string{}
	for _, fact := range facts {
		if f, ok := fact.Data.(events.QuotaThresholdReached); ok {
			texts = append(texts, fmt.Sprintf("%s %s %s %s %d of %d %d%%", f.Plan, f.Key, strings.ToLower(f.Period), f.PeriodStart, f.Used, f.Limit, f.Percent))
		}
	}
	return texts
}

var errDown = errors.New("down")
