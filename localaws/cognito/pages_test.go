package cognito_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// grantRefused checks an error of the token endpoint.
func grantRefused(t *testing.T, err error, code string) {
	t.Helper()
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.ErrorCode != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

func TestSigningInThroughThePagesYieldsAnIDToken(t *testing.T) {
	t.Parallel()
	for name, secret := range map[string]bool{"a public client": false, "a client with a secret": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(in *cognito.CreateUserPoolClientInput) { in.GenerateSecret = secret })
			a, b := newApp(t, w), newBrowser(t)
			form := b.open(t, a.authURL())
			if form.url.Path != "/login" || form.status != http.StatusOK {
				t.Fatalf("the browser is at %s, status %d", form.url, form.status)
			}
			if title := form.doc.Find("title").Text(); title != "Sign in · Gatehouse" {
				t.Errorf("the page's title is %q", title)
			}
			home := mustParse(t, a.oauth.RedirectURL)
			if back := form.doc.Find(".back a"); back.AttrOr("href", "") != home.Scheme+"://"+home.Host+"/" || back.Text() != "Back to Gatehouse" {
				t.Errorf("the link back is %q to %q", back.Text(), back.AttrOr("href", ""))
			}
			signUp, _ := form.doc.Find("a").Attr("href")
			form = b.open(t, form.url.ResolveReference(mustParse(t, signUp)).String())
			done := b.submit(t, form, map[string]string{"username": "ann@example.com", "password": password, "name": "Ann"})
			token, err := a.exchange(t, a.code(t, done), a.verifier)
			if err != nil {
				t.Fatal(err)
			}
			raw, _ := token.Extra("id_token").(string)
			id, err := a.provider.Verifier(&oidc.Config{ClientID: w.clientID, SupportedSigningAlgs: []string{"RS256"}}).Verify(t.Context(), raw)
			if err != nil {
				t.Fatal(err)
			}
			if id.Nonce != "the-nonce" {
				t.Errorf("the nonce is %q", id.Nonce)
			}
			if err := id.VerifyAccessToken(token.AccessToken); err != nil {
				t.Error(err)
			}
			claims := claimsOf(t, raw)
			if claims["email"] != "ann@example.com" || claims["name"] != "Ann" {
				t.Errorf("the ID token's claims are %v", claims)
			}
			info, err := a.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(token))
			if err != nil || info.Subject != id.Subject || info.Email != "ann@example.com" || !info.EmailVerified {
				t.Errorf("userInfo answers %+v (%v)", info, err)
			}

			// The same account through the sign-in form, in another browser.
			other := newBrowser(t)
			done = other.submit(t, other.open(t, a.authURL()), credentials("ANN@example.com", password))
			token, err = a.exchange(t, a.code(t, done), a.verifier)
			if err != nil {
				t.Fatal(err)
			}
			if again := claimsOf(t, token.Extra("id_token").(string)); again["sub"] != id.Subject {
				t.Errorf("the second sign-in's user is %v, the first's %s", again["sub"], id.Subject)
			}
		})
	}
}

