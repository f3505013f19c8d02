package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// A process that remembers the account writes nothing about it after the account was erased.
func TestAnErasedAccountIsGoneInEveryProcessAndSigningInOpensAnother(t *testing.T) {
	t.Parallel()
	s := open(t)
	other := openWith(t, s.db, s.clock, s.provider)
	b := newBrowser(t)
	b.get(s.url + "/sign-in")
	session := s.withSession(b.cookie(s.url, s.cookieName("session")))
	token := s.provider.sign(s.provider.claims())
	ask := func(s *site) portal.AccountID {
		t.Helper()
		id, err := s.Bearer(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		return id.Account
	}
	old := ask(s)
	if ask(other) != old {
		t.Fatal("two processes have two accounts")
	}
	eraser := identity.Eraser{DynamoDB: s.db, Tables: tables}
	for range 2 {
		if err := eraser.Erase(t.Context(), old); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.ask(t, session).Body.String(); got != "nobody" {
		t.Errorf("the session shows %q", got)
	}
	for _, table := range []string{tables.Journal, tables.Records, tables.Sessions} {
		out, err := s.db.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range out.Items {
			if !strings.HasPrefix(schema.KeyOf(item).PK, "signin#") {
				t.Errorf("%s still has %v", table, item)
			}
		}
	}
	// The provider says something new, which the process would store.
	token = s.provider.sign(merge(s.provider.claims(), map[string]any{"name": "Another Name"}))
	if got := ask(other); got == old {
		t.Error("a process that remembers the account stores a new name for it")
	}
	s.clock.forward(5 * time.Second)
	if s1, s2 := ask(s), ask(other); s1 == old || s1 != s2 {
		t.Errorf("after five seconds the accounts are %s and %s, and the old one was %s", s1, s2, old)
	}
	if got := signIn(t, s); got == old {
		t.Error("signing in opens the old account")
	}
	if _, err := s.Person(t.Context(), old); portal.CodeOf(err) != portal.NotFound {
		t.Errorf("the person of the old account: %v", err)
	}
}
