package gateway

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/clock"
	"github.com/gatehouse-portal/gatehouse/gateway/gatewaytest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// put stores an item as another process would have.
func (w *world) put(t *testing.T, key schema.Key, attributes map[string]types.AttributeValue) {
	t.Helper()
	item := key.Attributes()
	for attribute, value := range attributes {
		item[attribute] = value
	}
	if _, err := w.DB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(gatewaytest.Records), Item: item}); err != nil {
		t.Fatal(err)
	}
}

// A process whose clock is, or was, far ahead must not stop the others.
func TestAStoredTimeTooFarAheadCountsAsNow(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_800_000_000_000)
	empty := &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"total": &types.AttributeValueMemberN{Value: "0"}}}
	balanceOf := func(t *testing.T, b *Budget) balance {
		t.Helper()
		item, err := b.read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return item.refilled(now, b.limits)
	}
	for name, c := range map[string]struct {
		// ahead is how far ahead a right clock may store the time.
		ahead time.Duration
		store func(t *testing.T, w *world, at types.AttributeValue)
		// believed reports whether the process uses the stored time.
		believed func(t *testing.T, w *world, b *Budget) bool
	}{
		"the bucket's": {
			store: func(t *testing.T, w *world, at types.AttributeValue) {
				w.put(t, schema.Budget(""), map[string]types.AttributeValue{"at": at, "tokens": empty})
			},
			believed: func(t *testing.T, _ *world, b *Budget) bool { return balanceOf(t, b).At != now.UnixMilli() },
		},
		"until when the rate is halved": {
			ahead: slowFor,
			store: func(t *testing.T, w *world, at types.AttributeValue) {
				w.put(t, schema.Budget(""), map[string]types.AttributeValue{"at": schema.Number(now.UnixMilli()), "slow_until": at, "tokens": empty})
			},
			believed: func(t *testing.T, _ *world, b *Budget) bool { return balanceOf(t, b).SlowUntil > now.UnixMilli() },
		},
		"the last throttled call's": {
			store: func(t *testing.T, w *world, at types.AttributeValue) {
				w.put(t, schema.Budget(""), map[string]types.AttributeValue{"at": schema.Number(now.UnixMilli()), "throttled_at": at})
			},
			believed: func(t *testing.T, _ *world, b *Budget) bool { return balanceOf(t, b).ThrottledAt > now.UnixMilli() },
		},
		"the last background call's without a token": {
			store: func(t *testing.T, w *world, at types.AttributeValue) {
				w.put(t, schema.Budget(""), map[string]types.AttributeValue{"at": schema.Number(now.UnixMilli()), "starved_at": at})
			},
			believed: func(t *testing.T, _ *world, b *Budget) bool { return balanceOf(t, b).StarvedAt > now.UnixMilli() },
		},
		"since when tokens are saved for background calls": {
			store: func(t *testing.T, w *world, at types.AttributeValue) {
				w.put(t, schema.Budget(""), map[string]types.AttributeValue{"at": schema.Number(now.UnixMilli()), "starved_since": at})
			},
			believed: func(t *testing.T, _ *world, b *Budget) bool { return balanceOf(t, b).StarvedSince > now.UnixMilli() },
		},
		"the attach lease's": {
			ahead: 10 * time.Second,
			store: func(t *testing.T, w *world, at types.AttributeValue) {
				w.put(t, schema.AttachLease(""), map[string]types.AttributeValue{"holder": schema.Text("h"), "until": at})
			},
			believed: func(t *testing.T, _ *world, b *Budget) bool {
				_, free, err := b.attach.try(t.Context(), 10*time.Second, Interactive)
				return err == nil && !free
			},
		},
		"the mark of an interactive call": {
			ahead: eagerFor,
			store: func(t *testing.T, w *world, at types.AttributeValue) {
				w.put(t, schema.AttachLease(""), map[string]types.AttributeValue{"eager": at})
			},
			believed: func(t *testing.T, _ *world, b *Budget) bool {
				_, free, err := b.attach.try(t.Context(), 10*time.Second, Backlog)
				return err == nil && !free
			},
		},
		"until when the account is full": {
			ahead: 4 * time.Minute,
			store: func(t *testing.T, w *world, at types.AttributeValue) {
				w.put(t, schema.FullOfKeys(""), map[string]types.AttributeValue{"until": at, "wait": schema.Number(int64(4 * time.Minute))})
			},
			believed: func(t *testing.T, _ *world, b *Budget) bool {
				var full *LimitReached
				return errors.As(b.room.check(t.Context()), &full)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at, want := range map[time.Duration]bool{c.ahead + clock.Skew: true, c.ahead + clock.Skew + time.Millisecond: false} {
				w := newWorld(t)
				b, err := NewBudget(w.DB, BudgetConfig{Table: gatewaytest.Records, Now: func() time.Time { return now }})
				if err != nil {
					t.Fatal(err)
				}
				c.store(t, w, schema.Number(now.Add(at).UnixMilli()))
				if got := c.believed(t, w, b); got != want {
					t.Errorf("%v ahead: believed %v, want %v", at, got, want)
				}
			}
		})
	}
}

func TestAClockThatWasAheadForAMomentDoesNotStopTheBudget(t *testing.T) {
	t.Parallel()
	l := quotas.scaled(0.5)
	now := time.UnixMilli(1_800_000_000_000)
	b, _, _ := fullAt(now).refilled(now.Add(time.Hour), l).draw(other, Interactive, 1, l)
	got := 0
	for second := range 30 * 60 {
		n := 0
		b, n, _ = b.refilled(now.Add(time.Duration(second)*time.Second), l).draw(other, Interactive, 5, l)
		got += n
	}
	if got < 30*60*5*9/10 {
		t.Errorf("in half an hour the others got %d tokens of 9,000", got)
	}
}

func TestTargetsShareNoBudgetNoLeaseAndNoLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	budgets := map[portal.Target]*Budget{}
	for _, target := range []portal.Target{"", "eu"} {
		b, err := NewBudget(w.DB, BudgetConfig{Table: gatewaytest.Records, Share: 1, Target: target})
		if err != nil {
			t.Fatal(err)
		}
		budgets[target] = b
	}
	here, there := budgets[""], budgets["eu"]
	if _, _, err := here.draw(t.Context(), callKind{other, Interactive}, 10); err != nil {
		t.Fatal(err)
	}
	if item, err := there.read(t.Context()); err != nil || item.Revision != 0 {
		t.Errorf("the budget of the other target is %+v, %v", item, err)
	}
	here.room.recordFull(t.Context())
	if err := there.room.check(t.Context()); err != nil {
		t.Errorf("the other target is full: %v", err)
	}
	for target, b := range budgets {
		if _, ok, err := b.attach.try(t.Context(), time.Minute, Interactive); !ok || err != nil {
			t.Errorf("the attach lease of target %q is not free: %v", target, err)
		}
	}
}
