// Package e2e tests the whole of Gatehouse as its users meet it: the real processes on free
// ports, over a local AWS of their own. This file starts portals and calls them.
package e2e

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/local"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/outputtest"
	"github.com/gatehouse-portal/gatehouse/traces/export"
)

// patience is how long a test waits for something that should take a second or two.
const patience = 90 * time.Second

// startPatience is how long a portal may take to start: all tests start theirs at the same time.
const startPatience = 2 * time.Minute

// site is a running `gatehouse local`.
type site struct {
	local.Portal
	aws  aws.Config
	logs *outputtest.Buffer
	dir  string
	stop func()
}

type settings struct {
	dir string
	// now is the clock of the portal, the workers and the local AWS; nil is the system's.
	now    func() time.Time
	env    []string
	traces *export.Exporter
}

// start runs a portal in a new folder until the test ends.
func start(t *testing.T) *site {
	t.Helper()
	return startWith(t, settings{dir: t.TempDir()})
}

// restart starts the site again with its data, at other addresses.
func (s *site) restart(t *testing.T) *site {
	t.Helper()
	s.stop()
	return startWith(t, settings{dir: s.dir})
}

func startWith(t *testing.T, with settings) *site {
	t.Helper()
	cfg, err := app.LoadConfig(append([]string{"GATEHOUSE_LOG_LEVEL=debug"}, with.env...))
	if err != nil {
		t.Fatal(err)
	}
	logs := &outputtest.Buffer{}
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan local.Portal, 1), make(chan error, 1)
	go func() {
		done <- local.Run(ctx, app.Process{
			Config: cfg, Log: zerolog.New(logs).Level(zerolog.DebugLevel), Metrics: app.NewMetrics("gatehouse"), Now: with.now, Traces: with.traces,
		}, local.Options{Dir: with.dir, Ready: ready})
	}()
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("stopping: %v", err)
			}
			if t.Failed() {
				t.Logf("the log:\n%s", logs.Tail(60))
			}
		})
	}
	t.Cleanup(stop)
	select {
	case portal := <-ready:
		return &site{Portal: portal, logs: logs, dir: with.dir, stop: stop, aws: aws.Config{
			Region: localaws.Region, BaseEndpoint: &portal.AWSURL,
			Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		}}
	case err := <-done:
		done <- err
		t.Fatalf("starting: %v", err)
	case <-time.After(startPatience):
		t.Fatal("the portal did not start")
	}
	return nil
}

// person is a client of the JSON API, with a bearer token.
type person struct {
	t     *testing.T
	base  string
	token string
}

const password = "Correct-horse-1"

type tokens struct{ id, access, refresh string }

func (s *site) cognito() *cognitoidentityprovider.Client {
	return cognitoidentityprovider.NewFromConfig(s.aws)
}

func (s *site) signUp(t *testing.T, email string) person {
	t.Helper()
	signUp(t, s.cognito(), s.Demo.ClientID, email)
	return s.signIn(t, email)
}

func (s *site) signIn(t *testing.T, email string) person {
	t.Helper()
	got := authenticate(t, s.cognito(), s.Demo.ClientID, email)
	return person{t: t, base: s.PortalURL, token: got.id}
}

func signUp(t *testing.T, idp *cognitoidentityprovider.Client, client, email string) {
	t.Helper()
	_, err := idp.SignUp(t.Context(), &cognitoidentityprovider.SignUpInput{ClientId: &client, Username: &email, Password: aws.String(password)})
	if err != nil {
		t.Fatal(err)
	}
}

func authenticate(t *testing.T, idp *cognitoidentityprovider.Client, client, email string) tokens {
	t.Helper()
	out, err := idp.InitiateAuth(t.Context(), &cognitoidentityprovider.InitiateAuthInput{
		ClientId: &client, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": email, "PASSWORD": password},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := out.AuthenticationResult
	return tokens{aws.ToString(r.IdToken), aws.ToString(r.AccessToken), aws.ToString(r.RefreshToken)}
}

type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

// do sends a request to the JSON API. headers come in pairs.
func (p person) do(method, path string, body string, headers ...string) answer {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.base+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer{p.t, resp.StatusCode, resp.Header, got}
}

func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("answered %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

func decode[T any](a answer) T {
	a.t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		a.t.Fatalf("decoding %s: %v", a.body, err)
	}
	return v
}

type operation struct {
	ID, Type, Status string
	Reason           *struct{ Code, Message string }
	Steps            []struct{ Name, Detail string }
}

type items[T any] struct{ Items []T }

// finish follows the operation of a 202 until it has ended.
func (p person) finish(a answer) operation {
	p.t.Helper()
	a.want(http.StatusAccepted)
	location := a.header.Get("Location")
	var op operation
	eventually(p.t, "the operation ends", func() bool {
		op = decode[operation](p.do(http.MethodGet, location, "").want(http.StatusOK))
		return op.Status == "succeeded" || op.Status == "rejected" || op.Status == "failed"
	})
	return op
}

func (p person) succeed(a answer) operation {
	p.t.Helper()
	op := p.finish(a)
	if op.Status != "succeeded" {
		p.t.Fatalf("the operation ended %s: %+v", op.Status, op)
	}
	return op
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("timed out before %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// call calls the demo API with a key and returns the status.
func (s *site) call(t *testing.T, key string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		s.AWSURL+"/restapis/"+s.Demo.API.APIID+"/"+s.Demo.API.Stage+"/_user_request_/harbours", nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("X-Api-Key", key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
