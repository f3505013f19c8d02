package e2e

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
	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/handlers"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/provisioning"
	"github.com/gatehouse-portal/gatehouse/state"
)

// The promises 1 to 4 under a scheduler that means ill: messages come in any order and
// more than once, wake-ups are lost, workers crash before or after any step, other workers
// act in between any two steps, API Gateway does late what it has not answered, somebody
// plays with the console, requests become dead letters and are replayed. In the end there
// is one sweep. The three loops are the real ones on a real table; only the queues and the
// control plane are stand-ins, since it is their behaviour that is being made up.
func TestAnyInterleavingOfMessagesCrashesAndReplaysKeepsThePromises(t *testing.T) {
	t.Parallel()
	server := localaws.Start(t)
	tables := dynamodb.NewFromConfig(server.AWSConfig())
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		w := newWorld(rt, tables, app.NamesFor(fmt.Sprintf("run%d", runs)))
		w.act()
		w.drain()
		w.sweep()
		w.keepsThePromises()
	})
}

var errCrash = errors.New("the worker crashed")

// world is one run.
type world struct {
	*rapid.T
	names     app.Names
	tables    *dynamodb.Client
	queue     []events.Event // commands and wake-ups under way
	dead      []events.Event // requests among the dead letters
	asked     map[portal.OperationID]portal.AccountID
	requests  map[portal.AccountID][]events.Event
	intents   map[portal.AccountID]portal.Intent
	plane     *fakePlane
	journal   *journal.Journal
	execute   *handlers.Execute
	converger *provisioning.Converger
	projector *projections.Projector
	letters   deadletters.Keeper
	views     *projections.Views
	clock     time.Time

	// pending is what API Gateway has been asked and not done yet.
	pending []func()
	calm    bool // nothing goes wrong any more
	depth   int  // workers at work inside one another
}

func newWorld(rt *rapid.T, tables *dynamodb.Client, names app.Names) *world {
	w := &world{
		T: rt, names: names, tables: tables, asked: map[portal.OperationID]portal.AccountID{}, requests: map[portal.AccountID][]events.Event{},
		intents: map[portal.AccountID]portal.Intent{}, plane: &fakePlane{keys: map[string]portal.GatewayKeyID{}, attached: map[attachment]bool{}},
		clock: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC),
	}
	for _, name := range []string{names.Journal, names.Records, names.Views} {
		createTable(rt, tables, name)
	}
	now := func() time.Time { w.clock = w.clock.Add(time.Millisecond); return w.clock }
	w.journal = journal.New(tables, names.Journal, names.Records)
	faulty := faultyJournal{w.journal, w}
	w.execute = handlers.New(handlers.Config{Journal: faulty, Sender: fakeSender{w}, Now: now, Keys: handlers.KeyScheme{Scheme: "v1", KMSKey: "k"}})
	w.converger = &provisioning.Converger{
		Journal: faulty, Sender: fakeSender{w}, Values: fakeValues{}, Leases: noLeases{}, Now: now,
		Session: func(gateway.Urgency, func() time.Time) provisioning.ControlPlane { return faultyPlane{w} },
		Lease:   func(context.Context) time.Time { return w.clock.Add(time.Hour) },
		KeyName: func(a portal.AccountID, k portal.KeyID) string { return string(a) + "/" + string(k) },
	}
	viewTables := projections.Tables{Views: names.Views, Records: names.Records}
	w.projector = projections.NewProjector(faulty, tables, viewTables)
	w.views = projections.NewViews(tables, viewTables, noDocuments{})
	w.letters = deadletters.Keeper{Requests: w.execute, Rows: faulty, Tables: tables, Records: names.Records, Now: now}
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

var plans = []events.SubscribeRequested{
	{Plan: "free", Name: "Free", Stages: []portal.Stage{{API: "a", Stage: "v1"}}},
	{Plan: "plus", Name: "Plus", Stages: []portal.Stage{{API: "a", Stage: "v1"}}},
	{Plan: "next", Name: "Next", Stages: []portal.Stage{{API: "a", Stage: "v2"}}},
}

