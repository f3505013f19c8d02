package notices_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// counted is a client that counts requests to DynamoDB.
type counted struct {
	*dynamodb.Client
	mu     sync.Mutex
	counts map[string]int
}

func (c *counted) count(operation string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[operation]++
}

func (c *counted) GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	c.count("GetItem")
	return c.Client.GetItem(ctx, in, opts...)
}

func (c *counted) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	c.count("UpdateItem")
	return c.Client.UpdateItem(ctx, in, opts...)
}

func (c *counted) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	c.count("Query")
	return c.Client.Query(ctx, in, opts...)
}

func (c *counted) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	c.count("TransactWriteItems")
	return c.Client.TransactWriteItems(ctx, in, opts...)
}

// counting makes the notifier's requests to DynamoDB go through a counter.
func (w *world) counting() *counted {
	c := &counted{Client: w.tables.Client, counts: map[string]int{}}
	w.notifier.Store = notices.NewStore(c, w.records)
	return c
}

func TestFactsThatComeTogetherAreToldWithTwoRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.active()
	w.sent = nil
	registered := w.fact(events.UserRegistered{})
	w.fact(events.KeyWanted{Key: "k1", Ring: portal.AccountRing, Name: "Default key"})
	w.fact(events.SubscriptionWanted{Plan: "plus", Name: "Plus", Ring: portal.AccountRing})
	created := w.fact(events.KeyCreated{Key: "k1", GatewayID: "g"})
	active := w.fact(events.SubscriptionActivated{Plan: "plus", Link: events.Link{Wish: 5}})
	w.later(time.Minute)
	c := w.counting()
	w.handle(registered, created, active)
	if len(c.counts) != 2 || c.counts["Query"] != 1 || c.counts["TransactWriteItems"] != 1 {
		t.Errorf("requests %v, want one query and one transaction", c.counts)
	}
	if told, err := w.notifier.Told(t.Context(), ann); err != nil || told != active.Sequence || len(w.list()) != 3 || len(w.sent) != 2 {
		t.Errorf("told up to %d (%v): %d notices, %d messages ask for deliveries", told, err, len(w.list()), len(w.sent))
	}
}

func TestAFactOfAnOldAccountIsToldFromTheTableEvenIfTheProcessRemembersIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.active()
	c := w.counting()
	w.handle(f)
	if len(c.counts) > 0 {
		t.Errorf("within seconds a told fact makes requests: %v", c.counts)
	}
	w.later(time.Minute)
	w.handle(f)
	if c.counts["Query"] != 1 || len(w.list()) != 1 {
		t.Errorf("a minute later it makes the requests %v, and there are %d notices", c.counts, len(w.list()))
	}
}

func TestNoticesOfWhichOneIsWrittenAlreadyAreWrittenOneByOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fact(events.KeyWanted{Key: "k1", Ring: portal.AccountRing, Name: "Default key"})
	w.fact(events.SubscriptionWanted{Plan: "plus", Name: "Plus", Ring: portal.AccountRing})
	created := w.fact(events.KeyCreated{Key: "k1", GatewayID: "g"})
	// A worker wrote the first notice and died before it recorded that.
	history, err := w.Account(t.Context(), ann)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.notifier.Tell(t.Context(), ann, notices.Of(created, history.Account, history.Facts)[0]); err != nil {
		t.Fatal(err)
	}
	active := w.fact(events.SubscriptionActivated{Plan: "plus", Link: events.Link{Wish: 2}})
	w.handle(active)
	if told, err := w.notifier.Told(t.Context(), ann); err != nil || told != active.Sequence || len(w.list()) != 2 || len(w.sent) != 2 {
		t.Errorf("told up to %d (%v): %d notices, %d messages ask for deliveries", told, err, len(w.list()), len(w.sent))
	}
}

func TestMoreNoticesThanATransactionTakesAreAllWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const keys = 60
	var latest events.Event
	for i := range keys {
		key := portal.KeyID(rune('a'+i%26)) + portal.KeyID(rune('0'+i/26))
		w.fact(events.KeyWanted{Key: key, Ring: portal.AccountRing, Name: "Key"})
		latest = w.fact(events.KeyCreated{Key: key, GatewayID: portal.GatewayKeyID(key)})
	}
	w.handle(latest)
	var written int
	rows, err := w.tables.Client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &w.records})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows.Items {
		if _, ok := row["kind"]; ok && row["channel"] == nil {
			written++
		}
	}
	if told, err := w.notifier.Told(t.Context(), ann); err != nil || told != latest.Sequence || written != keys || len(w.sent) != keys {
		t.Errorf("told up to %d (%v): %d notices, %d messages ask for deliveries", told, err, written, len(w.sent))
	}
}

