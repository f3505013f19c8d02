package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// left is the site for the browser of a person who has deleted the account with op-1.
func left(status projections.Status) site {
	f := &fake{ended: true, gone: ada.Account, catalog: published(weather())}
	f.operations = map[portal.OperationID]operations.Operation{
		"op-1": about("", "AccountDeletionRequested", status, "", step("AccountDeleting", projections.Running, 0), step("AccountDeleted", status, 0)),
		"op-2": about("plan-free", "SubscribeRequested", projections.Succeeded, ""),
	}
	return visit(f)
}

func TestTheBrowserOfADeletedAccountIsToldSoAndNotToSignIn(t *testing.T) {
	t.Parallel()
	s := left(projections.Succeeded)
	for _, path := range []string{"/dashboard", "/keys", "/keys/key-1", "/usage", "/activity", "/webhooks", "/account/notices", "/operations/op-2", "/operations/nope", "/subscriptions/plan-std/change"} {
		if w := s.get(path); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/account/deleted" {
			t.Errorf("%s answers %d to %q", path, w.Code, w.Header().Get("Location"))
		}
	}
	if w := s.post("/subscriptions/plan-free", url.Values{}); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/account/deleted" || len(s.asked) != 0 {
		t.Errorf("a form answers %d to %q, and asked for %v", w.Code, w.Header().Get("Location"), s.asked)
	}
	// The script reloads the page then.
	if w := s.get("/dashboard/fragment"); w.Code != http.StatusUnauthorized {
		t.Errorf("a fragment answers %d", w.Code)
	}
	doc := document(t, s.get("/account/deleted"), http.StatusOK)
	says(t, doc, "h1", "Your account is deleted")
	for _, want := range []string{"What was deleted", "What stays", "For 90 days", "You get a new, empty account"} {
		if !strings.Contains(text(doc.Find("main")), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	one(t, doc, `meta[name="robots"][content="noindex"]`)
	one(t, doc, `main a[href="/sign-in?return_to=%2Fdashboard"]`)
}

func TestTheOperationOfADeletionIsShownToTheBrowserThatIsSignedOut(t *testing.T) {
	t.Parallel()
	s := left(projections.Succeeded)
	doc := document(t, s.get("/operations/op-1"), http.StatusOK)
	says(t, doc, "h1", "The account is deleted")
	says(t, doc, ".outcome", "You are signed out everywhere.")
	one(t, doc, `.outcome a[href="/account/deleted"]`)
	none(t, doc, `main a[href="/dashboard"], [data-poll], form[action="/sign-out"]`)
	one(t, doc, `meta[name="robots"][content="noindex"]`)

	open := left(projections.Running)
	one(t, document(t, open.get("/operations/op-1"), http.StatusOK), `#progress[data-poll="/operations/op-1/fragment"]`)
	says(t, document(t, open.get("/operations/op-1/fragment"), http.StatusOK), "#progress h1", "Deleting the account")
}

func TestOthersSeeNothingOfADeletedAccount(t *testing.T) {
	t.Parallel()
	f := left(projections.Succeeded).fake
	f.gone = ""
	says(t, document(t, visit(f).get("/dashboard"), http.StatusUnauthorized), "main", "Your session has ended.")
	document(t, visit(f).get("/operations/op-1"), http.StatusUnauthorized)
	f.ended = false
	if w := visit(f).get("/operations/op-1"); !strings.HasPrefix(w.Header().Get("Location"), "/sign-in") {
		t.Errorf("a stranger is answered %d to %q", w.Code, w.Header().Get("Location"))
	}
	document(t, visit(f).get("/account/deleted"), http.StatusOK)
	doc := document(t, signedIn(f).get("/account/deleted"), http.StatusOK)
	says(t, doc, "h1", "What deleting your account means")
	says(t, doc, "main", "Nothing is deleted before you confirm it")
	broken := left(projections.Succeeded)
	broken.goneErr = portal.Fail(portal.Unavailable, "We cannot look up who you are right now.")
	document(t, broken.get("/dashboard"), http.StatusServiceUnavailable)
}

func TestTheLastStepOfADeletionSaysWhatComesNext(t *testing.T) {
	t.Parallel()
	f := &fake{operations: map[portal.OperationID]operations.Operation{"op-1": about("", "AccountDeletionRequested", projections.Running, "", step("AccountDeleting", projections.Running, 0))}}
	says(t, document(t, signedIn(f).get("/operations/op-1"), http.StatusOK), ".ahead", "Then you are signed out, and this page says that the account is deleted.")
}
