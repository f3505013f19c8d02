package metering

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
	"github.com/gatehouse-portal/gatehouse/usage"
)

const (
	bought portal.Stream = "licence/l-1"
	ann                  = portal.AccountID("ann")
)

var began = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

// tables create a usage table on a local DynamoDB.
func newTable(t testing.TB) (tables journaltest.Tables, create func(name string)) {
	tables = journaltest.Start(t)
	return tables, func(name string) {
		attributes, primaryKey := schema.PrimaryKey()
		_, err := tables.Client.CreateTable(context.Background(), &dynamodb.CreateTableInput{
			TableName: &name, BillingMode: types.BillingModePayPerRequest, AttributeDefinitions: attributes, KeySchema: primaryKey,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// world is a meter with an AWS that bills, and everything that the meter reads.
type world struct {
	*Meter
	t      fataler
	clock  time.Time
	aws    *fakeAWS
	facts  map[portal.Stream][]events.Event
	rings  map[portal.AccountID]state.Account
	counts map[portal.AccountID][]usage.Counter
	plans  map[portal.PlanID]Sold
	db     *crashing
	saved  map[string]any
	// gateway is what API Gateway has counted, ahead of what was collected.
	gateway int64
}

type fataler interface {
	Helper()
	Fatal(args ...any)
	Errorf(format string, args ...any)
}

func newWorld(t fataler, db *dynamodb.Client, table string) *world {
	w := &world{
		t: t, clock: began.Add(5 * time.Minute), facts: map[portal.Stream][]events.Event{}, rings: map[portal.AccountID]state.Account{},
		counts: map[portal.AccountID][]usage.Counter{}, plans: map[portal.PlanID]Sold{"pro": {Known: true, Dimension: "requests"}},
		db: &crashing{client: db}, saved: map[string]any{},
	}
	w.aws = newFakeAWS(func() time.Time { return w.clock })
	w.Meter = &Meter{
		Ledger: NewLedger(w.db, table), Licences: w, Journal: w, Accounts: w, Counters: w, Seller: w.aws, Scratch: w, Now: func() time.Time { return w.clock },
		Sold: func(context.Context) (func(portal.PlanID) Sold, error) {
			return func(id portal.PlanID) Sold { return w.plans[id] }, nil
		},
		ReadKey: func(context.Context, portal.AccountID, portal.Pair, portal.GatewayKeyID) error {
			w.collect()
			return nil
		},
	}
	w.happens(bought, events.LicenceClaimed{
		Account: ann, Plan: "pro", Purchase: events.Purchase{Product: "prod", Buyer: "111122223333", ARN: "arn:aws:license-manager::1:license:l-1"},
	})
	w.noticed(events.NoticeLicenceUpdated, events.LicenceActive)
	w.rings[ann] = state.Account{Keys: map[portal.KeyID]state.Key{"k": {ID: "k", Ring: portal.LicenceRing(bought), GatewayID: "gw"}}}
	return w
}

func (w *world) happens(stream portal.Stream, fact events.Fact) {
	at := len(w.facts[stream])
	w.facts[stream] = append(w.facts[stream], events.Event{Subject: stream, Sequence: int64(at) + 1, Time: w.clock, Data: fact})
}

// noticed has AWS say something about the licence.
func (w *world) noticed(kind events.NoticeKind, status events.LicenceStatus) {
	w.happens(bought, events.LicenceNoticed{Notice: events.MarketplaceNotified{Kind: kind, At: w.clock}, Status: status})
	w.aws.subscribed(status == events.LicenceActive, w.clock)
}

// calls has API Gateway count calls, which are not collected yet.
func (w *world) calls(n int64) { w.gateway += n }

// collect stores what API Gateway has counted, for the present day.
func (w *world) collect() {
	if w.gateway == 0 {
		return
	}
	w.counted("k", day(w.clock), w.gateway)
	w.gateway = 0
}

func (w *world) counted(key portal.KeyID, on time.Time, n int64) {
	all := w.counts[ann]
	i := slices.IndexFunc(all, func(c usage.Counter) bool { return c.Day.Equal(on) && c.Key == key })
	if i < 0 {
		all, i = append(all, usage.Counter{Plan: "pro", Key: key, GatewayKey: "gw", Day: on}), len(all)
	}
	all[i].Used += n
	w.counts[ann] = all
}

func (w *world) Read(_ context.Context, stream portal.Stream, _ int64) ([]events.Event, error) {
	return w.facts[stream], nil
}

func (w *world) Account(_ context.Context, id portal.AccountID) (accounts.History, error) {
	return accounts.History{Account: w.rings[id]}, nil
}

func (w *world) Between(_ context.Context, account portal.AccountID, first, last time.Time) (found []usage.Counter, err error) {
	for _, c := range w.counts[account] {
		if !c.Day.Before(first) && !c.Day.After(last) {
			found = append(found, c)
		}
	}
	return found, nil
}

// Collected says that plans are collected all the time.
func (w *world) Collected(_ context.Context, plans ...portal.PlanID) (map[portal.PlanID]usage.Collected, error) {
	found := map[portal.PlanID]usage.Collected{}
	for _, plan := range plans {
		found[plan] = usage.Collected{Plan: plan, AsOf: w.clock}
	}
	return found, nil
}

func (w *world) LicencesOf(_ context.Context, shard int) (list []projections.Licence, err error) {
	if shard != 3 {
		return nil, nil
	}
	for stream, facts := range w.facts {
		l := state.FoldLicence(stream, facts)
		list = append(list, projections.Licence{Stream: stream, State: string(l.Status), Since: l.StatusAt})
	}
	slices.SortFunc(list, func(a, b projections.Licence) int { return strings.Compare(string(a.Stream), string(b.Stream)) })
	return list, nil
}

func (w *world) Put(_ context.Context, _, name string, value any, _ time.Duration) error {
	w.saved[name] = value
	return nil
}

func (w *world) Get(_ context.Context, _, name string, value any) (found bool, err error) {
	saved, found := w.saved[name].(Result)
	if into, ok := value.(*Result); ok && found {
		*into = saved
	}
	return found, nil
}

// tick runs the job once, and reports whether it ended.
func (w *world) tick(cursor string) bool {
	for range 1000 {
		next, err := w.Step(context.Background(), cursor)
		switch {
		case errors.Is(err, errCrash):
			return false
		case err != nil:
			w.t.Fatal(err)
		case next == "":
			return true
		}
		cursor = next
	}
	w.t.Fatal("the run does not end")
	return false
}

// at moves the clock to the next such minute.
func (w *world) at(minute int) {
	next := w.clock.Truncate(time.Hour).Add(time.Duration(minute) * time.Minute)
	for !next.After(w.clock) {
		next = next.Add(time.Hour)
	}
	w.clock = next
}

func (w *world) tally() Tally {
	w.t.Helper()
	tally, err := w.Ledger.Tally(context.Background(), bought)
	if err != nil {
		w.t.Fatal(err)
	}
	return tally
}

// counters is of how many counters the ledger says how much was taken.
func (w *world) counters() (n int) {
	w.t.Helper()
	keys, err := w.Ledger.takenKeys(context.Background(), w.tally())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, key := range keys.all {
		n += len(key.Calls)
	}
	return n
}

// records are all of the licence, the oldest first: hour, quantity, status and code.
func (w *world) records() (texts []string) {
	w.t.Helper()
	err := w.Ledger.Records(context.Background(), bought, func(r Record) bool {
		text := fmt.Sprintf("%s %d %s", r.Hour().Format("02T15"), r.Quantity, r.Status)
		if r.Code != "" {
			text += " " + r.Code
		}
		texts = append([]string{text}, texts...)
		return true
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return texts
}

func (w *world) want(what string, want ...string) {
	w.t.Helper()
	if got := w.records(); !slices.Equal(got, want) {
		w.t.Errorf("%s: the records are %q, want %q", what, got, want)
	}
}

// balanced checks that everything counted is billed, or that the ledger says why it is not.
func (w *world) balanced() Balance {
	w.t.Helper()
	balance, err := w.Ledger.Balance(context.Background(), bought, w, w.clock)
	if err != nil {
		w.t.Fatal(err)
	}
	explained := int64(0)
	for _, r := range balance.Reasons {
		explained += r.Quantity
		if r.Quantity < 0 {
			w.t.Errorf("the cause %s has the quantity %d", r.Cause, r.Quantity)
		}
	}
	if balance.Difference() != explained {
		w.t.Errorf("of %d that were counted, AWS bills %d, and the reasons explain %d: %+v", balance.Collected, balance.Accepted, explained, balance.Reasons)
	}
	return balance
}

// crashing is DynamoDB, and a process that ends before or after one of its writes.
type crashing struct {
	client
	mu sync.Mutex
	// after is at which write the process ends, 0 for never. lost means that the write happens.
	after int
	lost  bool
	// meanwhile happens before that write instead, if it is not nil.
	meanwhile func()
	// refuses is DynamoDB's answer to transactions about a licence, if it is not nil.
	refuses func(licence string) error
}

var errCrash = errors.New("the process ends here")

func (c *crashing) write(do func() error) error {
	c.mu.Lock()
	now := c.after == 1
	c.after = max(0, c.after-1)
	meanwhile := c.meanwhile
	if now {
		c.meanwhile = nil
	}
	c.mu.Unlock()
	switch {
	case !now:
		return do()
	case meanwhile != nil:
		meanwhile()
		return do()
	case c.lost:
		if err := do(); err != nil {
			return err
		}
	}
	return errCrash
}

func (c *crashing) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (out *dynamodb.PutItemOutput, err error) {
	return out, c.write(func() (err error) { out, err = c.client.PutItem(ctx, in, opts...); return err })
}

func (c *crashing) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (out *dynamodb.UpdateItemOutput, err error) {
	return out, c.write(func() (err error) { out, err = c.client.UpdateItem(ctx, in, opts...); return err })
}

func (c *crashing) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (out *dynamodb.TransactWriteItemsOutput, err error) {
	if tally := in.TransactItems[0].Put; c.refuses != nil && tally != nil {
		if err := c.refuses(schema.TextOf(tally.Item["licence"])); err != nil {
			return nil, err
		}
	}
	return out, c.write(func() (err error) { out, err = c.client.TransactWriteItems(ctx, in, opts...); return err })
}

// fakeAWS bills as AWS does: a licence, dimension and hour once, within six hours, and until an hour
// after the end.
type fakeAWS struct {
	now    func() time.Time
	region string
	// bills are the quantities by licence, dimension and hour.
	bills map[string]int64
	ends  time.Time
	// behind is how far AWS's clock is behind.
	behind time.Duration
	// refuses are dimensions that AWS refuses, with the whole batch.
	refuses map[string]string
	// refusesLicence is an ARN that AWS refuses, with the whole batch.
	refusesLicence string
	// down is a product about which AWS answers nothing, "*" for all.
	down portal.ProductCode
	// next says what becomes of the next calls.
	next []fault
	sent [][]seller.Record
	// meanwhile happens once while AWS answers.
	meanwhile func()
}

type fault string

const (
	throttled   fault = "throttled"
	unheard     fault = "unheard"     // the call does not arrive
	lost        fault = "lost"        // the answer does not arrive
	unprocessed fault = "unprocessed" // AWS processes nothing of the batch
)

func newFakeAWS(now func() time.Time) *fakeAWS {
	return &fakeAWS{now: now, region: "us-east-1", bills: map[string]int64{}, refuses: map[string]string{}}
}

func (f *fakeAWS) Region() string { return f.region }

// subscribed opens and closes the window for usage.
func (f *fakeAWS) subscribed(active bool, at time.Time) {
	switch {
	case active:
		f.ends = time.Time{}
	case f.ends.IsZero():
		f.ends = at.Add(time.Hour)
	}
}

func (f *fakeAWS) billed() (sum int64) {
	for _, n := range f.bills {
		sum += n
	}
	return sum
}

func (f *fakeAWS) Meter(_ context.Context, product portal.ProductCode, records []seller.Record) ([]seller.Metered, error) {
	f.sent = append(f.sent, slices.Clone(records))
	var becomes fault
	if len(f.next) > 0 {
		becomes, f.next = f.next[0], f.next[1:]
	}
	if f.down == product || f.down == "*" {
		becomes = unheard
	}
	switch becomes {
	case throttled:
		return nil, fmt.Errorf("metering: %w", seller.ErrThrottled)
	case unheard:
		return nil, fmt.Errorf("metering: %w", seller.ErrDown)
	}
	if meanwhile := f.meanwhile; meanwhile != nil {
		f.meanwhile = nil
		defer meanwhile()
	}
	now := f.now().Add(-f.behind)
	for _, r := range records {
		switch {
		case f.refuses[r.Dimension] != "":
			return nil, &seller.BatchRefused{Code: f.refuses[r.Dimension]}
		case f.refusesLicence != "" && r.Licence == f.refusesLicence:
			return nil, &seller.BatchRefused{Code: "InvalidLicenseException"}
		case r.At.After(now) || now.Sub(r.At) >= 6*time.Hour:
			return nil, &seller.BatchRefused{Code: timeRefused}
		}
	}
	metered := make([]seller.Metered, len(records))
	for i, r := range records {
		metered[i] = seller.Metered{Record: r}
		slot := fmt.Sprintf("%s%s%s %s %s", product, r.Licence, r.Customer, r.Dimension, r.At.Format("2006-01-02T15"))
		before, billed := f.bills[slot]
		switch {
		case becomes == unprocessed:
			metered[i].Outcome = seller.Unprocessed
		case !f.ends.IsZero() && !now.Before(f.ends):
			metered[i].Outcome = seller.NotSubscribed
		case billed && before != r.Quantity:
			metered[i].Outcome = seller.Duplicate
		default:
			f.bills[slot] = r.Quantity
			metered[i].Outcome, metered[i].ID = seller.Accepted, "id "+slot
		}
	}
	if becomes == lost {
		return nil, fmt.Errorf("metering: %w", seller.ErrDown)
	}
	return metered, nil
}

func counterOf(plan portal.PlanID, on time.Time, used int64) usage.Counter {
	return usage.Counter{Plan: plan, Key: "k", GatewayKey: "gw", Day: on, Used: used}
}
