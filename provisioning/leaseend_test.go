package provisioning_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/leases"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// deletions counts the leases that are deleted outside of a transaction.
type deletions struct {
	*dynamodb.Client
	made int
}

func (d *deletions) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	d.made++
	return d.Client.DeleteItem(ctx, in, opts...)
}

func (b *bench) leaseRows() int {
	b.t.Helper()
	found := 0
	rows, err := b.tables.Scan(b.t.Context(), &dynamodb.ScanInput{TableName: &b.names.Records})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, row := range rows.Items {
		if schema.KeyOf(row) == schema.AccountLease("", account) {
			found++
		}
	}
	return found
}

func TestTheLastOutcomeEndsTheLeaseOfTheAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted, nextWanted)
	counting := &deletions{Client: b.tables}
	b.AccountLeases = leases.New(counting, leases.Config{Table: b.names.Records, Now: b.Now})
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	if b.leaseRows() != 0 || counting.made != 0 {
		t.Errorf("there are %d leases after %d deletions, want none and none", b.leaseRows(), counting.made)
	}
	if err := b.wake("w2"); err != nil { // there is nothing to do
		t.Fatal(err)
	}
	if b.leaseRows() != 0 || counting.made != 1 {
		t.Errorf("after a wake-up for nothing there are %d leases after %d deletions, want none and one", b.leaseRows(), counting.made)
	}
}

// before calls a function before each append.
type before struct {
	*journal.Journal
	do func(facts []events.Event)
}

func (j before) Append(ctx context.Context, of portal.Stream, after int64, facts []events.Event, rows ...journal.Row) error {
	j.do(facts)
	return j.Journal.Append(ctx, of, after, facts, rows...)
}

func TestALeaseThatWasTakenOverStaysAndItsFirstHoldersOutcomeIsRecorded(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted)
	b.AccountLeases = b.held()
	taken := false
	b.Journal = before{b.journal, func(facts []events.Event) {
		if _, last := facts[len(facts)-1].Data.(events.SubscriptionActivated); !last || taken {
			return
		}
		taken = true
		if _, ok, err := b.held().AccountLease(t.Context(), account, "w1", time.Minute); !ok || err != nil {
			t.Errorf("the lease is taken over: %v, %v", ok, err)
		}
	}}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	facts := b.facts()
	if _, active := facts[len(facts)-1].Data.(events.SubscriptionActivated); !active || !taken || b.leaseRows() != 1 {
		t.Errorf("the last fact is %s, taken over: %v, %d leases", facts[len(facts)-1].Type(), taken, b.leaseRows())
	}
}

func TestAnOutcomeThatLeavesSomethingToDoKeepsTheLease(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted)
	b.AccountLeases = b.held()
	appends := 0
	b.Journal = before{b.journal, func([]events.Event) {
		if appends++; appends > 1 && b.leaseRows() != 1 {
			t.Errorf("before append %d there are %d leases", appends, b.leaseRows())
		}
	}}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	if appends != 2 || b.leaseRows() != 0 {
		t.Errorf("%d appends, and %d leases in the end", appends, b.leaseRows())
	}
}
