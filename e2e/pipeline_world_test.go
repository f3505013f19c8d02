// The state of a run of pipeline_test.go, and the faults that befall its workers.

package e2e

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/adoptions"
	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/handlers"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/provisioning"
	"github.com/gatehouse-portal/gatehouse/usage"
)

// idle is how long keys whose ring is empty are kept.
const idle = 720 * time.Hour

type world struct {
	*rapid.T
	names       app.Names
	tables      *dynamodb.Client
	queue       []events.Event // commands and wake-ups under way
	dead        []events.Event // requests among the dead letters
	requestedBy map[portal.OperationID]portal.AccountID
	requests    map[portal.AccountID][]events.Event
	intents     map[portal.AccountID]portal.Intent
	plane       *fakePlane
	offering    *offering
	market      *market
	journal     *journal.Journal
	reader      *accounts.Reader
	execute     *handlers.Decider
	converger   *provisioning.Converger
	importing   *provisioning.Converger // creates keys in bulk
	projector   *projections.Projector
	// rebuild goes on from the cursor while that is not empty.
	rebuild *projections.Rebuild
	cursor  string
	letters deadletters.Recorder
	telling *telling
	views   *projections.Views
	// The job usage goes on from usageCursor. writing lets its writes draw their faults one by one.
	collector   *usage.Collector
	usageCursor string
	meters      meters
	meter       *metering.Meter
	// unrecorded is when a worker without a lease may last have created a key that it did not record.
	unrecorded time.Time
	// migrations counts the requests of operators to adopt keys.
	migrations int
	// erased holds accounts whose personal data was erased.
	erased  map[portal.AccountID]bool
	erasure members.Erasure
	writing sync.Mutex
	clock   time.Time
	// served is when due rows were last handled without a crash.
	served time.Time

	// bulk is how many of ten workers create keys in waves.
	bulk int

	// announced holds events about changes by hand.
	announced [][]byte
	// pending holds calls that API Gateway has not answered and will do later.
	pending []func()
	lastErr error // of the last delivery that failed
	calm    bool  // nothing goes wrong any more
	depth   int   // workers at work inside one another
}

func newWorld(rt *rapid.T, tables *dynamodb.Client, names app.Names) *world {
	w := &world{
		T: rt, names: names, tables: tables, requestedBy: map[portal.OperationID]portal.AccountID{}, requests: map[portal.AccountID][]events.Event{},
		intents: map[portal.AccountID]portal.Intent{}, plane: newPlane(), meters: meters{}, erased: map[portal.AccountID]bool{},
		clock: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC),
	}
	w.market = newMarket(w.clock)
	w.plane.forgets = rapid.Bool().Draw(rt, "a detachment forgets the quota")
	w.plane.detached = func(of attachment) { w.setRemaining(of, w.quotaOf(of).Limit) }
	for _, name := range []string{names.Journal, names.Records, names.Views, names.Usage, names.Sessions} {
		createTable(rt, tables, name)
	}
	w.journal = journal.New(tables, names.Journal, names.Records)
	faulty := faultyJournal{w.journal, w}
	w.reader = accounts.NewReader(w.journal, tables, names.Records, w.now)
	if rapid.Bool().Draw(rt, "snapshots") {
		w.reader.SnapshotEvery(8, 4)
	}
	known := members.NewStore(tables, names.Records, w.now)
	kept := identity.Tables{Journal: names.Journal, Records: names.Records, Sessions: names.Sessions}
	w.erasure = members.Erasure{Store: known, People: identity.Lookup{DynamoDB: tables, Tables: kept}, Identities: identity.Eraser{DynamoDB: tables, Tables: kept}}
	writer := accounts.Writer{Journal: faulty, Reader: w.reader}
	w.execute = handlers.New(handlers.Config{Journal: writer, Accounts: w.reader, Sender: fakeSender{w}, Now: w.now, Keys: handlers.KeyScheme{Scheme: "v1", KMSKey: "k"}, Rings: handlers.Rings{Keys: keysPerRing}, Catalog: joining{w}, Promoted: known.PromotedNow, AdoptedBy: adoptions.NewStore(tables, names.Records, w.now).Owner, Entitled: w.entitled, ApproveRegistrations: rapid.IntRange(0, 3).Draw(rt, "registrations wait") == 0})
	converging := func() *provisioning.Converger {
		return &provisioning.Converger{
			Journal: writer, Accounts: w.reader, KeepIdleKeys: idle, KeepEndedKeys: 30 * time.Hour, CarryUsage: true, Sender: fakeSender{w}, Values: fakeValues{}, AccountLeases: noLeases{w}, Now: w.now,
			Session:      func(gateway.Urgency, func() time.Time) provisioning.ControlPlane { return faultyPlane{w} },
			MessageLease: w.messageLease,
			KeyName:      func(a portal.AccountID, k portal.KeyID) string { return string(a) + "/" + string(k) },
		}
	}
	w.converger, w.importing = converging(), converging()
	w.importing.Bulk = faultyImporter{w}
	if rapid.IntRange(0, 2).Draw(rt, "leases") > 0 {
		w.converger.AccountLeases = w.realLeases()
		w.importing.AccountLeases = w.converger.AccountLeases
	}
	w.bulk = rapid.SampledFrom([]int{0, 10, 10, 7}).Draw(rt, "bulk")
	viewTables := projections.Tables{Views: names.Views, Records: names.Records}
	w.projector = projections.NewProjector(faulty, w.reader, tables, viewTables).Clock(w.now)
	w.views = projections.NewViews(tables, viewTables, catalog.NewStore(tables, names.Records)).Clock(w.now)
	w.rebuild = &projections.Rebuild{
		Projector: projections.NewProjector(faulty, w.reader, tables, viewTables).Clock(w.now), Journal: w.journal, Rows: tables, Now: w.now,
		Scratch: jobs.NewScratch(tables, names.Records, w.now),
		Wait: func(_ context.Context, d time.Duration) error {
			w.clock = w.clock.Add(d)
			return nil
		},
	}
	w.letters = deadletters.Recorder{Requests: w.execute, Rows: faulty, Tables: tables, Records: names.Records, Now: w.now}
	w.collector = w.newCollector(faulty)
	for _, c := range []*provisioning.Converger{w.converger, w.importing} {
		c.Usage, c.Erase = w.collector, w.erase
	}
	w.meter = w.newMeter()
	w.offering = newOffering(w)
	w.telling = newTelling(w, known)
	w.makeOlderKeys()
	return w
}

