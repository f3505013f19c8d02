// This file tests what admins do to accounts, and what stays of a deleted one.

package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// admin is the admin of the demo.
func (s *site) admin(t *testing.T) person { return s.ofDemo(t, demo.Accounts[1]) }

// ofDemo signs in to an account of the demo.
func (s *site) ofDemo(t *testing.T, account demo.Account) person {
	t.Helper()
	out, err := s.cognito().InitiateAuth(t.Context(), &cognitoidentityprovider.InitiateAuthInput{
		ClientId: &s.Demo.ClientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": account.Email, "PASSWORD": account.Password},
	})
	if err != nil {
		t.Fatal(err)
	}
	return person{t: t, base: s.PortalURL, token: aws.ToString(out.AuthenticationResult.IdToken)}
}

type me struct{ Account, Status, Message string }

func (p person) me() me {
	p.t.Helper()
	return decode[me](p.do(http.MethodGet, "/api/v1/me", "").want(http.StatusOK))
}

// keyOf registers the person and subscribes them to the demo's free plan. It returns the key's
// value.
func (s *site) keyOf(p person) string {
	p.t.Helper()
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, ""))
	id := decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "")).Items[0].ID
	return decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+id+"/reveal", "").want(http.StatusOK)).Value
}

func TestAnAdminSuspendsAndReinstatesAnAccount(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	admin, ada := s.admin(t), s.signUp(t, "ada@example.com")
	value, account := s.keyOf(ada), "/api/v1/admin/accounts/"+ada.me().Account

	admin.succeed(admin.do(http.MethodPost, account+"/suspend", `{"message":"Unpaid bills."}`))
	eventually(t, "the API refuses the key", func() bool { return s.call(t, value) == http.StatusForbidden })
	if got := ada.me(); got.Status != "suspended" || got.Message != "Unpaid bills." {
		t.Errorf("she is %+v", got)
	}
	refused := ada.do(http.MethodDelete, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, "").want(http.StatusForbidden)
	if body := string(refused.body); !strings.Contains(body, "/problems/suspended") || !strings.Contains(body, "Unpaid bills.") {
		t.Errorf("leaving a plan is answered %s", body)
	}
	if op := admin.finish(admin.do(http.MethodPost, account+"/suspend", `{"message":"Again."}`)); op.Status != "succeeded" {
		t.Errorf("the second suspension ends %+v", op)
	}

	admin.succeed(admin.do(http.MethodPost, account+"/reinstate", ""))
	eventually(t, "the API accepts the key", func() bool { return s.call(t, value) == http.StatusOK })
	if got := ada.me(); got.Status != "registered" || got.Message != "" {
		t.Errorf("she is %+v", got)
	}

	seen := string(admin.do(http.MethodGet, account, "").want(http.StatusOK).body)
	for _, text := range []string{"ada@example.com", "The operator of this portal suspended the account: Unpaid bills.", "The operator of this portal reinstated the account."} {
		if !strings.Contains(seen, text) {
			t.Errorf("the admin does not see %q in %s", text, seen)
		}
	}
	audit := decode[items[struct{ Admin, What, Account string }]](admin.do(http.MethodGet, "/api/v1/admin/audit", "").want(http.StatusOK)).Items
	if len(audit) != 3 || audit[0].What != "AccountReinstatementRequested" || audit[0].Account != ada.me().Account || audit[0].Admin != admin.me().Account {
		t.Errorf("the audit says %+v", audit)
	}
}

func TestNothingPersonalStaysOfADeletedAccount(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	ada, grace := s.signUp(t, "ada@example.com"), s.signUp(t, "grace@example.com")
	value := s.keyOf(ada)
	s.keyOf(grace)
	admin, id := s.admin(t), ada.me().Account

	op := admin.succeed(admin.do(http.MethodDelete, "/api/v1/admin/accounts/"+id, ""))
	if last := op.Steps[len(op.Steps)-1]; last.Name != "AccountDeleted" {
		t.Errorf("the last step is %+v", last)
	}
	if held := s.gatewayKeys(t); len(held) != 1 || held[value] != "" {
		t.Errorf("API Gateway holds %v", held)
	}
	if got := s.call(t, value); got != http.StatusForbidden {
		t.Errorf("with the key the API answers %d", got)
	}
	for _, table := range names.Tables() {
		for _, row := range s.rows(t, table) {
			if strings.Contains(row.key+row.content, "ada@example.com") {
				t.Errorf("%s still has %s: %s", table, row.key, row.content)
			}
			if strings.HasPrefix(row.key, schema.AccountRows(portal.AccountID(id)).PK+" ") && table == names.Records {
				if sort := strings.TrimPrefix(row.key, schema.AccountRows(portal.AccountID(id)).PK+" "); sort != "intent" && !strings.HasPrefix(sort, "operation#") {
					t.Errorf("%s still has %s: %s", table, row.key, row.content)
				}
			}
		}
	}
	if again := admin.finish(admin.do(http.MethodDelete, "/api/v1/admin/accounts/"+id, "")); again.Status != "succeeded" {
		t.Errorf("the second deletion ends %+v", again)
	}

	// Her token still stands for the same identity, which gets another account.
	eventually(t, "the portal knows that the account is gone", func() bool { return ada.me().Account != id })
	if now := ada.me(); now.Status != "none" {
		t.Errorf("her new account is %+v", now)
	}
	ada.succeed(ada.do(http.MethodPost, "/api/v1/register", ""))
	if held := decode[items[key]](ada.do(http.MethodGet, "/api/v1/keys", "")).Items; len(held) > 0 {
		t.Errorf("the new account has the keys %v", held)
	}
	if got := decode[items[subscription]](grace.do(http.MethodGet, "/api/v1/subscriptions", "")).Items; len(got) != 1 || got[0].State != "active" {
		t.Errorf("another person has %v", got)
	}
}

