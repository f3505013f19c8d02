package identity_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestASignInLeadsToItsDestinationAndSetsACookie(t *testing.T) {
	t.Parallel()
	var welcomed []identity.Identity
	s := open(t, func(_ *identity.Config, o *identity.Options) {
		o.OnSignIn = func(_ context.Context, id identity.Identity) error {
			welcomed = append(welcomed, id)
			return nil
		}
	})
	s.provider.person["cognito:groups"] = []string{"testers", "admins"}
	b := newBrowser(t)

	resp, body := b.get(s.url + "/sign-in?return_to=" + url.QueryEscape("/dashboard?tab=keys"))

	if got := resp.Request.URL.RequestURI(); got != "/dashboard?tab=keys" {
		t.Errorf("the browser ended at %s", got)
	}
	if len(welcomed) != 1 {
		t.Fatalf("OnSignIn was called %d times", len(welcomed))
	}
	want := identity.Identity{
		Account: welcomed[0].Account, Issuer: s.provider.issuer(), Subject: "subject-1",
		Email: "ada@example.com", Name: "Ada Example", Groups: []string{"testers", "admins"}, Admin: true, ByGroup: true, Via: identity.ViaSession,
	}
	if diff := cmp.Diff(want, welcomed[0]); diff != "" {
		t.Error(diff)
	}
	if len(want.Account) != 26 || strings.ToLower(string(want.Account)) != string(want.Account) {
		t.Errorf("the account id %q is not a ULID in lower case", want.Account)
	}
	if body != string(want.Account)+" via session" {
		t.Errorf("the page says %q", body)
	}
	person, err := s.Person(t.Context(), want.Account)
	if diff := cmp.Diff(identity.Person{Email: "ada@example.com", Name: "Ada Example", UpdatedAt: s.clock.Now().UTC()}, person); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestNoAnswerOfASignInMayBeCached(t *testing.T) {
	t.Parallel()
	s := open(t)
	b := newBrowser(t)
	b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, path := range []string{"/sign-in", "/sign-in?return_to=//evil.example", "/sign-in/callback", "/sign-out"} {
		if resp, _ := b.get(s.url + path); resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control is %q", path, resp.Header.Get("Cache-Control"))
		}
	}
}

func TestACallbackWorksOnceAndIsHarmlessAgain(t *testing.T) {
	t.Parallel()
	s := open(t)
	b := newBrowser(t)
	b.get(s.url + "/sign-in?return_to=/apis/weather")
	before := b.cookie(s.url, s.cookieName("session"))
	callback := b.visitedPath("/sign-in/callback").String()

	resp, _ := b.get(callback)

	if got := resp.Request.URL.Path; got != "/apis/weather" {
		t.Errorf("a signed-in browser is redirected to %s", got)
	}
	if after := b.cookie(s.url, s.cookieName("session")); after != before || before == "" {
		t.Error("the replay changed the session")
	}
	if n := s.provider.count("/token"); n != 1 {
		t.Errorf("the code was exchanged %d times", n)
	}

	b.do(signOut(t, s, s.url))
	resp, _ = b.get(callback)
	if returnTo, helps := identity.SignInAgain(s.lastError()); resp.StatusCode != http.StatusBadRequest || !helps || returnTo != "/apis/weather" {
		t.Errorf("another browser is answered %d, %v, to %q", resp.StatusCode, s.lastError(), returnTo)
	}
}

func TestASignedInBrowserIsRedirectedFromAnyCallback(t *testing.T) {
	t.Parallel()
	s := open(t)
	b := newBrowser(t)
	b.get(s.url + "/sign-in")
	for _, query := range []string{"", "?code=c&state=" + strings.Repeat("A", 43), "?error=access_denied"} {
		if resp, body := b.get(s.url + "/sign-in/callback" + query); resp.Request.URL.Path != "/dashboard" || !strings.HasSuffix(body, " via session") {
			t.Errorf("%q leads to %s: %s", query, resp.Request.URL, body)
		}
	}
}