// act lets things happen: people ask, messages arrive, dead letters come and go.
func (w *world) act() {
	for range rapid.IntRange(5, 30).Draw(w.T, "actions") {
		switch rapid.SampledFrom([]string{"ask", "ask", "ask", "deliver", "deliver", "deliver", "deliver", "bury", "replay", "lose", "land", "console"}).Draw(w.T, "action") {
		case "ask":
			w.ask()
		case "deliver":
			w.deliver()
		case "bury":
			w.bury()
		case "replay":
			if len(w.dead) > 0 {
				w.queue = append(w.queue, w.dead[rapid.IntRange(0, len(w.dead)-1).Draw(w.T, "letter")])
			}
		case "lose":
			w.lose()
		case "land":
			w.land()
		case "console":
			w.console()
		}
	}
}

func (w *world) ask() {
	account := rapid.SampledFrom([]portal.AccountID{"ann", "bob"}).Draw(w.T, "account")
	plan := rapid.SampledFrom(plans).Draw(w.T, "plan")
	request := rapid.SampledFrom([]events.Request{events.RegisterUser{}, plan, plan, events.UnsubscribeRequested{Plan: plan.Plan}}).Draw(w.T, "request")
	if w.intents[account] == 0 {
		request = events.RegisterUser{}
	}
	w.intents[account]++
	op := portal.OperationID(fmt.Sprintf("%s-%d", account, w.intents[account]))
	w.asked[op] = account
	msg := events.Event{
		ID: string(op), Source: "/test", Subject: portal.AccountStream(account), Time: w.clock, Operation: op,
		Intent: w.intents[account], Data: request,
	}
	w.requests[account] = append(w.requests[account], msg)
	w.queue = append(w.queue, msg)
}

// deliver hands one message to a worker. What was not handled stays; what was may come
// again.
func (w *world) deliver() {
	if len(w.queue) == 0 {
		return
	}
	i := 0
	if !w.calm {
		i = rapid.IntRange(0, len(w.queue)-1).Draw(w.T, "message")
	}
	msg := w.queue[i]
	w.queue = slices.Delete(w.queue, i, i+1)
	w.depth++
	err := w.handle(msg)
	w.depth--
	again := !w.calm && rapid.IntRange(0, 9).Draw(w.T, "again") == 0
	if err != nil || again {
		w.queue = append(w.queue, msg)
	}
	var postponed *portal.Postponed
	var unanswered *gateway.Unavailable
	if err != nil && !errors.Is(err, errCrash) && !errors.As(err, &postponed) && !errors.As(err, &unanswered) {
		w.Fatalf("%s about %s: %v", msg.Type(), msg.Subject, err)
	}
}

func (w *world) handle(msg events.Event) error {
	ctx := context.Background()
	if _, ok := msg.Fact(); ok {
		return w.projector.Handle(ctx, msg)
	}
	if _, ok := msg.Data.(events.ProvisionRequested); ok {
		return w.converger.Handle(ctx, msg)
	}
	return w.execute.Handlers()[msg.Type()](ctx, msg)
}

// bury makes a dead letter of a request under way.
func (w *world) bury() {
	for i, msg := range w.queue {
		if _, wakeUp := msg.Data.(events.ProvisionRequested); wakeUp {
			continue
		}
		if _, fact := msg.Fact(); fact {
			continue
		}
		body, err := events.Encode(msg)
		if err != nil {
			w.Fatal(err)
		}
		w.queue = slices.Delete(w.queue, i, i+1)
		err = w.letters.Bury(context.Background(), deadletters.Letter{ID: msg.ID, Body: body, Class: "failed"})
		if errors.Is(err, errCrash) {
			w.queue = append(w.queue, msg)
			return
		}
		if err != nil {
			w.Fatal(err)
		}
		w.dead = append(w.dead, msg)
		return
	}
}

// lose drops a wake-up or a fact's message: not a request, which SQS keeps.
func (w *world) lose() {
	for i, msg := range w.queue {
		_, wakeUp := msg.Data.(events.ProvisionRequested)
		if _, fact := msg.Fact(); fact || wakeUp {
			w.queue = slices.Delete(w.queue, i, i+1)
			return
		}
	}
}

// land has API Gateway do what it was asked long ago.
func (w *world) land() {
	if len(w.pending) > 0 {
		w.pending[0]()
		w.pending = w.pending[1:]
	}
}

// console is somebody who attaches, detaches or deletes by hand.
func (w *world) console() {
	names := slices.Sorted(maps.Keys(w.plane.keys))
	if len(names) == 0 {
		return
	}
	name := rapid.SampledFrom(names).Draw(w.T, "key")
	id, plan := w.plane.keys[name], rapid.SampledFrom(plans).Draw(w.T, "by hand").Plan
	switch rapid.SampledFrom([]string{"attach", "detach", "delete"}).Draw(w.T, "does") {
	case "attach":
		_ = w.plane.attach(plan, id)
	case "detach":
		delete(w.plane.attached, attachment{plan, id})
	case "delete":
		w.plane.remove(name)
	}
}

