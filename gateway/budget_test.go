package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/gateway/gatewaytest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// These tests use synctest's time, which stands still during a call and jumps when all wait.

func taken(t *testing.T, from *taker) error {
	t.Helper()
	_, err := from.take(t.Context())
	return err
}

func had(from *taker, ctx context.Context) bool {
	_, err := from.take(ctx)
	return err == nil
}

// ledger records when tokens were taken, by class.
type ledger struct {
	mu    sync.Mutex
	taken map[class][]time.Time
}

func (l *ledger) note(c class) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.taken == nil {
		l.taken = map[class][]time.Time{}
	}
	for _, bucket := range []class{c, total} {
		l.taken[bucket] = append(l.taken[bucket], time.Now())
	}
}

// excess is by how much the worst stretch of time exceeds the bucket's limit.
func (l *ledger) excess(bucket class, size limit) float64 {
	times, worst := l.taken[bucket], 0.0
	slices.SortFunc(times, time.Time.Compare)
	for i := range times {
		for j := i; j < len(times); j++ {
			allowed := size.burst + size.rate*times[j].Sub(times[i]).Seconds()
			worst = max(worst, float64(j-i+1)-allowed)
		}
	}
	return worst
}

func TestThreeBusyProcessesTogetherStayWithinTheShareForAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(tokenWait) // until every taker has stopped
		const share = 0.5
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var book ledger
		var work sync.WaitGroup
		for range 3 {
			process := w.process(t, share)
			for _, q := range []callKind{{createKey, Interactive}, {other, Backlog}, {other, Interactive}} {
				for range 4 {
					work.Go(func() {
						for ctx.Err() == nil {
							if _, err := process.taker(q.class, q.urgency).take(ctx); err == nil {
								book.note(q.class)
							}
						}
					})
				}
			}
		}
		work.Wait()
		limits := quotas.scaled(share)
		for _, bucket := range []class{createKey, total} {
			if over := book.excess(bucket, limits[bucket]); over > 0 {
				t.Errorf("%s calls went over %+v by %.1f", bucket, limits[bucket], over)
			}
			if got, want := float64(len(book.taken[bucket])), limits[bucket].rate*60*0.8; bucket == total && got < want {
				t.Errorf("%v calls in a minute of waiting for tokens, want at least %v", got, want)
			}
		}
	})
}

func TestAnInteractiveCallIsServedAtOnceWhileTheBacklogWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(tokenWait) // until every taker has stopped
		process := w.process(t, 0.5)
		backlog := make(chan error, 40)
		var work sync.WaitGroup
		for range 40 {
			work.Go(func() { backlog <- taken(t, process.taker(other, Backlog)) })
		}
		// Now the backlog taker has drawn what it may.
		time.Sleep(time.Millisecond)
		served := len(backlog)
		if served != 13 {
			t.Errorf("%d backlog calls were served of a bucket of 18.5, want 13", served)
		}
		before := time.Now()
		if err := taken(t, process.taker(other, Interactive)); err != nil {
			t.Errorf("the interactive call: %v", err)
		}
		if waited := time.Since(before); waited > 0 {
			t.Errorf("the interactive call waited %v", waited)
		}
		work.Wait()
	})
}

func TestACallAtTheFrontWaitsForATokenAndOneFartherBackIsPostponed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(tokenWait)                           // until every taker has stopped
		plans := w.process(t, 0.5).taker(updatePlan, Backlog) // a token every 40 seconds
		if err := taken(t, plans); err != nil {
			t.Fatal(err)
		}
		before := time.Now()
		var near sync.WaitGroup
		near.Go(func() {
			if err := taken(t, plans); err != nil {
				t.Errorf("the next in turn: %v", err)
			}
			if waited := time.Since(before); waited < 39*time.Second || waited > 42*time.Second {
				t.Errorf("the next in turn waited %v", waited)
			}
		})
		synctest.Wait()
		err := taken(t, plans)
		var later *portal.Postponed
		if !errors.As(err, &later) || later.Reason != "budget" || later.After < 5*time.Second || later.After > 30*time.Second {
			t.Errorf("error %#v", err)
		}
		if waited := time.Since(before); waited < tokenWait || waited > tokenWait+100*time.Millisecond {
			t.Errorf("waited %v", waited)
		}
		near.Wait()
	})
}

