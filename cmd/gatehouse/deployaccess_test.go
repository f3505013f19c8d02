package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// checkRefused runs commands that would ask at a terminal. They must exit with 1 and say these parts instead.
func checkRefused(t *testing.T, env []string, flags []string, says ...string) {
	t.Helper()
	for _, args := range [][]string{{"deploy"}, {"destroy", "--stack", "acme"}} {
		code, stdout, stderr := said(t, env, slices.Concat(args, flags)...)
		if code != 1 || stdout != "" || strings.Contains(stderr, "--yes") {
			t.Errorf("%q: exit code %d\n%s\n%s", args, code, stdout, stderr)
		}
		checkSays(t, stderr, says...)
	}
}

func TestADeploymentNamesWhatAWSNeedsBeforeItAsks(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "config")
	text := "[profile half]\naws_access_key_id = x\n[profile sso]\nsso_start_url = https://example.com\nsso_region = us-east-1\nsso_account_id = 111122223333\nsso_role_name = admin\n" +
		"[profile process]\ncredential_process = /bin/false\n[profile web]\nrole_arn = arn:aws:iam::111122223333:role/x\nweb_identity_token_file = /none\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	keys := []string{"AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y"}
	here := []string{"--region", "us-east-1"}
	profile := func(name string) []string { return []string{"AWS_CONFIG_FILE=" + config, "AWS_PROFILE=" + name} }
	for name, c := range map[string]struct {
		env, flags []string
		says       []string
	}{
		"no Region":                     {keys, nil, []string{"the Region is missing", "--region eu-west-1", "AWS_REGION"}},
		"neither Region nor keys":       {nil, nil, []string{"--region eu-west-1", "there are no AWS credentials. Set AWS_PROFILE"}},
		"a Region that is none":         {keys, []string{"--region", "europe"}, []string{`"europe" is not a Region of AWS. Correct --region`}},
		"such a Region in the shell":    {append(keys, "AWS_REGION=europe"), nil, []string{`"europe" is not a Region of AWS. Correct --region or AWS_REGION`}},
		"no credentials":                {nil, here, []string{"there are no AWS credentials. Set AWS_PROFILE"}},
		"half of the credentials":       {keys[:1], here, []string{"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"}},
		"an unknown profile":            {profile("none"), here, []string{`there is no AWS profile "none". Correct AWS_PROFILE`}},
		"a profile with half of a key":  {profile("half"), here, []string{"both aws_access_key_id and aws_secret_access_key"}},
		"a profile without a session":   {profile("sso"), here, []string{"aws sso login"}},
		"a profile whose command fails": {profile("process"), here, []string{"the command that AWS's configuration names for them failed"}},
		"a profile without its token":   {profile("web"), here, []string{"the web identity token cannot be read; check AWS_WEB_IDENTITY_TOKEN_FILE"}},
		"an address that refuses":       {append(keys, "AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_MAX_ATTEMPTS=1"), here, []string{"AWS does not answer: connection refused"}},
		"plain http to another machine": {append(keys, "AWS_ENDPOINT_URL=http://192.0.2.1"), here, []string{"AWS_ENDPOINT_URL is http://192.0.2.1", "want https"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkRefused(t, c.env, c.flags, c.says...)
		})
	}
}

func TestADeploymentNamesMissingPermissionsBeforeItAsks(t *testing.T) {
	t.Parallel()
	aws := localawstest.Start(t)
	env := []string{"AWS_ENDPOINT_URL=" + aws.Endpoint(), "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_REGION=us-east-1"}
	gatehouse := func(wantCode int, args ...string) string {
		t.Helper()
		code, stdout, stderr := said(t, env, args...)
		if code != wantCode || stdout != "" {
			t.Errorf("%q: exit code %d\n%s\n%s", args, code, stdout, stderr)
		}
		return stderr
	}
	aws.IAM().Deny("sqs:CreateQueue", "ecs:CreateCluster")
	stderr := gatehouse(1, "deploy", "--stack", "acme")
	checkSays(t, stderr, "nothing was changed, since arn:aws:iam::000000000000:user/local lacks these permissions: sqs:CreateQueue.", "--unchecked")
	checkSays(t, gatehouse(1, "deploy", "--stack", "acme", "--run", "small"), "permissions: sqs:CreateQueue, ecs:CreateCluster.")
	checkSays(t, gatehouse(2, "deploy", "--stack", "acme", "--unchecked"), "there is no terminal to ask: add --yes", "Run `gatehouse deploy run --help` for usage.")
	checkSays(t, gatehouse(1, "destroy", "--stack", "acme"), "there is no portal named acme in us-east-1. Check --stack and --region")
	aws.IAM().Deny()
	checkSays(t, gatehouse(2, "deploy", "--stack", "acme"), "there is no terminal to ask: add --yes")
	code, _, stderr := said(t, env, "deploy", "--stack", "acme", "--yes", "--run", "small", "--host", "portal.example.com", "--admin", "admin@example.com",
		"--certificate", "arn:aws:acm:us-east-1:000000000000:certificate/1", "--image", "gatehouse:1", "--vpc", "vpc-1", "--subnet", "subnet-1")
	if code != 0 {
		t.Fatal(stderr)
	}
	aws.IAM().Deny("ecs:DeleteService", "kms:ScheduleKeyDeletion", "lambda:DeleteFunction")
	checkSays(t, gatehouse(1, "destroy", "--stack", "acme"), "lacks these permissions: kms:ScheduleKeyDeletion, ecs:DeleteService.", "--unchecked")
	checkSays(t, gatehouse(1, "destroy", "--stack", "acme", "--keep-data", "--yes", "acme"), "lacks these permissions: ecs:DeleteService.")
	aws.IAM().Deny()
	checkSays(t, gatehouse(2, "destroy", "--stack", "acme"), "there is no terminal to ask: add --yes acme", "Run `gatehouse destroy --help` for usage.")
}

// refusing is an AWS that knows who calls, unless it refuses that, too, and refuses one action.
func refusing(t *testing.T, action, code, message string) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		if r.FormValue("Action") == action {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", code, message)
			return
		}
		fmt.Fprint(w, "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/ann</Arn><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>")
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestADeploymentSaysWhatAWSRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ action, code, message, says string }{
		{"GetCallerIdentity", "ExpiredToken", "The security token included in the request is expired", "AWS does not accept these credentials: they are wrong or have expired"},
		{"GetCallerIdentity", "InvalidClientTokenId", "The security token included in the request is invalid", "AWS does not accept these credentials: they are wrong or have expired"},
		{"GetCallerIdentity", "RegionDisabledException", "STS is not activated in this region", "AWS refuses sts:GetCallerIdentity: STS is not activated in this region"},
		{"DescribeStacks", "AccessDenied", "User: ann is not authorized to perform: cloudformation:DescribeStacks on resource: arn:aws:cloudformation:us-east-1:111122223333:stack/acme/*", "These credentials lack the permission cloudformation:DescribeStacks on arn:aws:cloudformation:us-east-1:111122223333:stack/acme/*."},
	} {
		t.Run(c.code, func(t *testing.T) {
			t.Parallel()
			address := refusing(t, c.action, c.code, c.message)
			checkRefused(t, []string{"AWS_ENDPOINT_URL=" + address, "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_REGION=us-east-1"}, nil, c.says)
		})
	}
}
