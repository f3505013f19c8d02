package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestTheHistoryOfAnAccountSaysWhoAndWhy(t *testing.T) {
	t.Parallel()
	const bob = "/admin/accounts/account-bob"
	s := known(projections.StatusRegistered)
	one(t, document(t, s.get(bob), http.StatusOK), `a[href="`+bob+`/history"]`)
	doc := document(t, s.get(bob+"/history"), http.StatusOK)
	says(t, doc, "main ol li:first-child", "Account suspended")
	says(t, doc, "main ol li:first-child", "Please <b>call</b> us.")
	one(t, doc, `main ol li:first-child a[href="/admin/operations/op-1"]`)
	one(t, doc, `main ol li:first-child a[href="/admin/accounts/account-root"]`)
	says(t, doc, "main ol li:last-child", "By a worker")
	older := document(t, s.get(attr(t, one(t, doc, `a[rel="next"]`), "href")), http.StatusOK)
	says(t, older, "main ol li", "Account registered")
	says(t, older, "main ol li code", "UserRegistered")
	says(t, doc, "main ol li:last-child", "It had an expiry date.")
	says(t, older, "main ol li", "By an operator at the command line")
	none(t, older, `main ol li a[href^="/admin/accounts/"]`)
	for path, want := range map[string]int{bob + "/history?before=x": http.StatusNotFound, bob + "/history?before=-1": http.StatusNotFound} {
		if w := s.get(path); w.Code != want {
			t.Errorf("%s is answered %d, want %d", path, w.Code, want)
		}
	}
}

func TestAdminsWriteNotesAboutAccounts(t *testing.T) {
	t.Parallel()
	const bob = "/admin/accounts/account-bob"
	s := known(projections.StatusRegistered)
	one(t, document(t, s.get(bob), http.StatusOK), `form[action="`+bob+`/notes"] textarea[name="text"]`)
	if w := s.post(bob+"/notes", url.Values{"text": {" Call <b>back</b>. "}, "idempotency_key": {"k"}}); w.Code != http.StatusSeeOther || w.Header().Get("Location") != bob+"#notes" {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	says(t, document(t, s.get(bob), http.StatusOK), `section[aria-labelledby="notes"]`, "Call <b>back</b>.")
	none(t, document(t, known(projections.StatusDeleted).get(bob), http.StatusOK), `form[action="`+bob+`/notes"]`)
	other := siteOf(&fake{office: &fakeAdmin{}}, &ada)
	if w := other.post(bob+"/notes", url.Values{"text": {"No."}}); w.Code != http.StatusForbidden || len(other.office.notes) > 0 {
		t.Errorf("another person's note is answered %d", w.Code)
	}
}

func TestPromotingDemotingAndDeletingAskFirst(t *testing.T) {
	t.Parallel()
	const bob, eve = "/admin/accounts/account-bob", "/admin/accounts/account-eve"
	for path, c := range map[string]struct{ want, does string }{
		bob + "/promote": {"Make this person an admin", "promote account-bob"},
		eve + "/demote":  {"End the promotion", "demote account-eve false"},
		bob + "/delete":  {"Delete the account for good", "delete account-bob false"},
	} {
		s := known(projections.StatusRegistered)
		says(t, document(t, s.get(path), http.StatusOK), `form[action="`+path+`"] button`, c.want)
		if len(s.office.answered) > 0 {
			t.Fatalf("%s: looking has done %v", path, s.office.answered)
		}
		id := strings.Split(path, "/")[3]
		w := s.post(path, url.Values{"confirmation": {id}, "idempotency_key": {"k"}})
		if diff := cmp.Diff([]string{c.does}, s.office.words()); diff != "" || w.Code != http.StatusSeeOther {
			t.Errorf("%s: %d, %s", path, w.Code, diff)
		}
	}
	for _, typed := range []string{"", "account-eve", "Bob"} {
		s := known(projections.StatusRegistered)
		says(t, document(t, s.post(bob+"/delete", url.Values{"confirmation": {typed}, "idempotency_key": {"k"}}), http.StatusBadRequest), `[role="alert"]`, "type its id, account-bob")
		if len(s.office.answered) > 0 {
			t.Errorf("typing %q has done %v", typed, s.office.answered)
		}
	}
	for path, want := range map[string]string{
		eve + "/promote": "an admin already", bob + "/demote": "was not promoted here", "/admin/accounts/account-root/delete": "your own account",
	} {
		doc := document(t, known(projections.StatusRegistered).get(path), http.StatusOK)
		none(t, doc, "main form")
		says(t, doc, ".notice", want)
	}
	says(t, document(t, known(projections.StatusDeleting).get(bob+"/delete"), http.StatusOK), ".notice", "cannot be deleted now")
}
