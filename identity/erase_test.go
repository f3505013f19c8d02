package identity_test

import (
	"net/http"
	"net/http/httptest"
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
	if got, ok, err := s.Deleted(session(httptest.NewRequest(http.MethodGet, "/dashboard", nil))); got != old || !ok || err != nil {
		t.Errorf("the browser of the session is told of %q, %v, %v", got, ok, err)
	}
	for _, table := range []string{tables.Journal, tables.Records, tables.Sessions} {
		out, err := s.db.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range out.Items {
			switch pk, _, _ := strings.Cut(schema.KeyOf(item).PK, "#"); pk {
			case "signin":
			case "deleted-session":
				if len(item) != 4 || item["account"] == nil || item[schema.TTL] == nil {
					t.Errorf("the row of the ended session has %v", item)
				}
			default:
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

func TestOnlyTheBrowsersOfADeletedAccountAreToldSo(t *testing.T) {
	t.Parallel()
	s := open(t)
	b := newBrowser(t)
	b.get(s.url + "/sign-in")
	session := s.withSession(b.cookie(s.url, s.cookieName("session")))
	request := func() *http.Request { return httptest.NewRequest(http.MethodGet, "/dashboard", nil) }
	id, err := s.Bearer(t.Context(), s.provider.sign(s.provider.claims()))
	if err != nil {
		t.Fatal(err)
	}
	told := func(r *http.Request) bool {
		t.Helper()
		_, ok, err := s.Deleted(r)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if told(request()) || told(session(request())) || told(s.withSession("short")(request())) {
		t.Error("a browser is told that its account is deleted, which it is not")
	}
	if err := s.EndSessions(t.Context(), id.Account); err != nil {
		t.Fatal(err)
	}
	if told(session(request())) {
		t.Error("a session that the person has ended counts as that of a deleted account")
	}
	b = newBrowser(t)
	b.get(s.url + "/sign-in")
	session = s.withSession(b.cookie(s.url, s.cookieName("session")))
	if err := (identity.Eraser{DynamoDB: s.db, Tables: tables}).Erase(t.Context(), id.Account); err != nil {
		t.Fatal(err)
	}
	if !told(session(request())) {
		t.Error("the browser is not told that its account is deleted")
	}
	s.clock.forward(identity.DefaultSessionTTL)
	if told(session(request())) {
		t.Error("the browser is told for longer than its session would have lasted")
	}
}
