package gateway

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/gateway/gatewaytest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// explosive is a table that panics when it is read.
type explosive struct{ table }

func (explosive) GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	panic("oh")
}

func TestAPanicOfDrawingTokensIsTheErrorOfTheCallsThatWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, err := NewBudget(explosive{w.DB}, BudgetConfig{Table: gatewaytest.Records})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.controlPlane(t, b, Config{}).Session(Interactive, nil).UsagePlans(t.Context())
	var panicked *portal.PanicError
	if !errors.As(err, &panicked) || panicked.Value != "oh" {
		t.Errorf("error %v", err)
	}
}

// explosiveOnce is a table that panics once, at an update of the item with that partition.
type explosiveOnce struct {
	table
	partition string
	exploded  *atomic.Bool
}

func (e explosiveOnce) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if schema.KeyOf(in.Key).PK == e.partition && e.exploded.CompareAndSwap(false, true) {
		panic("oh")
	}
	return e.table.UpdateItem(ctx, in, opts...)
}

func (e explosiveOnce) GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if schema.KeyOf(in.Key).PK == e.partition && e.exploded.CompareAndSwap(false, true) {
		panic("oh")
	}
	return e.table.GetItem(ctx, in, opts...)
}

func TestAPanicOnTheWayToACallLeavesTheLaneAndTheAttachLeaseToTheNext(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		of     schema.Key
		before func(*Session, context.Context) error
	}{
		"at reading the budget": {schema.Budget(""), nil},
		"at taking the lease":   {schema.AttachLease(""), nil},
		"at asking whether there is room": {schema.FullOfKeys(""), func(s *Session, ctx context.Context) error {
			_, err := s.ImportKeys(ctx, false, func() []ImportRow { return nil })
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			plan, key := w.Plan(t, "Free", w.RestAPI(t, "Pets", "prod"), "prod"), w.Key(t, "k")
			b, err := NewBudget(explosiveOnce{w.DB, c.of.PK, &atomic.Bool{}}, BudgetConfig{Table: gatewaytest.Records, Share: 1})
			if err != nil {
				t.Fatal(err)
			}
			s := w.controlPlane(t, b, Config{}).Session(Interactive, nil)
			call := func() error { return s.Attach(t.Context(), plan, key) }
			if c.before != nil {
				call = func() error { return c.before(s, t.Context()) }
			}
			var panicked *portal.PanicError
			if err := portal.Guard(call)(); !errors.As(err, &panicked) {
				t.Fatalf("the first call: %v, want a panic", err)
			}
			within, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			if err := s.Attach(within, plan, key); err != nil {
				t.Errorf("the next call: %v", err)
			}
		})
	}
}
