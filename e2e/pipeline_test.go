// This file tests promises 1 to 4 of docs/reliability.md under faults in random order.

package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/provisioning"
)

// TestAnyInterleavingOfMessagesCrashesAndReplaysKeepsThePromises runs the three loops under a
// hostile scheduler (docs/reliability.md, Any interleaving). Then it delivers what is left,
// handles due rows, sweeps once, finishes a rebuild in about half of the runs, reads the catalog, and
// checks the promises and the published catalog. The loops and tables are real, and so are the leases of accounts in most runs.
// Queues and control plane are fakes, since their behaviour is drawn. Workers create keys alone,
// in waves, or some each way.
func TestAnyInterleavingOfMessagesCrashesAndReplaysKeepsThePromises(t *testing.T) {
	t.Parallel()
	server := localawstest.Start(t)
	tables := dynamodb.NewFromConfig(server.AWSConfig())
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		w := newWorld(rt, tables, app.NamesFor(fmt.Sprintf("run%d", runs)))
		if rapid.IntRange(0, 3).Draw(rt, "signed up") > 0 {
			w.registerEverybody()
		}
		w.act()
		w.drain()
		w.handleDueRows() // sends lost requests again
		w.drain()
		w.reviewTheRest()
		w.answerRegistrations()
		w.sweep()
		w.reinstateTheRest()
		if rapid.Bool().Draw(rt, "the rebuild ends") {
			w.rebuildTheRest()
		}
		w.sendNoticesAgain()
		w.checkLicences()
		w.checkCustomers()
		w.checkCatalog()
		w.checkUsage()
		w.checkMetering()
		w.checkPromises()
		w.checkAdopted()
		w.checkTold()
	})
}

var plans = []events.SubscribeRequested{
	{Plan: "free", Name: "Free", Stages: []portal.Stage{{API: "a", Stage: "v1"}}, Rivals: []portal.PlanID{"plus"}},
	{Plan: "plus", Name: "Plus", Stages: []portal.Stage{{API: "a", Stage: "v1"}}, Rivals: []portal.PlanID{"free"}},
	{Plan: "next", Name: "Next", Stages: []portal.Stage{{API: "a", Stage: "v2"}}},
}

func (w *world) act() {
	for range rapid.IntRange(5, 40).Draw(w.T, "actions") {
		switch rapid.SampledFrom([]string{
			"request", "request", "request", "account", "review", "deliver", "deliver", "deliver", "deliver", "deliver", "deliver", "deliver", "bury", "replay", "drop", "late call", "by hand", "hear of change", "leases expire", "due", "months", "rebuild", "rebuild",
			"change catalog", "change catalog", "read catalog", "call", "call", "call", "collect", "collect", "meter", "notice", "notice", "claim", "entitle", "renew", "migrate",
		}).Draw(w.T, "action") {
		case "request":
			w.requestSomething()
		case "account":
			w.requestAboutAccount()
		case "review":
			w.reviewSomething()
		case "deliver":
			w.deliver()
		case "bury":
			w.bury()
		case "replay":
			if len(w.dead) > 0 {
				w.queue = append(w.queue, w.dead[rapid.IntRange(0, len(w.dead)-1).Draw(w.T, "letter")])
			}
		case "drop":
			w.dropMessage()
		case "late call":
			w.completeLateCall()
		case "by hand":
			w.changeByHand()
		case "hear of change":
			w.hearOfChange()
		case "leases expire":
			w.expireLeases()
		case "due":
			w.handleDueRows()
		case "months":
			// No call is under way for months.
			for len(w.pending) > 0 {
				w.completeLateCall()
			}
			w.collectAll()
			w.meterAll()
			w.clock = w.clock.Add(idle + time.Hour)
			w.handleDueRows()
		case "rebuild":
			w.rebuildSome()
		case "notice":
			w.notice()
		case "claim":
			w.claim()
		case "entitle":
			w.entitle()
		case "renew":
			w.renew()
		case "migrate":
			w.requestMigration()
		case "call":
			w.callSomething()
		case "collect":
			w.collectSome()
		case "meter":
			w.meterAll()
		case "change catalog":
			w.changeCatalog()
		case "read catalog":
			w.askForCatalog()
		}
	}
}

var people = []portal.AccountID{"ann", "bob"}

func (w *world) registerEverybody() {
	for _, account := range people {
		w.request(account, events.RegisterUser{})
	}
	w.drain()
	w.answerRegistrations()
	w.calm = false
}

func (w *world) requestSomething() {
	account := rapid.SampledFrom(people).Draw(w.T, "account")
	plan := rapid.SampledFrom(plans).Draw(w.T, "plan")
	if w.oneIn(4, "approval") {
		plan.Approval = events.ApprovalManual
	}
	request := rapid.SampledFrom(requestsAbout(plan)).Draw(w.T, "request")
	if w.intents[account] == 0 {
		request = events.RegisterUser{}
	}
	if w.intents[account] > 0 && rapid.IntRange(0, 2).Draw(w.T, "about keys") == 0 {
		w.requestAboutKeys(account)
		return
	}
	w.request(account, request)
}

