package state

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func reached(period, start string, percent int) said {
	return said{fact: events.QuotaThresholdReached{Plan: "free", Key: "k", Period: period, PeriodStart: start, Percent: percent}}
}

func TestThresholdsOfAQuotaOnlyRiseWithinAPeriod(t *testing.T) {
	t.Parallel()
	pair := portal.Pair{Key: "k", Plan: "free"}
	for name, c := range map[string]struct {
		history       []said
		period, start string
		want          int
	}{
		"before the first fact none is reached":               {nil, "MONTH", "2026-11-01", 0},
		"the highest counts":                                  {[]said{reached("MONTH", "2026-11-01", 50), reached("MONTH", "2026-11-01", 90)}, "MONTH", "2026-11-01", 90},
		"a lower one that comes later changes nothing":        {[]said{reached("MONTH", "2026-11-01", 90), reached("MONTH", "2026-11-01", 50)}, "MONTH", "2026-11-01", 90},
		"a new period begins at nothing":                      {[]said{reached("MONTH", "2026-11-01", 90)}, "MONTH", "2026-12-01", 0},
		"a period before the latest is closed":                {[]said{reached("MONTH", "2026-11-01", 50), reached("MONTH", "2026-12-01", 50)}, "MONTH", "2026-11-01", 100},
		"a fact about an earlier period changes nothing":      {[]said{reached("MONTH", "2026-12-01", 50), reached("MONTH", "2026-11-01", 90)}, "MONTH", "2026-12-01", 50},
		"periods of another length are counted by themselves": {[]said{reached("MONTH", "2026-11-01", 90), reached("DAY", "2026-11-27", 50)}, "MONTH", "2026-11-01", 90},
		"and the other way round":                             {[]said{reached("DAY", "2026-11-27", 80), reached("MONTH", "2026-11-01", 50)}, "DAY", "2026-11-27", 80},
	} {
		if got := fold(c.history...).Reached(pair, c.period, c.start); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if got := fold(reached("DAY", "2026-11-27", 80)).Reached(portal.Pair{Key: "k", Plan: "plus"}, "DAY", "2026-11-27"); got != 0 {
		t.Errorf("another plan of the key has reached %d", got)
	}
}

func TestThresholdsOfACloneAreItsOwn(t *testing.T) {
	t.Parallel()
	account := fold(reached("DAY", "2026-11-27", 50), reached("MONTH", "2026-11-01", 50))
	want := account.Clone()
	clone := account.Clone()
	for _, fact := range factsOf(reached("DAY", "2026-11-27", 90), reached("DAY", "2026-11-28", 50)) {
		clone.Apply(fact)
	}
	if diff := cmp.Diff(want, account); diff != "" {
		t.Errorf("the account changed with its clone (-want +got):\n%s", diff)
	}
}

func TestAKeyThatTakesOverAQuotaTakesOverItsThresholds(t *testing.T) {
	t.Parallel()
	account := fold(
		reached("MONTH", "2026-11-01", 80), said{fact: events.UsageCarried{Key: "k2", From: "k", Plan: "free", Remaining: 200}},
		said{fact: events.QuotaThresholdReached{Plan: "free", Key: "k2", Period: "MONTH", PeriodStart: "2026-11-01", Percent: 90}},
		said{fact: events.UsageCarried{Key: "k3", From: "k9", Plan: "free", Remaining: 200}},
	)
	for key, want := range map[portal.KeyID]int{"k": 80, "k2": 90, "k3": 0} {
		if got := account.Reached(portal.Pair{Key: key, Plan: "free"}, "MONTH", "2026-11-01"); got != want {
			t.Errorf("%s has reached %d, want %d", key, got, want)
		}
	}
}
