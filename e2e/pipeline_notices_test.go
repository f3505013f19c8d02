// The notices of a run of pipeline_test.go: what people are told, at most once per fact and channel.

package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state/statetest"
)

// toNotices is the source of the copies of facts in the notices queue.
const toNotices = "/to-notices"

// telling is the part of the workers that tells people, with a mail service that is slow to take a mail.
type telling struct {
	w         *world
	notifier  *notices.Notifier
	deliverer *notices.Deliverer
	// mails counts the mails of each notice, and refused how often each was refused. The mail service
	// refuses each the first few times.
	mails, refused map[string]int
	refuses        int
}

func newTelling(w *world) *telling {
	t := &telling{w: w, mails: map[string]int{}, refused: map[string]int{}, refuses: rapid.IntRange(0, 3).Draw(w.T, "mails refused")}
	store := notices.NewStore(faultyNotices{w.tables, w}, w.names.Records)
	t.notifier = &notices.Notifier{Accounts: w.reader, Store: store, Sender: fakeSender{w}, Now: w.now, Mail: true}
	t.deliverer = &notices.Deliverer{
		Store: store, Notifier: t.notifier, Sender: fakeSender{w}, Now: w.now,
		Mail: &notices.MailSender{Mailer: t, People: t, From: mail.Address{Address: "portal@example.com"}, Portal: "Gatehouse", BaseURL: "https://portal.example.com"},
	}
	return t
}

// handler returns what handles the message, nil if it is not about notices.
func (t *telling) handler(msg events.Event) func(context.Context, events.Event) error {
	if msg.Source == toNotices {
		return t.notifier.Handle
	}
	switch msg.Data.(type) {
	case events.TellRequested:
		return t.notifier.Handle
	case events.DeliveryRequested:
		return t.deliverer.Handle
	}
	return nil
}

func (t *telling) Person(context.Context, portal.AccountID) (identity.Person, error) {
	return identity.Person{Email: "ann@example.com"}, nil
}

// Send takes a mail or refuses it for now. The worker may crash before or after.
func (t *telling) Send(ctx context.Context, m notices.Mail) error {
	return t.w.faultPoint(ctx, func() error {
		if t.refused[m.ID] < t.refuses {
			t.refused[m.ID]++
			return &notices.TemporaryMail{Reason: "not now"}
		}
		t.mails[m.ID]++
		return nil
	})
}

// faultyNotices is the table of the notices: the worker may crash around every write.
type faultyNotices struct {
	*dynamodb.Client
	w *world
}

func (f faultyNotices) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (out *dynamodb.PutItemOutput, err error) {
	err = f.write(ctx, func() (err error) {
		out, err = f.Client.PutItem(ctx, in, opts...)
		return err
	})
	return out, err
}

func (f faultyNotices) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (out *dynamodb.UpdateItemOutput, err error) {
	err = f.write(ctx, func() (err error) {
		out, err = f.Client.UpdateItem(ctx, in, opts...)
		return err
	})
	return out, err
}

func (f faultyNotices) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (out *dynamodb.TransactWriteItemsOutput, err error) {
	err = f.write(ctx, func() (err error) {
		out, err = f.Client.TransactWriteItems(ctx, in, opts...)
		return err
	})
	return out, err
}

// write returns the outcome of the call where the worker has not crashed.
func (f faultyNotices) write(ctx context.Context, call func() error) error {
	if _, worker := ctx.Value(workerKey{}).(*worker); !worker {
		return call()
	}
	return f.w.faultPoint(ctx, call)
}

// checkTold checks that every fact that concerns a person became exactly one notice and one delivery,
// that each delivery has ended, and that a mail was sent for each, unless facts of months ago were
// found late.
func (w *world) checkTold() {
	w.deliverTheRest()
	for _, account := range slices.Sorted(maps.Keys(w.intents)) {
		facts, err := w.journal.Read(context.Background(), portal.AccountStream(account), 0)
		if err != nil {
			w.Fatal(err)
		}
		folded := statetest.FoldAccount(account, facts)
		told, delivered := w.rowsOf(account, schema.Notices(account)), w.rowsOf(account, schema.Deliveries(account, notices.ChannelMail))
		for _, fact := range facts {
			for _, notice := range notices.Of(fact, folded, facts) {
				switch {
				case told[notice.ID] == nil && folded.Standing.Leaving():
					// nothing is written about an account that is being erased
				case told[notice.ID] == nil && w.now().Sub(fact.Time) < 72*time.Hour:
					w.Errorf("%s of %s was not told", fact.ID, account)
				case told[notice.ID] != nil && delivered[notice.ID] == nil:
					w.Errorf("%s of %s has no delivery", fact.ID, account)
				}
				if row := delivered[notice.ID]; row != nil {
					if state := schema.TextOf(row["state"]); state != notices.Delivered {
						w.Errorf("the mail about %s of %s is %s", fact.ID, account, state)
					}
					if w.telling.mails[notices.MessageID(notice.ID)] == 0 {
						w.Errorf("no mail was sent about %s of %s", fact.ID, account)
					}
				}
				delete(told, notice.ID)
				delete(delivered, notice.ID)
			}
		}
		for id := range told {
			w.Errorf("%s has a notice %s of no fact", account, id)
		}
		for id := range delivered {
			w.Errorf("%s has a delivery %s of no fact", account, id)
		}
	}
}