// requestsAbout lists what a person may ask for; subscribing comes up most often.
func requestsAbout(plan events.SubscribeRequested) []events.Request {
	return append(changesTo(plan),
		events.RegisterUser{}, plan, plan, plan, events.UnsubscribeRequested{Plan: plan.Plan},
	)
}

func TestTheSchedulerKnowsEveryRequestOfPeople(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, request := range slices.Concat(requestsAbout(plans[0]), keyRequests("key", time.Time{}), accountRequests(), []events.Request{claimOf("ann", plans[0]), events.AccountMigrationRequested{}}) {
		known[request.EventType()] = true
	}
	for _, name := range events.Types() {
		// Only what people ask for has scopes.
		if request, err := events.DecodeRequest(name, []byte("{}")); err == nil && len(request.Scopes()) > 0 && !known[name] {
			t.Errorf("the scheduler does not draw %s", name)
		}
	}
}

func (w *world) request(account portal.AccountID, request events.Request) {
	w.intents[account]++
	op := portal.OperationID(fmt.Sprintf("%s-%d", account, w.intents[account]))
	w.requestedBy[op] = account
	msg := events.Event{
		ID: string(op), Source: "/test", Subject: portal.AccountStream(account), Time: w.clock, Operation: op,
		Intent: w.intents[account], Data: request,
	}
	w.requests[account] = append(w.requests[account], msg)
	w.queue = append(w.queue, msg)
	if err := w.journal.Write(context.Background(), journal.PutDue(due.OfOperation(msg.Subject, op, msg.Time))); err != nil {
		w.Fatal(err)
	}
}

// handleDueRows runs the job `due` two hours later.
func (w *world) handleDueRows() {
	w.clock = w.clock.Add(2 * time.Hour)
	began := w.clock
	w.meterAll() // as it happens every hour
	job := jobs.DueRows{
		Records: w.names.Records, Tables: w.tables, Accounts: w.reader, Journal: w.journal, Rows: w.journal, Operations: w, Deliveries: w.telling.deliverer, AdminItems: w.telling.admins, Metering: w.meter, Sender: fakeSender{w}, Now: w.now,
		PassedOver: func(kind string) { w.Errorf("a due row of kind %q was passed over", kind) },
	}
	ctx, me := newWorker()
	for cursor := ""; ; {
		next, err := job.Run(ctx, cursor)
		var postponed *portal.Postponed
		if err != nil && !me.crashed && !errors.As(err, &postponed) {
			w.Fatal(err)
		}
		if err != nil {
			return
		}
		if next == "" {
			w.served = began
			return
		}
		cursor = next
	}
}

// Republish sends a request again if it has led to nothing yet, as Operations.Republish does.
func (w *world) Republish(ctx context.Context, op portal.OperationID) (done bool, err error) {
	p, err := w.views.Progress(ctx, op)
	if err != nil || len(p.Steps) > 0 {
		return err == nil, err
	}
	for _, msg := range append(w.market.claims, w.requests[w.requestedBy[op]]...) {
		if msg.Operation == op {
			w.queue = append(w.queue, msg)
		}
	}
	return false, nil
}

// deliver hands one message to a worker. The message stays queued if handling fails, and
// sometimes if it succeeds.
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
	if err != nil {
		w.lastErr = err
	}
	again := !w.calm && rapid.IntRange(0, 9).Draw(w.T, "again") == 0
	if err != nil || again {
		w.queue = append(w.queue, msg)
	}
	if err != nil && w.oneIn(3, "changed by hand") {
		w.changeByHand()
	}
	var postponed *portal.Postponed
	var unanswered *gateway.Unavailable
	if errors.As(err, &postponed) && w.calm {
		w.clock = w.clock.Add(postponed.After)
	}
	if err != nil && !errors.Is(err, errCrash) && !errors.As(err, &postponed) && !errors.As(err, &unanswered) {
		w.Fatalf("%s about %s: %v", msg.Type(), msg.Subject, err)
	}
}

// handle returns errCrash if the worker has crashed, even if it handled the message.
func (w *world) handle(msg events.Event) error {
	ctx, me := newWorker()
	var err error
	_, shows := msg.Data.(events.ShowRequested)
	if tell := w.telling.handler(msg); tell != nil {
		err = tell(ctx, msg)
	} else if _, ok := msg.Fact(); ok || shows {
		err = w.projector.Handle(ctx, msg)
	} else if _, ok := msg.Data.(events.ProvisionRequested); ok {
		err = w.drawConverger().Handle(ctx, msg)
	} else if _, ok := msg.Data.(events.JobRequested); ok {
		err = w.offering.runner.Handle(ctx, msg)
	} else {
		err = w.execute.Handlers()[msg.Type()](ctx, msg)
	}
	if me.crashed {
		return errCrash
	}
	return err
}

