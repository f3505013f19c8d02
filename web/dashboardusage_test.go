package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/usage"
)

func (f *fake) Current(ctx context.Context, account portal.AccountID, at time.Time) (usage.Report, error) {
	if f.countErr != nil {
		return usage.Report{}, f.countErr
	}
	return f.Report(ctx, account, usage.Query{First: usage.Monthly.Start(at), Last: at.UTC().Truncate(24 * time.Hour)})
}

func TestTheDashboardShowsWhatIsUsedOfEachQuota(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plan   portal.PlanID
		series usage.Series
		want   string
		bar    string
	}{
		"a part":                  {"plan-std", counted("plan-std", "key-1", usage.Monthly, 1000000, 400000, 20000), "420,000 of 1,000,000 requests this month, 42 %. The quota starts again on 1 December 2026 (UTC). As of just now", "42"},
		"nothing":                 {"plan-std", counted("plan-std", "key-1", usage.Monthly, 1000000, 0), "0 of 1,000,000 requests this month. The quota starts", "0"},
		"hardly anything":         {"plan-std", counted("plan-std", "key-1", usage.Monthly, 1000000, 7), "7 of 1,000,000 requests this month, less than 1 %.", "0"},
		"no data":                 {"plan-std", usage.Series{}, "No data yet this month. The quota is 1,000,000 requests.", ""},
		"no data today":           {"plan-free", counted("plan-free", "key-1", usage.Daily, 1000, 7, nil), "No data yet today. The quota is 1,000 requests.", ""},
		"everything":              {"plan-free", counted("plan-free", "key-1", usage.Daily, 100, 5, 100), "100 of 100 requests today, 100 %. The quota is used up. It starts again on 23 November 2026 (UTC).", "100"},
		"a plan without a quota":  {"plan-max", counted("plan-max", "key-1", "", 0, 7, 8), "15 requests this month (UTC). The plan has no quota.", ""},
		"no data without a quota": {"plan-max", usage.Series{}, "No data yet this month. The plan has no quota.", ""},
		"another key's":           {"plan-std", counted("plan-std", "key-9", usage.Monthly, 1000000, 5), "No data yet this month.", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{catalog: published(weather()), account: registered(subscription(c.plan, "Plan", projections.SubscriptionActive)), counts: []usage.Series{c.series}}
			doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)
			says(t, doc, ".used", c.want)
			if got := doc.Find(".used .gauge .bar").AttrOr("width", ""); got != c.bar {
				t.Errorf("the bar has %q per cent, want %q", got, c.bar)
			}
			one(t, doc, `.used a[href="/usage?plan=`+string(c.plan)+`"]`)
		})
	}
}

func TestEachKeyHasAQuotaOfItsOwn(t *testing.T) {
	t.Parallel()
	f := keyring()
	plan := f.account.Subscriptions[0].Plan
	f.counts = []usage.Series{counted(plan, "k-new", usage.Monthly, 1000, 40), counted(plan, "k-ended", usage.Monthly, 1000, 900)}
	f.account.Keys[1].Name = "CI <b>🚢</b>"
	doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)
	got := text(one(t, doc, ".used"))
	if !strings.Contains(got, "CI <b>🚢</b>: 40 of 1,000 requests this month, 4 %.") || strings.Contains(got, "900") {
		t.Errorf("the dashboard says %q", got)
	}
}

func TestTheDashboardIsShownWithoutUsage(t *testing.T) {
	t.Parallel()
	f := &fake{catalog: published(weather()), account: registered(subscription("plan-std", "Standard", projections.SubscriptionActive))}
	f.countErr = portal.Fail(portal.Unavailable, "not now")
	doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)
	says(t, doc, ".used", "The usage cannot be read right now.")
	none(t, doc, ".used .gauge")
}

// The script replaces the page only if the version differs.
func TestTheSameUsageIsTheSameVersionOfTheDashboard(t *testing.T) {
	t.Parallel()
	version := func(used int) string {
		f := &fake{catalog: published(weather()), account: registered(subscription("plan-std", "Standard", projections.SubscriptionActive))}
		f.counts = []usage.Series{counted("plan-std", "key-1", usage.Monthly, 1000000, used)}
		return attr(t, one(t, document(t, signedIn(f).get("/dashboard"), http.StatusOK), "#account"), "data-version")
	}
	first, again, more := version(5), version(5), version(6)
	if first != again || first == more {
		t.Errorf("the versions are %s, %s and %s", first, again, more)
	}
}
