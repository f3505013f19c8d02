package identity_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestASessionEndsWithItsTime(t *testing.T) {
	t.Parallel()
	s := open(t)
	b := newBrowser(t)
	b.get(s.url + "/sign-in")
	token := b.cookie(s.url, s.cookieName("session"))

	s.clock.forward(identity.DefaultSessionTTL - time.Second)
	if resp := s.ask(t, s.withSession(token)); !strings.HasSuffix(resp.Body.String(), " via session") {
		t.Errorf("a second before its end the page says %q", resp.Body)
	}
	s.clock.forward(time.Second)
	resp := s.ask(t, s.withSession(token))
	if resp.Body.String() != "nobody" {
		t.Errorf("at its end the page says %q", resp.Body)
	}
	if set := resp.Header().Get("Set-Cookie"); set != "" {
		t.Errorf("an answer other than a sign-out sets %s", set)
	}
}

func TestASessionThatIsNotUsedEndsEarlier(t *testing.T) {
	t.Parallel()
	const via = " via session"
	s := open(t, func(c *identity.Config, _ *identity.Options) {
		c.SessionTTL, c.SessionIdle = 4*24*time.Hour, 24*time.Hour
	})
	b := newBrowser(t)
	b.get(s.url + "/sign-in")
	token := b.cookie(s.url, s.cookieName("session"))
	for _, step := range []struct {
		after time.Duration
		want  string
	}{
		{23 * time.Hour, via}, // which starts another day
		{23 * time.Hour, via},
		{24*time.Hour - time.Second, via},
		{24*time.Hour - time.Second, via},
		{2*time.Hour + 2*time.Second, "nobody"}, // four days after the sign-in, used or not
	} {
		s.clock.forward(step.after)
		if got := s.ask(t, s.withSession(token)).Body.String(); !strings.HasSuffix(got, step.want) {
			t.Fatalf("%s later the page says %q, want %q", step.after, got, step.want)
		}
	}

	b.get(s.url + "/sign-in")
	token = b.cookie(s.url, s.cookieName("session"))
	s.clock.forward(24 * time.Hour)
	if got := s.ask(t, s.withSession(token)).Body.String(); got != "nobody" {
		t.Errorf("after a day without use the page says %q", got)
	}
}

func TestTheUseOfASessionIsRecordedOnceAnHour(t *testing.T) {
	t.Parallel()
	db := &counting{}
	s := open(t, func(c *identity.Config, o *identity.Options) {
		c.SessionTTL = identity.MaxSessionTTL
		db.database, o.DynamoDB = o.DynamoDB.(database), db
	})
	b := newBrowser(t)
	b.get(s.url + "/sign-in")
	session := s.withSession(b.cookie(s.url, s.cookieName("session")))
	before := db.updates.Load()
	for _, step := range []struct {
		after  time.Duration
		writes int64
	}{{0, 0}, {59 * time.Minute, 0}, {time.Minute, 1}, {0, 1}, {59 * time.Minute, 1}, {time.Minute, 2}} {
		s.clock.forward(step.after)
		for range 3 {
			s.ask(t, session)
		}
		if got := db.updates.Load() - before; got != step.writes {
			t.Errorf("%s later there are %d writes, want %d", step.after, got, step.writes)
		}
	}
}

func TestRecordingAUseDoesNotRestoreASessionThatWasEnded(t *testing.T) {
	t.Parallel()
	meet := &meeting{}
	s := open(t, func(_ *identity.Config, o *identity.Options) {
		meet.database, o.DynamoDB = o.DynamoDB.(database), meet
	})
	b := newBrowser(t)
	b.get(s.url + "/sign-in")
	s.clock.forward(2 * time.Hour)
	token := b.cookie(s.url, s.cookieName("session"))
	meet.afterRead(func() { b.do(signOut(t, s, s.url)) })

	s.ask(t, s.withSession(token))

	if strings.Contains(s.contents(t), "session#") {
		t.Error("the session is back in the table")
	}
}

func TestTheSessionsOfAnAccountCanBeFound(t *testing.T) {
	t.Parallel()
	s := open(t)
	account := signIn(t, s)
	signIn(t, s)
	if n := strings.Count(s.contents(t), "pk=account#"+string(account)+"\n"); n != 2 {
		t.Errorf("%d sessions are listed under the account, want 2:\n%s", n, s.contents(t))
	}
}