func TestAPersonWhoTookTooLongMaySignInAgainToTheSamePage(t *testing.T) {
	t.Parallel()
	s := open(t)
	b := newBrowser(t)
	b.stopAt("/sign-in/callback")
	resp, _ := b.get(s.url + "/sign-in?return_to=/apis/weather")
	s.clock.forward(20 * time.Minute)
	b.get(must(resp.Location()).String())
	if returnTo, helps := identity.SignInAgain(s.lastError()); !helps || returnTo != "/apis/weather" {
		t.Errorf("the error is %v, to %q", s.lastError(), returnTo)
	}
}

func TestARefusalByTheProviderIsExplainedAndNotAnInternalError(t *testing.T) {
	t.Parallel()
	for code, c := range map[string]struct {
		want portal.Code
		says string
	}{
		"access_denied":              {portal.Unauthorized, "cancelled"},
		"account_selection_required": {portal.Unauthorized, "cancelled"},
		"invalid_request":            {portal.Unauthorized, "did not accept this portal's request (invalid_request)"},
		"unauthorized_client":        {portal.Unauthorized, "did not accept this portal's request (unauthorized_client)"},
		"invalid_scope":              {portal.Unauthorized, "did not accept this portal's request (invalid_scope)"},
		"<b>made up</b>":             {portal.Unauthorized, "refused the sign-in"},
		"server_error":               {portal.Unavailable, "cannot sign you in"},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			b := newBrowser(t)
			b.stopAt("/sign-in/callback")
			resp, _ := b.get(s.url + "/sign-in?return_to=/apis/weather")
			callback := must(resp.Location())
			setQuery(callback, "error", code)
			setQuery(callback, "error_description", "raw text")

			_, body := b.get(callback.String())

			err := s.lastError()
			if returnTo, helps := identity.SignInAgain(err); portal.CodeOf(err) != c.want || !helps || returnTo != "/apis/weather" {
				t.Errorf("the error is %v, to %q, want code %s", err, returnTo, c.want)
			}
			if !strings.Contains(body, c.says) || strings.Contains(body, "raw text") || strings.Contains(body, "<b>") {
				t.Errorf("the page says %q", body)
			}
			if log := s.log.String(); !strings.Contains(log, `"level":"info"`) || strings.Contains(log, `"level":"error"`) || strings.Contains(log, "raw text") {
				t.Errorf("the log says %s", log)
			}
		})
	}
}

func TestHeadNeitherBeginsNorFinishesASignIn(t *testing.T) {
	t.Parallel()
	s := open(t)
	b := newBrowser(t)
	b.stopAt("/sign-in/callback")
	resp, _ := b.get(s.url + "/sign-in")
	callback := must(resp.Location()).String()
	before := s.contents(t)
	head := func(target string) *httptest.ResponseRecorder {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodHead, target, nil)
		req.AddCookie(&http.Cookie{Name: s.cookieName("signin"), Value: b.cookie(s.url, s.cookieName("signin"))})
		w := httptest.NewRecorder()
		s.http.ServeHTTP(w, req)
		return w
	}
	if w := head(s.url + "/sign-in"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != s.provider.issuer()+"/authorize" || len(w.Result().Cookies()) != 0 {
		t.Errorf("HEAD /sign-in: %d %v", w.Code, w.Header())
	}
	if w := head(callback); w.Code != http.StatusOK || len(w.Result().Cookies()) != 0 {
		t.Errorf("HEAD of the callback: %d %v", w.Code, w.Header())
	}
	if after := s.contents(t); after != before {
		t.Errorf("the tables have changed:\n%s\nwas\n%s", after, before)
	}
	if _, body := b.get(callback); !strings.HasSuffix(body, " via session") {
		t.Errorf("the callback itself then says %q", body)
	}
}