// drain lets everything finish, with nothing going wrong any more.
func (w *world) drain() {
	w.calm = true
	for len(w.pending) > 0 {
		w.land()
	}
	for range 10_000 {
		if len(w.queue) == 0 {
			return
		}
		w.deliver()
	}
	w.Fatalf("the queues do not drain: %d messages left", len(w.queue))
}

// sweep is the one sweep that mends what nobody was woken for.
func (w *world) sweep() {
	w.clock = w.clock.Add(10 * time.Minute)
	sweep := &provisioning.Sweep{
		Journal: w.journal, Sender: fakeSender{w}, Shown: w.projector, Now: func() time.Time { return w.clock },
		Listings: func(func() time.Time) provisioning.Listings { return w.plane },
		Lease:    func(context.Context) time.Time { return w.clock.Add(time.Hour) },
		ParseName: func(name string) (portal.AccountID, portal.KeyID, bool) {
			account, key, ok := strings.Cut(name, "/")
			return portal.AccountID(account), portal.KeyID(key), ok
		},
	}
	if _, err := sweep.Run(context.Background()); err != nil {
		w.Fatal(err)
	}
	w.drain()
}

// point is any step of any loop. Before it the worker may crash, or another one may act;
// after it the worker may crash.
func (w *world) point(step func() error) error {
	if w.calm {
		return step()
	}
	switch n := rapid.IntRange(0, 19).Draw(w.T, "fate"); {
	case n == 0:
		return errCrash
	case n == 1:
		if err := step(); err != nil {
			return err
		}
		return errCrash
	case n <= 4 && w.depth < 3 && len(w.queue) > 0:
		w.deliver()
	}
	return step()
}

// call is a point at which API Gateway may give no answer, and do it later all the same.
func (w *world) call(step func() error) error {
	if !w.calm && rapid.IntRange(0, 9).Draw(w.T, "unanswered") == 0 {
		w.pending = append(w.pending, func() { _ = step() })
		return &gateway.Unavailable{Err: errors.New("timeout")}
	}
	return w.point(step)
}

func (w *world) keepsThePromises() {
	ctx := context.Background()
	for account := range w.intents {
		facts, err := w.journal.Read(ctx, portal.AccountStream(account), 0)
		if err != nil {
			w.Fatal(err)
		}
		folded := state.FoldAccount(account, facts)
		w.oneKeyInASlot(folded)
		w.attachmentsMatch(folded)
		w.viewsMatch(folded)
		w.eachDecidedOnce(facts)
		w.newestIntentWins(folded)
	}
	w.everyOperationEnds()
}

func (w *world) oneKeyInASlot(folded state.Account) {
	created := 0
	for name := range w.plane.keys {
		if strings.HasPrefix(name, string(folded.ID)+"/") {
			created++
		}
	}
	if created > 1 || len(folded.Keys) > 1 {
		w.Errorf("account %s has %d keys in API Gateway, %d in the fold", folded.ID, created, len(folded.Keys))
	}
}

func (w *world) attachmentsMatch(folded state.Account) {
	for plan, s := range folded.Subscriptions {
		if s.Open() {
			w.Errorf("%s of %s is still %s", plan, folded.ID, s.Phase)
		}
		key := folded.Keys[s.Key]
		if got := w.plane.attached[attachment{plan, key.GatewayID}]; got != (s.Phase == state.Active) {
			w.Errorf("%s of %s is %s, and attached: %v", plan, folded.ID, s.Phase, got)
		}
	}
	for _, key := range folded.Keys {
		for a := range w.plane.attached {
			if _, known := folded.Subscriptions[a.plan]; a.key == key.GatewayID && !known {
				w.Errorf("%s has %s, which it never subscribed to", folded.ID, a.plan)
			}
		}
	}
}

