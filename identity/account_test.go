package identity_test

import (
	"sync"
	"testing"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestTwentyConcurrentFirstRequestsOfASubjectGetOneAccount(t *testing.T) {
	t.Parallel()
	first := open(t)
	const each = 10
	seen := make(chan portal.AccountID, 2*each)
	begin := make(chan struct{})
	var all sync.WaitGroup
	// Two processes share the tables but no memory.
	second := openWith(t, first.db, first.clock, first.provider)
	for _, s := range []*site{first, second} {
		for range each {
			all.Go(func() {
				<-begin
				id, err := s.Bearer(t.Context(), s.provider.sign(s.provider.claims()))
				if err != nil {
					t.Error(err)
				}
				seen <- id.Account
			})
		}
	}
	close(begin)
	all.Wait()
	close(seen)
	accounts := map[portal.AccountID]int{}
	for account := range seen {
		accounts[account]++
	}
	if len(accounts) != 1 {
		t.Errorf("there are %d accounts: %v", len(accounts), accounts)
	}
}

func TestAnAccountIsFoundByIssuerAndSubjectAlone(t *testing.T) {
	t.Parallel()
	s := open(t)
	account := func(s *site, claims map[string]any) portal.AccountID {
		t.Helper()
		id, err := s.Bearer(t.Context(), s.provider.sign(merge(s.provider.claims(), claims)))
		if err != nil {
			t.Fatal(err)
		}
		return id.Account
	}
	ada := account(s, nil)
	if got := account(s, map[string]any{"email": "other@example.com"}); got != ada {
		t.Errorf("with another e-mail address the account is %s, want %s", got, ada)
	}
	if got := account(s, map[string]any{"sub": "subject-2"}); got == ada {
		t.Error("another subject with the same e-mail address has the same account")
	}
	if got := account(openWith(t, s.db, s.clock, startProvider(t, s.clock)), nil); got == ada {
		t.Error("the same subject of another issuer has the same account")
	}
	if got := account(openWith(t, s.db, s.clock, s.provider), nil); got != ada {
		t.Errorf("another process found %s, want %s", got, ada)
	}
	if got := signIn(t, s); got != ada {
		t.Errorf("a browser got %s, want %s", got, ada)
	}
}

func TestAKnownAccountIsReadFromMemory(t *testing.T) {
	t.Parallel()
	db := &switchable{}
	s := open(t, func(_ *identity.Config, o *identity.Options) {
		db.database, o.DynamoDB = o.DynamoDB.(database), db
	})
	token := s.provider.sign(s.provider.claims())
	want, err := s.Bearer(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	db.database = noDatabase{}
	if got, err := s.Bearer(t.Context(), token); err != nil || got.Account != want.Account {
		t.Errorf("got %s, %v", got.Account, err)
	}
	_, err = s.Bearer(t.Context(), s.provider.sign(merge(s.provider.claims(), map[string]any{"sub": "new"})))
	if portal.CodeOf(err) != portal.Unavailable {
		t.Errorf("a new subject got %v", err)
	}
}

type switchable struct{ database }
