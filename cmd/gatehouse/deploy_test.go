package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
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

// programsZip is a zip whose program has the header of one for arm64.
func programsZip(t *testing.T) string {
	t.Helper()
	var text bytes.Buffer
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_AARCH64), Version: 1, Ehsize: 64}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	archive := zip.NewWriter(&text)
	file, err := archive.Create("bootstrap")
	if err := errors.Join(err, binary.Write(file, binary.LittleEndian, h), archive.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "lambda.zip")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAllFaultsOfFlagsAndParametersAreNamedTogether(t *testing.T) {
	t.Parallel()
	aws := localawstest.Start(t)
	env := []string{"AWS_ENDPOINT_URL=" + aws.Endpoint(), "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_REGION=us-east-1"}
	for name, c := range map[string]struct{ flags, says []string }{
		"on AWS Lambda, without a zip": {
			[]string{"--zip", "/none.zip", "--host", "Portal", "--admin", "me", "--parameter", "KeysPerRing=21", "--parameter", "Offer=some", "--parameter", "Colour=red", "--cdn-certificate", "arn:aws:acm:us-east-1:000000000000:certificate/1", "--vpc-cidr", "10.0.0.0/16"},
			[]string{
				"there is no zip /none.zip with the programs", `the host name "Portal"`, `the first admin "me"`, `--parameter KeysPerRing="21" must be a number from 1 to 20`,
				`--parameter Offer="some" must be one of tagged, all`, "no template has a parameter Colour", "CloudFront needs --run containers", "VPC endpoints need both", "VPC endpoints are for containers",
				"this portal also needs --certificate",
			},
		},
		"in containers": {
			[]string{"--run", "containers", "--vpc", "acme", "--subnet", "subnet-1", "--subnet", "eu-west-1a", "--issuer", "http://login.example.com", "--key-user", "ann", "--parameter", "MinPortals=none"},
			[]string{
				`--vpc "acme" must be an id of AWS that begins with vpc-`, `--subnet "eu-west-1a" must be an id`, "both its issuer", `--issuer "http://login.example.com" must be`, `the key user "ann"`,
				`--parameter MinPortals="none" must be a number`, "this portal also needs --host, --certificate, --image",
			},
		},
		"with one subnet": {[]string{"--run", "containers", "--subnet", "subnet-1"}, []string{"two subnets", "--host, --certificate, --image, --vpc"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, command := range [][]string{{"deploy", "--yes"}, {"deploy", "diff"}} {
				code, stdout, stderr := said(t, env, slices.Concat(command, []string{"--stack", "acme"}, c.flags)...)
				if code != 1 || stdout != "" {
					t.Errorf("%q: exit code %d\n%s", command, code, stdout)
				}
				checkSays(t, stderr, c.says...)
				if lines := strings.Count(strings.TrimSpace(stderr), "\n") + 1; lines < len(c.says)-1 {
					t.Errorf("%q: it has %d lines:\n%s", command, lines, stderr)
				}
			}
		})
	}
}

func TestNobodyAnswersQuestionsInVain(t *testing.T) {
	t.Parallel()
	d := stacks.Deployer{AWS: localawstest.Start(t).AWSConfig()}
	for name, c := range map[string]struct {
		settings stacks.Settings
		answers  string
		says     []string
	}{
		"flags that are wrong":              {stacks.Settings{Name: "acme", Run: stacks.Lambda, Admin: "me", Zip: "/none.zip"}, "", []string{`the first admin "me"`, "there is no zip /none.zip"}},
		"no zip, with AWS Lambda by answer": {stacks.Settings{Name: "acme", Zip: "/none.zip"}, "\n", []string{"there is no zip /none.zip"}},
	} {
		var out strings.Builder
		_, err := askForMissing(t.Context(), d, c.settings, &questions{in: bufio.NewReader(strings.NewReader(c.answers)), out: &out, terminal: true})
		if err == nil {
			t.Fatalf("%s: nothing is said", name)
		}
		checkSays(t, err.Error(), c.says...)
		if strings.Contains(out.String(), "host name") {
			t.Errorf("%s: it asks %s", name, out.String())
		}
	}
}

func TestAWrongCommandLineSaysWhatItMustBe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, says []string }{
		{[]string{"deploy", "--run", "kubernetes"}, []string{`the way to run "kubernetes" must be lambda, containers or small`, "gatehouse deploy run --help"}},
		{[]string{"deploy", "diff", "--run", "kubernetes", "--stack", "No way"}, []string{`the way to run "kubernetes"`, `the stack name "No way"`, "gatehouse deploy diff --help"}},
		{[]string{"deploy", "--runn", "small"}, []string{`unknown flag --runn, did you mean "--run"?`, "gatehouse deploy run --help"}},
		{[]string{"destroy", "--yes", "acme"}, []string{"--stack", "gatehouse destroy --help"}},
	} {
		code, _, stderr := said(t, nil, c.args...)
		if code != 2 || strings.Contains(stderr, "another name") {
			t.Errorf("%q: exit code %d\n%s", c.args, code, stderr)
		}
		checkSays(t, stderr, c.says...)
	}
}

func TestANewPortalIsAskedFor(t *testing.T) {
	t.Parallel()
	aws := localawstest.Start(t)
	d := stacks.Deployer{AWS: aws.AWSConfig()}
	answers := "\nPortal\nportal.example.com\narn:aws:acm:eu-west-1:000000000000:certificate/1\narn:aws:acm:us-east-1:000000000000:certificate/1\n\nme\nme@example.com\n"
	var out strings.Builder
	got, err := askForMissing(t.Context(), d, stacks.Settings{Name: "acme", Zip: programsZip(t)}, &questions{in: bufio.NewReader(strings.NewReader(answers)), out: &out, terminal: true})
	if err != nil {
		t.Fatal(err)
	}
	if got.Run != stacks.Lambda || got.Host != "portal.example.com" || got.Certificate != "arn:aws:acm:us-east-1:000000000000:certificate/1" || got.Admin != "me@example.com" || got.AlarmEmail != got.Admin {
		t.Errorf("the settings are %+v", got)
	}
	checkSays(t, out.String(), "The certificate is in eu-west-1, and must be in us-east-1", "The host name \"Portal\" must be lower-case", "An answer is needed.", "\"me\" must be an e-mail address")
	_, err = askForMissing(t.Context(), d, stacks.Settings{Name: "acme", Zip: programsZip(t)}, &questions{in: bufio.NewReader(strings.NewReader("\n")), out: io.Discard, terminal: true})
	if err == nil || !strings.Contains(err.Error(), "Nothing was changed") {
		t.Errorf("an input that ends early says %v", err)
	}
}
