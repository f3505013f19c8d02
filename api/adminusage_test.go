package api_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestTheUsageOfAllAccountsHasPages(t *testing.T) {
	t.Parallel()
	f := full()
	a := siteOf(t, f, &root).get("/admin/usage?limit=1&start=2026-11-01&end=2026-11-22").want(http.StatusOK)
	described(t).checks(t, "GET /admin/usage", a)
	body := a.json().(map[string]any)
	items := body["items"].([]any)
	if len(items) != 2 || items[0].(map[string]any)["account"] != "account-grace" || items[0].(map[string]any)["key_name"] != "Default key" {
		t.Errorf("the items are %v", items)
	}
	if next := body["next"]; next != "/api/v1/admin/usage?cursor=000000000000009%23account-grace&end=2026-11-22&limit=1&start=2026-11-01" {
		t.Errorf("next is %v", next)
	}
}

func TestTheUsageOfAPlanCountsOnlyItsKeysOnThePage(t *testing.T) {
	t.Parallel()
	f := full()
	siteOf(t, f, &root).get("/admin/usage?plan=plan-free&limit=3&cursor=g0").want(http.StatusOK)
	var calls []string
	for _, call := range f.asked {
		if call.What == "holders" || call.What == "usage of keys" {
			calls = append(calls, call.What+" "+string(call.Caller.Account)+" "+call.Name)
		}
	}
	all := strings.Join(calls, "; ")
	if !strings.Contains(all, "holders  plan-free g0 3") || !strings.Contains(all, "usage of keys account-grace [g1 g3]") || !strings.Contains(all, "usage of keys account-bob [g2]") {
		t.Errorf("asked for %s", all)
	}
}

func TestOnlyAdminsReadTheUsageOfOthersAndDaysAreChecked(t *testing.T) {
	t.Parallel()
	for status, s := range map[int]site{http.StatusUnauthorized: visit(t, full()), http.StatusForbidden: signedIn(t, full())} {
		s.get("/admin/usage").want(status)
		s.get("/admin/usage?format=csv").want(status)
		if len(s.asked) > 0 {
			t.Errorf("%d: asked %v", status, s.asked)
		}
	}
	admin := siteOf(t, full(), &root)
	for _, query := range []string{"start=2026-11-22&end=2026-11-01", "start=yesterday", "start=2020-01-01&end=2026-11-22", "end=2026-13-40"} {
		admin.get("/admin/usage?" + query).want(http.StatusBadRequest)
	}
	for _, query := range []string{"limit=0", "limit=1000", "format=xml"} {
		admin.get("/admin/usage?" + query).want(http.StatusUnprocessableEntity)
	}
}

func TestTheFileOfUsageHasHeadingsAlsoWithoutAccounts(t *testing.T) {
	t.Parallel()
	got := siteOf(t, full(), &root).get("/admin/usage?plan=" + unusedPlan + "&format=csv").want(http.StatusOK).Body.String()
	if want := "account,date,plan,plan_name,key,key_name,used,limit,remaining,period,as_of\r\n"; got != want {
		t.Errorf("the file is %q", got)
	}
}