func TestOneOfTwoConcurrentCallbacksWorks(t *testing.T) {
	t.Parallel()
	meet := &meeting{}
	s := open(t, func(_ *identity.Config, o *identity.Options) {
		meet.database, o.DynamoDB = o.DynamoDB.(database), meet
	})
	b := newBrowser(t)
	b.stopAt("/sign-in/callback")
	resp, _ := b.get(s.url + "/sign-in")
	callback := must(resp.Location()).String()
	meet.expect(2)

	codes := make(chan int, 2)
	for range 2 {
		go func() {
			req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, callback, nil)
			req.AddCookie(&http.Cookie{Name: s.cookieName("signin"), Value: b.cookie(s.url, s.cookieName("signin"))})
			w := httptest.NewRecorder()
			s.Callback(w, req)
			codes <- w.Code
		}()
	}
	if got := []int{<-codes, <-codes}; !slices.Contains(got, http.StatusSeeOther) || !slices.Contains(got, http.StatusBadRequest) {
		t.Errorf("the callbacks were answered %v", got)
	}
	if n := s.provider.count("/token"); n != 1 {
		t.Errorf("the code was exchanged %d times", n)
	}
}

func TestACallbackIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spoil func(s *site, b *browser, callback *url.URL)
		want  portal.Code
	}{
		"with the state of another person's sign-in": {func(s *site, b *browser, callback *url.URL) {
			other := newBrowser(b.t)
			other.stopAt("/authorize")
			resp, _ := other.get(s.url + "/sign-in")
			location := must(resp.Location())
			setQuery(callback, "state", location.Query().Get("state"))
		}, portal.Invalid},
		"with a made-up state": {func(_ *site, _ *browser, callback *url.URL) {
			setQuery(callback, "state", strings.Repeat("A", 43))
		}, portal.Invalid},
		"without a state": {func(_ *site, _ *browser, callback *url.URL) {
			setQuery(callback, "state", "")
		}, portal.Invalid},
		"without the cookie of the browser that began": {func(_ *site, b *browser, _ *url.URL) {
			b.http.Jar = nil
		}, portal.Invalid},
		"after more than ten minutes": {func(s *site, _ *browser, _ *url.URL) {
			s.clock.forward(10*time.Minute + time.Second)
		}, portal.Invalid},
		"with the name of another issuer": {func(_ *site, _ *browser, callback *url.URL) {
			setQuery(callback, "iss", "https://evil.example")
		}, portal.Unauthorized},
		"without a code": {func(_ *site, _ *browser, callback *url.URL) {
			setQuery(callback, "code", "")
		}, portal.Invalid},
		"with a code the provider does not know": {func(_ *site, _ *browser, callback *url.URL) {
			setQuery(callback, "code", "made-up")
		}, portal.Unauthorized},
		"when the person cancelled": {func(_ *site, _ *browser, callback *url.URL) {
			setQuery(callback, "error", "access_denied")
		}, portal.Unauthorized},
		"when the provider is temporarily unavailable": {func(_ *site, _ *browser, callback *url.URL) {
			setQuery(callback, "error", "temporarily_unavailable")
		}, portal.Unavailable},
		"when the token endpoint fails": {func(s *site, _ *browser, _ *url.URL) {
			s.provider.set(func() { s.provider.broken["/token"] = true })
		}, portal.Unavailable},
		"with an ID token of another sign-in": {func(s *site, _ *browser, _ *url.URL) {
			s.provider.adjust = func(c map[string]any) { c["nonce"] = "another" }
		}, portal.Unauthorized},
		"with an ID token that has no nonce": {func(s *site, _ *browser, _ *url.URL) {
			s.provider.adjust = func(c map[string]any) { delete(c, "nonce") }
		}, portal.Unauthorized},
		"with an access token that is not the ID token's": {func(s *site, _ *browser, _ *url.URL) {
			s.provider.adjust = func(c map[string]any) { c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" }
		}, portal.Unauthorized},
		"with an access token in the ID token's place": {func(s *site, _ *browser, _ *url.URL) {
			s.provider.adjust = func(c map[string]any) { c["token_use"], c["client_id"] = "access", clientID }
		}, portal.Unauthorized},
		"with an ID token for another application": {func(s *site, _ *browser, _ *url.URL) {
			s.provider.adjust = func(c map[string]any) { c["aud"] = "another" }
		}, portal.Unauthorized},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			b := newBrowser(t)
			b.stopAt("/sign-in/callback")
			resp, _ := b.get(s.url + "/sign-in")
			callback := must(resp.Location())

			test.spoil(s, b, callback)
			req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, callback.String(), nil))
			resp, body := b.do(req)

			if got := portal.CodeOf(s.lastError()); got != test.want {
				t.Errorf("the error is %v, want code %s", s.lastError(), test.want)
			}
			if len(resp.Cookies()) != 0 {
				t.Errorf("cookies were set: %v", resp.Cookies())
			}
			if strings.Contains(s.contents(t), "session#") {
				t.Error("a session was opened")
			}
			if state := callback.Query().Get("state"); body == "" || (state != "" && strings.Contains(body, state)) {
				t.Errorf("the answer is %q", body)
			}
		})
	}
}