// Due rows that a worker crashes over fall due again, and messages come more than once.
func TestTheOwnerOfAKeyIsToldAWeekAndADayBeforeItExpires(t *testing.T) {
	t.Parallel()
	server := localawstest.Start(t)
	tables := dynamodb.NewFromConfig(server.AWSConfig())
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		w := newWorld(rt, tables, app.NamesFor(fmt.Sprintf("expiry%d", runs)))
		w.registerEverybody()
		const day = 24 * time.Hour
		ends := w.now().Add(10 * day)
		w.request("ann", events.KeyRequested{Name: "For a while", Ends: &ends})
		w.drain()
		for _, at := range []struct {
			before time.Duration
			told   int
		}{{8 * day, 0}, {7*day - time.Hour, 1}, {3 * day, 1}, {day - time.Hour, 2}, {12 * time.Hour, 2}, {-day, 2}} {
			w.pass(ends.Add(-at.before))
			told := 0
			for _, row := range w.rowsOf("ann", schema.Notices("ann")) {
				if schema.TextOf(row["kind"]) == string(notices.KeyEndsSoon) {
					told++
				}
			}
			if told != at.told {
				w.Fatalf("%s before its end the owner was told %d times, want %d", at.before, told, at.told)
			}
		}
	})
}

// The owner of a key that is being replaced is told once before the overlap ends.
func TestTheOwnerOfAReplacedKeyIsToldBeforeTheOverlapEnds(t *testing.T) {
	t.Parallel()
	server := localawstest.Start(t)
	tables := dynamodb.NewFromConfig(server.AWSConfig())
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		w := newWorld(rt, tables, app.NamesFor(fmt.Sprintf("overlap%d", runs)))
		w.registerEverybody()
		w.request("ann", plans[0])
		w.drain()
		const day = 24 * time.Hour
		c := rapid.SampledFrom([]struct{ overlap, ahead time.Duration }{{7 * day, day}, {20 * time.Hour, time.Hour}}).Draw(rt, "overlap")
		history, err := w.reader.Account(context.Background(), "ann")
		if err != nil {
			rt.Fatal(err)
		}
		key, ok := history.Account.KeyOf(portal.AccountRing)
		if !ok {
			return // the subscription waits for an approval
		}
		w.request("ann", events.KeyRotationRequested{Key: key.ID, Overlap: int64(c.overlap / time.Second)})
		w.drain()
		if history, err = w.reader.Account(context.Background(), "ann"); err != nil {
			rt.Fatal(err)
		}
		ends := history.Account.Keys[key.ID].Ends
		for _, at := range []struct {
			before time.Duration
			told   int
		}{{c.ahead + 3*time.Hour, 0}, {c.ahead - time.Minute, 1}, {-3 * time.Hour, 1}, {-day, 1}} {
			if at.before > 0 && at.before < 2*time.Hour {
				// A due row that a worker crashes over would fall due again after the end.
				w.clock = ends.Add(-at.before - 2*time.Hour)
				w.handleDueRows()
				w.drain()
			} else {
				w.pass(ends.Add(-at.before))
			}
			told := 0
			for _, row := range w.rowsOf("ann", schema.Notices("ann")) {
				if schema.TextOf(row["kind"]) == string(notices.KeyEndsSoon) {
					told++
				}
			}
			if told != at.told {
				w.Fatalf("%s before the end of an overlap of %s the owner was told %d times, want %d", at.before, c.overlap, told, at.told)
			}
		}
	})
}

// pass lets the time come, handles due rows under faults and then again without.
func (w *world) pass(at time.Time) {
	w.clock = at.Add(-2 * time.Hour) // handleDueRows adds them
	w.calm = false
	w.handleDueRows()
	for range 4 {
		w.deliver()
	}
	w.drain()
	w.handleDueRows()
	w.drain()
}

// deliverTheRest lets the due rows of deliveries fall due until all have ended. Waits double, up to
// ten hours, and every run of the job is two hours later.
func (w *world) deliverTheRest() {
	for range 8 {
		w.handleDueRows()
		w.drain()
	}
}

// rowsOf returns the rows of a range, by what follows its beginning.
func (w *world) rowsOf(account portal.AccountID, of schema.Range) map[string]map[string]types.AttributeValue {
	rows := map[string]map[string]types.AttributeValue{}
	pages := dynamodb.NewQueryPaginator(w.tables, &dynamodb.QueryInput{
		TableName: &w.names.Records, KeyConditionExpression: of.Condition(), ExpressionAttributeValues: of.Values(),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			w.Fatalf("reading the rows of %s: %v", account, err)
		}
		for _, row := range page.Items {
			rows[strings.TrimPrefix(schema.KeyOf(row).SK, of.Begins)] = row
		}
	}
	return rows
}
