package identity_test

import (
	"context"
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

func TestEveryFaultOfAConfigurationIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := identity.New(identity.Config{
		BaseURL: "https://portal.example.com/sub", Issuer: "issuer.example.com", SessionTTL: time.Second, SignUpURL: "/signup",
	}, identity.Options{})
	if err == nil {
		t.Fatal("it was taken")
	}
	for _, fault := range []string{"base URL", "issuer", "client id", "session TTL", "sign-up URL", "DynamoDB", "OnError"} {
		if !strings.Contains(err.Error(), fault) {
			t.Errorf("%q is not named in: %v", fault, err)
		}
	}
}

func TestTheProviderIsAskedOnFirstUseAndOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	if n := s.provider.count(discoveryPath); n != 0 {
		t.Fatalf("construction asked %d times", n)
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

func TestAProviderThatIsAwayIsUnavailableUntilItIsBack(t *testing.T) {
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

func TestNobodyWaitsForAProviderLongerThanTheyWant(t *testing.T) {
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

func TestADiscoveryDocumentOfAnotherIssuerIsNotTaken(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *identity.Config, _ *identity.Options) { c.Issuer += "/" })
	if _, err := s.Bearer(t.Context(), s.provider.sign(s.provider.claims())); portal.CodeOf(err) != portal.Unavailable ||
		!strings.Contains(err.Error(), "document is that of issuer") {
		t.Errorf("got %v", err)
	}
}

func TestWithAKeySetOfItsOwnAnIssuerNeedNotBeReachable(t *testing.T) {
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

func TestUnknownKeysAreLookedForOnceAMinute(t *testing.T) {
	t.Parallel()
	s := open(t)
	p := s.provider
	good := p.sign(p.claims())
	rotated := signWith(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: foreignKey, KeyID: "rsa-2"}}, p.claims())
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
	p.set(func() { p.keys = append(p.keys, jose.JSONWebKey{Key: foreignKey.Public(), KeyID: "rsa-2"}) })
	for range 3 {
		check(rotated, portal.Unauthorized, 1) // they have just been read
	}
	s.clock.forward(time.Minute)
	check(rotated, "", 2)
	check(rotated, "", 2)

	made := signWith(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: foreignKey, KeyID: "made-up"}}, p.claims())
	s.clock.forward(time.Minute)
	for range 3 {
		check(made, portal.Unauthorized, 3)
	}

	// Without an answer nobody can tell whether the key is the provider's.
	p.set(func() { p.broken["/keys"] = true })
	s.clock.forward(time.Minute)
	for range 3 {
		check(made, portal.Unavailable, 4)
	}
	check(good, "", 4)
}

func TestAKeyThatTheProviderWithdrewIsForgottenWithinTheHour(t *testing.T) {
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