func mustParse(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestACodeIsExchangedOnceByItsClientWithItsVerifierInTime(t *testing.T) {
	t.Parallel()
	clock := newClock()
	w := newWorldAt(t, localawstest.Start(t, clock.use))
	w.signUp(t, "ann@example.com")
	a, b := newApp(t, w), newBrowser(t)
	newCode := func() string {
		page := b.open(t, a.authURL())
		if page.leaving == nil {
			page = b.submit(t, page, credentials("ann@example.com", password))
		}
		return a.code(t, page)
	}

	code := newCode()
	token, err := a.exchange(t, code, a.verifier)
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.exchange(t, code, a.verifier)
	grantRefused(t, err, "invalid_grant")
	_, err = w.refresh(t, token.RefreshToken)
	refused(t, err, "NotAuthorizedException", "revoked")

	code = newCode()
	_, err = a.exchange(t, code, oauth2.GenerateVerifier())
	grantRefused(t, err, "invalid_grant")
	_, err = a.exchange(t, code, a.verifier)
	grantRefused(t, err, "invalid_grant")

	_, err = a.oauth.Exchange(t.Context(), newCode())
	grantRefused(t, err, "invalid_grant")

	elsewhere := a
	elsewhere.oauth.RedirectURL = "http://localhost:8080/elsewhere"
	_, err = elsewhere.exchange(t, newCode(), a.verifier)
	grantRefused(t, err, "invalid_grant")

	stranger := newApp(t, newWorldAt(t, w.srv))
	_, err = stranger.exchange(t, newCode(), a.verifier)
	grantRefused(t, err, "invalid_grant")

	code = newCode()
	clock.advance(5 * time.Minute)
	_, err = a.exchange(t, code, a.verifier)
	grantRefused(t, err, "invalid_grant")
}

func TestAClientWithTheWrongSecretGetsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(in *cognito.CreateUserPoolClientInput) { in.GenerateSecret = true })
	a, b := newApp(t, w), newBrowser(t)
	page := b.open(t, a.authURL())
	signUp, _ := page.doc.Find("a").Attr("href")
	page = b.open(t, page.url.ResolveReference(mustParse(t, signUp)).String())
	code := a.code(t, b.submit(t, page, credentials("ann@example.com", password)))
	for name, secret := range map[string]string{"another secret": "wrong", "no secret": ""} {
		impostor := a
		impostor.oauth.ClientSecret = secret
		_, err := impostor.exchange(t, code, a.verifier)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		grantRefused(t, err, "invalid_client")
	}
	if _, err := a.exchange(t, code, a.verifier); err != nil {
		t.Errorf("a failed client authentication used the code up: %v", err)
	}
}

func TestAnErrorGoesBackToTheAppOnlyIfTheAddressIsItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := newApp(t, w), newBrowser(t)
	change := func(parameters ...string) string {
		u := mustParse(t, a.authURL())
		q := u.Query()
		for i := 0; i < len(parameters); i += 2 {
			q.Set(parameters[i], parameters[i+1])
			if parameters[i+1] == "" {
				q.Del(parameters[i])
			}
		}
		u.RawQuery = q.Encode()
		return u.String()
	}
	for name, address := range map[string]string{
		"a foreign redirect_uri":      change("redirect_uri", "https://evil.example/"),
		"one that only begins so":     change("redirect_uri", callbackURL+"/../x"),
		"none at all":                 change("redirect_uri", ""),
		"an unknown client":           change("client_id", "none"),
		"two redirect_uris":           a.authURL() + "&redirect_uri=" + url.QueryEscape("https://evil.example/"),
		"a foreign one, and an error": change("redirect_uri", "https://evil.example/", "scope", "email"),
	} {
		for _, path := range []string{"/oauth2/authorize", "/login", "/signup"} {
			p := b.open(t, strings.Replace(address, "/oauth2/authorize", path, 1))
			if p.leaving != nil || p.status != http.StatusBadRequest || p.doc.Find("[role=alert]").Length() != 1 {
				t.Errorf("%s at %s: status %d, redirected to %v", name, path, p.status, p.leaving)
			}
		}
	}
	for name, c := range map[string]struct{ address, code string }{
		"no PKCE":              {change("code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		"PKCE in the clear":    {change("code_challenge_method", "plain"), "invalid_request"},
		"a short challenge":    {change("code_challenge", "abc"), "invalid_request"},
		"no openid":            {change("scope", "email"), "invalid_scope"},
		"a scope not allowed":  {change("scope", "openid phone"), "invalid_scope"},
		"the implicit flow":    {change("response_type", "token"), "unsupported_response_type"},
		"a request object":     {change("request", "x"), "request_not_supported"},
		"an unknown prompt":    {change("prompt", "dance"), "invalid_request"},
		"nobody is signed in":  {change("prompt", "none"), "login_required"},
		"a form post response": {change("response_mode", "form_post"), "invalid_request"},
	} {
		p := b.open(t, c.address)
		if p.leaving == nil {
			t.Errorf("%s: the browser stays at %s", name, p.url)
			continue
		}
		q := p.leaving.Query()
		if !strings.HasPrefix(p.leaving.String(), callbackURL+"?") || q.Get("error") != c.code || q.Get("state") != "the-state" || q.Has("code") {
			t.Errorf("%s: the browser goes to %s, want error %s", name, p.leaving, c.code)
		}
	}
}

func TestAClientWithoutOAuthMayNotUseThePages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(in *cognito.CreateUserPoolClientInput) { in.AllowedOAuthFlowsUserPoolClient = false })
	p := newBrowser(t).open(t, newApp(t, w).authURL())
	if p.leaving == nil || p.leaving.Query().Get("error") != "unauthorized_client" {
		t.Errorf("the browser goes to %v", p.leaving)
	}
}

