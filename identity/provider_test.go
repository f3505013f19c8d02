package identity_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const discoveryPath = "/.well-known/openid-configuration"

func TestOneErrorNamesEveryFaultOfAConfiguration(t *testing.T) {
	t.Parallel()
	_, err := identity.New(identity.Config{
		BaseURL: "https://portal.example.com/sub", Issuer: "issuer.example.com", SessionTTL: time.Second, SignUpURL: "/signup",
	}, identity.Options{})
	if err == nil {
		t.Fatal("the configuration was accepted")
	}
	for _, fault := range []string{"base URL", "issuer", "client id", "session TTL", "sign-up URL", "DynamoDB", "OnError"} {
		if !strings.Contains(err.Error(), fault) {
			t.Errorf("%q is not named in: %v", fault, err)
		}
	}
}

func TestASessionLastsThirtyDaysAtMost(t *testing.T) {
	t.Parallel()
	for ttl, taken := range map[time.Duration]bool{identity.MaxSessionTTL: true, identity.MaxSessionTTL + time.Second: false} {
		_, err := identity.New(identity.Config{
			BaseURL: "https://portal.example.com", Issuer: "https://login.example.com", ClientID: clientID, SessionTTL: ttl,
		}, identity.Options{DynamoDB: noDatabase{}, Tables: tables, OnError: func(http.ResponseWriter, *http.Request, error) {}})
		if taken != (err == nil) || (!taken && !strings.Contains(err.Error(), "session TTL")) {
			t.Errorf("%v: %v", ttl, err)
		}
	}
}

func TestPlainHTTPIsForLoopbackOnly(t *testing.T) {
	t.Parallel()
	good := identity.Config{
		BaseURL: "https://portal.example.com", Issuer: "https://login.example.com", ClientID: clientID, JWKSURL: "https://login.example.com/keys",
	}
	options := identity.Options{DynamoDB: noDatabase{}, Tables: tables, OnError: func(http.ResponseWriter, *http.Request, error) {}}
	for url, taken := range map[string]bool{
		"https://portal.example.com": true, "http://localhost:8080": true, "http://127.0.0.1": true, "http://127.8.9.1:80": true,
		"http://[::1]:8080": true, "http://portal.localhost": true, "HTTP://LocalHost": true,
		"http://portal.example.com": false, "http://localhost.example.com": false, "http://10.0.0.1": false, "http://0.0.0.0": false,
		"http://[::]": false, "http://127.0.0.1.example.com": false,
	} {
		for name, set := range map[string]func(*identity.Config){
			"base URL": func(c *identity.Config) { c.BaseURL = url }, "issuer": func(c *identity.Config) { c.Issuer = url },
			"JWKS URL": func(c *identity.Config) { c.JWKSURL = url }, "token URL": func(c *identity.Config) { c.TokenURL = url },
		} {
			config := good
			set(&config)
			_, err := identity.New(config, options)
			if taken != (err == nil) || (!taken && !strings.Contains(err.Error(), "the "+name+" must be an https URL")) {
				t.Errorf("%s %s: %v", name, url, err)
			}
		}
	}
}

func TestTheProviderIsReadOnceOnFirstUse(t *testing.T) {
	t.Parallel()
	s := open(t)
	if n := s.provider.count(discoveryPath); n != 0 {
		t.Fatalf("New read the provider %d times", n)
	}
	token := s.provider.sign(s.provider.claims())
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := s.Bearer(t.Context(), token); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	signIn(t, s)
	if d, k := s.provider.count(discoveryPath), s.provider.count("/keys"); d != 1 || k != 1 {
		t.Errorf("discovery was read %d times, the keys %d times", d, k)
	}
}

func TestAProviderIsUnavailableUntilItAnswersAgain(t *testing.T) {
	t.Parallel()
	for _, path := range []string{discoveryPath, "/keys"} {
		s := open(t)
		s.provider.broken[path] = true
		token := s.provider.sign(s.provider.claims())
		for range 2 {
			if _, err := s.Bearer(t.Context(), token); portal.CodeOf(err) != portal.Unavailable {
				t.Errorf("without %s: %v", path, err)
			}
		}
		if path == discoveryPath {
			if resp, _ := newBrowser(t).get(s.url + "/sign-in"); resp.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("without %s a sign-in is answered %d", path, resp.StatusCode)
			}
		}

		s.provider.set(func() { s.provider.broken[path] = false })
		if _, err := s.Bearer(t.Context(), token); err != nil {
			t.Errorf("with %s back: %v", path, err)
		}
	}
}

func TestACallerWaitsForTheProviderNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}, 1), make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-release
	}))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(release) })
	s := open(t, func(c *identity.Config, _ *identity.Options) { c.Issuer = silent.URL })
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()

	_, err := s.Bearer(ctx, s.provider.sign(s.provider.claims()))

	if portal.CodeOf(err) != portal.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestADiscoveryDocumentOfAnotherIssuerIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *identity.Config, _ *identity.Options) { c.Issuer += "/" })
	if _, err := s.Bearer(t.Context(), s.provider.sign(s.provider.claims())); portal.CodeOf(err) != portal.Unavailable ||
		!strings.Contains(err.Error(), "document is for issuer") {
		t.Errorf("got %v", err)
	}
}

