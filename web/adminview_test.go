package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// fragment is a request of the script for a part of a page that was rendered in that view.
func (s site) fragment(path, view string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Gatehouse-View", view)
	return s.do(r)
}

// following are the routes that show the account that an admin views.
var following = []string{
	"/activity", "/dashboard", "/dashboard/fragment", "/keys", "/keys/{key}", "/operations/{operation}", "/operations/{operation}/fragment", "/usage",
}

// routes are the patterns of the site's routes with that method.
func (s site) routes(t *testing.T, method string) (patterns []string) {
	t.Helper()
	err := chi.Walk(s.handler.(chi.Router), func(m, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if m == method {
			patterns = append(patterns, route)
		}
		return nil
	})
	if err != nil || len(patterns) < 20 {
		t.Fatal(patterns, err)
	}
	return patterns
}

// filled is a path of the route. No page names Bob's account.
func filled(route string) string {
	for name, value := range map[string]string{"{key}": "key-1", "{operation}": "op-bob", "{product}": "weather", "{account}": "account-eve"} {
		route = strings.ReplaceAll(route, name, value)
	}
	return regexp.MustCompile(`\{[^}]*\}|\*`).ReplaceAllString(route, "x")
}

func TestOnlyTheListedPagesShowTheAccountThatAnAdminViews(t *testing.T) {
	t.Parallel()
	for _, route := range watching().routes(t, http.MethodGet) {
		if route == "/admin/accounts" { // it lists everybody
			continue
		}
		s := watching()
		w := s.fragment(filled(route), "v-1")
		read := slices.Contains(s.accountsRead, portal.AccountID("account-bob"))
		if _, noAccount := map[string]bool{"/activity": true}[route]; noAccount { // it reads no account
			read = strings.Contains(w.Body.String(), "You see the account of")
		}
		if want := slices.Contains(following, route); read != want || want && w.Code != http.StatusOK {
			t.Errorf("%s: %d, shows the account: %t, want %t", route, w.Code, read, want)
		}
	}
}

func TestAPageOfAViewSaysWhoseAccountItIsAndItsFormsDoNothing(t *testing.T) {
	t.Parallel()
	for _, route := range following {
		if strings.HasSuffix(route, "/fragment") {
			continue
		}
		w := watching().get(filled(route))
		doc := document(t, w, http.StatusOK)
		says(t, doc, ".viewing", "You see the account of")
		says(t, doc, ".viewing", "Bob")
		says(t, doc, ".viewing", "until 22 November 2026 at 09:32 UTC")
		one(t, doc, `.viewing form[action="/admin/stop-viewing"]`)
		says(t, doc, ".session", "Root") // it is the admin who is signed in
		one(t, doc, `header a[href="/admin"]`)
		if strings.Contains(w.Body.String(), keyValue) {
			t.Errorf("%s has a key's value", route)
		}
		if got := attr(t, one(t, doc, "main"), "data-view"); got != "v-1" {
			t.Errorf("%s is of view %q", route, got)
		}
		outside := doc.Find(`main form[method="post"]`).Length() - doc.Find(`main > fieldset[disabled] form[method="post"]`).Length()
		if outside != 0 {
			t.Errorf("%s has %d forms that can be sent", route, outside)
		}
		if cache := w.Header().Get("Cache-Control"); cache != "private, no-store" {
			t.Errorf("%s: Cache-Control is %q", route, cache)
		}
	}
	doc := document(t, watching().get("/admin/accounts/account-eve"), http.StatusOK)
	says(t, doc, ".viewing", "This page is not part of that")
	none(t, doc, `main > fieldset, form[action$="/view"]`)
	none(t, document(t, watching().get("/usage"), http.StatusOK), `a[download="usage.csv"]`)
}

func TestAnAdminWhoViewsAnAccountCanChangeNothing(t *testing.T) {
	t.Parallel()
	s := watching()
	for _, route := range s.routes(t, http.MethodPost) {
		if route == "/admin/stop-viewing" || strings.HasPrefix(route, "/marketplace-confirm/") {
			continue
		}
		says(t, document(t, s.post(filled(route), url.Values{"idempotency_key": {"x"}, "as": {"visitor"}}), http.StatusForbidden), "main",
			"and can change nothing meanwhile. Stop viewing first")
	}
	says(t, document(t, s.get("/subscriptions/plan-free/change"), http.StatusForbidden), "main", "Stop viewing first")
	if len(s.asked)+len(s.office.answered)+len(s.office.began)+len(s.office.notes)+s.office.ended > 0 || s.tried != nil {
		t.Errorf("changed: %v, %v, %v", s.asked, s.office.answered, s.office.began)
	}
}

