package handlers

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

var opened = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// fixture is a worker that decides, over a real journal.
type fixture struct {
	t       *testing.T
	tables  journaltest.Tables
	journal *journal.Journal
	outbox  *outbox
	decider *Decider
}

func newFixture(t *testing.T, adjust ...func(*Config)) *fixture {
	t.Helper()
	d := &fixture{t: t, tables: journaltest.Start(t), outbox: &outbox{}}
	d.journal = d.tables.Open()
	d.decider = d.beside(adjust...)
	return d
}

// beside is one more worker on the same journal.
func (d *fixture) beside(adjust ...func(*Config)) *Decider {
	cfg := Config{Journal: d.journal, Sender: d.outbox, Now: clock, Keys: scheme}
	for _, f := range adjust {
		f(&cfg)
	}
	if cfg.Accounts == nil {
		cfg.Accounts = accounts.NewReader(cfg.Journal.(wholeJournal), d.tables.Client, d.tables.Records, clock)
	}
	return New(cfg)
}

func clock() time.Time { return opened }

// elsewhere delivers to another worker, with empty memory.
func (d *fixture) elsewhere(msgs ...events.Event) {
	d.t.Helper()
	for _, msg := range msgs {
		if err := deliver(d.t.Context(), d.beside(), msg); err != nil {
			d.t.Fatalf("handling %s %s elsewhere: %v", msg.Type(), msg.ID, err)
		}
	}
}

// ask returns a request as operations.Accept would send it.
func ask(op portal.OperationID, intent portal.Intent, request events.Request) events.Event {
	return events.Event{
		ID: string(op), Source: "/test", Subject: portal.AccountStream(account), Time: opened, Operation: op,
		Actor: portal.AccountActor(account), Intent: intent, Correlation: "corr-" + string(op), TraceParent: "trace-" + string(op), Data: request,
	}
}

func deliver(ctx context.Context, x *Decider, msg events.Event) error {
	return x.Handlers()[msg.Type()](ctx, msg)
}

// handle delivers messages; each must succeed.
func (d *fixture) handle(msgs ...events.Event) {
	d.t.Helper()
	for _, msg := range msgs {
		if err := deliver(d.t.Context(), d.decider, msg); err != nil {
			d.t.Fatalf("handling %s %s: %v", msg.Type(), msg.ID, err)
		}
	}
}

func (d *fixture) stream(of portal.Stream) []events.Event {
	d.t.Helper()
	facts, err := d.journal.Read(d.t.Context(), of, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	return facts
}

// facts returns the account's facts.
func (d *fixture) facts() []events.Event {
	d.t.Helper()
	return d.stream(portal.AccountStream(account))
}

// holds compares the payloads of facts.
func holds(t *testing.T, facts []events.Event, want ...events.Fact) {
	t.Helper()
	var got []events.Fact
	for _, fact := range facts {
		f, _ := fact.Fact()
		got = append(got, f)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

// outbox records what was sent and what was sent again.
type outbox struct {
	mu             sync.Mutex
	sent, repeated []events.Event
	// down is the error that sending returns.
	down error
}

var errDown = errors.New("the queue does not answer")

func (o *outbox) Send(_ context.Context, messages ...events.Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down == nil {
		o.sent = append(o.sent, messages...)
	}
	return o.down
}

func (o *outbox) SendAgain(_ context.Context, messages ...events.Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down == nil {
		o.repeated = append(o.repeated, messages...)
	}
	return o.down
}

// empty takes out what was sent so far.
func (o *outbox) empty() (sent, repeated []events.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	sent, repeated = o.sent, o.repeated
	o.sent, o.repeated = nil, nil
	return sent, repeated
}

// wholeJournal is the part of the journal that accounts.Reader needs.
type wholeJournal interface {
	facts
	ReadUpTo(ctx context.Context, stream portal.Stream, after int64, most int) (facts []events.Event, more bool, err error)
}

// overtaken is a journal in which another writer gets ahead of every append.
type overtaken struct {
	*journal.Journal
	meanwhile func()
}

func (o overtaken) Append(ctx context.Context, stream portal.Stream, after int64, facts []events.Event, rows ...journal.Row) error {
	o.meanwhile()
	return o.Journal.Append(ctx, stream, after, facts, rows...)
}

// once returns a function that calls f only the first time.
func once(f func()) func() {
	var o sync.Once
	return func() { o.Do(f) }
}

func isPostponed(err error) bool {
	var postponed *portal.Postponed
	return errors.As(err, &postponed)
}
