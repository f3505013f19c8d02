package api_test

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// viewings are views of accounts. Each admin views account-bob.
type viewings struct{ *fake }

func (v viewings) View(_ context.Context, by members.ViewingAdmin, account portal.AccountID) (members.Viewing, error) {
	return members.Viewing{ID: "v-1", Account: account, Session: by.Session, Began: now, Ends: now.Add(members.MaxViewing)}, v.askBy("view in "+by.Session, by.Admin, string(account))
}

func (v viewings) EndViewing(_ context.Context, admin, account portal.AccountID) (members.Viewing, bool, error) {
	return members.Viewing{Account: account}, account == "account-bob", v.askBy("stop viewing", admin, string(account))
}

func TestAnAdminsSessionBeginsAndEndsTheViewOfAnAccount(t *testing.T) {
	t.Parallel()
	const path = "/admin/accounts/account-bob/view"
	browser := root
	browser.Via = identity.ViaSession
	s := siteOf(t, full(), &browser)
	a := s.do(http.MethodPost, path, nil).want(http.StatusOK)
	described(t).checks(t, "POST /admin/accounts/{account}/view", a)
	if got := a.json().(map[string]any); got["account"] != "account-bob" || got["ends_at"] != "2026-11-22T10:00:00Z" {
		t.Errorf("the view is %v", got)
	}
	s.do(http.MethodDelete, path, nil).want(http.StatusNoContent)
	s.do(http.MethodDelete, "/admin/accounts/account-eve/view", nil).want(http.StatusNotFound)

	token := root
	token.Via = identity.ViaBearer
	withToken := siteOf(t, full(), &token)
	withToken.do(http.MethodPost, path, nil)
	for what, c := range map[string]struct {
		site site
		want string
	}{"a browser's session": {s, "view in s-1"}, "a token": {withToken, "view in "}} {
		if !slices.ContainsFunc(c.site.asked, func(a asked) bool { return a.What == c.want && a.Caller.Account == root.Account }) {
			t.Errorf("with %s it asks %v, want %q", what, c.site.asked, c.want)
		}
	}
}

func TestOnlyAdminsViewAccounts(t *testing.T) {
	t.Parallel()
	for status, s := range map[int]site{http.StatusUnauthorized: visit(t, full()), http.StatusForbidden: signedIn(t, full())} {
		for _, method := range []string{http.MethodPost, http.MethodDelete} {
			s.do(method, "/admin/accounts/account-bob/view", nil).want(status)
		}
		if len(s.asked) > 0 {
			t.Errorf("%d: asked %v", status, s.asked)
		}
	}
}
