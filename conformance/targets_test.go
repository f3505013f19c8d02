package conformance

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// target is an AWS that the scenes are played at.
type target struct {
	name string
	// stage makes ready for one scene: the configuration of the clients, and the names
	// that are known.
	stage func(*testing.T, scene) (aws.Config, names)
	// patience is how long a step that begins with "eventually" is repeated, and how
	// often.
	patience, pause time.Duration
	// shared is whether scenes see what other scenes, and others, have made: they take
	// turns then, and leave nothing behind.
	shared bool
	// differs is whether the tables say where this target is known to differ.
	differs bool
}

// local is the local AWS, a fresh one for every scene.
func local() target {
	return target{
		name: "localaws", patience: 20 * time.Second, pause: 20 * time.Millisecond,
		stage: func(t *testing.T, sc scene) (aws.Config, names) {
			srv := localawstest.Start(t)
			cfg := srv.AWSConfig()
			cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
			n := newNames(localaws.Account, localaws.Region)
			if sc.service == "metering" {
				sell(t, srv, n)
			}
			return cfg, n
		},
	}
}

// sell does what AWS has no API for: a buyer of a product comes to register, another's
// licence has ended.
func sell(t *testing.T, srv *localaws.Server, n names) {
	t.Helper()
	product := n["prefix"]
	if err := srv.Metering().DefineProduct(product, "requests", "users"); err != nil {
		t.Fatal(err)
	}
	n.buyers()
	for _, buyer := range []string{"buyer", "former"} {
		token, err := srv.Metering().IssueToken(product, n[buyer], n[buyer+"Licence"], "")
		if err != nil {
			t.Fatal(err)
		}
		n[buyer+"Token"] = token
	}
	if err := srv.Metering().EndLicence(n["formerLicence"]); err != nil {
		t.Fatal(err)
	}
}

// buyers names two buyers and their licences.
func (n names) buyers() {
	for buyer, account := range map[string]string{"buyer": "111122223333", "former": "444455556666"} {
		n[buyer], n[buyer+"Token"] = account, "unknown"
		n[buyer+"Licence"] = "arn:aws:license-manager::" + n["account"] + ":license:l-" + buyer + n["random"]
	}
}

// moto is moto_server, with an account of its own for every scene.
func moto(t *testing.T) target {
	endpoint := startMoto(t)
	var accounts atomic.Int64
	return target{
		name: "moto", patience: 3 * time.Second, pause: 100 * time.Millisecond, differs: true,
		stage: func(*testing.T, scene) (aws.Config, names) {
			account := fmt.Sprintf("%012d", 100_000_000_000+accounts.Add(1))
			n := newNames(account, localaws.Region)
			n.buyers() // nobody has bought anything, but calls can name them
			return aws.Config{
				Region:       localaws.Region,
				BaseEndpoint: aws.String(endpoint),
				Credentials:  credentials.NewStaticCredentialsProvider("moto", "moto", ""),
				Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
				HTTPClient:   &http.Client{Transport: inAccount(account)},
			}, n
		},
	}
}

// inAccount is the header by which moto keeps accounts apart.
type inAccount string

func (account inAccount) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Moto-Account-Id", string(account))
	return http.DefaultTransport.RoundTrip(r)
}

var motoRuns = regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)

// startMoto runs moto_server at a free port until the test ends, and returns its
// endpoint.
func startMoto(t *testing.T) string {
	t.Helper()
	cmd := exec.Command(needed(t, "moto", "moto_server"), "-H", "127.0.0.1", "-p", "0")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting moto_server: %v", err)
	}
	said := make(chan string, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			if at := motoRuns.FindStringSubmatch(lines.Text()); at != nil {
				said <- at[1]
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-read
		_ = cmd.Wait()
	})
	select {
	case endpoint := <-said:
		return endpoint
	case <-read:
		if _ = cmd.Wait(); cmd.ProcessState.ExitCode() == 127 {
			// What stands in the PATH only stands for something that is not installed.
			notRun(t, "moto", "moto_server is not installed")
		}
		t.Fatal("moto_server ends instead of serving")
	case <-time.After(2 * time.Minute):
		t.Fatal("moto_server does not say where it runs")
	}
	return ""
}

// needed finds a program that is not part of the repository. Without it the test is
// skipped, unless GATEHOUSE_REQUIRE lists it.
func needed(t *testing.T, name, program string) (path string) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		notRun(t, name, program+" is not installed")
	}
	return path
}

func notRun(t *testing.T, name, why string) {
	t.Helper()
	if required(name) {
		t.Fatalf("%s is required, and %s", name, why)
	}
	say("NOT RUN: %s", why)
	t.Skip("NOT RUN: " + why)
}

// required is whether the environment says that a test must not be skipped for want of a
// program.
func required(name string) bool {
	return slices.Contains(strings.Split(os.Getenv("GATEHOUSE_REQUIRE"), ","), name)
}

// environment is whatever the SDK finds in the environment: AWS_ENDPOINT_URL, or a real
// account.
func environment(t *testing.T) target {
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatalf("reading the AWS configuration: %v", err)
	}
	if cfg.Region != localaws.Region {
		t.Fatalf("the tables are those of Region %s, and AWS_REGION is %q", localaws.Region, cfg.Region)
	}
	return shared(t, cfg)
}

// shared is an account that others use, too.
func shared(t *testing.T, cfg aws.Config) target {
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			// A usage plan can be updated every 20 seconds only.
			o.MaxAttempts, o.MaxBackoff, o.RateLimiter = 10, 30*time.Second, ratelimit.None
		})
	}
	cfg.Logger = logging.Nop{}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	caller, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatalf("asking who we are: %v", err)
	}
	where := "AWS itself"
	if cfg.BaseEndpoint != nil {
		where = *cfg.BaseEndpoint
	}
	say("Playing at %s, Region %s, account %s. All that is made is called conformance-…, and removed when its scene ends.",
		where, cfg.Region, *caller.Account)
	return target{
		name: "env", patience: 90 * time.Second, pause: time.Second, shared: true,
		stage: func(*testing.T, scene) (aws.Config, names) { return cfg, newNames(*caller.Account, cfg.Region) },
	}
}
