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

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Time in these tests is that of synctest's bubble: it stands still while anything
// is on the wire and jumps when everybody waits.

// ledger notes when tokens were got, by class.
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

// most is by how much any stretch of time goes over the bucket's limit.
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
		defer time.Sleep(patience) // until every taker has seen that nobody waits
		const share = 0.5
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var book ledger
		var work sync.WaitGroup
		for range 3 {
			process := w.process(t, share)
			for _, q := range []queue{{createKey, Interactive}, {other, Bulk}, {other, Interactive}} {
				for range 4 {
					work.Go(func() {
						for ctx.Err() == nil {
							if process.taker(q.class, q.urgency).take(ctx) == nil {
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
			// A token drawn for somebody who left may be used up to a second later.
			spare := limits[bucket].rate * spareFor.Seconds()
			if over := book.excess(bucket, limits[bucket]); over > spare {
				t.Errorf("%s calls went over %+v by %.1f", bucket, limits[bucket], over)
			}
			if got, want := float64(len(book.taken[bucket])), limits[bucket].rate*60*0.8; bucket == total && got < want {
				t.Errorf("%v calls in a minute of waiting for tokens, want at least %v", got, want)
			}
		}
	})
}

func TestAnInteractiveCallIsServedAtOnceWhileBulkWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(patience) // until every taker has seen that nobody waits
		process := w.process(t, 0.5)
		backlog := make(chan error, 40)
		var work sync.WaitGroup
		for range 40 {
			work.Go(func() { backlog <- process.taker(other, Bulk).take(t.Context()) })
		}
		// The bulk taker has drawn what it may, and waits for more.
		time.Sleep(time.Millisecond)
		served := len(backlog)
		if served != 15 {
			t.Errorf("%d bulk calls were served of a bucket of 20, want 15", served)
		}
		before := time.Now()
		if err := process.taker(other, Interactive).take(t.Context()); err != nil {
			t.Errorf("the interactive call: %v", err)
		}
		if waited := time.Since(before); waited > 0 {
			t.Errorf("the interactive call waited %v", waited)
		}
		work.Wait()
	})
}

func TestWhoseTurnIsFarIsPostponedForALittleAndWhoseIsNearWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(patience)                         // until every taker has seen that nobody waits
		plans := w.process(t, 0.5).taker(updatePlan, Bulk) // a token every 40 seconds
		if err := plans.take(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := time.Now()
		var near sync.WaitGroup
		near.Go(func() {
			if err := plans.take(t.Context()); err != nil {
				t.Errorf("the next in turn: %v", err)
			}
			if waited := time.Since(before); waited < 39*time.Second || waited > 42*time.Second {
				t.Errorf("the next in turn waited %v", waited)
			}
		})
		synctest.Wait()
		err := plans.take(t.Context())
		var later *portal.Postponed
		if !errors.As(err, &later) || later.Reason != "budget" || later.After < 5*time.Second || later.After > 30*time.Second {
			t.Errorf("error %#v", err)
		}
		if waited := time.Since(before); waited < patience || waited > patience+100*time.Millisecond {
			t.Errorf("waited %v", waited)
		}
		near.Wait()
	})
}

func TestNobodyWaitsForEver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		urgency Urgency
		want    time.Duration
	}{
		// It would soon be in the way of fresher ones.
		"at a screen":  {Interactive, frontTime},
		"in a backlog": {Bulk, frontPatience},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			synctest.Test(t, func(t *testing.T) {
				defer time.Sleep(patience)
				b := w.process(t, 0.25) // a token every 80 seconds
				plans := b.taker(updatePlan, c.urgency)
				if err := plans.take(t.Context()); err != nil {
					t.Fatal(err)
				}
				before := time.Now()
				var later *portal.Postponed
				if err := plans.take(t.Context()); !errors.As(err, &later) {
					t.Errorf("error %#v", err)
				}
				if waited := time.Since(before); waited < c.want || waited > c.want+time.Second {
					t.Errorf("waited %v", waited)
				}
			})
		})
	}
}

func TestATokenThatNobodyUsedIsKeptForASecond(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(patience) // until every taker has seen that nobody waits
		plans := w.process(t, 1).taker(updatePlan, Bulk)
		if err := plans.take(t.Context()); err != nil {
			t.Fatal(err)
		}
		plans.giveBack()
		time.Sleep(spareFor)
		if err := plans.take(t.Context()); err != nil {
			t.Errorf("within a second: %v", err)
		}
		plans.giveBack()
		time.Sleep(spareFor + time.Millisecond)
		before := time.Now()
		if err := plans.take(t.Context()); err != nil || time.Since(before) < 15*time.Second {
			t.Errorf("after more than a second a token was given at once, or none: %v", err)
		}
	})
}

func TestATokenGivenBackGoesToWhoWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(patience) // until every taker has seen that nobody waits
		plans := w.process(t, 1).taker(updatePlan, Interactive)
		if err := plans.take(t.Context()); err != nil {
			t.Fatal(err)
		}
		waiting := make(chan error, 1)
		go func() { waiting <- plans.take(t.Context()) }()
		time.Sleep(time.Second)
		plans.giveBack()
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
		defer time.Sleep(patience) // until every taker has seen that nobody waits
		plans := w.process(t, 1).taker(updatePlan, Interactive)
		if err := plans.take(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(19 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		err := plans.take(ctx)
		var later *portal.Postponed
		if !errors.As(err, &later) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		time.Sleep(time.Second)
		if err := plans.take(t.Context()); err != nil {
			t.Errorf("the token that came meanwhile: %v", err)
		}
	})
}

func TestAThrottledProcessSlowsEveryProcessForAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(patience) // until every taker has seen that nobody waits
		one, two := w.process(t, 1), w.process(t, 1)
		// perSecond empties the bucket and counts what comes in ten seconds after.
		perSecond := func(b *Budget) float64 {
			taker, count := b.taker(other, Interactive), 0
			drained, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			for taker.take(drained) == nil {
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			for taker.take(ctx) == nil {
				count++
			}
			return float64(count) / 10
		}
		if rate := perSecond(two); rate < 8 || rate > 10.2 {
			t.Errorf("%v calls a second before, want about 10", rate)
		}
		if err := one.slow(t.Context()); err != nil {
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

func TestWithoutTheTableNothingIsCalledAndNothingHasFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, err := NewBudget(broken{table: w.db}, BudgetConfig{Table: records})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.controlPlane(t, b, Config{}).Session(Interactive, nil).UsagePlans(t.Context())
	var later *portal.Postponed
	if !errors.As(err, &later) || later.Reason != "budget store" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v", err)
	}
	if calls := w.wire.made(); len(calls) > 0 {
		t.Errorf("calls %v", calls)
	}
}

func TestAShareOutsideItsBoundsIsAnError(t *testing.T) {
	t.Parallel()
	for _, share := range []float64{-0.1, 1.1} {
		if _, err := NewBudget(nil, BudgetConfig{Table: records, Share: share}); err == nil {
			t.Errorf("share %v is taken", share)
		}
	}
	if _, err := NewBudget(nil, BudgetConfig{}); err == nil {
		t.Error("a budget without a table is taken")
	}
}

func TestATokenThatComesWithTheEndOfItsCallIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plans := w.process(t, 1).taker(updatePlan, Interactive)
	plans.giveBack()
	served := plans.join()
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
		w.wire.once("GetUsagePlans", answer(http.StatusTooManyRequests, "TooManyRequestsException", "Rate exceeded"))
		_, err := s.UsagePlans(t.Context())
		var unavailable *Unavailable
		if !errors.As(err, &unavailable) || !unavailable.Throttled {
			t.Errorf("error %v", err)
		}
		if calls := w.wire.made(); len(calls) != 1 {
			t.Errorf("calls %v, want one", calls)
		}
		item, err := s.cp.budget.read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if item.Tokens[total] != 39 {
			t.Errorf("%v tokens are left of 40 after a call", item.Tokens[total])
		}
		if slow := time.Until(time.UnixMilli(item.SlowUntil)); slow != slowFor {
			t.Errorf("slow for %v, want %v", slow, slowFor)
		}
	})
}

// In a rush whoever clicks now is served now: of interactive calls the newest goes first.
func TestTheNewestInteractiveCallGoesFirst(t *testing.T) {
	t.Parallel()
	for urgency, want := range map[Urgency]int{Interactive: 2, Bulk: 0} {
		w := newWorld(t) // with a budget that nobody has drawn from
		synctest.Test(t, func(t *testing.T) {
			defer time.Sleep(patience) // until every taker has seen that nobody waits
			keys := w.process(t, 1).taker(updatePlan, urgency)
			if err := keys.take(t.Context()); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			served := make(chan int, 3)
			var work sync.WaitGroup
			for i := range 3 {
				work.Go(func() {
					if keys.take(ctx) == nil {
						served <- i
					}
				})
				synctest.Wait()
			}
			keys.giveBack()
			if got := <-served; got != want {
				t.Errorf("urgency %d: caller %d was served first, want %d", urgency, got, want)
			}
			cancel()
			work.Wait()
		})
	}
}
