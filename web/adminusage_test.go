package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func rows(doc *goquery.Document, section string) (all []string) {
	doc.Find(`section[aria-labelledby="` + section + `"] tbody tr`).Each(func(_ int, s *goquery.Selection) {
		var cells []string
		s.Children().Each(func(_ int, cell *goquery.Selection) { cells = append(cells, text(cell)) })
		all = append(all, strings.Join(cells, " | "))
	})
	return all
}

func TestTheUsageOfAllNamesTheLargestAccountsAndPlans(t *testing.T) {
	t.Parallel()
	o := busy()
	doc := document(t, administered(o).get("/admin/usage"), http.StatusOK)
	says(t, doc, "#total", "1,000,000 requests")
	says(t, doc, ".usage-total .meta", "1 November 2026 to 22 November 2026, by 321 of 12,345 accounts. Summed up 5 minutes ago.")
	if diff := cmp.Diff([]string{"Bob Byte bob@example.com | 700,000 | 70 %", "account-gone | 3 | Less than 1 %"}, rows(doc, "accounts")); diff != "" {
		t.Error(diff)
	}
	one(t, doc, `section[aria-labelledby="accounts"] a[href="/admin/accounts/account-bob"]`)
	plans := rows(doc, "plans")
	if len(plans) != 25 || plans[0] != "Unlimited (Weather) | 899,990 | 89 % | 20" || plans[1] != "Free (Weather) | 100,000 | 10 % | 300" || plans[2] != "plan-gone-00 | 1 | Less than 1 % | 1" {
		t.Errorf("the plans are %v", plans)
	}
	says(t, doc, `section[aria-labelledby="plans"] .fine`, "7 more have fewer calls.")
	if got := attr(t, one(t, doc, "a[download]"), "href"); got != "/api/v1/admin/usage?end=2026-11-22&format=csv&start=2026-11-01" {
		t.Errorf("the file is at %s", got)
	}
	if bars := one(t, doc, "svg.chart"); bars.Find("rect.bar").Length() != 2 || bars.Find("path.unknown").Length() != 20 {
		t.Error("the chart does not have two days with calls and twenty unknown ones")
	}
	none(t, doc, `noscript meta[http-equiv="refresh"]`)
}

func TestThePeriodIsChosen(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"": "2026-11-01 2026-11-22", "?range=last-month": "2026-10-01 2026-10-31", "?range=30d": "2026-10-24 2026-11-22", "?range=90d": "2026-08-25 2026-11-22",
		"?range=custom&start=2026-01-02&end=2026-02-03": "2026-01-02 2026-02-03", "?start=2026-11-20": "2026-11-20 2026-11-22",
	} {
		o := busy()
		document(t, administered(o).get("/admin/usage"+query), http.StatusOK)
		if got := o.summedOf.First.Format(time.DateOnly) + " " + o.summedOf.Last.Format(time.DateOnly); got != want {
			t.Errorf("%s asks for %s, want %s", query, got, want)
		}
	}
	for query, fault := range map[string]string{"?start=2026-11-20&end=2026-11-01": "Swap them.", "?range=odd": "There is no such period.", "?start=yesterday": "cannot be read"} {
		o := busy()
		says(t, document(t, administered(o).get("/admin/usage"+query), http.StatusBadRequest), `[role="alert"]`, fault)
		if !o.summedOf.First.IsZero() {
			t.Errorf("%s: usage is read", query)
		}
	}
}

func TestASummaryInProgressIsShownAndThePageReloads(t *testing.T) {
	t.Parallel()
	states := sumStates()
	doc := document(t, states["usage of all, being made"].site.get("/admin/usage"), http.StatusOK)
	says(t, doc, `[role="status"].notice`, "The summary of 1 November 2026 to 22 November 2026 is being made. 1,300 accounts read so far.")
	none(t, doc, "#total")
	if !strings.Contains(states["usage of all, being made"].site.get("/admin/usage").Body.String(), `http-equiv="refresh"`) {
		t.Error("the page does not reload")
	}
	doc = document(t, states["usage of all, being made again"].site.get("/admin/usage"), http.StatusOK)
	says(t, doc, `[role="status"].notice`, "A newer summary is being made.")
	says(t, doc, "#total", "1,000,000 requests")
	says(t, document(t, states["usage of all, none"].site.get("/admin/usage"), http.StatusOK), ".empty", "No account made a call on these days")
	down := busy()
	down.sumErr = portal.Fail(portal.Unavailable, "The portal cannot read its data right now.")
	if w := administered(down).get("/admin/usage"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("without an answer of the table it is answered %d", w.Code)
	}
}