func TestWithAConfiguredKeySetTheIssuerNeedNotBeReachable(t *testing.T) {
	t.Parallel()
	const issuer = "https://cognito-idp.us-east-1.invalid/us-east-1_pool"
	s := open(t, func(c *identity.Config, _ *identity.Options) {
		c.JWKSURL, c.AuthURL, c.TokenURL = c.Issuer+"/keys", c.Issuer+"/authorize", c.Issuer+"/token"
		c.Issuer = issuer
	})
	s.provider.person["iss"] = issuer
	if _, err := s.Bearer(t.Context(), s.provider.sign(s.provider.claims())); err != nil {
		t.Error(err)
	}
	signIn(t, s)
	if n := s.provider.count(discoveryPath); n != 0 {
		t.Errorf("discovery was read %d times", n)
	}
}

func TestAKeyIDThatTheProviderLacksIsLookedForOnceAMinute(t *testing.T) {
	t.Parallel()
	s := open(t)
	p := s.provider
	good, made := p.sign(p.claims()), signAs("made-up", p.claims())
	check := func(token string, want portal.Code, reads int) {
		t.Helper()
		if _, err := s.Bearer(t.Context(), token); portal.CodeOf(err) != want {
			t.Errorf("got %v, want code %q", err, want)
		}
		if n := p.count("/keys"); n != reads {
			t.Errorf("the keys were read %d times, want %d", n, reads)
		}
	}
	check(good, "", 1)
	for range 3 {
		check(made, portal.Unauthorized, 2)
	}
	check(good, "", 2)
	s.clock.forward(time.Minute)
	for range 3 {
		check(made, portal.Unauthorized, 3)
	}

	// Without an answer it is unknown whether the key is the provider's.
	p.set(func() { p.broken["/keys"] = true })
	s.clock.forward(time.Minute)
	check(made, portal.Unavailable, 4)
	check(good, "", 4)
}

func TestARotatedKeyIsAcceptedAtOnceAndSoonDuringAFloodOfMadeUpOnes(t *testing.T) {
	t.Parallel()
	s := open(t)
	p := s.provider
	rotate := func(id string) string {
		p.set(func() { p.keys = append(p.keys, jose.JSONWebKey{Key: foreignKey.Public(), KeyID: id}) })
		return signAs(id, p.claims())
	}
	if _, err := s.Bearer(t.Context(), p.sign(p.claims())); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Bearer(t.Context(), rotate("rsa-2")); err != nil {
		t.Errorf("a new key: %v", err)
	}

	flood := func() {
		for range 100 {
			if _, err := s.Bearer(t.Context(), signAs("made-up-"+rand.Text(), p.claims())); portal.CodeOf(err) != portal.Unauthorized {
				t.Errorf("a made-up key id: %v", err)
			}
		}
	}
	flood()
	if n := p.count("/keys"); n > 25 {
		t.Errorf("a hundred made-up key ids had the keys read %d times", n)
	}
	rotated := rotate("rsa-3")
	s.clock.forward(3 * time.Second)
	flood() // before the new key
	if _, err := s.Bearer(t.Context(), rotated); err != nil {
		t.Errorf("three seconds into a flood: %v", err)
	}
}

func signAs(id string, claims map[string]any) string {
	return signWith(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: foreignKey, KeyID: id}}, claims)
}

func TestAKeyThatTheProviderRemovedIsForgottenWithinTheHour(t *testing.T) {
	t.Parallel()
	s := open(t)
	p := s.provider
	token := p.sign(merge(p.claims(), map[string]any{"exp": p.clock.Now().Add(24 * time.Hour).Unix()}))
	if _, err := s.Bearer(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	p.set(func() { p.broken["/keys"] = true })
	s.clock.forward(time.Hour)
	if _, err := s.Bearer(t.Context(), token); err != nil {
		t.Errorf("while the provider is away: %v", err)
	}
	p.set(func() { p.broken["/keys"], p.keys = false, p.keys[1:] })
	s.clock.forward(time.Minute)
	if _, err := s.Bearer(t.Context(), token); portal.CodeOf(err) != portal.Unauthorized {
		t.Errorf("after that: %v", err)
	}
}

func TestKeysOfUnknownKindsDoNotHideTheOthers(t *testing.T) {
	t.Parallel()
	s := open(t)
	odd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		good := must(jose.JSONWebKey{Key: rsaKey.Public(), KeyID: "rsa-1"}.MarshalJSON())
		_, _ = w.Write([]byte(`{"keys":[{"kty":"NEW","kid":"a"},{"kty":"oct","k":"AAAA","kid":"b"},` + string(good) + `]}`))
	}))
	t.Cleanup(odd.Close)
	other := openSite(t, s.clock, s.provider, func(c *identity.Config, _ *identity.Options) { c.JWKSURL = odd.URL })
	if _, err := other.Bearer(t.Context(), s.provider.sign(s.provider.claims())); err != nil {
		t.Error(err)
	}
}