func TestACookieOfAnUnknownSessionSignsNobodyIn(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, token := range []string{"x", strings.Repeat("A", 43), strings.Repeat("A", 4000)} {
		if resp := s.ask(t, s.withSession(token)); resp.Code != http.StatusOK || resp.Body.String() != "nobody" {
			t.Errorf("a cookie of %d characters is answered %d %q", len(token), resp.Code, resp.Body)
		}
	}
}

func TestSigningOutEndsTheSessionOnTheServer(t *testing.T) {
	t.Parallel()
	s := open(t)
	b := newBrowser(t)
	b.get(s.url + "/sign-in")
	token := b.cookie(s.url, s.cookieName("session"))

	resp, body := b.do(signOut(t, s, s.url))

	left := b.visitedPath("/logout").Query()
	if left.Get("client_id") != clientID || left.Get("post_logout_redirect_uri") != s.url+"/" || left.Get("logout_uri") != s.url+"/" {
		t.Errorf("the provider was told %v", left)
	}
	if resp.Request.URL.String() != s.url+"/" || body != "nobody" {
		t.Errorf("the browser ended at %s: %s", resp.Request.URL, body)
	}
	if b.cookie(s.url, s.cookieName("session")) != "" {
		t.Error("the cookie was not cleared")
	}
	if resp := s.ask(t, s.withSession(token)); resp.Body.String() != "nobody" {
		t.Errorf("with the old cookie the page says %q", resp.Body)
	}
	if strings.Contains(s.contents(t), "session#") {
		t.Error("the session is still in the table")
	}
}

func TestOnlyAPostFromThisPortalSignsOut(t *testing.T) {
	t.Parallel()
	s := open(t)
	b := newBrowser(t)
	b.get(s.url + "/sign-in")
	token := b.cookie(s.url, s.cookieName("session"))

	if resp, _ := b.do(signOut(t, s, "https://evil.example")); resp.StatusCode != http.StatusForbidden || portal.CodeOf(s.lastError()) != portal.Forbidden {
		t.Errorf("a foreign page was answered %d, %v", resp.StatusCode, s.lastError())
	}
	if resp, _ := b.get(s.url + "/sign-out"); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("a link was answered %d", resp.StatusCode)
	}
	if resp := s.ask(t, s.withSession(token)); !strings.HasSuffix(resp.Body.String(), " via session") {
		t.Errorf("the page says %q", resp.Body)
	}
}

func TestSigningOutRedirectsToTheConfiguredPage(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *identity.Config, _ *identity.Options) {
		c.SignOutURL = c.Issuer + "/bye?c={client_id}&back={return_url}"
	})
	b := newBrowser(t)
	b.stopAt("/bye")
	resp, _ := b.do(signOut(t, s, s.url))
	if c := resp.Cookies(); len(c) != 1 || c[0].Name != s.cookieName("session") || c[0].MaxAge >= 0 {
		t.Errorf("the cookie was not cleared: %v", c)
	}
	if want := s.provider.issuer() + "/bye?c=" + clientID + "&back=" + url.QueryEscape(s.url+"/"); resp.Header.Get("Location") != want {
		t.Errorf("redirected to %s, want %s", resp.Header.Get("Location"), want)
	}
}

func TestSigningOutWorksWithoutTheProvider(t *testing.T) {
	t.Parallel()
	clock := &clock{now: time.Now()}
	noPage, away := startProvider(t, clock), startProvider(t, clock)
	noPage.noLogout = true
	away.broken["/.well-known/openid-configuration"] = true
	for _, p := range []*fakeProvider{noPage, away} {
		s := openSite(t, clock, p)
		resp, body := newBrowser(t).do(signOut(t, s, s.url))
		if resp.Request.URL.String() != s.url+"/" || body != "nobody" {
			t.Errorf("the browser ended at %s: %s", resp.Request.URL, body)
		}
	}
}

func TestASignInOpensANewSessionAndEndsTheOldOne(t *testing.T) {
	t.Parallel()
	s := open(t)
	b := newBrowser(t)
	planted := strings.Repeat("A", 43)
	b.http.Jar.SetCookies(must(url.Parse(s.url)), []*http.Cookie{{Name: s.cookieName("session"), Value: planted, Path: "/"}})
	b.get(s.url + "/sign-in")
	first := b.cookie(s.url, s.cookieName("session"))
	b.get(s.url + "/sign-in")
	second := b.cookie(s.url, s.cookieName("session"))

	if first == planted || second == first || second == "" {
		t.Error("a session token was reused")
	}
	for name, token := range map[string]string{"planted": planted, "first": first} {
		if resp := s.ask(t, s.withSession(token)); resp.Body.String() != "nobody" {
			t.Errorf("the %s token opens %q", name, resp.Body)
		}
	}
}

