package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/outputtest"
	"github.com/gatehouse-portal/gatehouse/shell"
)

// patience bounds every wait in these tests.
const patience = time.Minute

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// running is a local portal that runs, with its terminal output and its log.
type running struct {
	Portal
	app.Process
	out, log *outputtest.Buffer
	stop     func()
}

// runLocally runs a local portal on free ports until the test ends.
func runLocally(t *testing.T, opts Options, vars ...string) running {
	t.Helper()
	cfg, err := app.LoadConfig(append([]string{"GATEHOUSE_LOG_LEVEL=debug"}, vars...))
	ok(t, err)
	r := running{out: &outputtest.Buffer{}, log: &outputtest.Buffer{}}
	ready, done := make(chan Portal, 1), make(chan error, 1)
	opts.Out, opts.Ready = r.out, ready
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		done <- Run(ctx, app.Process{Config: cfg, Log: zerolog.New(r.log), Metrics: app.NewMetrics("gatehouse")}, opts)
	}()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("it stops with %v", err)
		}
	})
	t.Cleanup(r.stop)
	select {
	case r.Portal = <-ready:
	case err := <-done:
		done <- nil
		t.Fatalf("it does not start: %v\n%s", err, r.log)
	case <-time.After(patience):
		t.Fatalf("it does not start\n%s", r.log)
	}
	r.Process = app.Process{Config: cfg, AWS: aws.Config{
		Region: localaws.Region, BaseEndpoint: &r.AWSURL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}}
	return r
}

func fetched(t *testing.T, url string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	ok(t, err)
	resp, err := http.DefaultClient.Do(req)
	ok(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	ok(t, err)
	return resp.StatusCode, string(text)
}

// eventually polls until so returns true.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); {
		if time.Now().After(deadline) {
			t.Fatalf("it does not happen that %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func kmsKey(t *testing.T, p app.Process) string {
	t.Helper()
	alias := app.NamesFor(p.Config.Prefix).KMSAlias
	key, err := kms.NewFromConfig(p.AWS).DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &alias})
	ok(t, err)
	return aws.ToString(key.KeyMetadata.Arn)
}

func TestLocalDataSurvivesRestartsExceptWithFresh(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	first := runLocally(t, Options{Dir: dir})
	if status, body := fetched(t, first.OperatorsURL+"/readyz"); status != http.StatusOK {
		t.Errorf("ready: %d %s", status, body)
	}
	offered := func(r running) func() bool {
		return func() bool {
			_, body := fetched(t, r.PortalURL+"/api/v1/catalog")
			return strings.Contains(body, r.Demo.API.FreePlanID)
		}
	}
	eventually(t, "the demo is offered", offered(first))
	_, metrics := fetched(t, first.OperatorsURL+"/metrics")
	for _, name := range []string{
		"gatehouse_messages_handled_total{", "gatehouse_message_handling_seconds_bucket{", "gatehouse_messages_in_flight{", "gatehouse_control_plane_calls_total{",
	} {
		if !strings.Contains(metrics, "\n"+name) {
			t.Errorf("there is no %s in the metrics", name)
		}
	}
	key := kmsKey(t, first.Process)
	first.stop()

	again := runLocally(t, Options{Dir: dir})
	if diff := cmp.Diff(first.Demo, again.Demo); diff != "" {
		t.Errorf("another demo (-first +again):\n%s", diff)
	}
	if got := kmsKey(t, again.Process); got != key {
		t.Errorf("the KMS key was %s and is %s", key, got)
	}
	if !offered(again)() {
		t.Error("the demo is offered no longer")
	}
	if got := clientOf(t, again.Process, again.Demo).CallbackURLs; len(got) != 1 || got[0] != again.PortalURL+"/sign-in/callback" {
		t.Errorf("at %s people are sent back to %v", again.PortalURL, got)
	}
	again.stop()

	fresh := runLocally(t, Options{Dir: dir, Fresh: true})
	if fresh.Demo.PoolID == first.Demo.PoolID || fresh.Demo.API.FreePlanID == first.Demo.API.FreePlanID {
		t.Errorf("something is left: %+v", fresh.Demo)
	}
	eventually(t, "the new demo is offered", offered(fresh))
}

func TestAValueIsPrintedAsAShellReadsIt(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"http://localhost:4566": "http://localhost:4566", "/tmp/a-b_c/catalog": "/tmp/a-b_c/catalog", "/tmp/my data": "'/tmp/my data'", "/tmp/$(rm -r x)": "'/tmp/$(rm -r x)'",
		"/tmp/it's; true": `'/tmp/it'\''s; true'`, "/tmp/~é": "'/tmp/~é'",
	} {
		if got := shell.Word(value); got != want {
			t.Errorf("%s is printed as %s, want %s", value, got, want)
		}
	}
}

