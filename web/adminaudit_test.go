package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// audited is the site with an audit that has an entry of each form.
func audited() site {
	s := known(projections.StatusRegistered)
	s.office.persons["account-root"] = identity.Person{Name: "Root"}
	s.office.entries = []members.AuditEntry{
		{At: now.Add(-time.Minute), Admin: "account-root", What: "AccountSuspensionRequested", Subject: "account-bob", Operation: "op-1"},
		{At: now.Add(-time.Hour), Admin: "account-gone", What: "SubscriptionReviewRequested", Subject: "account-eve", Operation: "op-2", Plan: "plan-max", Answer: "denied"},
		{At: now.AddDate(0, 0, -2), Operator: "olga@" + longWord, What: members.AuditLettersDiscarded, Count: 3100, Choice: "cause " + longWord, Reason: "<b>Sent</b> by hand. \u202e" + longWord},
		{At: now.AddDate(-1, 0, 0), What: "InventedByANewerVersion"},
	}
	s.operations = map[portal.OperationID]operations.Operation{"op-1": {
		ID: "op-1", Actor: "account/account-root", Subject: "account/account-bob", Type: "AccountSuspensionRequested", Plan: "plan-max", CreatedAt: now.Add(-time.Minute),
		Progress: projections.Progress{Status: projections.Failed, Steps: []projections.Step{{Name: "AccountSuspended", At: now, Detail: "The account is suspended. Its keys are to be disabled. " + longWord}}},
	}, "op-2": {ID: "op-2", Actor: portal.Operator, Subject: portal.CatalogStream, Type: "CatalogSyncRequested", Progress: projections.Progress{Status: projections.Accepted}}}
	return s
}

func auditPages() map[string]shown {
	quiet := administered(&fakeAdmin{})
	return map[string]shown{
		"audit":                    {site: audited(), path: "/admin/audit"},
		"audit, filtered":          {site: audited(), path: "/admin/audit?admin=" + longWord + "&what=" + longWord + "&from=2026-11-01&to=2026-11-22&after=x"},
		"audit, nothing fits here": {site: audited(), path: "/admin/audit?what=nothing"},
		"audit, nothing":           {site: quiet, path: "/admin/audit"},
		"any operation":            {site: audited(), path: "/admin/operations/op-1"},
		"an operator's operation":  {site: audited(), path: "/admin/operations/op-2"},
	}
}

func TestTheAuditSaysWhoDidWhatToWhomAndWhy(t *testing.T) {
	t.Parallel()
	w := audited().get("/admin/audit")
	if strings.ContainsRune(w.Body.String(), '\u202e') {
		t.Error("the page turns the direction of text")
	}
	doc := document(t, w, http.StatusOK)
	none(t, doc, "main b, main script")
	lines := doc.Find(`main ol[aria-label="Audit"] > li`)
	for i, wants := range [][]string{
		{"Account suspension requested", "By Root", "about <i>Bob</i>", "1 minute ago"},
		{"Subscription review requested", "Denied", "By account-gone", "Unlimited", "1 hour ago"},
		{"Dead letters discarded", "By olga@", "3,100 in all", "Which: cause", "<b>Sent</b> by hand."},
		{"Invented by a newer version", "By nobody known"},
	} {
		got := text(lines.Eq(i))
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("line %d says %q, want %q in it", i, got, want)
			}
		}
	}
	for _, address := range []string{"/admin/operations/op-1", "/admin/accounts/account-root", "/admin/accounts/account-bob", "/admin/accounts/account-gone"} {
		one(t, doc, `main li a[href="`+address+`"]`)
	}
	one(t, doc, `nav a[href="/admin/audit"][aria-current="page"]`)
}

func TestTheAuditsFiltersAreKeptByItsPagesAndItsFile(t *testing.T) {
	t.Parallel()
	s := audited()
	zoned := root
	zoned.TimeZone = "Europe/Berlin"
	s = siteOf(s.fake, &zoned)
	query := url.Values{"account": {" account-bob "}, "admin": {"olga@host"}, "what": {"DeadLettersDiscarded"}, "from": {"2026-11-01"}, "to": {"2026-11-02"}}
	doc := document(t, s.get("/admin/audit?"+query.Encode()), http.StatusOK)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	want := []members.AuditFilter{{
		By: "olga@host", Subject: "account-bob", What: "DeadLettersDiscarded", From: time.Date(2026, 11, 1, 0, 0, 0, 0, berlin), To: time.Date(2026, 11, 3, 0, 0, 0, 0, berlin),
	}}
	if diff := cmp.Diff(want, s.office.audited, cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Error(diff)
	}
	one(t, doc, `a[href="/api/v1/admin/audit?account=account-bob&admin=olga%40host&format=csv&from=2026-10-31T23%3A00%3A00Z&to=2026-11-02T23%3A00%3A00Z&what=DeadLettersDiscarded"]`)
	if got := attr(t, one(t, doc, "#from"), "value"); got != "2026-11-01" {
		t.Errorf("the first day is %q", got)
	}
	query.Set("account", "account-bob")
	next := document(t, audited().get("/admin/audit?what=nothing"), http.StatusOK)
	says(t, next, ".empty", "Go to the next one.")
	one(t, next, `a[rel="next"][href="/admin/audit?after=x&what=nothing"]`)
	later := document(t, s.get("/admin/audit?after=next&admin=olga%40host"), http.StatusOK)
	one(t, later, `nav.paging a[href="/admin/audit?admin=olga%40host"]`)
	one(t, later, `nav.paging a[rel="next"][href="/admin/audit?admin=olga%40host&after=next"]`)
}

func TestFiltersOfTheAuditThatNobodyCanMeanAreRefused(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"from=yesterday": "Give a day", "to=2026-02-30": "Give a day", "from=0001-01-01": "Give a day", "from=2026-11-02&to=2026-11-01": "Swap them",
		"what=" + strings.Repeat("x", 201): "too long", "account=%ff": "not text",
	} {
		says(t, document(t, audited().get("/admin/audit?"+query), http.StatusBadRequest), "main", want)
	}
}

func TestAnAdminSeesAnyOperationAndNothingToDoWithIt(t *testing.T) {
	t.Parallel()
	doc := document(t, audited().get("/admin/operations/op-1"), http.StatusOK)
	for _, want := range []string{"Suspending an account", "Root", "Unlimited", "API Gateway will refuse its keys.", "dead letters"} {
		says(t, doc, "main", want)
	}
	none(t, doc, "main form, main button")
	one(t, doc, `main a[href="/admin/accounts/account-bob"]`)
	says(t, document(t, audited().get("/admin/operations/op-2"), http.StatusOK), "main", "an operator at the command line")
	if w := audited().get("/admin/operations/none"); w.Code != http.StatusNotFound {
		t.Errorf("an unknown operation is answered %d", w.Code)
	}
	if w := siteOf(audited().fake, &ada).get("/admin/operations/op-1"); w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "Root") {
		t.Errorf("another person is answered %d", w.Code)
	}
}