func TestACallAtTheFrontIsPostponedInTheEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		urgency Urgency
		want    time.Duration
	}{
		"at a screen":  {Interactive, frontTime},
		"in a backlog": {Backlog, frontWait},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			synctest.Test(t, func(t *testing.T) {
				defer time.Sleep(tokenWait)
				b := w.process(t, 0.25) // a token every 80 seconds
				plans := b.taker(updatePlan, c.urgency)
				if err := taken(t, plans); err != nil {
					t.Fatal(err)
				}
				before := time.Now()
				var later *portal.Postponed
				if err := taken(t, plans); !errors.As(err, &later) {
					t.Errorf("error %#v", err)
				}
				if waited := time.Since(before); waited < c.want || waited > c.want+time.Second {
					t.Errorf("waited %v", waited)
				}
			})
		})
	}
}

func TestATokenThatNoCallUsesExpires(t *testing.T) {
	t.Parallel()
	if life := tokenLife; life >= slack {
		t.Errorf("a token may be used for %v, and the buckets allow for calls that come %v late", life, slack)
	}
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(tokenWait) // until every taker has stopped
		plans := w.process(t, 1).taker(updatePlan, Backlog)
		unused, err := plans.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		plans.giveBack(unused)
		time.Sleep(tokenLife)
		before := time.Now()
		if unused, err = plans.take(t.Context()); err != nil || time.Since(before) > 0 {
			t.Errorf("in time: waited %v, %v", time.Since(before), err)
		}
		plans.giveBack(unused)
		time.Sleep(time.Millisecond)
		before = time.Now()
		if _, err := plans.take(t.Context()); err != nil || time.Since(before) < 15*time.Second {
			t.Errorf("later a call got the old token, or none: %v", err)
		}
	})
}

func TestATokenGivenBackGoesToAWaitingCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(tokenWait) // until every taker has stopped
		plans := w.process(t, 1).taker(updatePlan, Interactive)
		unused, err := plans.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		waiting := make(chan error, 1)
		go func() { waiting <- taken(t, plans) }()
		time.Sleep(tokenLife)
		plans.giveBack(unused)
		before := time.Now()
		if err := <-waiting; err != nil {
			t.Error(err)
		}
		if waited := time.Since(before); waited > 0 {
			t.Errorf("waited %v for a token that was there", waited)
		}
	})
}

func TestACallThatEndsWhileItWaitsTakesNoToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(tokenWait) // until every taker has stopped
		plans := w.process(t, 1).taker(updatePlan, Interactive)
		if err := taken(t, plans); err != nil {
			t.Fatal(err)
		}
		time.Sleep(19 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		_, err := plans.take(ctx)
		var later *portal.Postponed
		if !errors.As(err, &later) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		time.Sleep(time.Second)
		if err := taken(t, plans); err != nil {
			t.Errorf("the token that came meanwhile is lost: %v", err)
		}
	})
}

func TestTheSecondThrottledCallInAMinuteSlowsEveryProcessForAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(tokenWait) // until every taker has stopped
		processes := budgetsOf(t, 2, 1)
		one, two := processes[0], processes[1]
		// perSecond empties the bucket and counts the tokens of the next ten seconds.
		perSecond := func(b *Budget) float64 {
			taker, count := b.taker(other, Interactive), 0
			drained, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			for had(taker, drained) {
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			for had(taker, ctx) {
				count++
			}
			return float64(count) / 10
		}
		if rate := perSecond(two); rate < 8 || rate > 10.2 {
			t.Errorf("%v calls a second before, want about 10", rate)
		}
		if err := one.throttled(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rate := perSecond(two); rate < 8 || rate > 10.2 {
			t.Errorf("%v calls a second after a single call was throttled, want about 10", rate)
		}
		if err := one.throttled(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rate := perSecond(two); rate < 4 || rate > 5.2 {
			t.Errorf("%v calls a second while slow, want about 5", rate)
		}
		time.Sleep(slowFor)
		if rate := perSecond(two); rate < 8 || rate > 10.2 {
			t.Errorf("%v calls a second afterwards, want about 10", rate)
		}
	})
}

// broken is a table that does not answer.
type broken struct{ table }

func (broken) GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return nil, io.ErrUnexpectedEOF
}

func TestWithoutTheTableACallIsPostponedAndNotMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, err := NewBudget(broken{table: w.DB}, BudgetConfig{Table: gatewaytest.Records})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.controlPlane(t, b, Config{}).Session(Interactive, nil).UsagePlans(t.Context())
	var later *portal.Postponed
	if !errors.As(err, &later) || later.Reason != "budget store" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v", err)
	}
	if calls := w.Wire.Made(); len(calls) > 0 {
		t.Errorf("calls %v", calls)
	}
}

