package identity_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// bears sends a token whose usual claims are overridden by, or merged with, these.
func (s *site) bears(t *testing.T, claims map[string]any) portal.AccountID {
	t.Helper()
	id, err := s.Bearer(t.Context(), s.provider.sign(claims))
	if err != nil {
		t.Fatal(err)
	}
	return id.Account
}

func (s *site) knows(t *testing.T, account portal.AccountID, want identity.Person) {
	t.Helper()
	person, err := s.Person(t.Context(), account)
	if diff := cmp.Diff(want, person); err != nil || diff != "" {
		t.Errorf("stored personal data (-want +got):\n%s%v", diff, err)
	}
}

func TestAPersonWhoOnlySendsTokensIsFoundByEmail(t *testing.T) {
	t.Parallel()
	s := open(t)
	account := s.bears(t, s.provider.claims())
	lookup := identity.Lookup{DynamoDB: s.db, Tables: tables}
	found, err := lookup.ByEmail(t.Context(), "Ada@example.com")
	if err != nil || len(found) != 1 || found[0] != account {
		t.Errorf("found %v, %v; want %s", found, err, account)
	}
	s.knows(t, account, identity.Person{Email: "ada@example.com", Name: "Ada Example", UpdatedAt: s.clock.Now().UTC()})
}

func TestAnAddressThatTheProviderHasNotVerifiedIsMarkedUnverified(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		verified   any
		unverified bool
	}{
		"not verified":              {false, true},
		"not verified, as a string": {"false", true},
		"verified":                  {true, false},
		"verified, as a string":     {"true", false},
		"not told by the provider":  {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			s.provider.person["email_verified"] = c.verified
			want := identity.Person{Email: "ada@example.com", Name: "Ada Example", Unverified: c.unverified, UpdatedAt: s.clock.Now().UTC()}
			s.knows(t, s.bears(t, s.provider.claims()), want)
			s.knows(t, signIn(t, s), want)
			s.provider.set(func() { s.provider.person["email_verified"] = true })
			s.clock.forward(time.Minute)
			if c.unverified {
				want.Unverified, want.UpdatedAt = false, s.clock.Now().UTC()
			}
			s.knows(t, s.bears(t, s.provider.claims()), want)
		})
	}
}

func TestOnlyANewerIDTokenChangesStoredPersonalData(t *testing.T) {
	t.Parallel()
	s := open(t)
	p := s.provider
	account := signIn(t, s)
	kept := identity.Person{Email: "ada@example.com", Name: "Ada Example", UpdatedAt: s.clock.Now().UTC()}
	before := merge(p.claims(), map[string]any{"email": "before@example.com", "iat": s.clock.Now().Add(-time.Minute).Unix()})
	for name, claims := range map[string]map[string]any{
		"an access token":                   p.accessClaims(),
		"an ID token without an address":    merge(p.claims(), map[string]any{"email": "", "name": "Somebody"}),
		"one that was issued before":        before,
		"one that does not say when it was": merge(before, map[string]any{"iat": nil}),
	} {
		t.Run(name, func(t *testing.T) {
			if got := s.bears(t, claims); got != account {
				t.Errorf("the account is %s, want %s", got, account)
			}
			s.knows(t, account, kept)
		})
	}
	s.clock.forward(time.Minute)
	s.bears(t, merge(p.claims(), map[string]any{"email": "lovelace@example.com"}))
	s.knows(t, account, identity.Person{Email: "lovelace@example.com", Name: "Ada Example", UpdatedAt: s.clock.Now().UTC()})
}

func TestATokenOfAKnownPersonWritesNothing(t *testing.T) {
	t.Parallel()
	db := &switchable{}
	s := open(t, func(_ *identity.Config, o *identity.Options) {
		db.database, o.DynamoDB = o.DynamoDB.(database), db
	})
	s.bears(t, s.provider.claims())
	db.database = noDatabase{}
	s.bears(t, s.provider.claims())
	// A failure to store the new address does not fail the request.
	s.bears(t, merge(s.provider.claims(), map[string]any{"email": "lovelace@example.com"}))
}
