package gateway

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/gateway/gatewaytest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// hooked is a table that calls a function before some writes.
type hooked struct {
	table
	put    func()
	giveUp func()
}

func (h hooked) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if h.put != nil {
		h.put()
	}
	return h.table.PutItem(ctx, in, opts...)
}

func (h hooked) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if h.giveUp != nil && strings.HasPrefix(aws.ToString(in.UpdateExpression), "REMOVE holder") {
		h.giveUp()
	}
	return h.table.UpdateItem(ctx, in, opts...)
}

func (w *world) sessionOn(t *testing.T, db table) (*Session, *ControlPlane) {
	t.Helper()
	b, err := NewBudget(db, BudgetConfig{Table: gatewaytest.Records, Share: 1})
	if err != nil {
		t.Fatal(err)
	}
	cp := w.controlPlane(t, b, Config{})
	return cp.Session(Interactive, nil), cp
}

func TestACallReturnsBeforeItsAttachLeaseIsReleased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan, key := w.Plan(t, "Free", w.RestAPI(t, "Pets", "prod"), "prod"), w.Key(t, "k")
	returned := make(chan struct{})
	s, cp := w.sessionOn(t, hooked{table: w.DB, giveUp: func() { <-returned }})
	if err := s.Attach(t.Context(), plan, key); err != nil {
		t.Fatal(err)
	}
	if _, free, err := w.process(t, 1).attach.try(t.Context(), time.Minute, Interactive); free || err != nil {
		t.Errorf("the lease is free before it was released: %v, %v", free, err)
	}
	close(returned)
	cp.Close(t.Context())
	if _, free, err := w.process(t, 1).attach.try(t.Context(), time.Minute, Interactive); !free || err != nil {
		t.Errorf("after Close the lease is free: %v, %v", free, err)
	}
}

func TestCloseWaitsNoLongerThanItsContextForALeaseThatCannotBeReleased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan, key := w.Plan(t, "Free", w.RestAPI(t, "Pets", "prod"), "prod"), w.Key(t, "k")
	hang := make(chan struct{})
	defer close(hang)
	s, cp := w.sessionOn(t, hooked{table: w.DB, giveUp: func() { <-hang }})
	if err := s.Attach(t.Context(), plan, key); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	cp.Close(ended)
}

func TestAPanicOfReleasingTheAttachLeaseLeavesTheTurnToTheNextCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan, key := w.Plan(t, "Free", w.RestAPI(t, "Pets", "prod"), "prod"), w.Key(t, "k")
	s, cp := w.sessionOn(t, hooked{table: w.DB, giveUp: func() { panic("oh") }})
	if err := s.Attach(t.Context(), plan, key); err != nil {
		t.Fatal(err)
	}
	cp.Close(t.Context())
	line := cp.budget.attach.line(Interactive)
	if err := line.enter(t.Context()); err != nil {
		t.Errorf("the next call gets no turn: %v", err)
	}
}

func TestAKeyIsDerivedWhileItsCallWaitsForAToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	deriving, drawing := make(chan struct{}), make(chan struct{})
	s, _ := w.sessionOn(t, hooked{table: w.DB, put: func() { close(drawing); <-deriving }})
	id, err := s.DeriveAndCreateKey(t.Context(), func(context.Context) (Key, error) {
		close(deriving)
		<-drawing
		return Key{Name: "k", Value: value(1)}, nil
	})
	if id == "" || err != nil {
		t.Errorf("key %q, %v", id, err)
	}
}

func TestAKeyThatCannotBeDerivedIsNotCreatedAndLeavesItsToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, cp := w.sessionOn(t, w.DB)
	broken := errors.New("KMS does not answer")
	_, err := s.DeriveAndCreateKey(t.Context(), func(ctx context.Context) (Key, error) {
		for spent := false; !spent; { // until the call has its token
			item, err := cp.budget.read(ctx)
			spent = err != nil || item.Revision > 0
		}
		return Key{}, broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want that of deriving", err)
	}
	if calls := w.Wire.Made(); len(calls) > 0 {
		t.Errorf("calls %v", calls)
	}
	taker := cp.budget.taker(createKey, Interactive)
	for {
		taker.mu.Lock()
		left := len(taker.spare)
		taker.mu.Unlock()
		if left == 1 {
			return // for the next call
		}
		if t.Context().Err() != nil {
			t.Fatal("the token is lost")
		}
		runtime.Gosched()
	}
}

func TestADerivationThatPanicsIsAnErrorAndCallsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, _ := w.sessionOn(t, w.DB)
	_, err := s.DeriveAndCreateKey(t.Context(), func(context.Context) (Key, error) { panic("oh") })
	var panicked *portal.PanicError
	if !errors.As(err, &panicked) {
		t.Errorf("error %v, want a panic", err)
	}
	if calls := w.Wire.Made(); len(calls) > 0 {
		t.Errorf("calls %v", calls)
	}
}

func TestACallWithoutATokenReturnsWithoutWaitingForTheDerivation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, cp := w.sessionOn(t, w.DB)
	cp.budget.room.remember(fullRow{Until: time.Now().Add(time.Minute).UnixMilli(), Wait: time.Minute})
	_, err := s.DeriveAndCreateKey(t.Context(), func(ctx context.Context) (Key, error) {
		<-ctx.Done()
		return Key{}, ctx.Err()
	})
	var full *LimitReached
	if !errors.As(err, &full) {
		t.Errorf("error %v, want that there is no room", err)
	}
}

func TestACallWhoseKeyTookLongToDeriveDrawsAFreshToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(tokenWait)
		s, cp := w.sessionOn(t, w.DB)
		_, err := s.DeriveAndCreateKey(t.Context(), func(context.Context) (Key, error) {
			time.Sleep(2 * tokenLife)
			return Key{Name: "k", Value: value(1)}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if item, err := cp.budget.read(t.Context()); err != nil || item.Revision != 2 {
			t.Errorf("%d draws, want 2: %v", item.Revision, err)
		}
	})
}