func createTable(rt *rapid.T, tables *dynamodb.Client, name string) {
	_, err := tables.CreateTable(context.Background(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: ptr("pk"), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: ptr("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: ptr("pk"), KeyType: types.KeyTypeHash}, {AttributeName: ptr("sk"), KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		rt.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }

// now is the clock of all workers. No two readings are equal.
func (w *world) now() time.Time {
	w.clock = w.clock.Add(time.Millisecond)
	return w.clock
}

// messageLease returns until when SQS hides a message from other workers.
func (w *world) messageLease(context.Context) time.Time { return w.clock.Add(time.Hour) }

// expireLeases lets every account lease run out that is held now.
func (w *world) expireLeases() { w.clock = w.clock.Add(time.Minute + time.Second) }

type worker struct{ crashed bool }

type workerKey struct{}

func newWorker() (context.Context, *worker) {
	me := &worker{}
	return context.WithValue(context.Background(), workerKey{}, me), me
}

var errCrash = errors.New("the worker crashed")

// crash ends the worker: none of its later steps takes effect, deferred ones included.
func crash(ctx context.Context) error {
	ctx.Value(workerKey{}).(*worker).crashed = true
	return errCrash
}

func crashed(ctx context.Context) bool { return ctx.Value(workerKey{}).(*worker).crashed }

// faultPoint is a step of a loop. The worker may crash before or after it, or stall before it.
func (w *world) faultPoint(ctx context.Context, step func() error) error {
	switch {
	case crashed(ctx):
		return errCrash
	case w.calm:
		return step()
	}
	switch n := rapid.IntRange(0, 19).Draw(w.T, "fate"); {
	case n == 0:
		return crash(ctx)
	case n == 1:
		_ = step()
		return crash(ctx)
	case n <= 5:
		w.letOthersAct()
	}
	return step()
}

// letOthersAct does what others do between two steps of a worker, which may have lost its lease
// by then.
func (w *world) letOthersAct() {
	if rapid.IntRange(0, 2).Draw(w.T, "stalls") == 0 {
		w.expireLeases()
	}
	switch rapid.SampledFrom([]string{"deliver", "deliver", "deliver", "late call", "by hand", "rebuild", "call", "collect"}).Draw(w.T, "meanwhile") {
	case "deliver":
		if w.depth < 3 {
			w.deliver()
		}
	case "late call":
		w.completeLateCall()
	case "by hand":
		w.changeByHand()
	case "rebuild":
		w.rebuildSome()
	case "call":
		w.callSomething()
	case "collect":
		if w.depth < 3 {
			w.depth++
			w.collectStep()
			w.depth--
		}
	}
}

// planeCall is a fault point at which API Gateway may not answer, and act later, even after the
// caller has crashed.
func (w *world) planeCall(ctx context.Context, step func() error) error {
	if w.calm || crashed(ctx) || !w.oneIn(10, "unanswered") {
		return w.faultPoint(ctx, step)
	}
	w.later(func() { _ = step() })
	if w.oneIn(4, "crashes meanwhile") {
		return crash(ctx)
	}
	return unanswered()
}

func (w *world) later(effect func()) { w.pending = append(w.pending, effect) }

func unanswered() error { return &gateway.Unavailable{Err: errors.New("timeout")} }

// oneIn draws whether a fault with a chance of 1 in n happens. In the calm none does.
func (w *world) oneIn(n int, what string) bool {
	return !w.calm && rapid.IntRange(0, n-1).Draw(w.T, what) == 0
}
