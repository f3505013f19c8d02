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

// target is an AWS that plays the scenes.
type target struct {
	name string
	// prepare returns the configuration of the clients and the names known to a scene.
	prepare func(*testing.T, scene) (aws.Config, names)
	// An "eventually" repeats a step for patience, after every pause.
	patience, pause time.Duration
	// shared is whether scenes see what others have created. They then take turns and leave
	// nothing behind.
	shared bool
	// differs is whether the tables list known differences of this target.
	differs bool
}

func local() target {
	return target{
		name: "localaws", patience: 20 * time.Second, pause: 20 * time.Millisecond,
		prepare: func(t *testing.T, sc scene) (aws.Config, names) {
			srv := localawstest.Start(t)
			cfg := srv.AWSConfig()
			cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
			n := newNames(localaws.Account, localaws.Region)
			if sc.service == "metering" {
				addSales(t, srv, n)
			}
			return cfg, n
		},
	}
}

// addSales does what AWS has no API for: it brings a buyer with a token, and another whose
// licence has ended.
func addSales(t *testing.T, srv *localaws.Server, n names) {
	t.Helper()
	product := n["prefix"]
	if err := srv.Metering().DefineProduct(product, "requests", "users"); err != nil {
		t.Fatal(err)
	}
	n.addBuyers()
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

func (n names) addBuyers() {
	for buyer, account := range map[string]string{"buyer": "111122223333", "former": "444455556666"} {
		n[buyer], n[buyer+"Token"] = account, "unknown"
		n[buyer+"Licence"] = "arn:aws:license-manager::" + n["account"] + ":license:l-" + buyer + n["random"]
	}
}

func moto(t *testing.T) target {
	endpoint := startMoto(t)
	var accounts atomic.Int64
	return target{
		name: "moto", patience: 3 * time.Second, pause: 100 * time.Millisecond, differs: true,
		prepare: func(*testing.T, scene) (aws.Config, names) {
			account := fmt.Sprintf("%012d", 100_000_000_000+accounts.Add(1))
			n := newNames(account, localaws.Region)
			n.addBuyers() // calls can name them, although they have bought nothing
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

// inAccount sends the header that selects moto's account.
type inAccount string

func (account inAccount) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Moto-Account-Id", string(account))
	return http.DefaultTransport.RoundTrip(r)
}

var motoRuns = regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)

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
			// The program in the PATH is only a stub.
			notRun(t, "moto", "moto_server is not installed")
		}
		t.Fatal("moto_server ended")
	case <-time.After(2 * time.Minute):
		t.Fatal("moto_server did not print its address")
	}
	return ""
}

// needed returns the path of a program. Without it the test is skipped, or fails if
// GATEHOUSE_REQUIRE lists the name.
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
		t.Fatalf("%s is required, but %s", name, why)
	}
	say("NOT RUN: %s", why)
	t.Skip("NOT RUN: " + why)
}

func required(name string) bool {
	return slices.Contains(strings.Split(os.Getenv("GATEHOUSE_REQUIRE"), ","), name)
}

// environment is the AWS that the environment names: AWS_ENDPOINT_URL, or a real account.
func environment(t *testing.T) target {
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatalf("reading the AWS configuration: %v", err)
	}
	if cfg.Region != localaws.Region {
		t.Fatalf("the tables are for Region %s, but AWS_REGION is %q", localaws.Region, cfg.Region)
	}
	return shared(t, cfg)
}

func shared(t *testing.T, cfg aws.Config) target {
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			// A usage plan can be updated only every 20 seconds.
			o.MaxAttempts, o.MaxBackoff, o.RateLimiter = 10, 30*time.Second, ratelimit.None
		})
	}
	cfg.Logger = logging.Nop{}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	caller, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatalf("reading the caller identity: %v", err)
	}
	where := "AWS itself"
	if cfg.BaseEndpoint != nil {
		where = *cfg.BaseEndpoint
	}
	say("Playing at %s, Region %s, account %s. Everything created is named conformance-…, and removed when its scene ends.",
		where, cfg.Region, *caller.Account)
	return target{
		name: "env", patience: 90 * time.Second, pause: time.Second, shared: true,
		prepare: func(*testing.T, scene) (aws.Config, names) { return cfg, newNames(*caller.Account, cfg.Region) },
	}
}
