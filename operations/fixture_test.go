package operations_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

const (
	ann = portal.AccountID("ann")
	bob = portal.AccountID("bob")
)

// fixture accepts requests, over real tables and views.
type fixture struct {
	*operations.Operations
	t         *testing.T
	tables    journaltest.Tables
	journal   *journal.Journal
	projector *projections.Projector
	views     *projections.Views
	documents *catalog.Store
	outbox    *outbox
	values    *values

	mu  sync.Mutex
	now time.Time
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	d := &fixture{t: t, tables: journaltest.Start(t), outbox: &outbox{}, now: time.Date(2026, 11, 22, 9, 0, 30, 0, time.UTC)}
	d.values = &values{}
	d.journal = d.tables.Open()
	d.documents = catalog.NewStore(d.tables.Client, d.tables.Records)
	names := projections.Tables{Views: d.tables.Views, Records: d.tables.Records}
	reader := accounts.NewReader(d.journal, d.tables.Client, d.tables.Records, d.clock)
	d.projector = projections.NewProjector(d.journal, reader, d.tables.Client, names)
	d.views = projections.NewViews(d.tables.Client, names, d.documents)
	d.Operations = operations.New(d.config())
	return d
}

func (d *fixture) restart() {
	d.views = projections.NewViews(d.tables.Client, projections.Tables{Views: d.tables.Views, Records: d.tables.Records}, d.documents)
	d.Operations = operations.New(d.config())
}

func (d *fixture) config() operations.Config {
	return operations.Config{
		Tables: d.tables.Client, Records: d.tables.Records, Sender: d.outbox, Views: d.views, Values: d.values,
		Heads: d.journal, Reveals: projections.NewReveals(d.tables.Client, d.tables.Records),
		Now: d.clock, Source: "/test",
	}
}

func (d *fixture) clock() time.Time { d.mu.Lock(); defer d.mu.Unlock(); return d.now }

func (d *fixture) pass(by time.Duration) { d.mu.Lock(); defer d.mu.Unlock(); d.now = d.now.Add(by) }

// happen appends facts to the stream, as a decision on that operation would, and projects them.
func (d *fixture) happen(stream portal.Stream, op portal.OperationID, facts ...events.Fact) {
	d.t.Helper()
	stamped := d.append(stream, op, facts...)
	if err := d.projector.Handle(d.t.Context(), stamped[len(stamped)-1]); err != nil {
		d.t.Fatal(err)
	}
}

func (d *fixture) append(stream portal.Stream, op portal.OperationID, facts ...events.Fact) []events.Event {
	d.t.Helper()
	head, err := d.journal.Head(d.t.Context(), stream)
	if err != nil {
		d.t.Fatal(err)
	}
	cause := events.Event{ID: string(op) + "request", Subject: stream, Operation: op}
	stamped := journal.Stamp(cause, "/test", d.clock(), head, facts)
	if err := d.journal.Append(d.t.Context(), stream, head, stamped); err != nil {
		d.t.Fatal(err)
	}
	return stamped
}

func (d *fixture) publish(plans ...catalog.Plan) {
	d.t.Helper()
	hash, err := d.documents.Put(d.t.Context(), catalog.Document{Products: []catalog.Product{{ID: "p", Name: "Tides", Plans: plans}}})
	if err != nil {
		d.t.Fatal(err)
	}
	d.happen(portal.CatalogStream, "", events.CatalogPublished{Hash: hash, Products: 1})
}

var (
	free = catalog.Plan{ID: "free", Name: "Free", Stages: []portal.Stage{{API: "a", Stage: "v1"}}}
	plus = catalog.Plan{ID: "plus", Name: "Plus", Stages: []portal.Stage{{API: "a", Stage: "v2"}}}
)

func (d *fixture) accepts(asked operations.Submission) operations.Operation {
	d.t.Helper()
	op, err := d.Accept(d.t.Context(), asked)
	if err != nil {
		d.t.Fatalf("accepting %+v: %v", asked, err)
	}
	return op
}

func ask(account portal.AccountID, key string, request events.Request) operations.Submission {
	return operations.Submission{Actor: portal.AccountActor(account), Subject: portal.AccountStream(account), IdempotencyKey: key, Request: request, Correlation: "corr"}
}

func refuses(t *testing.T, err error, code portal.Code) {
	t.Helper()
	if portal.CodeOf(err) != code {
		t.Errorf("%v, want %s", err, code)
	}
}

// outbox records what was sent and what was sent again.
type outbox struct {
	mu             sync.Mutex
	sent, repeated []events.Event
	// down is the error of sending. on is called before anything is sent.
	down error
	on   func(events.Event)
}

var errDown = errors.New("arn:aws:sqs:us-east-1:000000000000:commands does not answer")

func (o *outbox) Send(_ context.Context, messages ...events.Event) error {
	return o.take(&o.sent, messages)
}

func (o *outbox) SendAgain(_ context.Context, messages ...events.Event) error {
	return o.take(&o.repeated, messages)
}

func (o *outbox) take(list *[]events.Event, messages []events.Event) error {
	if o.on != nil {
		o.on(messages[0])
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down == nil {
		*list = append(*list, messages...)
	}
	return o.down
}

func (o *outbox) empty() (sent, repeated []events.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	sent, repeated = o.sent, o.repeated
	o.sent, o.repeated = nil, nil
	return sent, repeated
}

type values struct {
	down error
}

func (v *values) Value(_ context.Context, scheme, kmsKey string, account portal.AccountID, key portal.KeyID) (string, error) {
	return fmt.Sprint(scheme, " ", kmsKey, " ", account, " ", key), v.down
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
