package gateway

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// patiently repeats a call while it is postponed, as a queue would.
func patiently(call func() error) error {
	for {
		err := call()
		var later *portal.Postponed
		if !errors.As(err, &later) {
			return err
		}
	}
}

// atOnce is an affordable that never waits.
func atOnce(context.Context) (time.Duration, error) { return 0, nil }

func TestAllProcessesAttachAndDetachOneAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := w.Plan(t, "Free", w.RestAPI(t, "Pets", "prod"), "prod")
	var mu sync.Mutex
	var underWay, most int
	w.Wire.Tamper(func(op string, pass func() (*http.Response, error)) (*http.Response, error) {
		if op != "CreateUsagePlanKey" && op != "DeleteUsagePlanKey" {
			return pass()
		}
		mu.Lock()
		underWay++
		most = max(most, underWay)
		mu.Unlock()
		resp, err := pass()
		mu.Lock()
		underWay--
		mu.Unlock()
		return resp, err
	})
	var work sync.WaitGroup
	var keys []portal.GatewayKeyID
	for process := range 3 {
		s := w.session(t)
		for i := range 4 {
			key := w.Key(t, string(rune('a'+process))+string(rune('0'+i)))
			keys = append(keys, key)
			work.Go(func() {
				if err := patiently(func() error { return s.Attach(t.Context(), plan, key) }); err != nil {
					t.Errorf("attaching: %v", err)
				}
				if i%2 == 0 {
					if err := patiently(func() error { return s.Detach(t.Context(), plan, key) }); err != nil {
						t.Errorf("detaching: %v", err)
					}
				}
			})
		}
	}
	work.Wait()
	if most != 1 {
		t.Errorf("%d changes to the plan's keys at once", most)
	}
	for i, key := range keys {
		if got, want := attached(t, w, plan, key), i%4%2 == 1; got != want {
			t.Errorf("key %d attached: %v, want %v", i, got, want)
		}
	}
}

func TestADeadHolderOfTheAttachLeaseCostsItsDurationAndNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(tokenWait)
		dead, alive := w.process(t, 1), w.process(t, 1)
		deadRelease, err := dead.attach.take(t.Context(), 2*attachWait, Interactive, atOnce)
		if err != nil {
			t.Fatal(err)
		}
		s := w.controlPlane(t, alive, Config{CallTimeout: 5 * time.Second}).Session(Interactive, nil)
		before := time.Now()
		err = s.Attach(t.Context(), "plan", "key")
		var later *portal.Postponed
		if !errors.As(err, &later) || later.Reason != "attach lease" {
			t.Errorf("error %v", err)
		}
		if waited := time.Since(before); waited < attachWait || waited > attachWait+time.Second {
			t.Errorf("waited %v", waited)
		}
		if calls := w.Wire.Made(); len(calls) > 0 {
			t.Errorf("calls %v without the lease", calls)
		}
		if item, err := alive.read(t.Context()); err != nil || item.Revision != 0 {
			t.Errorf("a token was drawn before the lease was taken: %+v, %v", item, err)
		}
		time.Sleep(attachWait)
		if reason := reasonOf(s.Attach(t.Context(), "plan", "key")); reason != PlanGone {
			t.Errorf("after the lease had run out: refused for %q, want an answer of API Gateway's", reason)
		}
		aliveRelease, err := alive.attach.take(t.Context(), 2*attachWait, Interactive, atOnce)
		if err != nil {
			t.Fatal(err)
		}
		deadRelease() // it was only late
		if _, free, _ := dead.attach.try(t.Context(), 2*attachWait, Interactive); free {
			t.Error("the late holder released another holder's lease")
		}
		aliveRelease()
		alive.attach.releasing.Wait()
		if _, free, _ := dead.attach.try(t.Context(), 2*attachWait, Interactive); !free {
			t.Error("the holder did not release the lease")
		}
	})
}

func TestNoCallStartsThatMightOutlastTheMessagesLease(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan, key := w.Plan(t, "Free", w.RestAPI(t, "Pets", "prod"), "prod"), w.Key(t, "k")
	process := w.process(t, 1)
	var outcomes []string
	cp := w.controlPlane(t, process, Config{CallTimeout: 5 * time.Second, Observe: func(operation, outcome string) {
		outcomes = append(outcomes, operation+" "+outcome)
	}})
	err := cp.Session(Interactive, soon(9*time.Second)).Attach(t.Context(), plan, key)
	var later *portal.Postponed
	if !errors.As(err, &later) || later.Reason != "message lease" {
		t.Errorf("error %v", err)
	}
	if calls := w.Wire.Made(); len(calls) > 0 {
		t.Errorf("calls %v", calls)
	}
	if spare := len(process.taker(other, Interactive).spare); spare != 1 {
		t.Errorf("%d tokens were given back, want 1", spare)
	}
	if err := cp.Session(Interactive, soon(time.Minute)).Attach(t.Context(), plan, key); err != nil {
		t.Errorf("with time enough: %v", err)
	}
	if diff := cmp.Diff([]string{"CreateUsagePlanKey postponed", "CreateUsagePlanKey ok"}, outcomes); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

func TestAnInteractiveCallGetsTheAttachLeaseBeforeTheOthersOfAnyProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		one, other := w.process(t, 1), w.process(t, 1)
		held, err := one.attach.take(t.Context(), time.Minute, Backlog, atOnce)
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var order []string
		var work sync.WaitGroup
		wants := func(b *Budget, u Urgency, name string) {
			work.Go(func() {
				release, err := b.attach.take(t.Context(), time.Minute, u, atOnce)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
				time.Sleep(100 * time.Millisecond)
				release()
			})
			time.Sleep(300 * time.Millisecond)
		}
		wants(one, Backlog, "backlog here")
		wants(other, Backlog, "backlog there")
		wants(other, Background, "background there")
		wants(other, Interactive, "a click there")
		held()
		work.Wait()
		if len(order) != 4 || order[0] != "a click there" {
			t.Errorf("the order was %v", order)
		}
	})
}
