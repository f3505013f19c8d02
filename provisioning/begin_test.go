package provisioning_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/leases"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// requests counts requests to DynamoDB.
type requests struct {
	*dynamodb.Client
	mu     sync.Mutex
	counts map[string]int
}

func (r *requests) count(operation string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[operation]++
}

func (r *requests) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	r.count("Query")
	return r.Client.Query(ctx, in, opts...)
}

func (r *requests) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	r.count("PutItem")
	return r.Client.PutItem(ctx, in, opts...)
}

func (r *requests) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	r.count("UpdateItem")
	return r.Client.UpdateItem(ctx, in, opts...)
}

func (r *requests) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	r.count("DeleteItem")
	return r.Client.DeleteItem(ctx, in, opts...)
}

func (r *requests) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	r.count("TransactWriteItems")
	return r.Client.TransactWriteItems(ctx, in, opts...)
}

// decided makes the bench's process append a decision and remember it. The wake-up is that of its last
// fact.
func (b *bench) decided() (counting *requests, wake events.Event) {
	b.t.Helper()
	counting = &requests{Client: b.tables, counts: map[string]int{}}
	facts := journal.New(counting, b.names.Journal, b.names.Records)
	reader := accounts.NewReader(facts, counting, b.names.Records, b.Now)
	writer := accounts.Writer{Journal: facts, Reader: reader}
	b.Journal, b.Accounts = writer, reader
	b.AccountLeases = leases.New(counting, leases.Config{Table: b.names.Records, Now: b.Now})
	cause := events.Event{ID: "cause", Subject: stream, Operation: "op"}
	stamped := journal.Stamp(cause, "/test", b.now, 0, []events.Fact{events.UserRegistered{}, keyWanted, freeWanted})
	if err := writer.Append(b.t.Context(), stream, 0, stamped); err != nil {
		b.t.Fatal(err)
	}
	clear(counting.counts)
	return counting, events.Event{ID: "w1", Subject: stream, Causation: stamped[1].ID, Data: events.ProvisionRequested{}}
}

func TestAProcessConvergesAnAccountThatItDecidedOnWithoutReadingIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	counting, wake := b.decided()
	if err := b.Handle(t.Context(), wake); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(counting.counts); got != "map[PutItem:1 TransactWriteItems:2]" {
		t.Errorf("requests %s, want the lease, the key as a single item, and the last outcome", got)
	}
	if b.leaseRows() != 0 || len(b.plane.calls) != 2 {
		t.Errorf("there are %d leases after the calls %v", b.leaseRows(), b.plane.calls)
	}
	if err := b.Handle(t.Context(), wake); err != nil {
		t.Fatal(err)
	}
	if len(b.plane.calls) != 2 || counting.counts["Query"] != 1 {
		t.Errorf("delivered again it makes the calls %v and the requests %v", b.plane.calls[2:], counting.counts)
	}
}

func TestAnAccountIsReadBeforeItConvergesUnlessItsLeaseAndItsEndAreAsRemembered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(b *bench)
		wake   func(wake events.Event) events.Event
		calls  int
	}{
		"another process has appended": {func(b *bench) { b.say("op2", events.SubscriptionEnding{Plan: "free"}) }, nil, 0},
		"a lease left something unrecorded": {func(b *bench) {
			lease, ok, err := leases.New(b.tables, leases.Config{Table: b.names.Records, Now: b.Now}).AccountLease(b.t.Context(), account, "w0", time.Second)
			if err != nil || !ok {
				b.t.Fatal(ok, err)
			}
			lease.End(false)
		}, nil, 2},
		"the journal was restored": {func(b *bench) {
			key := schema.Fact(stream, 3).Attributes()
			if _, err := b.tables.DeleteItem(b.t.Context(), &dynamodb.DeleteItemInput{TableName: &b.names.Journal, Key: key}); err != nil {
				b.t.Fatal(err)
			}
		}, nil, 0},
		"the wake-up is of no fact that is remembered": {nil, func(wake events.Event) events.Event { wake.Causation = "another"; return wake }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			counting, wake := b.decided()
			if c.before != nil {
				c.before(b)
			}
			if c.wake != nil {
				wake = c.wake(wake)
			}
			if err := b.Handle(t.Context(), wake); err != nil {
				t.Fatal(err)
			}
			if counting.counts["Query"] == 0 || len(b.plane.calls) != c.calls {
				t.Errorf("requests %v, calls %v", counting.counts, b.plane.calls)
			}
		})
	}
}

func TestAnAccountThatAnotherWorkerConvergesWaits(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	counting, wake := b.decided()
	if _, ok, err := b.held().AccountLease(t.Context(), account, "another", time.Minute); err != nil || !ok {
		t.Fatal(ok, err)
	}
	for n := range 3 {
		if err := b.Handle(t.Context(), wake); err == nil || len(b.plane.calls) > 0 {
			t.Errorf("%v, calls %v", err, b.plane.calls)
		}
		if tried := counting.counts["TransactWriteItems"]; tried != 1 || counting.counts["UpdateItem"] != n+1 {
			t.Errorf("delivery %d: it was tried from memory %d times, want once; requests %v", n+1, tried, counting.counts)
		}
	}
}
