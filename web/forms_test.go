package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestFormsAreAcceptedAndFollowed(t *testing.T) {
	t.Parallel()
	form := url.Values{"idempotency_key": {"form-1"}}
	caller := operations.Caller{Account: ada.Account, Viewer: catalog.Viewer{SignedIn: true}, IdempotencyKey: "form-1", Correlation: requestID}
	joined := operations.Caller{Account: ada.Account, Viewer: catalog.Viewer{SignedIn: true}, IdempotencyKey: operations.RegistrationKey(ada.Account), Correlation: requestID}
	for name, c := range map[string]struct {
		path string
		form url.Values
		want asked
	}{
		"subscribing":            {"/subscriptions/plan-free", form, asked{"subscribe", caller, "plan-free"}},
		"leaving":                {"/subscriptions/plan-free/leave", form, asked{"leave", caller, "plan-free"}},
		"a plan id with a slash": {"/subscriptions/a%2Fb%20c/leave", form, asked{"leave", caller, "a/b c"}},
		"registering joins the sign-in's request": {"/register", nil, asked{"register", joined, ""}},
		"registering again":                       {"/register", form, asked{"register", caller, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := signedIn(&fake{})
			w := s.post(c.path, c.form)
			if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/operations/op-1" {
				t.Errorf("%d to %q, want 303 to /operations/op-1", w.Code, w.Header().Get("Location"))
			}
			if diff := cmp.Diff([]asked{c.want}, s.asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRegisteringOnAProductsPageLeadsBackThere(t *testing.T) {
	t.Parallel()
	s := signedIn(&fake{catalog: published(weather()), account: unregistered()})
	form := one(t, document(t, s.get("/apis/weather"), http.StatusOK), "#unregistered form")
	product := attr(t, form.Find(`input[name="product"]`), "value")
	w := s.post(attr(t, form, "action"), url.Values{"product": {product}})
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/apis/weather" {
		t.Errorf("%d to %q, want 303 to /apis/weather", w.Code, w.Header().Get("Location"))
	}
	for _, hostile := range []string{"//evil.example", "https://evil.example", "../../sign-out", `\evil`} {
		at := s.post("/register", url.Values{"product": {hostile}}).Header().Get("Location")
		if u, err := url.Parse(at); err != nil || u.Host != "" || !strings.HasPrefix(at, "/apis/") || strings.Count(at, "/") != 2 {
			t.Errorf("a product called %q leads to %s", hostile, at)
		}
	}
}

func TestEveryRenderOfAFormHasANewKey(t *testing.T) {
	t.Parallel()
	s := signedIn(&fake{catalog: published(weather()), account: registered()})
	seen := map[string]bool{}
	for range 2 {
		for _, input := range document(t, s.get("/apis/weather"), http.StatusOK).Find(`input[name="idempotency_key"]`).EachIter() {
			key := attr(t, input, "value")
			if len(key) < 20 || len(key) > operations.MaxIdempotencyKey || seen[key] {
				t.Errorf("the key %q is too short, too long, or not new", key)
			}
			seen[key] = true
		}
	}
	if len(seen) != 6 {
		t.Errorf("%d keys for three forms rendered twice", len(seen))
	}
}

func TestFormsAreRefusedWithAnErrorPage(t *testing.T) {
	t.Parallel()
	unavailable := portal.Fail(portal.Unavailable, "The request could not be accepted right now.")
	for name, c := range map[string]struct {
		site   site
		path   string
		form   url.Values
		status int
		says   string
	}{
		"an unknown plan":         {signedIn(&fake{}), "/subscriptions/unknown", nil, http.StatusNotFound, "There is no such plan."},
		"another account's key":   {signedIn(&fake{}), "/keys/key-2/reveal", nil, http.StatusNotFound, "There is no such key."},
		"subscribe signed out":    {visit(&fake{}), "/subscriptions/plan-free", nil, http.StatusUnauthorized, "You are not signed in"},
		"register signed out":     {visit(&fake{}), "/register", nil, http.StatusUnauthorized, "You are not signed in"},
		"a form too large":        {signedIn(&fake{}), "/subscriptions/plan-free", url.Values{"x": {strings.Repeat("x", 1<<20)}}, http.StatusRequestEntityTooLarge, "too large"},
		"a queue that is down":    {signedIn(&fake{err: unavailable}), "/subscriptions/plan-free", nil, http.StatusServiceUnavailable, "could not be accepted"},
		"an id far too long":      {signedIn(&fake{}), "/subscriptions/" + strings.Repeat("x", 2000), nil, http.StatusNotFound, "There is no such page."},
		"an id that is not UTF-8": {signedIn(&fake{}), "/subscriptions/%ff%fe", nil, http.StatusNotFound, "There is no such page."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := c.site.post(c.path, c.form)
			doc := document(t, w, c.status)
			says(t, doc, "main", c.says)
			says(t, doc, "#request-id", requestID)
			if len(c.site.asked) > 0 && c.site.err == nil {
				t.Errorf("the fake was called: %+v", c.site.asked)
			}
		})
	}
}

func TestAFormThatCannotBeReadIsInvalid(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/subscriptions/plan-free", strings.NewReader("a=%zz"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	says(t, document(t, signedIn(&fake{}).do(r), http.StatusBadRequest), "main", "The form could not be read.")
}

func TestSigningInLeadsBackToThePageOfTheForm(t *testing.T) {
	t.Parallel()
	for referer, want := range map[string]string{
		"http://example.com/apis/weather?x=1": "/sign-in?return_to=%2Fapis%2Fweather%3Fx%3D1",
		"http://evil.example/apis/weather":    "/sign-in?return_to=%2Fdashboard",
		"":                                    "/sign-in?return_to=%2Fdashboard",
	} {
		r := httptest.NewRequest(http.MethodPost, "/subscriptions/plan-free", nil)
		r.Header.Set("Referer", referer)
		doc := document(t, visit(&fake{}).do(r), http.StatusUnauthorized)
		if got := attr(t, one(t, doc, "main .actions a:first-child"), "href"); got != want {
			t.Errorf("from %q the sign-in leads to %s, want %s", referer, got, want)
		}
	}
}

func TestPagesOfAnAccountRedirectToTheSignInAndBack(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/dashboard":         "/sign-in?return_to=%2Fdashboard",
		"/operations/op-1?a": "/sign-in?return_to=%2Foperations%2Fop-1%3Fa",
	} {
		w := visit(&fake{}).get(path)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != want {
			t.Errorf("%s: %d to %q, want 303 to %s", path, w.Code, w.Header().Get("Location"), want)
		}
	}
	for _, path := range []string{"/dashboard/fragment", "/operations/op-1/fragment"} {
		if w := visit(&fake{}).get(path); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d, want 401 for the script", path, w.Code)
		}
	}
}

