// This file tests the commands with which operators look things up, sync and sweep.

package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

// operator runs gatehouse commands on a running local portal.
type operator struct {
	*site
	t   *testing.T
	env []string
}

func (s *site) operator(t *testing.T) operator {
	return operator{s, t, []string{
		"AWS_ENDPOINT_URL=" + s.AWSURL, "AWS_REGION=" + localaws.Region, "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local",
		"GATEHOUSE_OIDC_ISSUER=" + s.AWSURL + "/" + s.Demo.PoolID, "GATEHOUSE_OIDC_CLIENT_ID=" + s.Demo.ClientID, "GATEHOUSE_BASE_URL=" + s.PortalURL,
	}}
}

// says runs a command that must end with that exit code, and returns what it prints.
func (o operator) says(code int, args ...string) (stdout, stderr string) {
	o.t.Helper()
	got, stdout, stderr := runToEnd(o.t, o.env, "gatehouse", args...)
	if got != code {
		o.t.Fatalf("%v exits with %d, want %d:\n%s%s", args, got, code, stdout, stderr)
	}
	return stdout, stderr
}

func asJSON[T any](o operator, args ...string) (value T) {
	o.t.Helper()
	stdout, _ := o.says(0, append(args, "--json")...)
	if err := json.Unmarshal([]byte(stdout), &value); err != nil {
		o.t.Fatalf("%v prints %s: %v", args, stdout, err)
	}
	return value
}

type account struct {
	ID, Email, Status string
	Keys              []struct{ ID, State string }
	Subscriptions     []struct{ Plan, State string }
	Operations        []struct{ ID, Status string }
}

func TestOperatorsLookUpOperationsAccountsAndKeys(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	o := s.operator(t)
	s.visitor(t).open("/").follow(`header a[href*="screen=sign-up"]`).
		submit("form", "username", "ada@example.com", "name", "Ada", "password", password).wants(http.StatusOK, "Find an API, get a key, make your first call.")
	p := s.signIn(t, "ada@example.com")
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	op := p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, ""))
	id := decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items[0].ID
	value := decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+id+"/reveal", "").want(http.StatusOK)).Value

	shown := asJSON[struct {
		ID, Account, Status, Plan string
		Steps                     []struct{ Name string }
	}](o, "operation", "show", op.ID)
	if shown.ID != op.ID || shown.Status != "succeeded" || shown.Plan != s.Demo.API.FreePlanID || len(shown.Steps) < 4 {
		t.Errorf("the operation is %+v", shown)
	}
	text, _ := o.says(0, "operation", "follow", op.ID)
	if strings.Count(text, "\n") != len(shown.Steps) || !strings.Contains(text, "succeeded") {
		t.Errorf("operation follow prints\n%s", text)
	}
	if _, stderr := o.says(1, "operation", "show", "nope"); !strings.HasPrefix(stderr, "gatehouse: There is no operation nope.") {
		t.Errorf("an unknown operation: %q", stderr)
	}
	rival := p.finish(p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.PlusPlanID, ""))
	if _, stderr := o.says(1, "operation", "follow", rival.ID); !strings.Contains(stderr, "operation "+rival.ID+" is rejected: ") {
		t.Errorf("a rejected operation: %q", stderr)
	}

	for _, who := range []string{"ADA@example.com", shown.Account, s.subject(t, "ada@example.com")} {
		found := asJSON[struct{ Accounts []account }](o, "account", "find", who).Accounts
		if len(found) != 1 || found[0].ID != shown.Account || found[0].Email != "ada@example.com" || found[0].Status != "registered" ||
			len(found[0].Keys) != 1 || found[0].Keys[0].ID != id || len(found[0].Subscriptions) != 1 || found[0].Operations[0].ID != rival.ID {
			t.Errorf("%s is %+v", who, found)
		}
	}
	if _, stderr := o.says(1, "account", "find", "eve@example.com"); !strings.Contains(stderr, "No account has the e-mail address eve@example.com") {
		t.Errorf("an unknown address: %q", stderr)
	}

	// These people never open a page.
	for email, token := range map[string]func(tokens) string{
		"grace@example.com": func(got tokens) string { return got.id },
		"joan@example.com":  func(got tokens) string { return got.access },
	} {
		signUp(t, s.cognito(), s.Demo.ClientID, email)
		p := person{t: t, base: s.PortalURL, token: token(authenticate(t, s.cognito(), s.Demo.ClientID, email))}
		registered := p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
		found := asJSON[struct{ Accounts []account }](o, "account", "find", email).Accounts
		if len(found) != 1 || len(found[0].Operations) != 1 || found[0].Operations[0].ID != registered.ID {
			t.Errorf("%s is %+v", email, found)
		}
	}

	owned := asJSON[struct {
		Account, Key, Email string
		GatewayID           string `json:"gateway_id"`
		Calls               int    `json:"control_plane_calls"`
	}](o, "keys", "whose", value)
	if owned.Account != shown.Account || owned.Key != id || owned.Email != "ada@example.com" || owned.Calls != 1 {
		t.Errorf("the value is %+v", owned)
	}
	for _, name := range []string{id, owned.GatewayID} {
		stdout, stderr := o.says(0, "keys", "whose", name)
		if !strings.Contains(stdout, shown.Account) || strings.Contains(stdout+stderr, value) {
			t.Errorf("%s: %q, %q", name, stdout, stderr)
		}
	}
	if stdout, _ := o.says(0, "keys", "whose", id); strings.Contains(stdout, "stray") {
		t.Errorf("the journal's key is called a stray: %s", stdout)
	}
	byHand, err := apigateway.NewFromConfig(s.aws).CreateApiKey(t.Context(), &apigateway.CreateApiKeyInput{Name: aws.String("gatehouse/" + shown.Account + "/" + id)})
	if err != nil {
		t.Fatal(err)
	}
	if stdout, _ := o.says(0, "keys", "whose", *byHand.Id); !strings.Contains(stdout, "a stray") || !strings.Contains(stdout, owned.GatewayID) {
		t.Errorf("a key that somebody made by hand under the same name: %s", stdout)
	}
	cmd := command(t, o.env, "gatehouse", "keys", "whose", "-")
	cmd.Stdin = strings.NewReader(value + "\n")
	if out, err := cmd.Output(); err != nil || !strings.Contains(string(out), shown.Account) {
		t.Errorf("read from standard input: %s (%v)", out, err)
	}
	if _, stderr := o.says(1, "keys", "whose", "nope"); !strings.Contains(stderr, "There is no API key nope") {
		t.Errorf("an unknown key: %q", stderr)
	}
}

