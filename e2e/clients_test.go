// This file tests the local AWS and the portal with the AWS CLI as the client.

package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

type awsCLI struct {
	t              *testing.T
	path, endpoint string
}

func runJSON[T any](cli awsCLI, args ...string) T {
	t := cli.t
	t.Helper()
	cmd := exec.CommandContext(t.Context(), cli.path, append(args, "--output", "json")...)
	cmd.Env = slices.Concat(os.Environ(), []string{
		// Version 1 of the CLI reads AWS_DEFAULT_REGION only.
		"AWS_ENDPOINT_URL=" + cli.endpoint, "AWS_REGION=" + localaws.Region, "AWS_DEFAULT_REGION=" + localaws.Region,
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1",
	})
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("aws %v: %v: %s", args, err, stderr.Bytes())
	}
	var v T
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatalf("aws %v prints %s: %v", args, out, err)
	}
	return v
}

func TestTheJourneyWithTheAWSCLI(t *testing.T) {
	t.Parallel()
	path := needed(t, "aws", "--version")
	s := start(t)
	cli := awsCLI{t, path, s.AWSURL}
	s.waitForCatalog(t)
	const email = "cli@example.com"

	pools := runJSON[struct {
		UserPools []struct{ ID, Name string }
	}](cli, "cognito-idp", "list-user-pools", "--max-results", "60").UserPools
	if len(pools) != 1 || pools[0].ID != s.Demo.PoolID {
		t.Fatalf("the user pools are %v, and the demo's is %s", pools, s.Demo.PoolID)
	}
	clients := runJSON[struct {
		UserPoolClients []struct{ ClientID string }
	}](cli, "cognito-idp", "list-user-pool-clients", "--user-pool-id", pools[0].ID, "--max-results", "60").UserPoolClients
	if len(clients) != 1 || clients[0].ClientID != s.Demo.ClientID {
		t.Fatalf("the clients are %v, and the demo's is %s", clients, s.Demo.ClientID)
	}
	client := clients[0].ClientID
	made := runJSON[struct{ UserConfirmed bool }](cli, "cognito-idp", "sign-up", "--client-id", client, "--username", email, "--password", password)
	if !made.UserConfirmed {
		t.Error("the new user is not confirmed")
	}
	auth := runJSON[struct {
		AuthenticationResult struct{ IDToken, AccessToken, TokenType string }
	}](cli, "cognito-idp", "initiate-auth", "--client-id", client, "--auth-flow", "USER_PASSWORD_AUTH",
		"--auth-parameters", "USERNAME="+email+",PASSWORD="+password).AuthenticationResult

	p := person{t: t, base: s.PortalURL, token: auth.IDToken}
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	// The portal takes access tokens too.
	p.token = auth.AccessToken
	p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, ""))
	id := decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items[0].ID
	value := decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+id+"/reveal", "").want(http.StatusOK)).Value

	held := runJSON[struct {
		Items []struct {
			Value   string
			Enabled bool
		}
	}](cli, "apigateway", "get-api-keys", "--include-values").Items
	if len(held) != 1 || held[0].Value != value || !held[0].Enabled {
		t.Errorf("API Gateway holds %d keys, want only the one that the portal shows", len(held))
	}
	if got := s.call(t, value); got != http.StatusOK {
		t.Errorf("with the key the API answers %d", got)
	}
}