func TestAnEndedSessionIsAnnouncedBeforeTheSignIn(t *testing.T) {
	t.Parallel()
	s := visit(&fake{ended: true})
	doc := document(t, s.get("/dashboard?x=1"), http.StatusUnauthorized)
	says(t, doc, "main", "Your session has ended. Sign in again to continue.")
	one(t, doc, `main a[href="/sign-in?return_to=%2Fdashboard%3Fx%3D1"]`)
	if w := s.get("/apis"); w.Code != http.StatusOK {
		t.Errorf("a public page answers %d", w.Code)
	}
}

func TestAKeysValueIsOnlyInTheResponseToTheReveal(t *testing.T) {
	t.Parallel()
	s := signedIn(&fake{
		catalog: published(weather()), account: registered(subscription("plan-free", "Free", projections.SubscriptionActive, "")),
		operations: ended(),
	})
	w := s.post("/keys/key-1/reveal", nil)
	doc := document(t, w, http.StatusOK)
	says(t, doc, "code#key-value", keyValue)
	says(t, doc, "h1", "Default key")
	one(t, doc, `button[data-copy="key-value"]`)
	one(t, doc, `[data-hide-after="30"] [data-hide-later]`)
	// The focus starts on the value, and Copy comes next.
	one(t, doc, `#value[autofocus][tabindex="-1"] + button[data-copy="key-value"]`)
	says(t, doc, "#first-call-0", "curl -H 'x-api-key: "+keyValue+"' 'https://weather.example/prod/A_PATH'")
	if got := strings.Count(w.Body.String(), keyValue); got != 2 {
		t.Errorf("the response has the value %d times, want it alone and in the first call", got)
	}
	if got := w.Header().Get("Cache-Control"); !strings.Contains(got, "no-store") {
		t.Errorf("Cache-Control is %q", got)
	}
	for name, values := range w.Header() {
		if strings.Contains(strings.Join(values, " "), keyValue) {
			t.Errorf("header %s carries the value", name)
		}
	}
	for _, path := range []string{"/", "/apis/weather", "/dashboard", "/dashboard/fragment", "/operations/op-done"} {
		if w := s.get(path); w.Code != http.StatusOK || strings.Contains(w.Body.String(), keyValue) {
			t.Errorf("%s: status %d, or it shows the value", path, w.Code)
		}
	}
	if w := s.get("/keys/key-1/reveal"); w.Code != http.StatusMethodNotAllowed || strings.Contains(w.Body.String(), keyValue) {
		t.Errorf("GET: %d, want 405 and no value", w.Code)
	}
}