func TestARequestThatIsRejectedLongAfterItsWishIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wanted := w.fact(events.SubscriptionWanted{Plan: "plus", Name: "Plus", Ring: portal.AccountRing})
	created := w.fact(events.KeyCreated{Key: "k1", GatewayID: "g"})
	w.handle(created)
	w.snapshot = created.Sequence
	w.handle(w.fact(events.RequestRejected{Link: events.Link{Wish: wanted.Sequence}, Code: portal.Conflict, Message: "No."}))
	if list := w.list(); len(list) != 2 || list[0].Kind != notices.SubscriptionRejected {
		t.Errorf("the notices are %+v", list)
	}
}

// newcomer has the facts of a newcomer's first subscription. It returns those that make notices.
func (w *world) newcomer() (created, active events.Event) {
	w.t.Helper()
	w.fact(events.UserRegistered{})
	w.fact(events.KeyWanted{Key: "k1", Ring: portal.AccountRing, Name: "Default key"})
	w.fact(events.SubscriptionWanted{Plan: "plus", Name: "Plus", Ring: portal.AccountRing})
	created = w.fact(events.KeyCreated{Key: "k1", GatewayID: "g"})
	return created, w.fact(events.SubscriptionActivated{Plan: "plus", Link: events.Link{Wish: 3}})
}

func TestTheFirstNoticesOfANewcomerTakeOneTransaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	created, active := w.newcomer()
	c := w.counting()
	w.handle(w.facts[0], created, active)
	if len(c.counts) != 1 || c.counts["TransactWriteItems"] != 1 {
		t.Errorf("requests %v, want one transaction", c.counts)
	}
	if told, err := w.notifier.Told(t.Context(), ann); err != nil || told != active.Sequence || len(w.list()) != 2 || len(w.sent) != 2 {
		t.Errorf("told up to %d (%v): %d notices, %d messages ask for deliveries", told, err, len(w.list()), len(w.sent))
	}
	another := &notices.Notifier{Accounts: w, Store: w.notifier.Store, Sender: w, Now: w.now, Mail: true}
	for _, fact := range []events.Event{created, active} {
		if err := another.Handle(t.Context(), fact); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.list()) != 2 || len(w.sent) != 2 {
		t.Errorf("told again by another process: %d notices, %d messages ask for deliveries", len(w.list()), len(w.sent))
	}
}

func TestTheFirstNoticesGoWhereTheNewcomerHasChosen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		choose      func(w *world)
		list, asked int
	}{
		"nothing by e-mail": {func(w *world) {
			off := map[string][]notices.Kind{notices.ChannelMail: {notices.KeyCreated, notices.SubscriptionActive}}
			if err := w.notifier.Store.SetSettings(w.t.Context(), ann, notices.Settings{Off: off}); err != nil {
				w.t.Fatal(err)
			}
		}, 2, 0},
		"a webhook as well": {func(w *world) { w.webhook(func(http.ResponseWriter, *http.Request) {}) }, 2, 4},
		"all, but was told of it": {func(w *world) {
			other := &notices.Notifier{Accounts: w, Store: w.notifier.Store, Sender: w, Now: w.now, Mail: true}
			if err := other.Handle(w.t.Context(), w.facts[3]); err != nil {
				w.t.Fatal(err)
			}
			w.sent = nil
		}, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			created, active := w.newcomer()
			c.choose(w)
			requests := w.counting()
			w.handle(created, active)
			if len(w.list()) != c.list || len(w.sent) != c.asked || requests.counts["Query"] != 1 {
				t.Errorf("%d notices and %d messages that ask for deliveries, want %d and %d; requests %v", len(w.list()), len(w.sent), c.list, c.asked, requests.counts)
			}
			if told, err := w.notifier.Told(t.Context(), ann); err != nil || told != active.Sequence {
				t.Errorf("told up to %d, %v", told, err)
			}
		})
	}
}