func (w *world) viewsMatch(folded state.Account) {
	shown, err := w.views.Account(context.Background(), folded.ID)
	if err != nil {
		w.Fatal(err)
	}
	if (shown.Profile.Status == projections.StatusRegistered) != folded.Registered {
		w.Errorf("%s is shown as %s, and registered: %v", folded.ID, shown.Profile.Status, folded.Registered)
	}
	if len(shown.Subscriptions) != len(folded.Subscriptions) || len(shown.Keys) != len(folded.Keys) {
		w.Errorf("%s is shown with %d subscriptions and %d keys, has %d and %d", folded.ID,
			len(shown.Subscriptions), len(shown.Keys), len(folded.Subscriptions), len(folded.Keys))
	}
	want := map[state.Phase]string{state.Active: projections.SubscriptionActive, state.Ended: projections.SubscriptionEnded}
	for _, s := range shown.Subscriptions {
		if has := folded.Subscriptions[s.Plan]; s.State != want[has.Phase] {
			w.Errorf("%s of %s is shown as %s, is %s", s.Plan, folded.ID, s.State, has.Phase)
		}
	}
}

// eachDecidedOnce: what one request led to was appended in one go, and an operation ends
// once; only a failure may come before it.
func (w *world) eachDecidedOnce(facts []events.Event) {
	decided, ended := map[string]bool{}, map[portal.OperationID]bool{}
	previous := ""
	for _, fact := range facts {
		if _, failed := fact.Data.(events.RequestFailed); failed {
			previous = ""
			continue
		}
		if _, asked := w.asked[portal.OperationID(fact.Causation)]; asked && fact.Causation != previous {
			if decided[fact.Causation] {
				w.Errorf("%s was decided twice", fact.Causation)
			}
			decided[fact.Causation] = true
		}
		previous = fact.Causation
		if e, ok := fact.Data.(interface{ Ended() []portal.OperationID }); ok {
			for _, op := range e.Ended() {
				if ended[op] {
					w.Errorf("%s ended twice", op)
				}
				ended[op] = true
			}
		}
	}
}

// newestIntentWins: of all that was asked about a plan and carried out, what was asked last
// is what stands, in whatever order it arrived or was replayed.
func (w *world) newestIntentWins(folded state.Account) {
	for _, plan := range plans {
		var newest events.Event
		for _, msg := range w.requests[folded.ID] {
			about, ok := msg.Data.(events.Request)
			if !ok || !slices.Contains(about.Scopes(), portal.PlanScope(plan.Plan)) || msg.Intent < newest.Intent {
				continue
			}
			if p, err := w.views.Progress(context.Background(), msg.Operation); err == nil && p.Status != projections.Failed {
				newest = msg
			}
		}
		p, err := w.views.Progress(context.Background(), newest.Operation)
		if err != nil || newest.Operation == "" {
			continue
		}
		_, wants := newest.Data.(events.SubscribeRequested)
		holds := folded.Subscriptions[plan.Plan].Holds()
		switch {
		case p.Status == projections.Succeeded && wants != holds:
			w.Errorf("%s asked last about %s (subscribe: %v) and succeeded, and it is held: %v", newest.Operation, plan.Plan, wants, holds)
		case p.Code == string(portal.Superseded):
			w.Errorf("%s asked last about %s and was superseded", newest.Operation, plan.Plan)
		}
	}
}

// everyOperationEnds: a request is carried out, refused with a reason, or a dead letter.
func (w *world) everyOperationEnds() {
	for _, op := range slices.Sorted(maps.Keys(w.asked)) {
		p, err := w.views.Progress(context.Background(), op)
		if err != nil {
			w.Fatal(err)
		}
		switch p.Status {
		case projections.Succeeded:
		case projections.Rejected:
			if p.Code == "" || p.Message == "" {
				w.Errorf("%s is rejected without a reason", op)
			}
		case projections.Failed:
			if !slices.ContainsFunc(w.dead, func(e events.Event) bool { return e.Operation == op }) {
				w.Errorf("%s has failed and is no dead letter", op)
			}
		default:
			w.Errorf("%s is still %s: %+v", op, p.Status, p.Steps)
		}
	}
}

// The stand-ins.

type faultyJournal struct {
	*journal.Journal
	w *world
}

func (f faultyJournal) Append(ctx context.Context, stream portal.Stream, after int64, facts []events.Event, rows ...journal.Row) error {
	return f.w.point(func() error { return f.Journal.Append(ctx, stream, after, facts, rows...) })
}

// fakeSender puts messages under way. Facts are a wake-up for the projector.
type fakeSender struct{ w *world }

func (s fakeSender) Send(_ context.Context, messages ...events.Event) error {
	return s.w.point(func() error {
		s.w.queue = append(s.w.queue, messages...)
		return nil
	})
}