// subject returns the `sub` of a user at the identity provider.
func (s *site) subject(t *testing.T, email string) string {
	t.Helper()
	out, err := s.cognito().AdminGetUser(t.Context(), &cognitoidentityprovider.AdminGetUserInput{UserPoolId: &s.Demo.PoolID, Username: &email})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range out.UserAttributes {
		if aws.ToString(a.Name) == "sub" {
			return aws.ToString(a.Value)
		}
	}
	t.Fatal("the user has no sub")
	return ""
}

func TestOperatorsSyncTheCatalogAndSweep(t *testing.T) {
	t.Parallel()
	// With an empty folder the product is that of the tagged plans, which a new name does not break.
	s := startWith(t, settings{dir: t.TempDir(), env: []string{"GATEHOUSE_CATALOG=" + t.TempDir()}})
	s.waitForCatalog(t)
	o := s.operator(t)
	type synced struct {
		Changed  bool
		Products int
	}
	if got := asJSON[synced](o, "catalog", "sync"); got.Changed || got.Products != 1 {
		t.Errorf("syncing a catalog that is up to date returns %+v", got)
	}
	_, err := apigateway.NewFromConfig(s.aws).UpdateUsagePlan(t.Context(), &apigateway.UpdateUsagePlanInput{
		UsagePlanId:     &s.Demo.API.FreePlanID,
		PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String("/name"), Value: aws.String("Brand new")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := o.says(0, "catalog", "sync"); !strings.HasPrefix(text, "The catalog is published: 1 product.") {
		t.Errorf("it says %q", text)
	}
	eventually(t, "the new name is shown", func() bool {
		return strings.Contains(string((person{t: t, base: s.PortalURL}).do(http.MethodGet, "/api/v1/catalog", "").want(http.StatusOK).body), "Brand new")
	})
	if swept := asJSON[struct{ Streams, Drifted int }](o, "sweep"); swept.Streams != 1 || swept.Drifted != 0 {
		t.Errorf("the sweep found %+v", swept)
	}
}

func TestAPlanDeletedRightAfterASubscriptionEndsItWithTheNextReadingOfTheCatalog(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	o := s.operator(t)
	p := s.signUp(t, "ada@example.com")
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, ""))
	gateway := apigateway.NewFromConfig(s.aws)
	_, err := gateway.UpdateUsagePlan(t.Context(), &apigateway.UpdateUsagePlanInput{
		UsagePlanId:     &s.Demo.API.FreePlanID,
		PatchOperations: []types.PatchOperation{{Op: types.OpRemove, Path: aws.String("/apiStages"), Value: aws.String(s.Demo.API.APIID + ":" + s.Demo.API.Stage)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gateway.DeleteUsagePlan(t.Context(), &apigateway.DeleteUsagePlanInput{UsagePlanId: &s.Demo.API.FreePlanID}); err != nil {
		t.Fatal(err)
	}
	o.says(0, "catalog", "sync")
	eventually(t, "the subscription has ended and its plan is no longer offered", func() bool {
		text, _ := o.says(0, "account", "find", "ada@example.com")
		return strings.Contains(text, "(plan_gone), no longer offered")
	})
}

func TestOperatorsFollowAnOperationUntilItEnds(t *testing.T) {
	t.Parallel()
	f := startFleet(t, 1, 1)
	f.workers[0].terminate()
	f.workers[0].waitForExit()
	p := f.signUp(t, "ada@example.com")
	op := decode[operation](p.do(http.MethodPost, "/api/v1/register", "").want(http.StatusAccepted))
	following := command(t, f.env, "gatehouse", "operation", "follow", op.ID, "--json")
	var out strings.Builder
	following.Stdout = &out
	if err := following.Start(); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(patience, func() { _ = following.Process.Kill() })
	startProcess(t, f.env, 1, "worker")
	if err := following.Wait(); err != nil {
		t.Errorf("following ends with %v", err)
	}
	var step struct{ Name, Status string }
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &step); err != nil || step.Status != "succeeded" || step.Name != "UserRegistered" {
		t.Errorf("it prints %s (%v)", out.String(), err)
	}
}
