package deadletters_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/handlers"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

var (
	opened  = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	account = portal.AccountStream("acct1")

	register = events.Event{
		ID: "op-register", Source: "/test", Subject: account, Time: opened, Operation: "op-register", Intent: 1,
		Correlation: "corr", Data: events.RegisterUser{},
	}
)

// fixture is a worker and an operator on the same tables.
type fixture struct {
	deadletters.Recorder
	deadletters.Admin
	t       *testing.T
	tables  journaltest.Tables
	journal *journal.Journal
	outbox  *outbox
	execute *handlers.Decider
	now     time.Time
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	d := &fixture{t: t, tables: journaltest.Start(t), outbox: &outbox{}, now: opened}
	clock := func() time.Time { return d.now }
	d.journal = d.tables.Open()
	reader := accounts.NewReader(d.journal, d.tables.Client, d.tables.Records, clock)
	d.execute = handlers.New(handlers.Config{Journal: d.journal, Accounts: reader, Sender: d.outbox, Now: clock})
	d.Recorder = deadletters.Recorder{Requests: d.execute, Rows: d.journal, Tables: d.tables.Client, Records: d.tables.Records, Now: clock}
	d.Admin = deadletters.Admin{Tables: d.tables.Client, Records: d.tables.Records, Sender: d.outbox, Now: clock}
	return d
}

func reportOf(t *testing.T, msg events.Event) deadletters.Report {
	t.Helper()
	body, err := events.Encode(msg)
	if err != nil {
		t.Fatal(err)
	}
	return deadletters.Report{
		ID: msg.ID, FailureKey: "sqs-1", Queue: "commands.fifo", Consumer: "commands", Type: msg.Type(), Subject: msg.Subject,
		Operation: msg.Operation, Body: body, Class: "failed", Error: "it did not work", Attempts: 5, First: opened, Last: opened.Add(time.Hour),
	}
}

func (d *fixture) bury(reports ...deadletters.Report) {
	d.t.Helper()
	for _, report := range reports {
		if err := d.Bury(d.t.Context(), report); err != nil {
			d.t.Fatalf("burying %.100s: %v", report.ID, err)
		}
	}
}

func (d *fixture) find(id string) deadletters.Letter {
	d.t.Helper()
	letter, err := d.Find(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return letter
}

// replay sends a letter again and returns the message that arrives.
func (d *fixture) replay(id string) events.Event {
	d.t.Helper()
	d.outbox.empty()
	if err := d.Replay(d.t.Context(), d.find(id)); err != nil {
		d.t.Fatal(err)
	}
	repeated := d.outbox.empty()
	if len(repeated) != 1 {
		d.t.Fatalf("the replay sent %d messages, want 1", len(repeated))
	}
	return repeated[0]
}

func (d *fixture) deliver(msg events.Event) {
	d.t.Helper()
	handle := d.Settling(d.execute.Handlers()[msg.Type()])
	if err := handle(d.t.Context(), msg); err != nil {
		d.t.Fatalf("handling %s %s: %v", msg.Type(), msg.ID, err)
	}
}

func (d *fixture) facts() []events.Fact {
	d.t.Helper()
	recorded, err := d.journal.Read(d.t.Context(), account, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	var facts []events.Fact
	for _, e := range recorded {
		fact, _ := e.Fact()
		facts = append(facts, fact)
	}
	return facts
}

func (d *fixture) wantState(id string, want deadletters.State) {
	d.t.Helper()
	if got := d.find(id).State(); got != want {
		d.t.Errorf("letter %s is %s, want %s", id, got, want)
	}
}

type outbox struct {
	mu       sync.Mutex
	repeated []events.Event
	// down is the error that sending returns; meanwhile runs after each message.
	down      error
	meanwhile func(events.Event)
}

var errDown = errors.New("the queue does not answer")

func (o *outbox) Send(context.Context, ...events.Event) error { return o.down }

func (o *outbox) SendAgain(_ context.Context, messages ...events.Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down != nil {
		return o.down
	}
	o.repeated = append(o.repeated, messages...)
	if o.meanwhile != nil {
		for _, msg := range messages {
			o.meanwhile(msg)
		}
	}
	return nil
}

func (o *outbox) empty() []events.Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	repeated := o.repeated
	o.repeated = nil
	return repeated
}

func isPostponed(err error) bool {
	var postponed *portal.Postponed
	return errors.As(err, &postponed)
}
