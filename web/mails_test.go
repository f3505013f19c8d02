package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestTheNoticesPageSaysWhatCameOfEachMail(t *testing.T) {
	t.Parallel()
	doc := document(t, signedIn(informed()).get("/account/notices"), http.StatusOK)
	for i, want := range []string{
		"Mailed 22 November 2026 at 09:00 UTC", "Mail failed on 22 November 2026 at 09:00 UTC: The mail service refused the address",
		"Mailed 22 November 2026 at 09:00 UTC", "Mail failed on 22 November 2026 at 09:00 UTC: The mail service was busy. Next try on 22 November 2026 at 09:01 UTC",
	} {
		if got := text(doc.Find(".attention li").Eq(i)); !strings.Contains(got, want) {
			t.Errorf("notice %d lacks %q: %s", i+1, want, got)
		}
	}
	says(t, doc, ".attention li:nth-child(3)", "You had it sent again 3 times, which is the most")
	f := informed()
	f.told.mails["n-3"] = notices.Delivery{Notice: "n-3", State: notices.Pending, Round: 1, AskedAt: now}
	says(t, document(t, signedIn(f).get("/account/notices"), http.StatusOK), ".attention li:nth-child(3)", "You had the mail sent again 22 November 2026 at 09:00 UTC. It is on its way")
	var again []string
	for _, form := range doc.Find(`form[action$="/mail"]`).EachIter() {
		again = append(again, form.AttrOr("action", ""))
	}
	if want := []string{"/notices/n-1/mail", "/notices/n-2/mail"}; !slices.Equal(again, want) {
		t.Errorf("the mails that can be sent again are %v, want %v", again, want)
	}
	none(t, document(t, signedIn(informed()).get("/dashboard"), http.StatusOK), `form[action$="/mail"]`)
}

func TestAMailIsSentAgainOrThePageSaysWhyNot(t *testing.T) {
	t.Parallel()
	f := informed()
	w := signedIn(f).post("/notices/n-1/mail", nil)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/account/notices?mailed" || f.asked[0].What != "mail n-1" || f.asked[0].Caller.Account != ada.Account {
		t.Fatalf("%d to %q, asked %v", w.Code, w.Header().Get("Location"), f.asked)
	}
	says(t, document(t, signedIn(f).get("/account/notices?mailed"), http.StatusOK), `section[aria-labelledby="all-notices"] [role="status"]`, "The mail is sent again.")
	for code, status := range map[portal.Code]int{
		portal.TooManyRequests: http.StatusTooManyRequests, portal.Conflict: http.StatusConflict, portal.NotFound: http.StatusNotFound,
	} {
		f := informed()
		f.askErr = portal.Fail(code, "Not now.")
		doc := document(t, signedIn(f).post("/notices/n-1/mail", nil), status)
		if code != portal.NotFound {
			says(t, doc, `[role="alert"]`, "Not now.")
		}
	}
	if w := visit(informed()).post("/notices/n-1/mail", nil); w.Code == http.StatusOK || w.Header().Get("Location") == "/account/notices?mailed" {
		t.Errorf("without a sign-in it answers %d", w.Code)
	}
}

func TestAWebhookGetsTheKindsThatAreChecked(t *testing.T) {
	t.Parallel()
	f := informed()
	none(t, document(t, signedIn(f).get("/webhooks"), http.StatusOK), `input[name="kind"][checked], input[value="admin_feedback"]`)
	form := url.Values{"url": {"https://example.com/hooks"}, "kind": {"key_created", "key_ended"}}
	chosen := []notices.Kind{notices.KeyCreated, notices.KeyEnded}
	document(t, signedIn(f).post("/webhooks", form), http.StatusOK)
	if !slices.Equal(f.told.kinds, chosen) {
		t.Errorf("the new webhook gets %v", f.told.kinds)
	}
	doc := document(t, signedIn(f).get("/webhooks/w-1"), http.StatusOK)
	if got := text(doc.Find("h1").Parent().NextAllFiltered(".meta")); !strings.Contains(got, "Gets 2 kinds of notices") {
		t.Errorf("it says %q", got)
	}
	if n := doc.Find(`input[name="kind"][checked]`).Length(); n != 2 {
		t.Errorf("%d kinds are checked", n)
	}
	f.told.webhooks[0].Kinds = chosen[1:]
	says(t, document(t, signedIn(f).get("/webhooks"), http.StatusOK), "main", "Gets a notice when a key ends")
	f.told.webhooks[0].Kinds = chosen
	for name, c := range map[string]struct {
		form url.Values
		want []notices.Kind
	}{"two": {form, chosen}, "none is every kind": {url.Values{"url": form["url"]}, nil}} {
		signedIn(f).post("/webhooks/w-1", c.form)
		if f.told.change.Kinds == nil || !slices.Equal(*f.told.change.Kinds, c.want) {
			t.Errorf("%s: the change is %+v", name, f.told.change)
		}
	}
	signedIn(f).post("/webhooks/w-1", url.Values{"state": {"off"}})
	if f.told.change.Kinds != nil {
		t.Errorf("turning it off changes the kinds to %v", *f.told.change.Kinds)
	}
	f.askErr = portal.Fail(portal.Invalid, "There is no such kind of notice.")
	doc = document(t, signedIn(f).post("/webhooks", form), http.StatusBadRequest)
	if n := doc.Find(`input[name="kind"][checked]`).Length(); n != 2 {
		t.Errorf("after a refusal %d kinds are checked", n)
	}
}
