package usage

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func same2[T any](t *testing.T, name string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestARunCollectsYesterdayAndToday(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gateway.count("free", "gw1", on(25), 9, 991)
	w.gateway.count("free", "gw1", on(26), 100, 891)
	w.gateway.count("free", "gw1", on(27), 7, 884)
	w.run()
	same2(t, "counters", []string{"11-26 free k gw1 100, 891 of 1000 a MONTH left", "11-27 free k gw1 7, 884 of 1000 a MONTH left"}, w.counters())
	same2(t, "calls", []string{"free 11-26..11-27 "}, w.gateway.calls)

	w.clock = w.clock.Add(15 * time.Minute)
	w.gateway.count("free", "gw1", on(27), 20, 871)
	w.run()
	same2(t, "counters of the next run", []string{"11-26 free k gw1 100, 891 of 1000 a MONTH left", "11-27 free k gw1 20, 871 of 1000 a MONTH left"}, w.counters())
	collected, err := w.Table.Collected(t.Context(), "free", "plus")
	if err != nil || len(collected) != 1 || !collected["free"].AsOf.Equal(w.clock) {
		t.Errorf("collected is %+v, %v", collected, err)
	}
}

func TestOnlyChangedCountersAreWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gateway.count("free", "gw1", on(26), 100, 900)
	w.run()
	first, err := w.Table.LastCycle(t.Context())
	if err != nil || first.Written != 2 || first.Plans != 1 || first.Keys != 1 {
		t.Errorf("the first run is %+v, %v", first, err)
	}
	w.clock = w.clock.Add(15 * time.Minute)
	w.run()
	if again, err := w.Table.LastCycle(t.Context()); err != nil || again.Written != 0 || again.Pages != 1 {
		t.Errorf("the second run is %+v, %v", again, err)
	}
}

func TestDaysOutsideASubscriptionHaveNoCounter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	since := on(27).Add(9 * time.Hour)
	w.holders["free"] = []projections.Holder{
		{Account: ann, Plan: "free", Key: "k", GatewayID: "gw1", Since: since},
		{Account: ann, Plan: "free", Key: "old", GatewayID: "gw0", Until: on(26).Add(20 * time.Hour)},
	}
	w.gateway.count("free", "gw1", on(27), 0, 1000)
	w.gateway.count("free", "gw0", on(26), 3, 0)
	w.gateway.count("free", "foreign", on(27), 50, 0)
	w.run()
	same2(t, "counters", []string{"11-26 free old gw0 3, 0 of 1000 a MONTH left", "11-27 free k gw1 0, 1000 of 1000 a MONTH left"}, w.counters())
}

func TestAPlanWithoutAQuotaHasOnlyCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gateway.plans[0].Quota = nil
	w.gateway.count("free", "gw1", on(27), 5000, 0)
	w.run()
	same2(t, "counters", []string{"11-26 free k gw1 0", "11-27 free k gw1 5000"}, w.counters())
	same2(t, "thresholds", []string{}, w.told())
}

func TestAPastDayKeepsItsQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gateway.count("free", "gw1", on(26), 10, 990)
	w.gateway.count("free", "gw1", on(27), 10, 980)
	w.run()
	w.clock = w.clock.Add(15 * time.Minute)
	w.gateway.plans[0].Quota.Limit = 2000
	w.gateway.count("free", "gw1", on(26), 11, 989)
	w.gateway.count("free", "gw1", on(27), 10, 1979)
	w.run()
	same2(t, "counters", []string{"11-26 free k gw1 11, 989 of 1000 a MONTH left", "11-27 free k gw1 10, 1979 of 2000 a MONTH left"}, w.counters())
}

func TestPlansThatNobodyHoldsAreSkipped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gateway.plans = append(w.gateway.plans, gateway.UsagePlan{ID: "unheld"}, gateway.UsagePlan{ID: "left"}, gateway.UsagePlan{ID: "long-left"})
	w.holders["left"] = []projections.Holder{{Account: ann, Plan: "left", Key: "k", GatewayID: "gw1", Until: noon.Add(-47 * time.Hour)}}
	w.holders["long-left"] = []projections.Holder{{Account: ann, Plan: "long-left", Key: "k", GatewayID: "gw1", Until: noon.Add(-49 * time.Hour)}}
	w.run()
	same2(t, "calls", []string{"free 11-26..11-27 ", "left 11-26..11-27 "}, w.gateway.calls)
}

