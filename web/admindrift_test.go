package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestDriftSaysOfEachKindWhatWorkersAndAdminsDo(t *testing.T) {
	t.Parallel()
	doc := document(t, administered(drifted()).get("/admin/drift"), http.StatusOK)
	none(t, doc, "main b")
	kinds := text(one(t, doc, `section[aria-labelledby="kinds"]`))
	for _, want := range []string{
		"compared 2,140 keys", "12 keys with other names", "1 account changed just before", "2 streams of the journal could not be read",
		"Missing keys: 1,200Workers mend it", "makes it again with the same value", "Strays: 1Needs you", "gatehouse keys reconcile --yes", "Workers only report it.",
		"Plans that are gone: 1", "odd_" + longWord + ": 1Found by a newer version",
	} {
		if !strings.Contains(kinds, want) {
			t.Errorf("it does not say %q: %s", want, kinds)
		}
	}
	list := text(one(t, doc, `section[aria-labelledby="differences"]`))
	for _, want := range []string{"Left alone", "gatehouse/account-bob/<b>key</b>", "plan Free plan-free", "gw-1 in API Gateway", "keeps its first 1,000"} {
		if !strings.Contains(list, want) {
			t.Errorf("the list does not say %q: %s", want, list)
		}
	}
	one(t, doc, `.notice:contains("A sweep is under way")`)
	if doc.Find(`section[aria-labelledby="differences"] a[href="/admin/accounts/account-bob"]`).Length() == 0 {
		t.Error("no difference leads to its account")
	}
}

func TestDifferencesAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	s := administered(drifted())
	doc := document(t, s.get("/admin/drift?kind=key_missing"), http.StatusOK)
	if got := doc.Find(`section[aria-labelledby="differences"] li`).Length(); got != 50 {
		t.Errorf("the page lists %d differences", got)
	}
	next := attr(t, one(t, doc, `a[rel="next"]`), "href")
	if next != "/admin/drift?from=50&kind=key_missing#differences" {
		t.Errorf("the next page is at %q", next)
	}
	doc = document(t, s.get(strings.TrimSuffix(next, "#differences")), http.StatusOK)
	if got := doc.Find(`section[aria-labelledby="differences"] li`).Length(); got != 11 {
		t.Errorf("the next page lists %d differences", got)
	}
	if got := text(doc.Find(`section[aria-labelledby="differences"]`)); strings.Contains(got, "<b>key</b>") {
		t.Errorf("another kind is listed: %s", got)
	}
	says(t, document(t, s.get("/admin/drift?from=999"), http.StatusOK), `section[aria-labelledby="differences"] .empty`, "nothing more")
	for _, query := range []string{"kind=odd", "from=-1", "from=x"} {
		if w := s.get("/admin/drift?" + query); w.Code != http.StatusBadRequest {
			t.Errorf("%s is answered %d", query, w.Code)
		}
	}
}

// Also a kind that only newer workers know.
func TestEveryKindOfDifferenceLeadsToItsList(t *testing.T) {
	t.Parallel()
	s := administered(drifted())
	links := document(t, s.get("/admin/drift"), http.StatusOK).Find(`a[href^="/admin/drift?kind="]`)
	if links.Length() != len(s.office.drift.Kinds) {
		t.Errorf("%d kinds have links", links.Length())
	}
	links.Each(func(_ int, link *goquery.Selection) {
		href := strings.TrimSuffix(attr(t, link, "href"), "#differences")
		if got := document(t, s.get(href), http.StatusOK).Find(`section[aria-labelledby="differences"] li`).Length(); got == 0 {
			t.Errorf("%s lists nothing", href)
		}
	})
}

func TestAnAdminHasAWorkerCompareNow(t *testing.T) {
	t.Parallel()
	s := administered(&fakeAdmin{drift: swept()})
	doc := document(t, s.get("/admin/drift"), http.StatusOK)
	says(t, doc, `section[aria-labelledby="kinds"] .empty`, "Nothing differed.")
	one(t, doc, `form[method="post"][action="/admin/drift"] button`)
	w := s.post("/admin/drift", url.Values{})
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/admin/drift?asked=on" || len(s.office.compared) != 1 || s.office.compared[0] != root.Account {
		t.Errorf("%d to %q, asked by %v", w.Code, w.Header().Get("Location"), s.office.compared)
	}
	says(t, document(t, s.get("/admin/drift?asked=on"), http.StatusOK), `[role="status"].notice`, "A worker was asked")
	says(t, document(t, administered(&fakeAdmin{}).get("/admin/drift"), http.StatusOK), ".empty", "Is a worker running?")
	s = siteOf(&fake{office: drifted()}, &ada)
	if w := s.post("/admin/drift", url.Values{}); w.Code != http.StatusForbidden || len(s.office.compared) > 0 {
		t.Errorf("another person is answered %d, and asks %v", w.Code, s.office.compared)
	}
	s = administered(&fakeAdmin{err: portal.Fail(portal.Unavailable, "Try again in a moment.")})
	if w := s.post("/admin/drift", url.Values{}); w.Code != http.StatusServiceUnavailable {
		t.Errorf("without its data the portal answers %d", w.Code)
	}
}
