package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/deploy/stacks"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// emptyZip is not what AWS Lambda can run.
func emptyZip(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lambda.zip")
	if err := os.WriteFile(path, []byte("PK\x05\x06"+strings.Repeat("\x00", 18)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAPortalIsDeployedShownAndDestroyedByCommands(t *testing.T) {
	t.Parallel()
	aws := localawstest.Start(t)
	env := []string{"AWS_ENDPOINT_URL=" + aws.Endpoint(), "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local"}
	gatehouse := func(wantCode int, args ...string) (stdout, stderr string) {
		t.Helper()
		code, stdout, stderr := said(t, env, append(args, "--region", "us-east-1", "--stack", "acme")...)
		if code != wantCode {
			t.Fatalf("%q: exit code %d\n%s\n%s", args, code, stdout, stderr)
		}
		return stdout, stderr
	}
	containers := []string{
		"--run", "small", "--host", "portal.example.com", "--certificate", "arn:aws:acm:us-east-1:000000000000:certificate/1", "--admin", "admin@example.com",
		"--image", "000000000000.dkr.ecr.us-east-1.amazonaws.com/gatehouse:1", "--vpc", "vpc-1", "--subnet", "subnet-1", "--subnet", "subnet-2",
	}
	_, stderr := gatehouse(1, "deploy", "status")
	checkSays(t, stderr, "there is no portal named acme in us-east-1")
	_, stderr = gatehouse(1, "deploy", "--yes", "--run", "small")
	checkSays(t, stderr, "this portal also needs --host, --certificate, --image, --vpc, --subnet")
	_, stderr = gatehouse(1, "deploy", "--yes", "--host", "portal.example.com", "--certificate", "arn:aws:acm:us-east-1:000000000000:certificate/1")
	checkSays(t, stderr, "there is no zip bin/lambda-arm64.zip", "make lambda")
	_, stderr = gatehouse(1, "deploy", "--yes", "--host", "portal.example.com", "--certificate", "arn:aws:acm:us-east-1:000000000000:certificate/1", "--zip", emptyZip(t))
	checkSays(t, stderr, "is not a zip of Gatehouse's programs")
	stdout, _ := gatehouse(0, append([]string{"deploy", "diff", "--json"}, containers...)...)
	var plan stacks.Plan
	if err := json.Unmarshal([]byte(stdout), &plan); err != nil || len(plan.Stacks) != 5 || plan.Stacks[0].Action != stacks.Create {
		t.Errorf("the plan is %v, %s", err, stdout)
	}
	stdout, stderr = gatehouse(0, append([]string{"deploy", "--yes"}, containers...)...)
	checkSays(t, stderr, "create    acme, ", "Creating the stack acme-containers.", "JournalTable created", "Invited admin@example.com")
	checkSays(t, stdout, "https://portal.example.com", "a CNAME record from portal.example.com to", "about 50 mails a day")
	stdout, _ = gatehouse(0, "deploy", "--yes")
	checkSays(t, stdout, "No changes.", "https://portal.example.com")
	stdout, _ = gatehouse(0, "deploy", "status")
	checkSays(t, stdout, "ok", "acme-containers: create complete, 000000000000.dkr.ecr", "acme-commands.fifo")
	stdout, _ = gatehouse(0, "deploy", "diff", "--image", "000000000000.dkr.ecr.us-east-1.amazonaws.com/gatehouse:2")
	checkSays(t, stdout, "update    acme-containers", "replace  PortalTask (AWS::ECS::TaskDefinition)")
	stdout, stderr = gatehouse(0, "destroy", "--yes", "acme", "--json")
	checkSays(t, stdout, `"deleted": true`, `"acme-permissions"`, `"keeps_data": false`)
	checkSays(t, stderr, "this deletes the stacks acme, acme-permissions", "will be deleted by KMS", "The log groups stay")
	_, stderr = gatehouse(1, "destroy", "--yes", "acme")
	checkSays(t, stderr, "there is no portal named acme")
}

func checkSays(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("it does not say %q:\n%s", part, text)
		}
	}
}

func TestANewPortalIsAskedFor(t *testing.T) {
	t.Parallel()
	aws := localawstest.Start(t)
	d := stacks.Deployer{AWS: aws.AWSConfig()}
	answers := "\nPortal\nportal.example.com\narn:aws:acm:eu-west-1:000000000000:certificate/1\narn:aws:acm:us-east-1:000000000000:certificate/1\n\nme\nme@example.com\n"
	var out strings.Builder
	got, err := askForMissing(t.Context(), d, stacks.Settings{Name: "acme"}, &questions{in: bufio.NewReader(strings.NewReader(answers)), out: &out, terminal: true})
	if err != nil {
		t.Fatal(err)
	}
	if got.Run != stacks.Lambda || got.Host != "portal.example.com" || got.Certificate != "arn:aws:acm:us-east-1:000000000000:certificate/1" || got.Admin != "me@example.com" || got.AlarmEmail != got.Admin {
		t.Errorf("the settings are %+v", got)
	}
	checkSays(t, out.String(), "The certificate is in eu-west-1, and must be in us-east-1", "The host name \"Portal\" must be lower-case", "An answer is needed.", "\"me\" must be an e-mail address")
	_, err = askForMissing(t.Context(), d, stacks.Settings{Name: "acme"}, &questions{in: bufio.NewReader(strings.NewReader("\n")), out: io.Discard, terminal: true})
	if err == nil || !strings.Contains(err.Error(), "Nothing was changed") {
		t.Errorf("an input that ends early says %v", err)
	}
}
