package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/usage"
)

func on(month time.Month, day int) time.Time {
	return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC)
}

// counted are days of usage up to today, of a quota that was full before the first; nil is a day
// that was never collected.
func counted(plan portal.PlanID, key portal.KeyID, period usage.Period, limit int64, used ...any) usage.Series {
	s, left := usage.Series{Plan: plan, Key: key}, limit
	for i, n := range used {
		calls, known := n.(int)
		if !known {
			continue
		}
		d := usage.Day{Day: on(time.November, 22).AddDate(0, 0, i+1-len(used)), Used: int64(calls), AsOf: now}
		if limit > 0 {
			if period == usage.Daily {
				left = limit
			}
			left = max(left-int64(calls), 0)
			most, rest := limit, left
			d.Limit, d.Remaining, d.Period = &most, &rest, period
		}
		s.Days = append(s.Days, d)
	}
	return s
}

// Report is what the fake has, of the days asked about.
func (f *fake) Report(_ context.Context, _ portal.AccountID, q usage.Query) (usage.Report, error) {
	if f.counts == nil {
		return usage.Report{Query: q}, f.err
	}
	all := usage.Report{AsOf: now.Add(-5 * time.Minute), Series: f.counts}
	for _, s := range f.counts {
		if q.Plan != "" && s.Plan != q.Plan || q.Key != "" && s.Key != q.Key {
			all.Series = nil
		}
	}
	return all.Between(q), f.err
}

func counting(series ...usage.Series) *fake {
	account := registered(subscription("plan-free", "Free", projections.SubscriptionActive), subscription("plan-rates", "Basic", projections.SubscriptionEnded))
	return &fake{catalog: published(weather(), rates()), account: account, counts: series}
}

func TestUsageShowsTotalsChartsAndTheForecast(t *testing.T) {
	t.Parallel()
	f := counting(counted("plan-free", "key-1", usage.Monthly, 1000, 40, 40, nil, 40, 40, 40, 40))
	doc := document(t, signedIn(f).get("/usage?range=7d"), http.StatusOK)
	text := squeezed(doc.Find("main"))
	for _, want := range []string{
		"240 requests", "16 November 2026 to 22 November 2026.", "Nothing is known about the 7 days before.", "API Gateway was last asked 5 minutes ago.",
		"240 of 1,000 requests this month: 24 %.", "760 left", "At this pace it lasts until it starts again on 1 December 2026 (UTC).", "Free Default key",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
	chart := doc.Find("svg.chart").First()
	if got := chart.AttrOr("aria-label", ""); got != "240 requests from 16 November 2026 to 22 November 2026, at most 40 on 16 November 2026" {
		t.Errorf("the chart is labelled %q", got)
	}
	if bars, unknown := chart.Find("rect.bar").Length(), chart.Find(".unknown").Length(); bars != 6 || unknown != 1 {
		t.Errorf("%d bars and %d unknown days", bars, unknown)
	}
	rows := doc.Find("details tbody tr")
	if rows.Length() != 7 || cells(rows.Eq(2)) != "18 November 2026 No data No data – –" || cells(rows.Eq(6)) != "22 November 2026 40 No data 1,000 760" {
		t.Errorf("the table says %q and %q", cells(rows.Eq(2)), cells(rows.Eq(6)))
	}
	if got := doc.Find(`a[href^="/api/v1/usage"]`).AttrOr("href", ""); got != "/api/v1/usage?end=2026-11-22&format=csv&start=2026-11-16" {
		t.Errorf("the CSV is at %s", got)
	}
	if doc.Find(`nav a[href="/usage"][aria-current="page"]`).Length() != 1 {
		t.Error("the navigation does not mark the page")
	}
}

func squeezed(s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") }

// cells are the texts of a row's cells.
func cells(row *goquery.Selection) string {
	var texts []string
	row.Find("th, td").Each(func(_ int, cell *goquery.Selection) { texts = append(texts, squeezed(cell)) })
	return strings.Join(texts, " ")
}

func TestUsageForecastsWhenTheQuotaRunsOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		series usage.Series
		want   string
	}{
		"soon":           {counted("plan-free", "key-1", usage.Monthly, 1000, 100, 100, 100, 100, 100, 50), "At this pace you run out on 26 November 2026."},
		"today":          {counted("plan-free", "key-1", usage.Monthly, 1000, 300, 300, 300, 90), "At this pace you run out today."},
		"used up":        {counted("plan-free", "key-1", usage.Monthly, 1000, 500, 510), "The quota is used up. It starts again on 1 December 2026 (UTC)."},
		"a day's quota":  {counted("plan-free", "key-1", usage.Daily, 100, 5, 100), "The quota is used up. It starts again on 23 November 2026 (UTC)."},
		"a week's quota": {counted("plan-free", "key-1", usage.Weekly, 100, 5), "5 of 100 requests this week: 5 %."},
	} {
		doc := document(t, signedIn(counting(c.series)).get("/usage"), http.StatusOK)
		if text := squeezed(doc.Find("main")); !strings.Contains(text, c.want) {
			t.Errorf("%s: the page lacks %q:\n%s", name, c.want, text)
		}
	}
}

