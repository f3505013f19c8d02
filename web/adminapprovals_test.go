package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/approvals"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestOneInboxHasAllThatWaitTheLongestFirst(t *testing.T) {
	t.Parallel()
	doc := document(t, administered(visited()).get("/admin/approvals"), http.StatusOK)
	var got []string
	doc.Find("main li.card").Each(func(_ int, s *goquery.Selection) { got = append(got, text(s)) })
	want := []string{
		"Bob Byte wants to subscribe to Unlimited (Weather) bob@example.com · Account account-bob · asked 3 hours ago",
		"Nina New wants to register nina@example.com · Account account-new · asked 2 hours ago",
		"eve@example.com wants to change from Free (Weather) to Standard (Weather) Account account-eve · asked 1 hour ago",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	says(t, document(t, administered(&fakeAdmin{}).get("/admin/approvals"), http.StatusOK), ".empty", "Nobody waits")
	if links := document(t, administered(troubled()).get("/admin"), http.StatusOK).Find(`section[aria-labelledby="needs"] a[href="/admin/approvals"]`); links.Length() != 2 {
		t.Errorf("the overview leads there %d times", links.Length())
	}
}

func TestTheInboxHasPagesOfBothLists(t *testing.T) {
	t.Parallel()
	o := visited()
	for i := range 60 {
		o.rows = append(o.rows, approvals.Row{Account: portal.AccountID(fmt.Sprintf("many-%02d", i)), Plan: "plan-std", Wish: 1, Asked: now})
	}
	s, path, seen := administered(o), "/admin/approvals", 0
	for pages := 0; path != "" && pages < 9; pages++ {
		doc := document(t, s.get(path), http.StatusOK)
		seen += doc.Find("main li.card").Length()
		path = doc.Find(`a[rel="next"]`).AttrOr("href", "")
	}
	if seen != 63 {
		t.Errorf("the pages list %d requests, want 63, each once", seen)
	}
}

// confirming follows the form of the list to the confirmation.
func confirming(t *testing.T, s site, verb string) (*goquery.Document, url.Values) {
	t.Helper()
	values := url.Values{"verb": {verb}}
	document(t, s.get("/admin/approvals"), http.StatusOK).Find(`form[action="/admin/approvals/confirm"] input[name="item"]`).Each(func(_ int, tick *goquery.Selection) {
		values.Add("item", attr(t, tick, "value"))
	})
	doc := document(t, s.get("/admin/approvals/confirm?"+values.Encode()), http.StatusOK)
	return doc, hidden(t, doc)
}

func hidden(t *testing.T, doc *goquery.Document) url.Values {
	t.Helper()
	form := url.Values{}
	doc.Find(`form[action="/admin/approvals"] input`).Each(func(_ int, input *goquery.Selection) { form.Add(attr(t, input, "name"), attr(t, input, "value")) })
	return form
}

func TestSeveralAreApprovedAtOnceAfterAConfirmation(t *testing.T) {
	t.Parallel()
	o := visited()
	s := administered(o)
	doc, form := confirming(t, s, "approve")
	if got := text(one(t, doc, "h1")); got != "Approve 3 requests?" || len(o.answered) > 0 {
		t.Fatalf("it asks %q, and has answered %v", got, o.answered)
	}
	w := s.post("/admin/approvals", form)
	if w.Code != http.StatusSeeOther {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	want := []string{"account-bob plan-max 7 true", "account-eve plan-std 9 true", "account-new true"}
	if diff := cmp.Diff(want, o.words()); diff != "" {
		t.Error(diff)
	}
	if again := s.post("/admin/approvals", form); again.Code != http.StatusSeeOther || len(o.answered) != 3 {
		t.Errorf("the form sent again is answered %d, and there are %d answers", again.Code, len(o.answered))
	}
	for id, operation := range s.operations {
		operation.Progress = projections.Progress{Status: projections.Succeeded}
		if id == "op-account-bob-plan-max" {
			operation.Progress = projections.Progress{Status: projections.Rejected, Code: "conflict", Message: "This request no longer waits for approval: it was answered."}
		}
		s.operations[id] = operation
	}
	answers := text(one(t, document(t, s.get(w.Header().Get("Location")), http.StatusOK), `section[aria-labelledby="answers"]`))
	for _, want := range []string{"Bob Byte: Subscription to Unlimited (Weather)Refused Your answer had no effect. This request no longer waits", "Nina New: RegistrationDone Approved."} {
		if !strings.Contains(answers, want) {
			t.Errorf("it does not say %q: %s", want, answers)
		}
	}
}

func TestADenialNeedsAReasonThatThePersonReads(t *testing.T) {
	t.Parallel()
	o := visited()
	s := administered(o)
	_, form := confirming(t, s, "deny")
	for _, reason := range []string{"", " \n", strings.Repeat("ä", 501)} {
		form.Set("reason", reason)
		doc := document(t, s.post("/admin/approvals", form), http.StatusBadRequest)
		says(t, doc, `[role="alert"]`, "reason")
		if len(hidden(t, doc)["item"]) != 3 {
			t.Error("the form has lost what was ticked")
		}
	}
	if len(o.answered) > 0 {
		t.Fatalf("it has answered %v", o.answered)
	}
	form.Set("reason", " Partners <b>only</b>. ")
	if w := s.post("/admin/approvals", form); w.Code != http.StatusSeeOther {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	want := []string{"account-bob plan-max 7 false Partners <b>only</b>.", "account-eve plan-std 9 false Partners <b>only</b>.", "account-new false Partners <b>only</b>."}
	if diff := cmp.Diff(want, o.words()); diff != "" {
		t.Error(diff)
	}
}

func TestWhatAnotherAdminDecidedMeanwhileIsSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		account projections.Account
		want    string
	}{
		"approved": {registered(subscription("plan-max", "Unlimited", projections.SubscriptionActive)), "it was approved meanwhile"},
		"denied":   {registered(), "it was answered or withdrawn meanwhile"},
		"deleting": {projections.Account{Profile: projections.Profile{Status: projections.StatusDeleting}}, "the account is being deleted"},
	} {
		o := visited()
		s := administered(o)
		_, form := confirming(t, s, "approve")
		o.rows, s.account = o.rows[1:], c.account
		doc := document(t, s.get("/admin/approvals/confirm?"+form.Encode()), http.StatusOK)
		says(t, doc, `section[aria-labelledby="over"]`, c.want)
		if got := len(hidden(t, doc)["item"]); got != 2 {
			t.Errorf("%s: the form answers %d requests", name, got)
		}
		o.rows, o.pending = nil, nil
		doc = document(t, s.get("/admin/approvals/confirm?"+form.Encode()), http.StatusOK)
		none(t, doc, `form[action="/admin/approvals"]`)
		says(t, doc, "h1", "Nothing to answer")
	}
}