func TestCookiesAreHTTPOnlyAndSecureOverTLS(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		base, prefix string
		secure       bool
	}{{"http://localhost:8080", "", false}, {"https://portal.example.com", "__Host-", true}} {
		s := open(t, func(c *identity.Config, _ *identity.Options) { c.BaseURL = test.base + "/" })
		begin := httptest.NewRecorder()
		s.SignIn(begin, httptest.NewRequestWithContext(t.Context(), "GET", test.base+"/sign-in", nil))
		there := must(begin.Result().Location())
		if got := there.Query().Get("redirect_uri"); got != test.base+"/sign-in/callback" {
			t.Errorf("the redirect URI is %s", got)
		}
		b := newBrowser(t)
		b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		back, _ := b.get(there.String())
		end, req := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", back.Header.Get("Location"), nil)
		req.AddCookie(begin.Result().Cookies()[0])
		s.Callback(end, req)
		for name, set := range map[string][]*http.Cookie{"signin": begin.Result().Cookies(), "session": end.Result().Cookies()} {
			if len(set) != 1 {
				t.Fatalf("%s: %d cookies (%v)", name, len(set), s.lastError())
			}
			c := set[0]
			s.url = test.base
			if c.Name != test.prefix+s.cookieName(name) || !c.HttpOnly || c.Secure != test.secure ||
				c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge <= 0 {
				t.Errorf("%s: the cookie is %s", test.base, strings.ReplaceAll(c.String(), c.Value, "…"))
			}
		}
	}
}

func TestAFailedLookupIsAnErrorAndDoesNotSignOut(t *testing.T) {
	t.Parallel()
	s := open(t, func(_ *identity.Config, o *identity.Options) { o.DynamoDB = noDatabase{} })
	token := s.provider.sign(s.provider.claims())
	for name, req := range map[string]*http.Request{
		"a session":      s.withSession(strings.Repeat("A", 43))(httptest.NewRequest("GET", "/", nil)),
		"a bearer token": withBearer(token)(httptest.NewRequest("GET", "/", nil)),
		"a sign-in":      httptest.NewRequest("GET", s.url+"/sign-in", nil),
		"a callback": func() *http.Request {
			r := httptest.NewRequest("GET", "/sign-in/callback?code=c&state="+strings.Repeat("A", 43), nil)
			r.AddCookie(&http.Cookie{Name: s.cookieName("signin"), Value: strings.Repeat("A", 43)})
			return r
		}(),
		"a sign-out": s.withSession(strings.Repeat("A", 43))(httptest.NewRequest("POST", "/sign-out", nil)),
	} {
		w := httptest.NewRecorder()
		s.http.ServeHTTP(w, req)
		if w.Code != http.StatusServiceUnavailable || portal.CodeOf(s.lastError()) != portal.Unavailable {
			t.Errorf("%s: %d, %v", name, w.Code, s.lastError())
		}
		if len(w.Result().Cookies()) != 0 || strings.Contains(w.Body.String(), "fire") {
			t.Errorf("%s: cookies %v, body %s", name, w.Result().Cookies(), w.Body)
		}
	}
}

func (s *site) ask(t *testing.T, dress ...func(*http.Request) *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), "GET", s.url+"/", nil)
	for _, f := range dress {
		req = f(req)
	}
	w := httptest.NewRecorder()
	s.http.ServeHTTP(w, req)
	return w
}

func (s *site) withSession(token string) func(*http.Request) *http.Request {
	return func(r *http.Request) *http.Request {
		r.AddCookie(&http.Cookie{Name: s.cookieName("session"), Value: token})
		return r
	}
}

func withBearer(token string) func(*http.Request) *http.Request {
	return func(r *http.Request) *http.Request {
		r.Header.Add("Authorization", "Bearer "+token)
		return r
	}
}

func signOut(t *testing.T, s *site, origin string) *http.Request {
	t.Helper()
	req := must(http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/sign-out", nil))
	req.Header.Set("Origin", origin)
	return req
}
