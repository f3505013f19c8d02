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
	s.clock.forward(15 * time.Second)
	if s1, s2 := ask(s), ask(other); s1 == old || s1 != s2 {
		t.Errorf("after 15 seconds the accounts are %s and %s, and the old one was %s", s1, s2, old)
	}
	if got := signIn(t, s); got == old {
		t.Error("signing in opens the old account")
	}
	if _, err := s.Person(t.Context(), old); portal.CodeOf(err) != portal.NotFound {
		t.Errorf("the person of the old account: %v", err)
	}
}

// Rows of older versions do not name the identity: that of a person who signed in, and that of a program
// which sent access tokens only, for which there is no row.
func TestAnAccountOfAnOlderVersionIsErasedWithItsMapping(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]map[string]string{
		"without a person": nil, "with a person": {"email": "ada@example.com", "name": "Ada", "updated_at": "2026-01-01T00:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			token := s.provider.sign(s.provider.claims())
			id, err := s.Bearer(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			another, err := s.Bearer(t.Context(), s.provider.sign(merge(s.provider.claims(), map[string]any{"sub": "bob"})))
			if err != nil {
				t.Fatal(err)
			}
			person := schema.Person(id.Account).Attributes()
			for attribute, value := range row {
				person[attribute] = schema.Text(value)
			}
			if row == nil {
				_, err = s.db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &tables.Records, Key: schema.Person(id.Account).Attributes()})
			} else {
				_, err = s.db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &tables.Records, Item: person})
			}
			if err != nil {
				t.Fatal(err)
			}
			eraser := identity.Eraser{DynamoDB: s.db, Tables: tables}
			for range 2 {
				if err := eraser.Erase(t.Context(), id.Account); err != nil {
					t.Fatal(err)
				}
			}
			lookup := identity.Lookup{DynamoDB: s.db, Tables: tables}
			if left, err := lookup.BySubject(t.Context(), id.Issuer, id.Subject); left != "" || err != nil {
				t.Errorf("the identity still has the account %s, %v", left, err)
			}
			if kept, err := lookup.BySubject(t.Context(), another.Issuer, another.Subject); kept != another.Account || err != nil {
				t.Errorf("another identity has the account %s, %v", kept, err)
			}
		})
	}
}

// Only ID tokens say who is in the admin group, so workers know admins from their rows.
func TestTheLastIDTokenSaysWhoIsInTheAdminGroup(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, c := range []struct {
		groups []string
		rows   int
	}{{[]string{"admins"}, 1}, {[]string{"testers"}, 0}, {[]string{"admins"}, 1}} {
		s.clock.forward(time.Minute)
		said := merge(s.provider.claims(), map[string]any{"cognito:groups": c.groups})
		id, err := s.Bearer(t.Context(), s.provider.sign(said))
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.db.Query(t.Context(), &dynamodb.QueryInput{
			TableName: &tables.Records, KeyConditionExpression: schema.GroupAdmins().Condition(), ExpressionAttributeValues: schema.GroupAdmins().Values(),
		})
		if err != nil || len(out.Items) != c.rows || len(out.Items) > 0 && schema.KeyOf(out.Items[0]) != schema.GroupAdmin(id.Account) {
			t.Errorf("of the groups %v there are %v, %v", c.groups, out.Items, err)
		}
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

func TestATokenStandsForAnErasedAccountForFifteenSecondsAtMost(t *testing.T) {
	t.Parallel()
	s := open(t)
	token := s.provider.sign(s.provider.claims())
	ask := func() portal.AccountID {
		t.Helper()
		id, err := s.Bearer(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		return id.Account
	}
	old := ask()
	if err := (identity.Eraser{DynamoDB: s.db, Tables: tables}).Erase(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	s.clock.forward(14 * time.Second)
	if got := ask(); got != old {
		t.Errorf("after 14 seconds the process has read the account again: it is %s, and was %s", got, old)
	}
	s.clock.forward(time.Second)
	if got := ask(); got == old {
		t.Errorf("after 15 seconds the token still stands for the erased account %s", old)
	}
}