func TestUsageWithoutAQuotaHasNoStanding(t *testing.T) {
	t.Parallel()
	doc := document(t, signedIn(counting(counted("plan-free", "key-1", "", 0, 7, 8))).get("/usage"), http.StatusOK)
	if doc.Find(".gauge, .limit, .pace").Length() != 0 || !strings.Contains(squeezed(doc.Find("main")), "15 requests") {
		t.Errorf("the page says %s", squeezed(doc.Find("main")))
	}
}

func TestUsageIsComparedWithTheDaysBefore(t *testing.T) {
	t.Parallel()
	week := func(before, now int) usage.Series {
		return counted("plan-free", "key-1", "", 0, before, 0, 0, 0, 0, 0, 0, now, 0, 0, 0, 0, 0, 0)
	}
	for want, s := range map[string]usage.Series{
		"50 % more than in the 7 days before (100).":            week(100, 150),
		"25 % less than in the 7 days before (100).":            week(100, 75),
		"Less than 1 % more than in the 7 days before (1,000).": week(1000, 1001),
		"31 times as many as in the 7 days before (10).":        week(10, 319),
		"As many as in the 7 days before.":                      week(3, 3),
		"There were none in the 7 days before.":                 week(0, 3),
	} {
		doc := document(t, signedIn(counting(s)).get("/usage?range=7d"), http.StatusOK)
		if text := squeezed(doc.Find("main")); !strings.Contains(text, want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
		if want := strings.Contains(want, "none") || strings.Contains(want, "As many"); !want && doc.Find("svg.chart rect.before").Length() == 0 {
			t.Error("the days before are not drawn")
		}
	}
}

func TestEveryPlanAndKeyHasItsChart(t *testing.T) {
	t.Parallel()
	f := counting(counted("plan-free", "key-1", usage.Daily, 50, 7), counted("plan-free", "key-old", "", 0, 1200), counted("plan-rates", "key-1", "", 0, 3))
	doc := document(t, signedIn(f).get("/usage"), http.StatusOK)
	if got := doc.Find(".usage-chart").Length(); got != 3 {
		t.Errorf("there are %d charts", got)
	}
	var rows []string
	doc.Find(".usage-sums tbody tr").Each(func(_ int, row *goquery.Selection) { rows = append(rows, cells(row)) })
	if got := strings.Join(rows, "; "); got != "Free, Default key Default key 7 requests; Free, key-old key-old 1,200 requests; Basic, Default key Default key 3 requests" {
		t.Errorf("the totals are %s", got)
	}
	if doc.Find(`select[name="plan"] option`).Length() != 3 || doc.Find(`select[name="key"]`).Length() != 0 {
		t.Error("plans can be chosen, and keys if there are several")
	}
	only := document(t, signedIn(f).get("/usage?plan=plan-free&range=7d"), http.StatusOK)
	if got := only.Find(`.ranges a[href="/usage?plan=plan-free&range=30d"]`).Length(); got != 1 {
		t.Error("another range forgets the plan")
	}
}

func TestALongRangeHasABarForEachWeek(t *testing.T) {
	t.Parallel()
	f := counting(counted("plan-free", "key-1", "", 0, 7, 8))
	doc := document(t, signedIn(f).get("/usage?start=2025-11-23&end=2026-11-22"), http.StatusOK)
	rows := doc.Find("details tbody tr")
	if got := rows.Length(); got != 53 || cells(rows.Last()) != "22 November 2026 8 No data – –" {
		t.Errorf("%d bars, the last of them %q", got, cells(rows.Last()))
	}
	if got := cells(rows.Eq(51)); got != "15 November 2026 to 21 November 2026 7 No data – –" {
		t.Errorf("a week is %q", got)
	}
}

func TestThisPeriodIsTheQuotas(t *testing.T) {
	t.Parallel()
	for period, want := range map[usage.Period]string{
		usage.Daily: "22 November 2026 to 22 November 2026.", usage.Weekly: "22 November 2026 to 22 November 2026.", usage.Monthly: "1 November 2026 to 22 November 2026.",
	} {
		doc := document(t, signedIn(counting(counted("plan-free", "key-1", period, 100, 5))).get("/usage?range=period"), http.StatusOK)
		if text := squeezed(doc.Find("main")); !strings.Contains(text, want) {
			t.Errorf("%s: the page lacks %q:\n%s", period, want, text)
		}
	}
}

func TestWithoutUsageThePageSaysWhatToDo(t *testing.T) {
	t.Parallel()
	doc := document(t, signedIn(counting()).get("/usage"), http.StatusOK)
	if text := squeezed(doc.Find(".empty")); !strings.Contains(text, "The portal asks API Gateway every 15 minutes") {
		t.Errorf("with a subscription: %s", text)
	}
	doc = document(t, signedIn(&fake{catalog: published(), account: registered()}).get("/usage"), http.StatusOK)
	if doc.Find(`.empty a[href="/apis"]`).Length() != 1 {
		t.Error("without a subscription there is no way to the APIs")
	}
}

func TestBadQuestionsAboutUsageKeepTheForm(t *testing.T) {
	t.Parallel()
	s := signedIn(counting(counted("plan-free", "key-1", "", 0, 7)))
	for query, c := range map[string]struct {
		status int
		want   string
	}{
		"start=2026-11-10&end=2026-11-01": {http.StatusBadRequest, "The first day, 2026-11-10, comes after the last, 2026-11-01. Swap them."},
		"start=2016-11-10":                {http.StatusBadRequest, "3665 days are too many: ask for at most 366 at once."},
		"start=never&range=custom":        {http.StatusBadRequest, "The first day cannot be read. Write it as year, month and day, like 2026-11-27."},
		"range=century":                   {http.StatusBadRequest, "There is no such range. Choose 7 days, 30 days, this period, or days of your own."},
		"plan=nosuch":                     {http.StatusNotFound, "You have never been subscribed to such a plan. Choose one of your subscriptions."},
		"key=%3Cscript%3E":                {http.StatusNotFound, "You have never had such a key. Choose one of your keys."},
	} {
		doc := document(t, s.get("/usage?"+query), c.status)
		if got := squeezed(doc.Find(`[role="alert"]`)); got != c.want {
			t.Errorf("%s: %q, want %q", query, got, c.want)
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := doc.Find(`form input[name="start"]`).AttrOr("value", ""); got != values.Get("start") {
			t.Errorf("%s: the form has %q", query, got)
		}
	}
}

func TestUsageThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	f := counting()
	f.err = portal.Fail(portal.Unavailable, "The portal cannot read its data right now. Try again in a moment.")
	document(t, signedIn(f).get("/usage"), http.StatusServiceUnavailable)
}

// usageStates are the usage page in its states.
func usageStates() map[string]shown {
	days := []any{3, 40, 25, nil, nil, 60, 80, 12, 0, 0, 33, 90, 44, 12, 18, 70, 20, 31, nil, 15, 22, 60}
	many := counting(
		counted("plan-free", "key-1", usage.Monthly, 1000, days...), counted("plan-free", "key-old", usage.Daily, 90, append([]any{80, 70}, days...)...),
		counted("plan-rates", "key-1", "", 0, 1_250_000, 3), counted("plan-long", "key-1", usage.Weekly, 100, 100),
	)
	many.account.Subscriptions = append(many.account.Subscriptions, subscription("plan-long", longName, projections.SubscriptionActive))
	many.account.Keys = append(many.account.Keys, projections.Key{ID: "key-old", Name: "🔑 " + longName, State: "ended"}, projections.Key{ID: "key-rtl", Name: "مفتاح", State: "active"})
	return map[string]shown{
		"usage":              {site: signedIn(counting(counted("plan-free", "key-1", usage.Monthly, 1000, days...))), path: "/usage"},
		"usage, many plans":  {site: signedIn(many), path: "/usage?range=7d"},
		"usage, a year":      {site: signedIn(many), path: "/usage?start=2025-11-23&end=2026-11-22"},
		"usage, none":        {site: signedIn(counting()), path: "/usage"},
		"usage, wrong range": {site: signedIn(many), path: "/usage?start=2026-11-10&end=2026-11-01"},
	}
}