func TestAnotherBrowserCannotSpoilASignIn(t *testing.T) {
	t.Parallel()
	s := open(t)
	b := newBrowser(t)
	b.stopAt("/sign-in/callback")
	resp, _ := b.get(s.url + "/sign-in?return_to=/dashboard")
	callback := must(resp.Location()).String()
	newBrowser(t).get(callback)
	if portal.CodeOf(s.lastError()) != portal.Invalid {
		t.Fatalf("the other browser got %v", s.lastError())
	}

	resp, body := b.get(callback)

	if resp.Request.URL.Path != "/dashboard" || !strings.HasSuffix(body, " via session") {
		t.Errorf("the browser ended at %s: %s", resp.Request.URL, body)
	}
}

func TestTwoTabsOfOneBrowserCanBothFinish(t *testing.T) {
	t.Parallel()
	s := open(t)
	b := newBrowser(t)
	b.stopAt("/sign-in/callback")
	first, _ := b.get(s.url + "/sign-in?return_to=/one")
	second, _ := b.get(s.url + "/sign-in?return_to=/two")

	for _, tab := range []struct {
		resp *http.Response
		want string
	}{{first, "/one"}, {second, "/two"}} {
		if resp, _ := b.get(must(tab.resp.Location()).String()); resp.Request.URL.Path != tab.want {
			t.Errorf("a tab ended at %s instead of %s", resp.Request.URL, tab.want)
		}
	}
}

func TestSignUpStartsAtTheSignUpPageIfOneIsConfigured(t *testing.T) {
	t.Parallel()
	clock := &clock{now: time.Now()}
	p := startProvider(t, clock)
	with := openSite(t, clock, p, func(c *identity.Config, _ *identity.Options) { c.SignUpURL = p.issuer() + "/signup" })
	without := openSite(t, clock, p)

	for s, want := range map[*site]string{with: "/signup", without: "/authorize"} {
		b := newBrowser(t)
		_, body := b.get(s.url + "/sign-in?screen=sign-up")
		b.visitedPath(want)
		if !strings.HasSuffix(body, " via session") {
			t.Errorf("by way of %s: %s", want, body)
		}
	}
}

func TestASignInSucceedsEvenIfOnSignInFails(t *testing.T) {
	t.Parallel()
	s := open(t, func(_ *identity.Config, o *identity.Options) {
		o.OnSignIn = func(context.Context, identity.Identity) error { return errors.New("the queue is away") }
	})

	_, body := newBrowser(t).get(s.url + "/sign-in")

	if !strings.HasSuffix(body, " via session") {
		t.Errorf("the page says %q", body)
	}
	if !strings.Contains(s.log.String(), "the queue is away") {
		t.Errorf("the failure is not in the log: %s", s.log)
	}
}

func TestOnSignInContinuesWhenTheBrowserDisconnects(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(t.Context())
	var after error
	s := open(t, func(_ *identity.Config, o *identity.Options) {
		o.OnSignIn = func(ctx context.Context, _ identity.Identity) error {
			leave()
			after = ctx.Err()
			return nil
		}
	})
	b := newBrowser(t)
	b.stopAt("/sign-in/callback")
	resp, _ := b.get(s.url + "/sign-in")
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, must(resp.Location()).String(), nil)
	req.AddCookie(&http.Cookie{Name: s.cookieName("signin"), Value: b.cookie(s.url, s.cookieName("signin"))})

	s.Callback(httptest.NewRecorder(), req)

	if ctx.Err() == nil || after != nil {
		t.Errorf("the browser's context: %v, that of OnSignIn: %v", ctx.Err(), after)
	}
}

