package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestAccountsAreListedAndFound(t *testing.T) {
	t.Parallel()
	s := known(projections.StatusRegistered)
	doc := document(t, s.get("/admin/accounts"), http.StatusOK)
	one(t, doc, `main li a[href="/admin/accounts/account-bob"]`)
	one(t, document(t, s.get(attr(t, one(t, doc, `a[rel="next"]`), "href")), http.StatusOK), `main li a[href="/admin/accounts/account-eve"]`)
	one(t, document(t, s.get("/admin/accounts?q=account-new"), http.StatusOK), `main li a[href="/admin/accounts/account-new"]`)
	s.account = unregistered()
	for query, account := range map[string]string{"key-of-eve": "account-eve", "nina": "account-new"} {
		one(t, document(t, s.get("/admin/accounts?q="+query), http.StatusOK), `main li a[href="/admin/accounts/`+account+`"]`)
	}
	says(t, document(t, s.get("/admin/accounts?q=nobody"), http.StatusOK), ".empty", "No account matches.")
	if w := s.get("/admin/accounts?q=" + strings.Repeat("x", 201)); w.Code != http.StatusBadRequest {
		t.Errorf("a long search is answered %d", w.Code)
	}
	if w := s.get("/admin/accounts/nobody"); w.Code != http.StatusNotFound {
		t.Errorf("an unknown account is answered %d", w.Code)
	}
}

func TestASearchThatFitsMoreAccountsThanItListsSaysSo(t *testing.T) {
	t.Parallel()
	s := known(projections.StatusRegistered)
	s.account = unregistered() // the search is no account's id
	for i := range 51 {
		if i == 50 {
			none(t, document(t, s.get("/admin/accounts?q=crowd"), http.StatusOK), ".more")
		}
		s.office.persons[portal.AccountID(fmt.Sprintf("account-crowd-%02d", i))] = identity.Person{Name: fmt.Sprintf("Crowd %d", i)}
	}
	says(t, document(t, s.get("/admin/accounts?q=crowd"), http.StatusOK), ".more", "These are the first 50.")
}

func TestTheAccountHasItsStateKeysAndHistoryAndNoValue(t *testing.T) {
	t.Parallel()
	w := known(projections.StatusSuspended).get("/admin/accounts/account-bob")
	if strings.Contains(w.Body.String(), keyValue) || strings.ContainsRune(w.Body.String(), '\u202e') {
		t.Error("the page has a key's value, or turns the direction of text")
	}
	doc := document(t, w, http.StatusOK)
	none(t, doc, "main i, main b")
	for selector, want := range map[string]string{
		".notice": "Please <b>call</b> us.", `section[aria-labelledby="keys"]`: "key-1", `section[aria-labelledby="subscriptions"]`: "plan-max",
		`section[aria-labelledby="audit"]`: "By account-root", `section[aria-labelledby="history"]`: "suspended by an admin",
	} {
		says(t, doc, selector, want)
	}
}

func TestSuspendingNeedsAConfirmationAndAReason(t *testing.T) {
	t.Parallel()
	const bob = "/admin/accounts/account-bob"
	s := known(projections.StatusRegistered)
	one(t, document(t, s.get(bob), http.StatusOK), `a[href="`+bob+`/suspend"]`)
	one(t, document(t, s.get(bob+"/suspend"), http.StatusOK), `form[action="`+bob+`/suspend"] input[name="idempotency_key"]`)
	for _, reason := range []string{" ", strings.Repeat("ä", 501)} {
		says(t, document(t, s.post(bob+"/suspend", url.Values{"message": {reason}}), http.StatusBadRequest), `[role="alert"]`, "reason")
	}
	if len(s.office.answered) > 0 {
		t.Fatalf("it has done %v", s.office.answered)
	}
	w := s.post(bob+"/suspend", url.Values{"message": {" Call us. "}, "idempotency_key": {"k"}})
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/operations/") {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	if diff := cmp.Diff([]string{"suspend account-bob Call us. false"}, s.office.words()); diff != "" {
		t.Error(diff)
	}
	s = known(projections.StatusSuspended)
	one(t, document(t, s.get(bob+"/reinstate"), http.StatusOK), `form[action="`+bob+`/reinstate"]`)
	if w := s.post(bob+"/reinstate", url.Values{"idempotency_key": {"k"}}); w.Code != http.StatusSeeOther || s.office.answered["k"] != "reinstate account-bob" {
		t.Errorf("%d, done %v", w.Code, s.office.answered)
	}
}

func TestWhatAnAccountsStateRulesOutIsNotOffered(t *testing.T) {
	t.Parallel()
	for path, c := range map[string]struct{ status, want string }{
		"account-bob/suspend":    {projections.StatusDeleting, "Being deleted"},
		"account-eve/suspend":    {projections.StatusSuspended, "Its state is: Suspended"}, // by another admin, meanwhile
		"account-new/reinstate":  {projections.StatusRegistered, "Its state is: Registered"},
		"account-root/suspend":   {projections.StatusRegistered, "your own account"},
		"account-root/reinstate": {projections.StatusSuspended, "your own account"},
	} {
		s := known(c.status)
		doc := document(t, s.get("/admin/accounts/"+path), http.StatusOK)
		none(t, doc, "main form")
		says(t, doc, ".notice", c.want)
	}
	none(t, document(t, known(projections.StatusDeleting).get("/admin/accounts/account-bob"), http.StatusOK), `a[href$="/suspend"], a[href$="/reinstate"]`)
	s := siteOf(&fake{office: &fakeAdmin{}}, &ada)
	if w := s.post("/admin/accounts/account-bob/suspend", url.Values{"message": {"No."}}); w.Code != http.StatusForbidden || len(s.office.answered) > 0 {
		t.Errorf("another person's form is answered %d, and does %v", w.Code, s.office.answered)
	}
}