// administer writes every kind of row about people and admins.
func (s *site) administer(t *testing.T, ada person) {
	t.Helper()
	admin, account := s.admin(t), "/api/v1/admin/accounts/"+ada.me().Account
	ada.do(http.MethodPut, "/api/v1/account/settings", `{"time_zone":"Europe/Berlin"}`).want(http.StatusOK)
	ada.do(http.MethodPost, "/api/v1/feedback", `{"topic":"api","page":"/apis","text":"It is fine."}`).want(http.StatusCreated)
	admin.do(http.MethodPost, "/api/v1/admin/invitations", `{"email":"grace@example.com"}`).want(http.StatusCreated)
	admin.succeed(admin.do(http.MethodPost, "/api/v1/register", ""))
	admin.succeed(admin.do(http.MethodPost, account+"/promote", ""))
}

func TestAnAdminApprovesOrDeniesARegistration(t *testing.T) {
	t.Parallel()
	s := startWith(t, settings{dir: t.TempDir(), env: []string{"GATEHOUSE_REGISTRATION=approval"}})
	s.waitForCatalog(t)
	ada, grace, admin := s.signUp(t, "ada@example.com"), s.signUp(t, "grace@example.com"), s.admin(t)
	admin.succeed(admin.do(http.MethodPost, "/api/v1/register", ""))
	operations := map[person]answer{}
	for _, p := range []person{ada, grace} {
		operations[p] = p.do(http.MethodPost, "/api/v1/register", "").want(http.StatusAccepted)
		eventually(t, "the registration waits", func() bool { return p.me().Status == "pending" })
		refused := p.finish(p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, ""))
		if refused.Status != "rejected" || !strings.Contains(refused.Reason.Message, "has to approve your registration first") {
			t.Errorf("subscribing ends %+v", refused)
		}
	}
	waiting := decode[items[struct{ Account, Email string }]](admin.do(http.MethodGet, "/api/v1/admin/registrations", "").want(http.StatusOK)).Items
	if len(waiting) != 2 {
		t.Errorf("waiting are %+v", waiting)
	}
	s.demand(t, "due")
	s.mailTo(t, demo.Accounts[1].Email, "2 registrations wait for your approval")
	admin.succeed(admin.do(http.MethodPost, "/api/v1/admin/registrations/"+ada.me().Account+"/approve", ""))
	admin.succeed(admin.do(http.MethodPost, "/api/v1/admin/registrations/"+grace.me().Account+"/deny", `{"message":"We do not know you."}`))
	ada.succeed(operations[ada])
	if op := grace.finish(operations[grace]); op.Status != "rejected" || !strings.Contains(op.Reason.Message, "We do not know you.") {
		t.Errorf("her registration ends %+v", op)
	}
	if a, g := ada.me(), grace.me(); a.Status != "registered" || g.Status != "denied" || g.Message != "We do not know you." {
		t.Errorf("they are %+v and %+v", a, g)
	}
	if left := decode[items[struct{ Account string }]](admin.do(http.MethodGet, "/api/v1/admin/registrations", "")).Items; len(left) > 0 {
		t.Errorf("still waiting are %v", left)
	}
}

func TestPeopleDeleteTheirOwnAccountAndAreSignedOut(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	ada, admin := s.signUp(t, "ada@example.com"), s.admin(t)
	s.keyOf(ada)
	admin.succeed(admin.do(http.MethodPost, "/api/v1/register", ""))
	id := ada.me().Account
	export := string(ada.do(http.MethodGet, "/api/v1/account/export", "").want(http.StatusOK).body)
	for _, text := range []string{`"email":"ada@example.com"`, `"subscriptions":[`, `"name":"Default key"`, "SubscribeRequested", "revealed_key", `"revealed_at":"`} {
		if !strings.Contains(export, text) {
			t.Errorf("the export lacks %s: %s", text, export)
		}
	}
	if refused := admin.do(http.MethodDelete, "/api/v1/account", "").want(http.StatusConflict); !strings.Contains(string(refused.body), "admins cannot delete their own account") {
		t.Errorf("an admin is told %s", refused.body)
	}
	ada.do(http.MethodDelete, "/api/v1/account", "").want(http.StatusAccepted)
	eventually(t, "the account is deleted", func() bool {
		return strings.Contains(string(admin.do(http.MethodGet, "/api/v1/admin/accounts/"+id, "").body), `"status":"deleted"`)
	})
	if held := s.gatewayKeys(t); len(held) > 0 {
		t.Errorf("API Gateway holds %v", held)
	}
	eventually(t, "her token stands for a new account", func() bool { return ada.me().Account != id })
}