func TestEverySignInUpdatesPersonalData(t *testing.T) {
	t.Parallel()
	s := open(t)
	account := signIn(t, s)
	first := s.clock.Now().UTC()

	s.clock.forward(time.Hour)
	signIn(t, s)
	person, err := s.Person(t.Context(), account)
	if err != nil || !person.UpdatedAt.Equal(first) {
		t.Errorf("a sign-in that changed nothing wrote %+v, %v", person, err)
	}

	s.provider.set(func() { s.provider.person["email"] = "lovelace@example.com" })
	if again := signIn(t, s); again != account {
		t.Errorf("with another e-mail address the account is %s, not %s", again, account)
	}
	person, err = s.Person(t.Context(), account)
	want := identity.Person{Email: "lovelace@example.com", Name: "Ada Example", UpdatedAt: s.clock.Now().UTC()}
	if diff := cmp.Diff(want, person); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestThereIsNoPersonForAnUnknownAccount(t *testing.T) {
	t.Parallel()
	_, err := open(t).Person(t.Context(), "nobody")
	if portal.CodeOf(err) != portal.NotFound {
		t.Errorf("got %v", err)
	}
}

func TestNoSecretIsInTheTablesOrTheLog(t *testing.T) {
	t.Parallel()
	s := open(t, func(_ *identity.Config, o *identity.Options) {
		o.OnSignIn = func(context.Context, identity.Identity) error { return errors.New("no") }
	})
	b := newBrowser(t)
	b.get(s.url + "/sign-in") // finished
	b.stopAt("/authorize")
	resp, _ := b.get(s.url + "/sign-in") // still in progress
	secrets := map[string]string{
		"session token":           b.cookie(s.url, s.cookieName("session")),
		"browser cookie":          b.cookie(s.url, s.cookieName("signin")),
		"state of the first":      b.visitedPath("/sign-in/callback").Query().Get("state"),
		"code":                    b.visitedPath("/sign-in/callback").Query().Get("code"),
		"state of the second":     must(resp.Location()).Query().Get("state"),
		"client secret":           clientSecret,
		"ID token":                s.provider.issued[0],
		"access token":            s.provider.issued[1],
		"signature of the token":  s.provider.issued[0][strings.LastIndex(s.provider.issued[0], ".")+1:],
		"payload of the ID token": strings.Split(s.provider.issued[0], ".")[1],
	}
	stored, log := s.contents(t), s.log.String()
	for name, secret := range secrets {
		if secret == "" {
			t.Fatalf("the test has no %s", name)
		}
		if strings.Contains(stored, secret) {
			t.Errorf("the %s is in the tables", name)
		}
		if strings.Contains(log, secret) {
			t.Errorf("the %s is in the log", name)
		}
	}
	for _, personal := range []string{"ada@example.com", "Ada Example"} {
		if strings.Contains(log, personal) {
			t.Errorf("%q is in the log", personal)
		}
	}
	if !strings.Contains(stored, "session#") || !strings.Contains(log, "signed in") {
		t.Error("the tables do not hold what the test expects")
	}
}

func openSite(t *testing.T, clock *clock, p *fakeProvider, adjust ...func(*identity.Config, *identity.Options)) *site {
	t.Helper()
	return openWith(t, createTables(t, localawstest.Start(t).AWSConfig()), clock, p, adjust...)
}

func signIn(t *testing.T, s *site) portal.AccountID {
	t.Helper()
	_, body := newBrowser(t).get(s.url + "/sign-in")
	account, ok := strings.CutSuffix(body, " via session")
	if !ok {
		t.Fatalf("signing in: %s (%v)", body, s.lastError())
	}
	return portal.AccountID(account)
}

func setQuery(u *url.URL, name, value string) {
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
}
