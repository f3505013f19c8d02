package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/demo"
)

// browser is a browser in which a person is signed in.
type browser struct {
	*door
	session *http.Cookie
}

// does sends a request as a page of that site does: "same-origin" or "cross-site".
func (b browser) does(method, path, site string) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.ask(method, path, func(r *http.Request) {
		r.AddCookie(&http.Cookie{Name: b.session.Name, Value: b.session.Value})
		r.Header.Set("Sec-Fetch-Site", site)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	})
}

// answered checks the status of a request from a page of the portal, and that the answer contains a text.
func (b browser) answered(method, path string, status int, says string) {
	b.t.Helper()
	w := b.does(method, path, "same-origin")
	if w.Code != status || !strings.Contains(w.Body.String(), says) {
		b.t.Errorf("%s %s is answered %d, want %d with %q:\n%s", method, path, w.Code, status, says, w.Body)
	}
}

// sees checks whether the dashboard is that of another account.
func (b browser) sees(what string, want bool) {
	b.t.Helper()
	if got := strings.Contains(b.does(http.MethodGet, "/dashboard", "none").Body.String(), "You see the account of"); got != want {
		b.t.Errorf("%s: the dashboard is of another account: %t, want %t", what, got, want)
	}
}

func TestAnAdminViewsAnAccountReadOnlyUntilTheyStop(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	owner := d.field(d.other, "/api/v1/admin/accounts?q="+demo.Accounts[0].Email, "items", "account")
	admin := browser{d, d.sessionOf(demo.Accounts[1])}
	view := "/admin/accounts/" + owner + "/view"

	// Nobody but the admin begins it: not another site's form, and not a cookie that says so.
	for _, path := range []string{view, "/api/v1" + view} {
		if w := admin.does(http.MethodPost, path, "cross-site"); w.Code != http.StatusForbidden {
			t.Errorf("another site's form to %s is answered %d", path, w.Code)
		}
	}
	if w := d.ask(http.MethodPost, view, bearer(d.other)); w.Code != http.StatusForbidden {
		t.Errorf("a token is answered %d", w.Code)
	}
	admin.sees("before", false)
	reveals := d.ask(http.MethodGet, "/api/v1/keys", bearer(d.owner)).Body.String()
	noticed := d.ask(http.MethodGet, "/api/v1/notices", bearer(d.owner)).Body.String()
	activity := d.ask(http.MethodGet, "/api/v1/account/export", bearer(d.owner)).Body.Len()

	admin.answered(http.MethodPost, view, http.StatusSeeOther, "")
	admin.sees("after that", true)
	browser{d, d.sessionOf(demo.Accounts[1])}.sees("the admin's other browser", false)
	for path, says := range map[string]string{
		"/keys": d.ids["key"], "/keys/" + d.ids["key"]: "Stop viewing", "/operations/" + d.ids["operation"]: "Stop viewing", "/usage": "Stop viewing", "/activity": "/operations/" + d.ids["operation"],
	} {
		admin.answered(http.MethodGet, path, http.StatusOK, says)
	}
	// JSON answers for the admin, who has no key.
	admin.answered(http.MethodGet, "/api/v1/keys", http.StatusOK, `"items":[]`)
	const refused = "Stop viewing first"
	for _, change := range []struct{ method, path string }{
		{http.MethodPost, "/keys/" + d.ids["key"] + "/reveal"}, {http.MethodPost, "/api/v1/keys/" + d.ids["key"] + "/reveal"},
		{http.MethodPut, "/api/v1/subscriptions/" + d.ids["plan"]}, {http.MethodDelete, "/api/v1/keys/" + d.ids["key"]}, {http.MethodPatch, "/api/v1/keys/" + d.ids["key"]},
		{http.MethodPost, "/subscriptions/" + d.ids["plan"] + "/leave"}, {http.MethodPost, "/admin/drift"}, {http.MethodPost, "/api/v1/admin/accounts/" + owner + "/suspend"},
		{http.MethodPost, "/account/sessions/end"}, {http.MethodDelete, "/api/v1/account"}, {http.MethodPost, "/api/v1/try/x/y"},
	} {
		admin.answered(change.method, change.path, http.StatusForbidden, refused)
	}
	// The person notices nothing of it.
	if got := d.ask(http.MethodGet, "/api/v1/keys", bearer(d.owner)).Body.String(); got != reveals {
		t.Errorf("the keys are %s, were %s", got, reveals)
	}
	if got := d.ask(http.MethodGet, "/api/v1/notices", bearer(d.owner)).Body.String(); got != noticed {
		t.Errorf("the notices are %s, were %s", got, noticed)
	}
	if got := d.ask(http.MethodGet, "/api/v1/account/export", bearer(d.owner)).Body.Len(); got != activity {
		t.Errorf("the export has %d bytes, had %d", got, activity)
	}

	if w := admin.does(http.MethodPost, "/admin/stop-viewing", "cross-site"); w.Code != http.StatusForbidden {
		t.Errorf("another site's form to stop is answered %d", w.Code)
	}
	admin.sees("still", true)
	admin.answered(http.MethodPost, "/admin/stop-viewing", http.StatusSeeOther, "")
	admin.answered(http.MethodPost, "/admin/stop-viewing", http.StatusSeeOther, "") // the other tab
	admin.sees("after the end", false)
	admin.answered(http.MethodPost, "/api/v1"+view, http.StatusOK, owner)
	admin.sees("by JSON", true)
	admin.answered(http.MethodDelete, "/api/v1"+view, http.StatusNoContent, "")
	admin.sees("after the end by JSON", false)
	audit := d.ask(http.MethodGet, "/api/v1/admin/audit?account="+owner, bearer(d.other)).Body.String()
	if began, ended := strings.Count(audit, "AccountViewed"), strings.Count(audit, "AccountViewEnded"); began != 2 || ended != 2 {
		t.Errorf("the audit has %d beginnings and %d ends: %s", began, ended, audit)
	}
}

func TestADemotedAdminLosesTheViewAtOnce(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	owner := d.field(d.other, "/api/v1/admin/accounts?q="+demo.Accounts[0].Email, "items", "account")
	root := d.field(d.other, "/api/v1/admin/accounts?q="+demo.Accounts[1].Email, "items", "account")
	person := browser{d, d.sessionOf(demo.Accounts[0])}
	for _, end := range []string{"demote", "suspend"} {
		d.succeed(d.other, http.MethodPost, "/api/v1/admin/accounts/"+owner+"/promote")
		eventually(t, "the promotion has effect", func() bool {
			return person.does(http.MethodPost, "/admin/accounts/"+root+"/view", "same-origin").Code == http.StatusSeeOther
		})
		person.sees("after the promotion", true)
		if end == "demote" {
			d.succeed(d.other, http.MethodPost, "/api/v1/admin/accounts/"+owner+"/demote")
		} else if w := d.send(d.other, http.MethodPost, "/api/v1/admin/accounts/"+owner+"/suspend", `{"message":"Call us."}`); w.Code != http.StatusAccepted {
			t.Fatalf("it is answered %d %s", w.Code, w.Body)
		} else {
			eventually(t, "the account is suspended", func() bool {
				return strings.Contains(d.ask(http.MethodGet, "/api/v1/me", bearer(d.owner)).Body.String(), "suspended")
			})
		}
		person.sees("after "+end, false)
	}
}
