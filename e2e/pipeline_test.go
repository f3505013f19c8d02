package e2e

import (
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
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/provisioning"
)

// The promises 1 to 4 under a scheduler that means ill: messages come in any order and
// more than once, wake-ups are lost, workers crash before or after any step or stall until
// their leases run out, other workers act in between any two steps, API Gateway does late
// what it has not answered, somebody plays with the console, requests become dead letters
// and are replayed. In the end there is one sweep. The three loops are the real ones on a
// real table, and so are the leases of accounts; only the queues and the control plane are
// stand-ins, since it is their behaviour that is being made up. Keys are created by
// themselves, together with those of others as an import does it, or by some workers one
// way and by some the other.
func TestAnyInterleavingOfMessagesCrashesAndReplaysKeepsThePromises(t *testing.T) {
	t.Parallel()
	server := localaws.Start(t)
	tables := dynamodb.NewFromConfig(server.AWSConfig())
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		w := newWorld(rt, tables, app.NamesFor(fmt.Sprintf("run%d", runs)))
		if rapid.IntRange(0, 3).Draw(rt, "signed up") > 0 {
			w.signUp()
		}
		w.act()
		w.drain()
		w.sweep()
		w.keepsThePromises()
	})
}

var plans = []events.SubscribeRequested{
	{Plan: "free", Name: "Free", Stages: []portal.Stage{{API: "a", Stage: "v1"}}},
	{Plan: "plus", Name: "Plus", Stages: []portal.Stage{{API: "a", Stage: "v1"}}},
	{Plan: "next", Name: "Next", Stages: []portal.Stage{{API: "a", Stage: "v2"}}},
}

// act lets things happen: people ask, messages arrive, dead letters come and go.
func (w *world) act() {
	for range rapid.IntRange(5, 40).Draw(w.T, "actions") {
		switch rapid.SampledFrom([]string{
			"ask", "ask", "ask", "deliver", "deliver", "deliver", "deliver", "deliver", "deliver", "deliver", "bury", "replay", "lose", "land", "console", "wait",
		}).Draw(w.T, "action") {
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
		case "wait":
			w.leasesRunOut()
		}
	}
}

var accounts = []portal.AccountID{"ann", "bob"}

// signUp registers everybody before anything goes wrong.
func (w *world) signUp() {
	for _, account := range accounts {
		w.request(account, events.RegisterUser{})
	}
	w.drain()
	w.calm = false
}

func (w *world) ask() {
	account := rapid.SampledFrom(accounts).Draw(w.T, "account")
	plan := rapid.SampledFrom(plans).Draw(w.T, "plan")
	request := rapid.SampledFrom([]events.Request{events.RegisterUser{}, plan, plan, plan, events.UnsubscribeRequested{Plan: plan.Plan}}).Draw(w.T, "request")
	if w.intents[account] == 0 {
		request = events.RegisterUser{}
	}
	w.request(account, request)
}

func (w *world) request(account portal.AccountID, request events.Request) {
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
	if err != nil && w.oneIn(3, "somebody looks into it") {
		w.console()
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

// handle has a worker of its own handle the message. One that has crashed has not handled
// it, whatever it would have answered.
func (w *world) handle(msg events.Event) error {
	ctx, me := newWorker()
	var err error
	if _, ok := msg.Fact(); ok {
		err = w.projector.Handle(ctx, msg)
	} else if _, ok := msg.Data.(events.ProvisionRequested); ok {
		err = w.someConverger().Handle(ctx, msg)
	} else {
		err = w.execute.Handlers()[msg.Type()](ctx, msg)
	}
	if me.crashed {
		return errCrash
	}
	return err
}

// someConverger is the converger of one worker: they need not all create keys alike, since
// a change of configuration reaches one after the other.
func (w *world) someConverger() *provisioning.Converger {
	c := *w.converger
	if w.bulk == 10 || w.bulk > 0 && rapid.IntRange(0, 9).Draw(w.T, "worker") < w.bulk {
		c.Bulk = faultyImporter{w}
	}
	return &c
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
		ctx, me := newWorker()
		err = w.letters.Bury(ctx, deadletters.Letter{ID: msg.ID, Body: body, Class: "failed"})
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
		late := w.pending[0]
		w.pending = w.pending[1:]
		late()
	}
}

// console is somebody who attaches, detaches, disables or deletes by hand what the console
// lists.
func (w *world) console() {
	names := w.plane.names()
	if len(names) == 0 {
		return
	}
	name := rapid.SampledFrom(names).Draw(w.T, "key")
	id, plan := w.plane.keys[name], rapid.SampledFrom(plans).Draw(w.T, "by hand").Plan
	switch rapid.SampledFrom([]string{"attach", "detach", "disable", "disable", "delete"}).Draw(w.T, "does") {
	case "attach":
		_ = w.plane.attach(plan, id)
	case "detach":
		delete(w.plane.attached, attachment{plan, id})
	case "disable":
		w.plane.disable(id, w.now())
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
		Lease:    w.messageLease,
		Scratch:  jobs.NewScratch(w.tables, w.names.Records, func() time.Time { return w.clock }),
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