func TestABrowserStaysSignedInUntilItSignsOut(t *testing.T) {
	t.Parallel()
	clock := newClock()
	w := newWorldAt(t, localawstest.Start(t, clock.use))
	w.signUp(t, "ann@example.com")
	a, b := newApp(t, w), newBrowser(t)
	done := b.submit(t, b.open(t, a.authURL()), credentials("ann@example.com", password))
	a.code(t, done)

	endpoint := mustParse(t, w.srv.Endpoint())
	cookies := b.http.Jar.Cookies(endpoint)
	if len(cookies) != 1 || cookies[0].Name != "localaws_login" {
		t.Errorf("the cookies are %v", cookies)
	}
	if set := done.header.Get("Set-Cookie"); !strings.Contains(set, "HttpOnly") || !strings.Contains(set, "SameSite=Lax") {
		t.Errorf("the cookie is set by %q", set)
	}

	a.code(t, b.open(t, a.authURL()))
	if p := b.open(t, a.authURL(oauth2.SetAuthURLParam("prompt", "login"))); p.leaving != nil {
		t.Error("prompt=login does not ask for the password")
	}
	if p := b.open(t, newApp(t, newWorldAt(t, w.srv)).authURL()); p.leaving != nil {
		t.Error("a session is valid at another pool")
	}

	logout := func(to string) page {
		return b.open(t, w.srv.Endpoint()+"/logout?client_id="+w.clientID+"&logout_uri="+url.QueryEscape(to))
	}
	if p := logout("https://evil.example/"); p.leaving != nil || p.status != http.StatusBadRequest {
		t.Errorf("signing out redirects to %v", p.leaving)
	}
	a.code(t, b.open(t, a.authURL()))
	if p := logout(logoutURL); p.leaving == nil || p.leaving.String() != logoutURL {
		t.Errorf("signing out redirects to %v", p.leaving)
	}
	b.http.Jar.SetCookies(endpoint, cookies)
	if p := b.open(t, a.authURL()); p.leaving != nil {
		t.Error("a stolen cookie works after signing out")
	}

	a.code(t, b.submit(t, b.open(t, a.authURL()), credentials("ann@example.com", password)))
	clock.advance(time.Hour)
	if p := b.open(t, a.authURL()); p.leaving != nil {
		t.Error("the session is valid after its hour")
	}
}

func TestARefreshTokenWorksAtTheTokenEndpointUntilItIsRevokedThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, "ann@example.com")
	a, b := newApp(t, w), newBrowser(t)
	token, err := a.exchange(t, a.code(t, b.submit(t, b.open(t, a.authURL()), credentials("ann@example.com", password))), a.verifier)
	if err != nil {
		t.Fatal(err)
	}
	refresh := func() (*oauth2.Token, error) {
		return a.oauth.TokenSource(t.Context(), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	}
	again, err := refresh()
	if err != nil {
		t.Fatal(err)
	}
	if _, has := claimsOf(t, again.Extra("id_token").(string))["nonce"]; has {
		t.Error("a refreshed ID token repeats the nonce")
	}
	revoke := func(value string) int {
		resp, err := http.PostForm(w.srv.Endpoint()+"/oauth2/revoke", url.Values{"client_id": {w.clientID}, "token": {value}})
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if got := revoke(token.AccessToken); got != http.StatusBadRequest {
		t.Errorf("revoking an access token: status %d", got)
	}
	if got := revoke("none"); got != http.StatusOK {
		t.Errorf("revoking an unknown token: status %d", got)
	}
	if got := revoke(token.RefreshToken); got != http.StatusOK {
		t.Errorf("revoking: status %d", got)
	}
	_, err = refresh()
	grantRefused(t, err, "invalid_grant")
	if _, err := a.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(again)); err == nil {
		t.Error("userInfo accepts a revoked access token")
	}
}
