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

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func cards(doc *goquery.Document) (all []string) {
	doc.Find("main li.card").Each(func(_ int, s *goquery.Selection) { all = append(all, text(s)) })
	return all
}

func TestInvitationsAreListedByStateWithWhatCameOfTheMail(t *testing.T) {
	t.Parallel()
	s := administered(invited())
	s.office.persons["account-root"], s.office.persons["account-ada"] = identity.Person{Name: "Root"}, identity.Person{Email: "ada@example.org"}
	const buttons = " Send again to %[1]s Remove the invitation of %[1]s"
	for query, want := range map[string][]string{
		"?state=used": {"ada@example.comUsed Used by ada@example.org 1 hour ago. Invited 3 days ago by Root"},
		"": {
			"eve@example.comOpen The mail was handed to the mail service on 22 November 2026 at 07:00 UTC. Invited 2 hours ago by ops@bastion · expires in 13 days" + fmt.Sprintf(buttons, "eve@example.com"),
			"bob@example.comOpen The mail is retried. The last attempt failed: The mail service does not take this address. Invited 1 hour ago by Root · expires in 13 days" + fmt.Sprintf(buttons, "bob@example.com"),
			"new@example.comOpen The mail is on its way. Invited just now by Root · expires in 13 days" + fmt.Sprintf(buttons, "new@example.com"),
			"lost@example.comOpen The mail was not sent. The mail service does not take this address. Invited 1 hour ago by Root · expires in 13 days" + fmt.Sprintf(buttons, "lost@example.com"),
		},
		"?state=expired":      {"late@example.comExpired No mail was sent. Invited 20 days ago by Root · expired 6 days ago" + fmt.Sprintf(buttons, "late@example.com")},
		"?q=Late@Example.com": {"late@example.comExpired No mail was sent. Invited 20 days ago by Root · expired 6 days ago" + fmt.Sprintf(buttons, "late@example.com")},
		"?q=nobody":           nil,
	} {
		if diff := cmp.Diff(want, cards(document(t, s.get("/admin/invitations"+query), http.StatusOK))); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	if all := cards(document(t, s.get("/admin/invitations?state=all"), http.StatusOK)); len(all) != 6 {
		t.Errorf("all are %v", all)
	}
	if w := s.get("/admin/invitations?state=odd"); w.Code != http.StatusNotFound {
		t.Errorf("an unknown state is answered %d", w.Code)
	}
}

func TestInvitationsHavePages(t *testing.T) {
	t.Parallel()
	o := &fakeAdmin{}
	for i := range 60 {
		o.invited = append(o.invited, guest(fmt.Sprintf("p%d@example.com", i), time.Hour))
	}
	path, seen := "/admin/invitations", 0
	for pages := 0; path != "" && pages < 9; pages++ {
		doc := document(t, administered(o).get(path), http.StatusOK)
		seen += len(cards(doc))
		path = doc.Find(`a[rel="next"]`).AttrOr("href", "")
	}
	if seen != 60 {
		t.Errorf("the pages list %d invitations, want 60, each once", seen)
	}
}

func TestAListOfAddressesIsInvitedAndThePageSaysWhatCameOfEach(t *testing.T) {
	t.Parallel()
	o := invited()
	s := administered(o)
	form := url.Values{"emails": {"Zoe@Example.com\r\nnobody, ada@example.com;late@example.com new@example.com\nzoe@example.com"}}
	doc := document(t, s.post("/admin/invitations", form), http.StatusOK)
	want := []string{
		"Zoe@Example.comInvitedThe invitation is open for 14 days.",
		"nobodyNot invitedThat is not an e-mail address. Send one like ada@example.com, without a name.",
		"ada@example.comNot invitedThe person with this address has used an invitation already, and has an account.",
		"late@example.comInvited againIt was invited before. The invitation is open for another 14 days.",
		"new@example.comInvited beforeIt was invited less than a minute ago, so nothing was done.",
	}
	if diff := cmp.Diff(want, cards(doc)); diff != "" {
		t.Error(diff)
	}
	says(t, doc, "h1", "3 of 5 invited")
	says(t, doc, `[role="alert"]`, "2 addresses were not invited.")
	did := []string{
		"a mail to late@example.com, number 2", "a mail to new@example.com, number 1", "a mail to zoe@example.com, number 1",
		"account-root invites late@example.com", "account-root invites zoe@example.com",
	}
	if diff := cmp.Diff(did, o.did); diff != "" {
		t.Error(diff)
	}
}

func TestAListThatIsTooLongOrEmptyInvitesNobodyAndIsNotLost(t *testing.T) {
	t.Parallel()
	o := invited()
	var many []string
	for i := range 101 {
		many = append(many, fmt.Sprintf("p%d@x.org", i))
	}
	for list, fault := range map[string]string{strings.Join(many, ","): "101 addresses are too many: invite at most 100 at once.", " ,": "Enter at least one e-mail address."} {
		doc := document(t, administered(o).post("/admin/invitations", url.Values{"emails": {list}}), http.StatusBadRequest)
		says(t, doc, `[role="alert"]`, fault)
		if got := one(t, doc, "textarea").Text(); got != list || len(o.did) > 0 {
			t.Errorf("the form has %q, and %v was done", got, o.did)
		}
	}
}

func TestAnInvitationIsSentAgainOrRemoved(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		email, entry, says string
		did                []string
	}{
		"again":        {"bob@example.com", "resend", "open for another 14 days. Another mail is on its way.", []string{"a mail to bob@example.com, number 2", "account-root invites bob@example.com"}},
		"a moment ago": {"new@example.com", "resend", "less than a minute ago", []string{"a mail to new@example.com, number 1"}},
		"expired":      {"late@example.com", "resend", "open for another 14 days", []string{"a mail to late@example.com, number 2", "account-root invites late@example.com"}},
		"removed":      {"bob@example.com", "remove", "The invitation is removed.", []string{"account-root removes " + members.InvitationID("bob@example.com")}},
		// A second click: it is gone already.
		"gone": {"gone@example.com", "remove", "The invitation is removed.", nil},
	} {
		o := invited()
		s := administered(o)
		w := s.post("/admin/invitations/"+members.InvitationID(c.email)+"/"+c.entry, nil)
		if w.Code != http.StatusSeeOther {
			t.Fatalf("%s: %d", name, w.Code)
		}
		says(t, document(t, s.get(w.Header().Get("Location")), http.StatusOK), `[role="status"].notice`, c.says)
		if diff := cmp.Diff(c.did, o.did); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if w := administered(invited()).post("/admin/invitations/i-none/resend", nil); w.Code != http.StatusNotFound {
		t.Errorf("an unknown one is answered %d", w.Code)
	}
	used := administered(invited()).post("/admin/invitations/"+members.InvitationID("ada@example.com")+"/resend", nil)
	if used.Code != http.StatusConflict {
		t.Errorf("a used one is answered %d", used.Code)
	}
}

func TestThePageOfInvitationsSaysWhetherTheyAreNeededAndMailed(t *testing.T) {
	t.Parallel()
	o := &fakeAdmin{}
	doc := document(t, administered(o).get("/admin/invitations"), http.StatusOK)
	says(t, doc, ".aside", "People can register here without an invitation.")
	none(t, doc, ".notice.warn")
	says(t, doc, ".empty", "No invitation is open.")
	o.needed, o.noMail = true, true
	doc = document(t, administered(o).get("/admin/invitations"), http.StatusOK)
	says(t, doc, ".aside", "Only invited people can register")
	says(t, doc, ".notice.warn", "This portal sends no mail.")
	o.guestErr = portal.Fail(portal.Unavailable, "The portal cannot read its data right now.")
	if w := administered(o).get("/admin/invitations"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("without an answer of the table it is answered %d", w.Code)
	}
}

func TestOnlyAdminsInviteAndMarkFeedback(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/admin/invitations", "/admin/invitations/" + members.InvitationID("bob@example.com") + "/resend", "/admin/invitations/" + members.InvitationID("bob@example.com") + "/remove", "/admin/feedback/f-3/done"} {
		o := invited()
		if w := siteOf(&fake{office: o}, &ada).post(path, url.Values{"emails": {"x@example.com"}}); w.Code != http.StatusForbidden || len(o.did) > 0 {
			t.Errorf("%s: %d, %v", path, w.Code, o.did)
		}
	}
}