func (s fakeSender) Repeat(ctx context.Context, messages ...events.Event) error {
	return s.Send(ctx, messages...)
}

type attachment struct {
	plan portal.PlanID
	key  portal.GatewayKeyID
}

// fakePlane behaves as API Gateway does: one key a value (here: a name), one plan a
// stage and key.
type fakePlane struct {
	keys     map[string]portal.GatewayKeyID
	made     int
	attached map[attachment]bool
}

func (p *fakePlane) attach(plan portal.PlanID, key portal.GatewayKeyID) error {
	if !slices.Contains(slices.Collect(maps.Values(p.keys)), key) {
		return &gateway.Refused{Reason: gateway.KeyGone}
	}
	for other := range p.attached {
		if other.key == key && other.plan != plan && sameStage(other.plan, plan) {
			return &gateway.Refused{Reason: gateway.StageTaken}
		}
	}
	p.attached[attachment{plan, key}] = true
	return nil
}

func (p *fakePlane) remove(name string) {
	for a := range p.attached {
		if a.key == p.keys[name] {
			delete(p.attached, a)
		}
	}
	delete(p.keys, name)
}

func (p *fakePlane) UsagePlans(context.Context) ([]gateway.UsagePlan, error) {
	var list []gateway.UsagePlan
	for _, plan := range plans {
		list = append(list, gateway.UsagePlan{ID: plan.Plan})
	}
	return list, nil
}

func (p *fakePlane) Keys(context.Context, string) ([]gateway.Listed, error) {
	var list []gateway.Listed
	for name, id := range p.keys {
		list = append(list, gateway.Listed{ID: id, Name: name})
	}
	return list, nil
}

func (p *fakePlane) PlanKeys(_ context.Context, plan portal.PlanID, _ string) ([]gateway.Listed, error) {
	var list []gateway.Listed
	for name, id := range p.keys {
		if p.attached[attachment{plan, id}] {
			list = append(list, gateway.Listed{ID: id, Name: name})
		}
	}
	return list, nil
}

type faultyPlane struct{ w *world }

func (f faultyPlane) CreateKey(_ context.Context, key gateway.Key) (id portal.GatewayKeyID, err error) {
	plane := f.w.plane
	err = f.w.call(func() error {
		if plane.keys[key.Name] == "" {
			plane.made++
			plane.keys[key.Name] = portal.GatewayKeyID(fmt.Sprintf("gw-%d", plane.made))
		}
		id = plane.keys[key.Name]
		return nil
	})
	return id, err
}

func (f faultyPlane) Attach(_ context.Context, plan portal.PlanID, key portal.GatewayKeyID) error {
	return f.w.call(func() error { return f.w.plane.attach(plan, key) })
}

func (f faultyPlane) Detach(_ context.Context, plan portal.PlanID, key portal.GatewayKeyID) error {
	return f.w.call(func() error {
		delete(f.w.plane.attached, attachment{plan, key})
		return nil
	})
}

func (f faultyPlane) Present(_ context.Context, key portal.GatewayKeyID) error {
	return f.w.call(func() error {
		if !slices.Contains(slices.Collect(maps.Values(f.w.plane.keys)), key) {
			return &gateway.Refused{Reason: gateway.KeyGone}
		}
		return nil
	})
}

func (f faultyPlane) PlansOf(_ context.Context, key portal.GatewayKeyID) (found []portal.PlanID, err error) {
	err = f.w.call(func() error {
		for a := range f.w.plane.attached {
			if a.key == key {
				found = append(found, a.plan)
			}
		}
		return nil
	})
	return found, err
}

func sameStage(a, b portal.PlanID) bool {
	stage := map[portal.PlanID]portal.Stage{}
	for _, p := range plans {
		stage[p.Plan] = p.Stages[0]
	}
	return stage[a] == stage[b]
}

type fakeValues struct{}

func (fakeValues) Value(_ context.Context, _, _ string, account portal.AccountID, key portal.KeyID) (string, error) {
	return string(account) + string(key), nil
}

type noLeases struct{}

func (noLeases) AccountLease(context.Context, portal.AccountID, time.Duration) (func(), bool, error) {
	return func() {}, true, nil
}

type noDocuments struct{}

func (noDocuments) Load(context.Context, string) (catalog.Document, error) {
	return catalog.Document{}, nil
}