func TestAShareOutsideItsBoundsIsAnError(t *testing.T) {
	t.Parallel()
	for _, share := range []float64{-0.1, 1.1} {
		if _, err := NewBudget(nil, BudgetConfig{Table: gatewaytest.Records, Share: share}); err == nil {
			t.Errorf("share %v is accepted", share)
		}
	}
	if _, err := NewBudget(nil, BudgetConfig{}); err == nil {
		t.Error("a budget without a table is accepted")
	}
}

func TestATokenThatComesWithTheEndOfItsCallIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plans := w.process(t, 1).taker(updatePlan, Interactive)
	plans.giveBack(token{drawn: time.Now()})
	served := &waiter{}
	plans.join(served)
	if len(plans.spare) != 0 {
		t.Fatal("the spare token was not handed out")
	}
	plans.leave(served)
	if len(plans.spare) != 1 {
		t.Error("the token of a call that ended is lost")
	}
}

func TestEveryAttemptOfACallTakesATokenAndOnlyOneIsMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		s := w.session(t)
		w.Wire.Once("GetUsagePlans", gatewaytest.Answer(http.StatusTooManyRequests, "TooManyRequestsException", "Rate exceeded"))
		_, err := s.UsagePlans(t.Context())
		var unavailable *Unavailable
		if !errors.As(err, &unavailable) || !unavailable.Throttled {
			t.Errorf("error %v", err)
		}
		if calls := w.Wire.Made(); len(calls) != 1 {
			t.Errorf("calls %v, want one", calls)
		}
		item, err := s.cp.budget.read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if full := s.cp.budget.limits[total].burst; item.Tokens[total] != full-1 {
			t.Errorf("%v tokens are left of %v after a call", item.Tokens[total], full)
		}
		if item.ThrottledAt != time.Now().UnixMilli() || item.SlowUntil > item.At {
			t.Errorf("throttled at %d, slow until %d; it is %d", item.ThrottledAt, item.SlowUntil, item.At)
		}
	})
}

func TestTheNewestInteractiveCallGoesFirst(t *testing.T) {
	t.Parallel()
	for urgency, want := range map[Urgency]int{Interactive: 2, Backlog: 0} {
		w := newWorld(t) // with a full budget
		synctest.Test(t, func(t *testing.T) {
			defer time.Sleep(tokenWait) // until every taker has stopped
			keys := w.process(t, 1).taker(updatePlan, urgency)
			if err := taken(t, keys); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			served := make(chan int, 3)
			var work sync.WaitGroup
			for i := range 3 {
				work.Go(func() {
					if _, err := keys.take(ctx); err == nil {
						served <- i
					}
				})
				synctest.Wait()
			}
			keys.giveBack(token{drawn: time.Now()})
			if got := <-served; got != want {
				t.Errorf("urgency %d: caller %d was served first, want %d", urgency, got, want)
			}
			cancel()
			work.Wait()
		})
	}
}

func TestABudgetThatWasLostForgetsNoDrawOfAnotherProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.process(t, 0.5), w.process(t, 0.5)
	drawn := func(p *Budget, n int) float64 {
		t.Helper()
		got, _, err := p.draw(t.Context(), callKind{other, Interactive}, n)
		if err != nil {
			t.Fatal(err)
		}
		return float64(got)
	}
	drawn(a, 1) // a knows revision 1
	if _, err := w.DB.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(gatewaytest.Records), Key: a.key()}); err != nil {
		t.Fatal(err)
	}
	taken := drawn(b, 4) + drawn(a, 4) // b has written revision 1 again
	item, err := b.read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if most := b.limits[total].burst - taken + 0.9; item.Tokens[total] > most {
		t.Errorf("the bucket holds %.2f tokens, want %.2f at most", item.Tokens[total], most)
	}
}

func TestTheQuestionBeforeTheAttachLeaseReadsTheBudgetAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.process(t, 0.5), w.process(t, 0.5)
	if _, _, err := a.draw(t.Context(), callKind{other, Backlog}, 1); err != nil {
		t.Fatal(err)
	}
	for got := 1; got > 0; {
		var err error
		if got, _, err = b.draw(t.Context(), callKind{other, Interactive}, 4); err != nil {
			t.Fatal(err)
		}
	}
	if _, wait, err := a.draw(t.Context(), callKind{other, Backlog}, 0); err != nil || wait == 0 {
		t.Errorf("the call would hold the lease and wait for a token: %v, %v", wait, err)
	}
}
