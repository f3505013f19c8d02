package state

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestWhatAKeyHasUsedIsClaimedOnce(t *testing.T) {
	t.Parallel()
	account := NewAccount("ann")
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	happens := func(facts ...events.Fact) {
		for _, fact := range facts {
			account.Apply(events.Event{Sequence: account.Sequence + 1, Time: at, Data: fact})
		}
	}
	unclaimed := func() map[portal.KeyID]int64 {
		left := map[portal.KeyID]int64{}
		for _, by := range account.Unclaimed(portal.Pair{Key: "k9", Plan: "free"}, at) {
			left[by.Key] = by.Left()
		}
		return left
	}
	used := func(key portal.KeyID, n int64) events.QuotaUsed {
		return events.QuotaUsed{Key: key, Plan: "free", PeriodStart: "2026-11-01", Period: "MONTH", Used: n}
	}
	carried := func(from portal.KeyID, used, passed int64) events.UsageCarried {
		return events.UsageCarried{Key: "k2", From: from, Plan: "free", PeriodStart: "2026-11-01", Period: "MONTH", Used: used, Passed: passed}
	}
	for _, step := range []struct {
		name string
		fact events.Fact
		want map[portal.KeyID]int64
	}{
		{"a key that left the plan", used("k1", 30), map[portal.KeyID]int64{"k1": 30}},
		{"counted again", used("k1", 30), map[portal.KeyID]int64{"k1": 30}},
		{"and counted late", used("k1", 34), map[portal.KeyID]int64{"k1": 34}},
		{"another plan", events.QuotaUsed{Key: "k1", Plan: "plus", PeriodStart: "2026-11-01", Period: "MONTH", Used: 5}, map[portal.KeyID]int64{"k1": 34}},
		{"an earlier period", events.QuotaUsed{Key: "k1", Plan: "free", PeriodStart: "2026-10-01", Period: "MONTH", Used: 99}, map[portal.KeyID]int64{"k1": 34}},
		{"a part is taken over", carried("k1", 34, 30), map[portal.KeyID]int64{"k1": 4}},
		{"a fact without a period, from an older version", events.UsageCarried{Key: "k2", From: "k1", Plan: "free", Remaining: 4}, map[portal.KeyID]int64{"k1": 4}},
		{"the rest is taken over", carried("k1", 34, 4), map[portal.KeyID]int64{}},
	} {
		happens(step.fact)
		if diff := cmp.Diff(step.want, unclaimed()); diff != "" {
			t.Errorf("%s: unclaimed (-want +got):\n%s", step.name, diff)
		}
	}
	happens(used("k3", 7), events.SubscriptionWanted{Plan: "free", Name: "Free", Ring: portal.AccountRing})
	at = at.AddDate(0, 0, 9) // the next month
	if left := unclaimed(); len(left) > 0 {
		t.Errorf("in the next month %v is unclaimed", left)
	}
	happens(events.QuotaUsed{Key: "k4", Plan: "free", PeriodStart: "2026-12-01", Period: "MONTH", Used: 1})
	if len(account.Spent) != 1 {
		t.Errorf("in the next month the fold holds %v", account.Spent)
	}
}

func TestAQuotasPeriodEndsAtMidnightUTC(t *testing.T) {
	t.Parallel()
	for period, end := range map[string]time.Time{
		"DAY": time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), "WEEK": time.Date(2026, 11, 8, 0, 0, 0, 0, time.UTC), "MONTH": time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
	} {
		spent := Spent{PeriodStart: "2026-11-01", Period: period}
		if spent.Over(end.Add(-time.Nanosecond)) || !spent.Over(end) {
			t.Errorf("the %s of 1 November does not end at %s", period, end)
		}
	}
	if !(Spent{}).Over(time.Time{}) {
		t.Error("what was never spent counts")
	}
}