func TestAnAnswerThatIsNotAcceptedIsSaidAndCanBeSentAgain(t *testing.T) {
	t.Parallel()
	o := visited()
	o.refuse = "account-eve"
	s := administered(o)
	_, form := confirming(t, s, "approve")
	doc := document(t, s.post("/admin/approvals", form), http.StatusTooManyRequests)
	says(t, doc, `section[aria-labelledby="unsent"]`, "eve@example.com wants to change from Free (Weather) to Standard (Weather)")
	says(t, doc, `section[aria-labelledby="unsent"]`, "You have 50 requests")
	says(t, doc, `section[aria-labelledby="answers"]`, "Nina New")
	again := document(t, s.get(attr(t, one(t, doc, `section[aria-labelledby="unsent"] a.button`), "href")), http.StatusOK)
	if got := text(one(t, again, "h1")); got != "Approve 1 request?" {
		t.Errorf("the form for the rest asks %q", got)
	}
}

func TestFormsThatNobodyCanSendAreRefused(t *testing.T) {
	t.Parallel()
	o := visited()
	s := administered(o)
	for _, query := range []string{"", "verb=eat&item=a::1:1", "verb=approve&item=a", "verb=approve&item=:p:1:1", "verb=approve&item=a:p:0:1", "verb=approve&item=a:p:x:1", "verb=approve&item=%25ff:p:1:1"} {
		if w := s.get("/admin/approvals/confirm?" + query); w.Code != http.StatusNotFound {
			t.Errorf("%s is answered %d", query, w.Code)
		}
	}
	for _, query := range []string{"verb=approve", "verb=approve" + func() (all string) {
		for i := range 51 {
			all += fmt.Sprintf("&item=a%d::1:1", i)
		}
		return all
	}()} {
		if w := s.get("/admin/approvals/confirm?" + query); w.Code != http.StatusBadRequest {
			t.Errorf("%s is answered %d", query[:12], w.Code)
		}
	}
	if w := s.get("/admin/approvals/answers?operation=another"); w.Code != http.StatusNotFound {
		t.Errorf("another person's operation is answered %d", w.Code)
	}
	if w := siteOf(&fake{office: o}, &ada).post("/admin/approvals", items(o)); w.Code != http.StatusForbidden || len(o.answered) > 0 {
		t.Errorf("another person's form is answered %d, and leads to %v", w.Code, o.answered)
	}
	o.inboxErr = portal.Fail(portal.Unavailable, "The requests could not be read right now.")
	if w := s.get("/admin/approvals"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("without its data the page is answered %d", w.Code)
	}
}

func TestNamesOfThoseWhoWaitAreHarmless(t *testing.T) {
	t.Parallel()
	o := visited()
	o.persons["account-bob"] = identity.Person{Name: `<script>alert(1)</script>` + "\u202egnp", Email: `"><img src=x>@example.com`}
	o.rows[0].Account = "account-bob"
	o.rows = append(o.rows, approvals.Row{Account: `a:b"><b>`, Plan: `p:q&item=x`, Name: "<i>plan</i>", Wish: 2, Asked: now.Add(-time.Minute)})
	s := administered(o)
	doc, form := confirming(t, s, "approve")
	if len(form["item"]) != 4 {
		t.Fatalf("the form has %v", form["item"])
	}
	none(t, doc, "main script, main img, main b, main i")
	says(t, doc, `section[aria-labelledby="what"]`, "<i>plan</i>")
	if w := s.get("/admin/approvals"); strings.ContainsRune(w.Body.String(), '\u202e') || strings.Contains(w.Body.String(), "<script>alert") {
		t.Error("the list has the name as it came")
	}
	if w := s.post("/admin/approvals", form); w.Code != http.StatusSeeOther || !strings.Contains(strings.Join(o.words(), "\n"), `a:b"><b> p:q&item=x 2 true`) {
		t.Errorf("%d, answered %v", w.Code, o.words())
	}
}
