package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	goodPage   = "/admin/licences/l-0123456789abcdef0123456789abcdef"
	legacyPage = "/admin/licences/legacy:4fk3q8b2v7x1n6m9z0c5d1234:PJS7FAH0HX5"
)

func TestLicencesAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	s := sellingWeather(crowdedMarket())
	doc := document(t, s.get("/admin/licences"), http.StatusOK)
	says(t, doc, "main", "12 agreements, and 1 notice for what the portal did not know")
	says(t, doc, "#product", "Weather (prod-weather)")
	if got := doc.Find(`section[aria-labelledby="licences"] li`).Length(); got != 25 {
		t.Errorf("the page lists %d licences", got)
	}
	next := document(t, s.get(attr(t, one(t, doc, `a[rel="next"]`), "href")), http.StatusOK)
	if got := next.Find(`section[aria-labelledby="licences"] li`).Length(); got != 23 {
		t.Errorf("the next page lists %d licences", got)
	}
	one(t, next, `nav.paging a[href="/admin/licences"]`)
	for query, want := range map[string]string{
		"problems=on": "2 licences", "state=active&account=account-ada": "40 licences of 48", "unclaimed=on": "1 licence", "product=prod-weather&state=ended": "1 licence",
		"account=444455556666": "6 licences", "account=PJS7FAH0HX5": "1 licence", "state=waiting": "2 licences",
	} {
		if got := text(one(t, document(t, s.get("/admin/licences?"+query), http.StatusOK), "#licences")); !strings.HasPrefix(got, want) {
			t.Errorf("%s: it lists %q, want %q", query, got, want)
		}
	}
	says(t, document(t, s.get("/admin/licences?product=other"), http.StatusOK), ".empty", "No licence matches.")
	for _, query := range []string{"state=odd", "account=" + strings.Repeat("x", 500), "product=%ff", "after=" + strings.Repeat("x", 500)} {
		if w := s.get("/admin/licences?" + query); w.Code != http.StatusBadRequest {
			t.Errorf("%s is answered %d", query, w.Code)
		}
	}
}

func TestWithoutMarketplaceThePageSaysSo(t *testing.T) {
	t.Parallel()
	doc := document(t, administered(&fakeAdmin{}).get("/admin/licences"), http.StatusOK)
	says(t, doc, ".empty", "Nothing is sold on AWS Marketplace here.")
	none(t, doc, "main form")
	s := sellingWeather(market())
	s.office.sold.rows = nil
	says(t, document(t, s.get("/admin/licences"), http.StatusOK), ".empty", "Nobody has bought anything yet.")
	s.office.sold.comparison.Job.Ran = false
	none(t, document(t, s.get("/admin/licences"), http.StatusOK), `a[href="/admin/licences/reconcile"]`)
	if w := s.post("/admin/licences/reconcile", url.Values{}); w.Code != http.StatusConflict {
		t.Errorf("a comparison that no worker makes is answered %d", w.Code)
	}
}

func TestALicenceHasItsPurchaseClaimLedgerAndHistory(t *testing.T) {
	t.Parallel()
	doc := document(t, sellingWeather(market()).get(goodPage), http.StatusOK)
	none(t, doc, "main i, main b")
	for section, wants := range map[string][]string{
		"purchase": {"AWS account 1111-2222-3333", "Weather prod-weather", "agmt-1", "arn:aws:license-manager::1:license:l-", "The buyer has paid for gold, " + longWord + " until"},
		"claim":    {"account-bob", "Pro <i>x</i> plan-pro", "Yes, since"},
		"ledger": {
			"Collected1,270 Metered1,266 Accepted, so billed1,204 Difference66", "4: counted since the last record", "60: AWS refused the record", "does not answer", "No worker has done it yet",
			"InvalidLicenseException<b>", "Can be billed", "Lost", "Not billed", "Correct meter and meter_dimension", "Have 20 requests sent again", "metered in us-east-1", "record-6-",
		},
		"notices": {"AWS said license-updated at", "which this version cannot read"},
		"history": {"Account account-bob claimed it for the plan plan-pro", "AWS said that the buyer has paid for gold"},
	} {
		got := text(one(t, doc, `section[aria-labelledby="`+section+`"]`))
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("%s does not say %q: %s", section, want, got)
			}
		}
	}
	if got := doc.Find("table tbody tr").Length(); got != 48 {
		t.Errorf("it lists %d records", got)
	}
	older := document(t, sellingWeather(market()).get(strings.TrimSuffix(attr(t, one(t, doc, `a[rel="next"]`), "href"), "#records")), http.StatusOK)
	if got := older.Find("table tbody tr").Length(); got != 12 {
		t.Errorf("the next page lists %d records", got)
	}
	waiting := document(t, sellingWeather(market()).get(legacyPage), http.StatusOK)
	says(t, waiting, ".lead", "AWS has not said that it is active.")
	one(t, waiting, `p a[href="/admin/dead-letters"]`)
	for _, path := range []string{"/admin/licences/l-none", "/admin/licences/x", "/admin/licences/l-none/resend", "/admin/licences/l-none/correct"} {
		if w := sellingWeather(market()).get(path); w.Code != http.StatusNotFound {
			t.Errorf("%s is answered %d", path, w.Code)
		}
	}
}

