package gateway

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestCallsLeaveATurnQueueInItsOrder(t *testing.T) {
	t.Parallel()
	for newestFirst, want := range map[bool][]int{false: {0, 1, 2}, true: {2, 1, 0}} {
		synctest.Test(t, func(t *testing.T) {
			l := &turnQueue{newestFirst: newestFirst, now: time.Now}
			if err := l.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
			var order []int
			var work sync.WaitGroup
			for n := range 3 {
				work.Go(func() {
					if err := l.enter(t.Context()); err != nil {
						t.Error(err)
						return
					}
					order = append(order, n)
					l.leave()
				})
				synctest.Wait()
			}
			l.leave()
			work.Wait()
			if !slices.Equal(order, want) {
				t.Errorf("newest first %v: the order was %v, want %v", newestFirst, order, want)
			}
		})
	}
}

func TestCallsAtTheFrontOfATurnQueueWaitLongerUnlessTheyAreInteractive(t *testing.T) {
	t.Parallel()
	for newestFirst, want := range map[bool]time.Duration{false: frontWait, true: attachWait} {
		synctest.Test(t, func(t *testing.T) {
			l := &turnQueue{newestFirst: newestFirst, now: time.Now}
			if err := l.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
			var mu sync.Mutex
			waits := map[time.Duration]int{}
			began := time.Now()
			var work sync.WaitGroup
			for range queueFront + 5 {
				work.Go(func() {
					var later *portal.Postponed
					if err := l.enter(t.Context()); !errors.As(err, &later) || later.Reason != "attach lease" {
						t.Errorf("error %v", err)
					}
					mu.Lock()
					defer mu.Unlock()
					waits[time.Since(began).Round(time.Second)]++
				})
			}
			work.Wait()
			if waits[want] < queueFront || waits[attachWait] < 5 {
				t.Errorf("newest first %v: calls by how long they waited: %v", newestFirst, waits)
			}
		})
	}
}

func TestATurnThatComesAsItsCallEndsIsPassedOn(t *testing.T) {
	t.Parallel()
	l := &turnQueue{now: time.Now}
	if err := l.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	w := l.join()
	l.leave() // its turn
	if l.quit(w) {
		t.Error("a call that had its turn was still waiting")
	}
	l.leave()
	if err := l.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := l.enter(ended); err == nil {
		t.Error("a call that had ended got the turn")
	}
	l.leave()
	if err := l.enter(t.Context()); err != nil {
		t.Error("the queue is not free again")
	}
}

func TestACallWithoutATokenDoesNotHoldTheAttachLease(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(tokenWait) // until every taker has stopped
		b := w.process(t, 0.1)
		// Only tokens for interactive calls are left.
		if got, _, err := b.draw(t.Context(), callKind{other, Interactive}, 100); err != nil || got != 1 {
			t.Fatalf("%d tokens, %v", got, err)
		}
		for {
			if got, _, err := b.draw(t.Context(), callKind{other, Backlog}, 1); got == 0 || err != nil {
				break
			}
		}
		cp := w.controlPlane(t, b, Config{})
		ctx, cancel := context.WithCancel(t.Context())
		var backlog sync.WaitGroup
		backlog.Go(func() { _ = cp.Session(Backlog, nil).Attach(ctx, "plan", "key") })
		synctest.Wait()
		if err := cp.Session(Interactive, nil).Attach(t.Context(), "nosuch", "key"); reasonOf(err) != PlanGone {
			t.Errorf("the interactive call: %v", err)
		}
		if waited := len(w.Wire.Made()); waited != 2 {
			t.Errorf("calls %v, want the interactive one's two", w.Wire.Made())
		}
		cancel()
		backlog.Wait()
	})
}

func TestACallDrawsItsTokenOnceItHasTheAttachLease(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(tokenWait) // until every taker has stopped
		b := w.process(t, 0.5)
		drawn := func() time.Time {
			item, err := b.read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return time.UnixMilli(item.At)
		}
		if _, _, err := b.draw(t.Context(), callKind{other, Interactive}, 1); err != nil {
			t.Fatal(err)
		}
		before := drawn()
		time.Sleep(time.Second)
		giveUp, ok, err := w.process(t, 0.5).attach.try(t.Context(), 9*time.Second, Interactive)
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		w.Wire.Tamper(func(op string, pass func() (*http.Response, error)) (*http.Response, error) {
			if age := time.Since(drawn()); op == "CreateUsagePlanKey" && age > tokenLife {
				t.Errorf("the call's token is %v old", age)
			}
			return pass()
		})
		var attaching sync.WaitGroup
		attaching.Go(func() {
			if err := w.controlPlane(t, b, Config{}).Session(Interactive, nil).Attach(t.Context(), "nosuch", "key"); reasonOf(err) != PlanGone {
				t.Errorf("attaching: %v", err)
			}
		})
		time.Sleep(5 * time.Second)
		if !drawn().Equal(before) {
			t.Error("the call has drawn a token without the lease")
		}
		giveUp()
		attaching.Wait()
	})
}
