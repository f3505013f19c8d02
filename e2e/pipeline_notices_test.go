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
	"github.com/gatehouse-portal/gatehouse/approvals"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state/statetest"
)

// toNotices is the source of the copies of facts in the notices queue.
const toNotices = "/to-notices"

// telling is the part of the workers that tells people, with a mail service that is slow to take a mail,
// and a webhook of each person whose receiver misbehaves.
type telling struct {
	w         *world
	notifier  *notices.Notifier
	deliverer *notices.Deliverer
	admins    *notices.AdminTeller
	hooks     *receiver
	// mails counts the mails of each notice, and refused how often each was refused. The mail service
	// refuses each the first few times.
	mails, refused map[string]int
	refuses        int
}

// rootAdmin is the admin of the scheduler. No request is theirs.
const rootAdmin portal.AccountID = "root"

func newTelling(w *world, known *members.Store) *telling {
	t := &telling{w: w, mails: map[string]int{}, refused: map[string]int{}, refuses: rapid.IntRange(0, 3).Draw(w.T, "mails refused"), hooks: newReceiver(w)}
	store := notices.NewStore(faultyNotices{w.tables, w}, w.names.Records)
	t.notifier = &notices.Notifier{Accounts: w.reader, Store: store, Sender: fakeSender{w}, Now: w.now, Mail: true}
	t.deliverer = &notices.Deliverer{
		Store: store, Notifier: t.notifier, Sender: fakeSender{w}, Now: w.now, Webhooks: t.hooks.sender(),
		Mail: &notices.MailSender{Mailer: t, People: t, From: mail.Address{Address: "portal@example.com"}, Portal: "Gatehouse", BaseURL: "https://portal.example.com"},
	}
	t.admins = &notices.AdminTeller{Store: store, Notifier: t.notifier, Admins: known, Now: w.now, Waiting: w.waitingForAdmins(known)}
	for _, account := range append([]portal.AccountID{rootAdmin}, people...) {
		w.put(schema.Person(account))
		t.hooks.register(store, account)
	}
	w.put(schema.GroupAdmin(rootAdmin))
	return t
}

func (w *world) put(key schema.Key) {
	if _, err := w.tables.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &w.names.Records, Item: key.Attributes()}); err != nil {
		w.Fatal(err)
	}
}

// waitingForAdmins lists what waits for the admin.
func (w *world) waitingForAdmins(known *members.Store) map[string]func(context.Context, time.Time) ([]notices.Waiting, error) {
	return map[string]func(context.Context, time.Time) ([]notices.Waiting, error){
		due.Registration: func(ctx context.Context, _ time.Time) (all []notices.Waiting, err error) {
			page, _, err := known.PendingRegistrations(ctx, "", notices.MaxWaiting)
			for _, r := range page {
				all = append(all, notices.Waiting{ID: due.WaitingID(r.Account, r.Wish), At: r.AskedAt})
			}
			return all, err
		},
		due.DeadLetter: func(ctx context.Context, since time.Time) (all []notices.Waiting, err error) {
			open, _, err := deadletters.Admin{Tables: w.tables, Records: w.names.Records}.OpenSince(ctx, since.Add(-time.Hour), notices.MaxWaiting)
			for _, l := range open {
				all = append(all, notices.Waiting{ID: l.ID, At: l.Last})
			}
			return all, err
		},
		due.Approval: func(ctx context.Context, _ time.Time) (all []notices.Waiting, err error) {
			page, err := approvals.NewList(w.tables, w.names.Records).Page(ctx, "", notices.MaxWaiting)
			for _, r := range page.Rows {
				all = append(all, notices.Waiting{ID: due.WaitingID(r.Account, r.Wish), At: r.Asked})
			}
			return all, err
		},
	}
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

// checkTold checks that every fact that concerns a person became exactly one notice, with one delivery
// by mail and one to the webhook, that each delivery has ended, and that it was sent, unless facts of months
// ago were found late. Of an erased account there is no row. Nothing is left that the admin must be told.
func (w *world) checkTold() {
	w.deliverTheRest()
	for _, account := range slices.Sorted(maps.Keys(w.intents)) {
		facts, err := w.journal.Read(context.Background(), portal.AccountStream(account), 0)
		if err != nil {
			w.Fatal(err)
		}
		folded := statetest.FoldAccount(account, facts)
		if folded.Standing.Deleted {
			for key := range w.rowsOf(account, schema.AccountRows(account)) {
				w.Errorf("%s was erased, and has a row %s", account, key)
			}
			continue
		}
		hook := w.telling.hooks.of[account]
		told := w.rowsOf(account, schema.Notices(account))
		mailed, hooked := w.rowsOf(account, schema.Deliveries(account, notices.ChannelMail)), w.rowsOf(account, schema.Deliveries(account, "webhook/"+hook))
		for _, fact := range facts {
			for _, notice := range notices.Of(fact, folded, facts) {
				switch {
				case told[notice.ID] == nil && folded.Standing.Leaving():
					// nothing is written about an account that is being erased
				case told[notice.ID] == nil && w.now().Sub(fact.Time) < 72*time.Hour:
					w.Errorf("%s of %s was not told", fact.ID, account)
				case told[notice.ID] != nil:
					w.checkMailed(notice, mailed[notice.ID])
					w.checkHooked(account, notice, hooked[notice.ID])
				}
				delete(told, notice.ID)
				delete(mailed, notice.ID)
				delete(hooked, notice.ID)
			}
		}
		for id, row := range told {
			if kind := notices.Kind(schema.TextOf(row["kind"])); !ofNoFact(kind) {
				w.Errorf("%s has a notice %s of no fact, of the kind %s", account, id, kind)
				continue
			}
			delete(mailed, id)
			delete(hooked, id)
		}
		for id := range mailed {
			w.Errorf("%s has a mail %s of no fact", account, id)
		}
		for id := range hooked {
			w.Errorf("%s has a delivery %s of no fact", account, id)
		}
	}
	w.checkAdminTold()
}

// ofNoFact reports whether a notice of the kind is of a webhook, or of what waits for admins, and not of
// a fact of the account.
func ofNoFact(kind notices.Kind) bool {
	return kind == notices.WebhookPaused ||
		slices.ContainsFunc(notices.Kinds(), func(k notices.KindInfo) bool { return k.Kind == kind && k.Admin })
}

func (w *world) checkMailed(notice notices.Notice, row map[string]types.AttributeValue) {
	if state := schema.TextOf(row["state"]); state != notices.Delivered || w.telling.mails[notices.MessageID(notice.ID)] == 0 {
		w.Errorf("the mail of %s is %q, and was sent %d times", notice.ID, state, w.telling.mails[notices.MessageID(notice.ID)])
	}
}

// checkAdminTold checks that no row is left of what waits for the admin, and that the admin got the
// notices.
func (w *world) checkAdminTold() {
	for shard := range schema.DueShards {
		for key, row := range w.rowsOf(rootAdmin, schema.Range{PK: schema.DuePartition(shard)}) {
			if schema.TextOf(row["kind"]) == string(due.AdminItem) {
				w.Errorf("the admin was not told of %s: %s", schema.TextOf(row["notice"]), key)
			}
		}
	}
	mailed := w.rowsOf(rootAdmin, schema.Deliveries(rootAdmin, notices.ChannelMail))
	for id := range w.rowsOf(rootAdmin, schema.Notices(rootAdmin)) {
		w.checkMailed(notices.Notice{ID: id}, mailed[id])
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