func TestWhatAnAdminHasWorkersDoAboutLicencesIsConfirmed(t *testing.T) {
	t.Parallel()
	s := sellingWeather(market())
	for path, back := range map[string]string{"/admin/licences/reconcile": "/admin/licences?asked=on", goodPage + "/resend": goodPage + "?asked=resend"} {
		one(t, document(t, s.get(path), http.StatusOK), `main form[method="post"][action="`+path+`"] button`)
		if len(s.office.sold.did) > 0 {
			t.Fatalf("looking does %v", s.office.sold.did)
		}
		if w := s.post(path, url.Values{}); w.Code != http.StatusSeeOther || w.Header().Get("Location") != back {
			t.Errorf("%s is answered %d to %q", path, w.Code, w.Header().Get("Location"))
		}
		says(t, document(t, s.get(back), http.StatusOK), `[role="status"].notice`, "A worker")
		s.office.sold.did = nil
	}
	none(t, document(t, s.get(legacyPage+"/resend"), http.StatusOK), "main form")
	if w := s.post(legacyPage+"/resend", url.Values{}); w.Code != http.StatusConflict || len(s.office.sold.did) > 0 {
		t.Errorf("what cannot be sent again is answered %d, and does %v", w.Code, s.office.sold.did)
	}
	for _, path := range []string{"/admin/licences/reconcile", goodPage + "/resend", goodPage + "/correct"} {
		other := siteOf(&fake{office: market()}, &ada)
		if w := other.post(path, url.Values{"confirmed": {"on"}, "arn": {"arn:x"}}); w.Code != http.StatusForbidden || len(other.office.sold.did) > 0 {
			t.Errorf("%s: another person is answered %d, and does %v", path, w.Code, other.office.sold.did)
		}
	}
}

func TestACorrectionIsCheckedBeforeItIsMade(t *testing.T) {
	t.Parallel()
	s := sellingWeather(market())
	const path = goodPage + "/correct"
	none(t, document(t, s.get(path), http.StatusOK), "#customer")
	one(t, document(t, s.get(legacyPage+"/correct"), http.StatusOK), "#customer")
	says(t, document(t, s.post(path, url.Values{"arn": {" "}}), http.StatusBadRequest), `[role="alert"]`, "Nothing is to be corrected.")
	says(t, document(t, s.post(path, url.Values{"product": {"prod-weather"}}), http.StatusOK), `[role="status"].notice`, "these names already")
	doc := document(t, s.post(path, url.Values{"arn": {" arn:aws:new "}}), http.StatusOK)
	says(t, doc, "dl.facts", "to arn:aws:new")
	if len(s.office.sold.did) > 0 {
		t.Fatalf("checking does %v", s.office.sold.did)
	}
	form := url.Values{}
	for _, name := range []string{"arn", "buyer", "product", "customer", "confirmed"} {
		form.Set(name, attr(t, one(t, doc, `main input[name="`+name+`"]`), "value"))
	}
	if w := s.post(path, form); w.Code != http.StatusSeeOther || w.Header().Get("Location") != goodPage+"?asked=correct" {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	if diff := cmp.Diff([]string{"correct " + string(goodLicence) + " to arn:aws:new for " + string(root.Account)}, s.office.sold.did); diff != "" {
		t.Error(diff)
	}
	s.office.err = portal.Fail(portal.Unavailable, "Try again in a moment.")
	for _, page := range []string{"/admin/licences", goodPage, path} {
		if w := s.get(page); w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: without its data the portal answers %d", page, w.Code)
		}
	}
}