func TestBannerShowsAddressesAndCredentials(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := runLocally(t, Options{Dir: dir})
	said := r.out.String()
	for _, want := range []string{
		"Portal         " + r.PortalURL + "\n", "AWS endpoint   " + r.AWSURL + "\n", "Operators      " + r.OperatorsURL + "/healthz", "Data           " + dir,
		"user@example.com     Gatehouse-user-1\n", "admin@example.com    Gatehouse-admin-1  (admin)\n", "Admins have pages below /admin", "--client-id " + r.Demo.ClientID,
		"export AWS_ENDPOINT_URL=" + r.AWSURL + "\n", "export AWS_REGION=us-east-1\n", "export AWS_DEFAULT_REGION=us-east-1\n", "user pool " + r.Demo.PoolID,
		"export GATEHOUSE_MARKETPLACE_ACCOUNTS=000000000000\n", "export GATEHOUSE_MARKETPLACE_TOPICS=arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-" + Fleet.Code + ",",
		"export GATEHOUSE_OIDC_CLIENT_ID=" + r.Demo.ClientID + "\n", "With version 1 of the AWS CLI, add to \"aws sqs\" commands\n    --endpoint-url " + r.AWSURL + "\n",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	for line := range strings.Lines(strings.ReplaceAll(said, dir, "")) {
		if len(line) > 81 && !strings.Contains(line, "export GATEHOUSE_MARKETPLACE_TOPICS=") && !strings.Contains(line, "export GATEHOUSE_CATALOG=") {
			t.Errorf("a line has %d characters: %s", len(line), line)
		}
	}
	if strings.Contains(said, "Faults") {
		t.Errorf("it tells of faults:\n%s", said)
	}
	for _, account := range demo.Accounts {
		if strings.Contains(r.log.String(), account.Password) {
			t.Errorf("the log has the password of %s", account.Email)
		}
	}
	if r.Dir != dir {
		t.Errorf("the data is in %s", r.Dir)
	}
}

func TestFaultsBeginOncePortalRuns(t *testing.T) {
	t.Parallel()
	// Each of these faults would make set-up fail if it were in force from the start.
	r := runLocally(t, Options{Dir: t.TempDir(), Faults: []string{"seed=7; apigateway.GetUsagePlans:error=throttling", "kms:error=internal; cognito-idp:error=internal"}})
	const want = "seed=7; apigateway.GetUsagePlans:error=throttling; kms:error=internal; cognito-idp:error=internal"
	if !strings.Contains(r.out.String(), "  Faults         "+want+"\n") {
		t.Errorf("the start-up text says\n%s", r.out)
	}
	_, err := apigateway.NewFromConfig(r.AWS).GetUsagePlans(t.Context(), &apigateway.GetUsagePlansInput{})
	var throttled *types.TooManyRequestsException
	if !errors.As(err, &throttled) {
		t.Errorf("a call is answered by %v", err)
	}
}

func TestQuotasBeginOncePortalRuns(t *testing.T) {
	t.Parallel()
	for name, quotas := range map[string]bool{"with quotas": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := runLocally(t, Options{Dir: t.TempDir(), AWSQuotas: quotas})
			_, body := fetched(t, r.AWSURL+faults.CountsPath)
			var counts faults.Counts
			ok(t, json.Unmarshal([]byte(body), &counts))
			for operation, count := range counts["apigateway"] {
				if n := count.Faults[faults.Throttled]; n != 0 {
					t.Errorf("before it ran %d calls of %s were throttled", n, operation)
				}
			}
			client := apigateway.NewFromConfig(r.AWS)
			var throttled *types.TooManyRequestsException
			refused := false
			for range 200 {
				_, err := client.GetUsagePlans(t.Context(), &apigateway.GetUsagePlansInput{})
				if refused = errors.As(err, &throttled); refused {
					break
				}
				ok(t, err)
			}
			if refused != quotas {
				t.Errorf("200 calls at once are throttled: %t", refused)
			}
		})
	}
}

func TestLocalPortalThatFailsToStartLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	cfg, err := app.LoadConfig(nil)
	ok(t, err)
	dir := t.TempDir()
	p := app.Process{Config: cfg, Log: zerolog.Nop(), Metrics: app.NewMetrics("gatehouse")}
	if err := Run(t.Context(), p, Options{Dir: dir, Faults: []string{"sqs:broken"}}); err == nil || !strings.Contains(err.Error(), `fault "sqs:broken"`) {
		t.Errorf("a fault that is none: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("it has left %v, %v", left, err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(canceled, p, Options{Dir: dir}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled at once: %v", err)
	}
	runLocally(t, Options{Dir: dir}) // the data file is free and sound
}

func TestMailGoesToTheTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	mailTo(&out)("ada@example.com", "Your code", "Your code is\n123456\n")
	if want := "\n  Mail to ada@example.com: Your code\n\n    Your code is\n    123456\n\n"; out.String() != want {
		t.Errorf("it says %q, want %q", out.String(), want)
	}
	mailTo(nil)("ada@example.com", "Your code", "Your code is 123456")
}
