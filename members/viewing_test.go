package members_test

import (
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// byRoot is an admin by the group, in a session.
var byRoot = members.ViewingAdmin{Admin: "root", ByGroup: true, Session: "s-1"}

// views checks whose account the admin sees in that session.
func (h *testStore) views(what string, by members.ViewingAdmin, want portal.AccountID) {
	h.t.Helper()
	view, ok, err := h.Viewed(h.t.Context(), by)
	if err != nil || ok != (want != "") || view.Account != want {
		h.t.Errorf("%s: %+v, %t, %v, want %q", what, view, ok, err, want)
	}
}

func (h *testStore) begins(by members.ViewingAdmin, account portal.AccountID) members.Viewing {
	h.t.Helper()
	view, err := h.View(h.t.Context(), by, account)
	if err != nil {
		h.t.Fatal(err)
	}
	return view
}

// about lists the entries about an account, the latest first.
func (h *testStore) about(account portal.AccountID) []string {
	h.t.Helper()
	return h.entries(members.AuditFilter{By: "root", Subject: account}, 10)
}

func TestAViewLastsAnHourInOneSessionAndIsInTheAudit(t *testing.T) {
	t.Parallel()
	h := open(t, "root", "ann")
	h.views("before", byRoot, "")
	view := h.begins(byRoot, "ann")
	if !view.Ends.Equal(h.now.Add(time.Hour)) {
		t.Errorf("it ends at %s", view.Ends)
	}
	if again := h.begins(byRoot, "ann"); again.ID != view.ID || !again.Ends.Equal(view.Ends) {
		t.Errorf("a second call began %+v", again)
	}
	h.views("at once", byRoot, "ann")
	h.views("in another session", members.ViewingAdmin{Admin: "root", ByGroup: true, Session: "s-2"}, "")
	h.views("without a session", members.ViewingAdmin{Admin: "root", ByGroup: true}, "")
	h.views("another admin", members.ViewingAdmin{Admin: "rita", ByGroup: true, Session: "s-1"}, "")
	h.now = h.now.Add(time.Hour - time.Second)
	h.views("almost an hour later", byRoot, "ann")
	h.now = h.now.Add(time.Second)
	h.views("an hour later", byRoot, "")
	if _, ended, err := h.EndViewing(t.Context(), "root", ""); ended || err != nil {
		t.Errorf("what is over was ended: %t, %v", ended, err)
	}
	if got, want := h.about("ann"), []string{members.AuditViewed}; !slices.Equal(got, want) {
		t.Errorf("the audit has %v, want %v", got, want)
	}
	if next := h.begins(byRoot, "ann"); next.ID == view.ID {
		t.Error("a view that is over goes on")
	}
	h.views("a new one", byRoot, "ann")
}

func TestEndingAViewIsInTheAuditOnce(t *testing.T) {
	t.Parallel()
	h := open(t, "root", "ann")
	h.begins(byRoot, "ann")
	h.now = h.now.Add(time.Minute)
	if _, ended, err := h.EndViewing(t.Context(), "root", "bob"); ended || err != nil {
		t.Errorf("the view of another account was ended: %t, %v", ended, err)
	}
	for i, want := range []bool{true, false} {
		if view, ended, err := h.EndViewing(t.Context(), "root", ""); ended != want || err != nil || want && view.Account != "ann" {
			t.Errorf("ending it %d times before: %+v, %t, %v", i, view, ended, err)
		}
		h.views("after the end", byRoot, "")
	}
	if got, want := h.about("ann"), []string{members.AuditViewEnded, members.AuditViewed}; !slices.Equal(got, want) {
		t.Errorf("the audit has %v, want %v", got, want)
	}
}

func TestAnotherViewEndsTheOneBefore(t *testing.T) {
	t.Parallel()
	h := open(t, "root", "ann", "bob")
	h.begins(byRoot, "ann")
	h.now = h.now.Add(time.Minute)
	elsewhere := members.ViewingAdmin{Admin: "root", ByGroup: true, Session: "s-2"}
	h.begins(elsewhere, "bob")
	h.views("where it began first", byRoot, "")
	h.views("where it began last", elsewhere, "bob")
	if got, want := h.about("ann"), []string{members.AuditViewEnded, members.AuditViewed}; !slices.Equal(got, want) {
		t.Errorf("about ann the audit has %v, want %v", got, want)
	}
	if got, want := h.about("bob"), []string{members.AuditViewed}; !slices.Equal(got, want) {
		t.Errorf("about bob the audit has %v, want %v", got, want)
	}
}

func TestADemotedAdminAndAnErasedAccountEndAView(t *testing.T) {
	t.Parallel()
	h := open(t, "root", "ann")
	promoted := members.ViewingAdmin{Admin: "root", Session: "s-1"}
	h.put(schema.Admin("root"))
	h.begins(promoted, "ann")
	h.views("a promoted admin", promoted, "ann")
	h.remove(schema.Admin("root"))
	h.views("a demoted one", promoted, "")
	h.put(schema.Admin("root"))
	h.views("promoted again", promoted, "ann")
	h.remove(schema.Person("ann"))
	h.views("of an erased account", promoted, "")
}

func TestNobodyViewsWhatIsNotThere(t *testing.T) {
	t.Parallel()
	h := open(t, "root", "ann")
	for what, c := range map[string]struct {
		by      members.ViewingAdmin
		account portal.AccountID
		code    portal.Code
		says    string
	}{
		"the admin's own account": {byRoot, "root", portal.Conflict, "This is your own account."},
		"an unknown account":      {byRoot, "eve", portal.NotFound, "There is no such account"},
		"with a token":            {members.ViewingAdmin{Admin: "root", ByGroup: true}, "ann", portal.Forbidden, "An account is viewed in a browser."},
	} {
		_, err := h.View(t.Context(), c.by, c.account)
		h.refuses(what, err, c.code, c.says)
	}
	if got := h.entries(members.AuditFilter{}, 10); len(got) > 0 {
		t.Errorf("the audit has %v", got)
	}
	if slices.Contains(h.keys(), "account#root viewing") {
		t.Error("there is a view")
	}
}
