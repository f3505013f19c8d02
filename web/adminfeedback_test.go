package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestFeedbackIsListedWithThePersonAndThePage(t *testing.T) {
	t.Parallel()
	s := administered(invited())
	for query, want := range map[string][]string{
		"": {
			"Documentation, from Bob ByteOpen The example is <b>wrong</b>. See the second line. Bob Byte · bob@example.com · 1 hour ago · about /apis/weather Mark as done: feedback of Bob Byte",
			`An API, from account-goneOpen Slow. account-gone · 2 hours ago · about /\evil.example Mark as done: feedback of account-gone`,
		},
		"?state=done":            {"This portal, from eve@example.comDone Thanks. eve@example.com · eve@example.com · 2 days ago · done 1 hour ago by account-root Open again: feedback of eve@example.com"},
		"?topic=api&state=all":   {`An API, from account-goneOpen Slow. account-gone · 2 hours ago · about /\evil.example Mark as done: feedback of account-gone`},
		"?topic=other&state=all": nil,
	} {
		doc := document(t, s.get("/admin/feedback"+query), http.StatusOK)
		if diff := cmp.Diff(want, cards(doc)); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
		none(t, doc, `a[href^="/\\"], a[href^="//"]`)
	}
	one(t, document(t, s.get("/admin/feedback"), http.StatusOK), `main a[href="/admin/accounts/account-bob"]`)
	for _, bad := range []string{"?topic=odd", "?state=odd"} {
		if w := s.get("/admin/feedback" + bad); w.Code != http.StatusNotFound {
			t.Errorf("%s is answered %d", bad, w.Code)
		}
	}
}

func TestFeedbackHasPagesWithTheFilter(t *testing.T) {
	t.Parallel()
	o := &fakeAdmin{}
	for i := range 60 {
		o.said = append(o.said, members.Feedback{ID: fmt.Sprint("f", i), Account: "account-bob", At: now, Topic: []string{"api", "portal"}[i%2], Text: "Hello."})
	}
	path, seen := "/admin/feedback?topic=api", 0
	for pages := 0; path != "" && pages < 9; pages++ {
		doc := document(t, administered(o).get(path), http.StatusOK)
		seen += len(cards(doc))
		path = doc.Find(`a[rel="next"]`).AttrOr("href", "")
	}
	if seen != 30 {
		t.Errorf("the pages list %d messages, want 30, each once", seen)
	}
}

func TestFeedbackIsMarkedAndThePageStaysFiltered(t *testing.T) {
	t.Parallel()
	o := invited()
	s := administered(o)
	w := s.post("/admin/feedback/f-3/done", url.Values{"topic": {"documentation"}, "state": {"all"}})
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/admin/feedback?state=all&topic=documentation" {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	s.post("/admin/feedback/f-1/reopen", nil)
	if diff := cmp.Diff([]string{"account-root marks f-1 false", "account-root marks f-3 true"}, o.did); diff != "" {
		t.Error(diff)
	}
	if w := s.post("/admin/feedback/f-none/done", nil); w.Code != http.StatusNotFound {
		t.Errorf("unknown feedback is answered %d", w.Code)
	}
}

func TestThePageOfFeedbackSaysThatThereIsNone(t *testing.T) {
	t.Parallel()
	o := &fakeAdmin{}
	says(t, document(t, administered(o).get("/admin/feedback"), http.StatusOK), ".empty", "Nothing waits to be read.")
	says(t, document(t, administered(o).get("/admin/feedback?state=all"), http.StatusOK), ".empty", "There is no feedback yet.")
	o.guestErr = portal.Fail(portal.Unavailable, "The portal cannot read its data right now.")
	if w := administered(o).get("/admin/feedback"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("without an answer of the table it is answered %d", w.Code)
	}
}