// drawConverger returns the converger of one worker. Workers may create keys in different ways,
// since a new configuration reaches them one by one.
func (w *world) drawConverger() *provisioning.Converger {
	if w.bulk == 10 || w.bulk > 0 && rapid.IntRange(0, 9).Draw(w.T, "worker") < w.bulk {
		return w.importing
	}
	return w.converger
}

// bury makes the first request in the queue a dead letter.
func (w *world) bury() {
	for i, msg := range w.queue {
		if _, fact := msg.Fact(); fact || msg.Operation == "" || msg.Source == toNotices {
			continue
		}
		body, err := events.Encode(msg)
		if err != nil {
			w.Fatal(err)
		}
		w.queue = slices.Delete(w.queue, i, i+1)
		ctx, me := newWorker()
		err = w.letters.Bury(ctx, deadletters.Report{ID: msg.ID, Body: body, Class: "failed"})
		if me.crashed {
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

func (w *world) dropMessage() {
	if len(w.queue) > 0 {
		i := rapid.IntRange(0, len(w.queue)-1).Draw(w.T, "lost")
		w.queue = slices.Delete(w.queue, i, i+1)
	}
}

func (w *world) completeLateCall() {
	if len(w.pending) > 0 {
		late := w.pending[0]
		w.pending = w.pending[1:]
		late()
	}
}

func (w *world) changeByHand() {
	names := w.plane.listedNames()
	if len(names) == 0 {
		return
	}
	name := rapid.SampledFrom(names).Draw(w.T, "key")
	id, plan := w.plane.keys[name], rapid.SampledFrom(plans).Draw(w.T, "plan").Plan
	does := rapid.SampledFrom([]string{"attach", "detach", "disable", "disable", "enable", "delete", "rename", "customer", "delete plan"}).Draw(w.T, "does")
	defer w.announce(does, id, name, plan)
	switch does {
	case "attach":
		_ = w.plane.attach(plan, id)
	case "detach":
		w.plane.detach(attachment{plan, id})
	case "disable":
		w.plane.disableByHand(id, w.now())
	case "enable":
		delete(w.plane.disabled, id)
	case "delete":
		w.plane.remove(name)
	case "rename":
		// A renamed key that no stream records would never be found again.
		if w.recorded(id) {
			w.plane.rename(id, "renamed-"+string(id))
		}
	case "customer":
		w.plane.customers[id], w.plane.customerLost[id] = rapid.SampledFrom([]string{"", "wrong"}).Draw(w.T, "customer"), true
	case "delete plan":
		if w.oneIn(3, "plan goes") {
			w.plane.deletePlanByHand(plan)
		}
	}
}

// recorded reports whether an account's stream records the key.
func (w *world) recorded(id portal.GatewayKeyID) bool {
	for _, account := range people {
		history, err := w.reader.Account(context.Background(), account)
		if err != nil {
			w.Fatal(err)
		}
		for _, key := range history.Account.Keys {
			if key.GatewayID == id {
				return true
			}
		}
	}
	return false
}

// drain delivers everything, with no more faults.
func (w *world) drain() {
	w.calm = true
	for len(w.pending) > 0 {
		w.completeLateCall()
	}
	for range 10_000 {
		if len(w.queue) == 0 {
			return
		}
		w.deliver()
	}
	w.Fatalf("the queues do not drain: %d messages left, the first is %s about %s: %v", len(w.queue), w.queue[0].Type(), w.queue[0].Subject, w.lastErr)
}

func (w *world) rebuildSome() {
	if w.cursor == "" {
		w.cursor = projections.Demanded
	}
	for range rapid.IntRange(1, 4).Draw(w.T, "steps") {
		if w.cursor != "" {
			w.rebuildStep()
		}
	}
}

func (w *world) rebuildTheRest() {
	if w.cursor == "" {
		w.cursor = projections.Demanded
	}
	for w.cursor != "" {
		w.rebuildStep()
	}
}

func (w *world) rebuildStep() {
	ctx, _ := newWorker()
	next, err := w.rebuild.Step(ctx, w.cursor)
	if err != nil {
		w.Fatal(err)
	}
	w.cursor = next
}

func (w *world) sweep() {
	w.clock = w.clock.Add(10 * time.Minute)
	sweep := &provisioning.Sweep{
		Journal: w.journal, Accounts: w.reader, Sender: fakeSender{w}, Shown: w.projector, Told: w.telling.notifier, Adopted: w.adopted, Now: func() time.Time { return w.clock },
		Listings:     func(func() time.Time) provisioning.Listings { return w.plane },
		MessageLease: w.messageLease,
		Scratch:      jobs.NewScratch(w.tables, w.names.Records, func() time.Time { return w.clock }),
		ParseName: func(name string) (portal.AccountID, portal.KeyID, bool) {
			account, key, ok := strings.Cut(name, "/")
			return portal.AccountID(account), portal.KeyID(key), ok
		},
	}
	ctx, _ := newWorker()
	for cursor, begun := "", false; cursor != "" || !begun; begun = true {
		var err error
		if cursor, err = sweep.Step(ctx, cursor); err != nil {
			w.Fatal(err)
		}
	}
	w.drain()
}