func TestAViewBeginsAndEnds(t *testing.T) {
	t.Parallel()
	s := known(projections.StatusRegistered)
	one(t, document(t, s.get("/admin/accounts/account-bob"), http.StatusOK), `form[action="/admin/accounts/account-bob/view"] button`)
	w := s.post("/admin/accounts/account-bob/view", nil)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/dashboard" || !slices.Equal(s.office.began, []string{"account-bob by account-root in s-1"}) {
		t.Errorf("beginning is answered %d with %v", w.Code, s.office.began)
	}
	if len(w.Result().Cookies()) > 0 {
		t.Errorf("it sets %v", w.Result().Cookies())
	}
	s = watching()
	if w := s.post("/admin/accounts/account-bob/view", nil); w.Code != http.StatusSeeOther { // the other tab
		t.Errorf("beginning it again is answered %d", w.Code)
	}
	for range 2 { // two tabs
		w = s.post("/admin/stop-viewing", nil)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/admin/accounts/account-bob" {
			t.Errorf("ending is answered %d, %v", w.Code, w.Header())
		}
		s.office.view = nil
		if w := s.get("/admin/accounts/account-bob"); w.Code != http.StatusOK {
			t.Errorf("the page is answered %d", w.Code)
		}
		s = watching()
	}
}

func TestNobodyElseHasAView(t *testing.T) {
	t.Parallel()
	token, ended := root, root
	token.Via, ended.Admin = identity.ViaBearer, false
	for who, id := range map[string]*identity.Identity{"a demoted admin": &ended, "a token": &token, "another person": &ada, "nobody": nil} {
		f := watching().fake
		s := siteOf(f, id)
		w := s.get("/dashboard")
		if slices.Contains(f.accountsRead, portal.AccountID("account-bob")) || strings.Contains(w.Body.String(), "Stop viewing") {
			t.Errorf("%s sees the account", who)
		}
		if w := s.post("/admin/accounts/account-bob/view", nil); id != &token && (w.Code == http.StatusSeeOther || len(f.office.began) > 0) {
			t.Errorf("%s begins a view: %d", who, w.Code)
		}
	}
	if s := siteOf(watching().fake, &token); s.post("/admin/accounts/account-bob/view", nil).Code != http.StatusSeeOther || !slices.Equal(s.office.began, []string{"account-bob by account-root in "}) {
		t.Error("a token names a session") // the store refuses it
	}
	suspended := watching()
	suspended.account.Profile.Status = projections.StatusSuspended
	suspended.get("/dashboard")
	if slices.Contains(suspended.accountsRead, portal.AccountID("account-bob")) {
		t.Error("a suspended admin sees the account")
	}
	gone := watching()
	delete(gone.office.persons, "account-bob")
	gone.get("/dashboard")
	if slices.Contains(gone.accountsRead, portal.AccountID("account-bob")) {
		t.Error("an erased account is shown")
	}
}

// A page that stays open must not get a part of another account.
func TestAFragmentIsOfTheViewInWhichItsPageWasRendered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		site       site
		view, path string
		want       int
	}{
		{watching(), "v-1", "/dashboard/fragment", http.StatusOK},
		{watching(), "", "/dashboard/fragment", http.StatusNotFound},
		{watching(), "v-0", "/dashboard/fragment", http.StatusNotFound},
		{watching(), "", "/operations/op-bob/fragment", http.StatusNotFound},
		{watching(), "v-1", "/operations/op-bob/fragment", http.StatusOK},
		{watching(), "v-1", "/operations/op-ada/fragment", http.StatusNotFound},
		{known(projections.StatusRegistered), "", "/dashboard/fragment", http.StatusOK},
		{known(projections.StatusRegistered), "v-1", "/dashboard/fragment", http.StatusNotFound},
	} {
		if w := c.site.fragment(c.path, c.view); w.Code != c.want {
			t.Errorf("%s for a page of %q is answered %d, want %d", c.path, c.view, w.Code, c.want)
		}
	}
}

func TestAViewThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	s := watching()
	s.office.watchErr = portal.Fail(portal.Unavailable, "The portal cannot read or write its data right now.")
	for _, w := range []*httptest.ResponseRecorder{s.get("/dashboard"), s.post("/keys", nil)} {
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("it is answered %d", w.Code)
		}
	}
	if slices.Contains(s.accountsRead, portal.AccountID("account-bob")) || len(s.asked) > 0 {
		t.Error("it is served all the same")
	}
}