func TestAPlanIsCollectedPageByPageAndStepByStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gateway.page = 2
	for n := range 5 {
		id := portal.GatewayKeyID(fmt.Sprintf("gw%d", n))
		w.gateway.count("free", id, on(27), int64(n), 500)
		w.holders["free"] = append(w.holders["free"], projections.Holder{Account: ann, Plan: "free", Key: portal.KeyID(fmt.Sprint("key", n)), GatewayID: id, Since: on(27)})
	}
	w.holders["free"] = w.holders["free"][1:]
	cursor, steps := "", 0
	for {
		// Each step happens twice, as after a crash.
		if _, err := w.Step(t.Context(), cursor); err != nil {
			t.Fatal(err)
		}
		next, err := w.Step(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		if steps++; next == "" {
			break
		}
		cursor = next
	}
	if want := 5; steps != want || len(w.counters()) != 5 {
		t.Errorf("%d steps, want %d; counters:\n%v", steps, want, w.counters())
	}
	same2(t, "calls", []string{
		"free 11-26..11-27 ", "free 11-26..11-27 ", "free 11-26..11-27 gw1", "free 11-26..11-27 gw1", "free 11-26..11-27 gw3", "free 11-26..11-27 gw3",
	}, w.gateway.calls)
}

func TestDaysThatNobodyCollectedAreCollectedLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	w.clock = w.clock.Add(10 * 24 * time.Hour)
	w.gateway.calls = nil
	w.run()
	w.clock = w.clock.Add(300 * 24 * time.Hour)
	w.run()
	same2(t, "calls", []string{"free 11-26..12-07 ", "free 07-06..10-03 "}, w.gateway.calls)
}

func TestAPlanThatCannotBeReadDelaysNoOther(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"the plan was deleted":         &gateway.Refused{Reason: gateway.PlanGone},
		"API Gateway does not answer":  &gateway.Unavailable{Err: errDown},
		"API Gateway refuses the call": &gateway.Refused{Reason: gateway.Invalid, Err: errDown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.gateway.plans = slices.Insert(w.gateway.plans, 0, gateway.UsagePlan{ID: "broken"})
			w.holders["broken"] = []projections.Holder{{Account: ann, Plan: "broken", Key: "k", GatewayID: "gw1", Since: on(1)}}
			w.gateway.fails["broken"] = err
			w.run()
			if got := w.counters(); len(got) != 0 {
				t.Errorf("counters: %v", got)
			}
			w.gateway.count("free", "gw1", on(27), 1, 999)
			w.clock = w.clock.Add(15 * time.Minute)
			w.run()
			if got := w.counters(); len(got) != 2 {
				t.Errorf("counters: %v", got)
			}
		})
	}
}

func TestARunWaitsWhileAPIGatewayThrottles(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"throttled": &gateway.Unavailable{Throttled: true, Err: errDown}, "no token": &portal.Postponed{After: time.Second, Reason: "no token"},
	} {
		w := newWorld(t)
		cursor, stepErr := w.Step(t.Context(), "")
		if stepErr != nil {
			t.Fatal(stepErr)
		}
		w.gateway.fails["free"] = err
		var postponed *portal.Postponed
		if _, got := w.Step(t.Context(), cursor); !errors.As(got, &postponed) || postponed.After == 0 {
			t.Errorf("%s: %v", name, got)
		}
		delete(w.gateway.fails, "free")
		if next, err := w.Step(t.Context(), cursor); err != nil || next == "" {
			t.Errorf("%s: afterwards %q, %v", name, next, err)
		}
	}
}

func TestARunThatOutgrowsItsSlotMakesTheNextOnesHourly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	begin := func(after time.Duration) bool {
		t.Helper()
		w.clock = noon.Add(after)
		next, err := w.Step(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		return next != ""
	}
	if err := w.Table.noteCycle(t.Context(), Cycle{Began: noon, Ended: noon.Add(16 * time.Minute)}); err != nil {
		t.Fatal(err)
	}
	for after, want := range map[time.Duration]bool{15 * time.Minute: false, 45 * time.Minute: false, time.Hour: true, time.Hour - 10*time.Second: true, -time.Hour: true} {
		if got := begin(after); got != want {
			t.Errorf("%s after a long run: begins %v", after, got)
		}
	}
	if err := w.Table.noteCycle(t.Context(), Cycle{Began: noon, Ended: noon.Add(14 * time.Minute)}); err != nil {
		t.Fatal(err)
	}
	if !begin(15 * time.Minute) {
		t.Error("after a short run the next one does not begin")
	}
}

func TestACursorOfAnotherVersionStartsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, cursor := range []string{"{}", "nonsense", `{"format":99}`} {
		if next, err := w.Step(t.Context(), cursor); err != nil || next == "" {
			t.Errorf("%q leads to %q, %v", cursor, next, err)
		}
	}
}

func TestKeysMadeAgainAreCountedTogetherAndStoredApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gateway.count("free", "gw1", on(27), 40, 960)
	w.run()
	w.holders["free"][0].Since, w.holders["free"][0].Until = time.Time{}, noon
	w.holders["free"] = append(w.holders["free"], projections.Holder{Account: ann, Plan: "free", Key: "k", GatewayID: "gw2", Since: noon})
	w.gateway.count("free", "gw2", on(27), 2, 998)
	w.clock = w.clock.Add(15 * time.Minute)
	w.run()
	same2(t, "counters", []string{
		"11-26 free k gw1 0, 0 of 1000 a MONTH left", "11-27 free k gw1 40, 960 of 1000 a MONTH left", "11-27 free k gw2 2, 998 of 1000 a MONTH left",
	}, w.counters())
}
