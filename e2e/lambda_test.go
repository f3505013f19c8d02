// This file tests the portal and the workers as functions of AWS Lambda.

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/bench/issuer"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/emf"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/local"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// startFunctions runs a portal on AWS Lambda: an HTTP API, an event source for each queue, and a
// scheduler.
func startFunctions(t *testing.T, apis, workers int, timeout, visibility time.Duration, more ...string) (f *fleet, api, worker *function) {
	t.Helper()
	emulator(t)
	f = setUpFleet(t)
	f.env = append(f.env, more...)
	api = startFunction(t, "api", f.env, 30*time.Second, apis)
	worker = startFunction(t, "worker", slices.Concat(f.env, []string{"GATEHOUSE_METRICS=cloudwatch"}), timeout, workers)
	f.PortalURL = httpAPI(t, api)
	var sources []eventSource
	for _, queue := range app.NamesFor("gatehouse").Queues() {
		source := eventSource{queue: queue, batch: 10, visibility: visibility}
		if !strings.HasSuffix(queue, ".fifo") {
			source.batch = 100
		}
		sources = append(sources, source)
	}
	playSources(t, f.aws, sources, worker)
	f.waitForCatalogOf(t, apis)
	return f, api, worker
}

// waitForCatalogOf waits until each sandbox of the portal has the catalog. Requests that follow each
// other go to the sandboxes in turn.
func (s *site) waitForCatalogOf(t *testing.T, sandboxes int) {
	t.Helper()
	eventually(t, "the catalog is published", func() bool {
		for range sandboxes {
			if !s.hasCatalog(t) {
				return false
			}
		}
		return true
	})
}

// playSources plays the event sources and the scheduler that invoke the worker, until the test ends.
func playSources(t *testing.T, cfg aws.Config, sources []eventSource, worker *function) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var playing sync.WaitGroup
	t.Cleanup(func() { stop(); playing.Wait() })
	client := sqs.NewFromConfig(cfg)
	for _, source := range sources {
		playing.Go(func() { source.run(ctx, t, client, worker) })
	}
	playing.Go(func() {
		for ctx.Err() == nil {
			_, _ = worker.invoke(ctx, map[string]bool{"tick": true}) // the next one makes up for it
			select {
			case <-time.After(15 * time.Second):
			case <-ctx.Done():
			}
		}
	})
}

func TestThePortalRunsOnAWSLambda(t *testing.T) {
	t.Parallel()
	f, _, _ := startFunctions(t, 2, 4, 30*time.Second, 60*time.Second)
	p := f.signUp(t, "ada@example.com")
	free := "/api/v1/subscriptions/" + f.Demo.API.FreePlanID
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	p.succeed(p.do(http.MethodPut, free, ""))
	keys := decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items
	if len(keys) != 1 || keys[0].State != "active" {
		t.Fatalf("the keys are %+v", keys)
	}
	value := decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+keys[0].ID+"/reveal", "").want(http.StatusOK)).Value
	if got := f.call(t, value); got != http.StatusOK {
		t.Errorf("with the key the API answers %d", got)
	}
	if page := p.do(http.MethodGet, "/", ""); page.status != http.StatusOK || !strings.Contains(string(page.body), "Seamark") {
		t.Errorf("the home page is %d: %.200s", page.status, page.body)
	}
	p.succeed(p.do(http.MethodDelete, free, ""))
	if got := f.call(t, value); got != http.StatusForbidden {
		t.Errorf("after leaving the API answers %d", got)
	}
}

func TestTheFunctionsRunFromTheTemplates(t *testing.T) {
	t.Parallel()
	emulator(t)
	cloud := startCloud(t)
	made := createStacks(t, cloud, nil)
	workerEnv := functionEnvironment(t, cloud, made.functions, "WorkerFunction")
	if code, stdout, stderr := runToEnd(t, workerEnv, "gatehouse", "setup"); code != 0 || strings.TrimSpace(stdout) != "done   KMS key material: remember the key" {
		t.Fatalf("set-up exits with %d: %s%s", code, stdout, stderr)
	}
	s := &site{aws: cloud.AWSConfig(), Portal: local.Portal{AWSURL: cloud.Endpoint()}}
	s.aws.Region = localaws.Region
	var err error
	if s.Demo.API, err = demo.Install(t.Context(), apigateway.NewFromConfig(s.aws), cloud.Endpoint()+"/demo-api"); err != nil {
		t.Fatal(err)
	}
	api := functionOf(t, made.functions, "PortalFunction", functionEnvironment(t, cloud, made.functions, "PortalFunction"), 2)
	worker := functionOf(t, made.functions, "WorkerFunction", workerEnv, 4)
	s.PortalURL = httpAPI(t, api)
	playSources(t, s.aws, sourcesOf(t, made.functions), worker)
	s.waitForCatalogOf(t, 2)
	s.signsUpSubscribesAndCalls(t, cloud, balance(t, s.PortalURL))
}

// Sandboxes die in the middle of an invocation, so AWS Lambda delivers their messages again.
func TestFunctionsThatDieLoseNothing(t *testing.T) {
	t.Parallel()
	f, _, worker := startFunctions(t, 2, 4, 20*time.Second, 22*time.Second)
	const people = 12
	ctx, stop := context.WithCancel(t.Context())
	var dying sync.WaitGroup
	dying.Go(func() { worker.killSome(ctx, 6) })
	var all sync.WaitGroup
	values := make([]string, people)
	for i := range people {
		p := f.signUp(t, fmt.Sprintf("person%d@example.com", i))
		all.Go(func() {
			p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
			p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+f.Demo.API.FreePlanID, ""))
			keys := decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items
			if len(keys) != 1 {
				t.Errorf("%d has the keys %+v", i, keys)
				return
			}
			values[i] = decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+keys[0].ID+"/reveal", "").want(http.StatusOK)).Value
		})
	}
	all.Wait()
	stop()
	dying.Wait()
	if worker.killed == 0 {
		t.Error("no sandbox died")
	}
	held := f.gatewayKeys(t)
	if len(held) != people {
		t.Errorf("API Gateway holds %d keys of %d people", len(held), people)
	}
	for i, value := range values {
		if _, ok := held[value]; !ok {
			t.Errorf("the key of person %d is not in API Gateway", i)
		}
	}
}

// A crowd signs up and subscribes at once. The queues and people invoke 12 sandboxes, each with one
// invocation at a time.
func TestThreeHundredPeopleAtOnceOnAWSLambda(t *testing.T) {
	t.Parallel()
	const people = 300
	// Checking 300 passwords would take longer than all the rest.
	provider, err := issuer.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Close() })
	f, api, worker := startFunctions(t, 4, 8, 30*time.Second, 60*time.Second,
		"GATEHOUSE_OIDC_ISSUER="+provider.URL, "GATEHOUSE_OIDC_CLIENT_ID="+issuer.ClientID, "GATEHOUSE_OIDC_JWKS_URL="+provider.KeysURL())
	if code, _, stderr := runToEnd(t, f.env, "gatehouse", "doctor", "--probe-import"); code != 0 {
		t.Fatalf("probing imports exits with %d: %s", code, stderr)
	}
	logColdStarts(t, api, worker)
	crowd := make([]person, people)
	for i := range crowd {
		token, err := provider.Token(fmt.Sprint("person-", i))
		if err != nil {
			t.Fatal(err)
		}
		crowd[i] = person{t: t, base: f.PortalURL, token: token}
	}
	began := time.Now()
	answers := f.subscribeAtOnce(crowd)
	t.Logf("%d people are answered after %v", people, time.Since(began).Round(time.Millisecond))
	for i, p := range crowd {
		p.succeed(answers[i])
	}
	t.Logf("they have their keys after %v", time.Since(began).Round(time.Millisecond))
	f.checkOneKeyEach(t, people)
	checkMetrics(t, worker)
}

// The functions of some batches do not end in time: AWS does not answer for a while, and some sandboxes
// hang until AWS Lambda stops them.
func TestFunctionsThatAreStoppedByTheirDeadlineLoseNothing(t *testing.T) {
	t.Parallel()
	const people = 20
	f, _, worker := startFunctions(t, 2, 4, 15*time.Second, 17*time.Second)
	ctx, stop := context.WithCancel(t.Context())
	var hanging sync.WaitGroup
	hanging.Go(func() { worker.freezeSome(ctx, 3) })
	crowd := make([]person, people)
	for i := range crowd {
		crowd[i] = f.signUp(t, fmt.Sprintf("person%d@example.com", i))
	}
	answers := f.subscribeAtOnce(crowd)
	f.misbehave(t, faults.Plan{Rules: []faults.Rule{{
		Service: "apigateway", Kind: faults.Latency, Latency: faults.Range{Min: 20 * time.Second, Max: 20 * time.Second}, Rate: 0.2,
	}}})
	eventually(t, "AWS Lambda has stopped a function", func() bool { return worker.stopped() > 0 })
	f.misbehave(t, faults.Plan{})
	for i, p := range crowd {
		p.succeed(answers[i])
	}
	stop()
	hanging.Wait()
	t.Logf("AWS Lambda stopped %d invocations", worker.stopped())
	f.checkOneKeyEach(t, people)
}

// subscribeAtOnce has everybody register and subscribe. It returns the answers to the subscriptions.
func (f *fleet) subscribeAtOnce(crowd []person) []answer {
	answers := make([]answer, len(crowd))
	var all errgroup.Group
	all.SetLimit(64)
	for i, p := range crowd {
		all.Go(func() error {
			p.do(http.MethodPost, "/api/v1/register", "").want(http.StatusAccepted)
			answers[i] = p.do(http.MethodPut, "/api/v1/subscriptions/"+f.Demo.API.FreePlanID, "").want(http.StatusAccepted)
			return nil
		})
	}
	_ = all.Wait()
	return answers
}

// checkOneKeyEach checks that API Gateway has one key for each person, in the plan, and that the journal
// and the views agree with it.
func (f *fleet) checkOneKeyEach(t *testing.T, people int) {
	t.Helper()
	accounts := map[portal.AccountID]int{}
	for _, name := range f.gatewayKeys(t) {
		if account, _, ok := gateway.ParseKeyName("gatehouse", name); ok {
			accounts[account]++
		}
	}
	for account, n := range accounts {
		if n != 1 {
			t.Errorf("account %s has %d keys", account, n)
		}
	}
	if attached := f.countAttached(t, f.Demo.API.FreePlanID); len(accounts) != people || attached != people {
		t.Errorf("%d accounts have keys, and %d are in the plan, of %d people", len(accounts), attached, people)
	}
	code, stdout, stderr := runToEnd(t, f.env, "gatehouse", "sweep", "--json")
	var found struct{ Open, Drifted, Unshown, Unreadable, Strays int }
	if err := json.Unmarshal([]byte(stdout), &found); err != nil || code != 0 {
		t.Fatalf("the sweep exits with %d: %s%s", code, stdout, stderr)
	}
	if found.Open+found.Drifted+found.Unshown+found.Unreadable+found.Strays > 0 {
		t.Errorf("the sweep finds %+v", found)
	}
}

// logColdStarts prints how long a new sandbox of each function takes for its first invocation, and how
// long for the next one.
func logColdStarts(t *testing.T, api, worker *function) {
	t.Helper()
	home := events.APIGatewayV2HTTPRequest{Version: "2.0", RawPath: "/", Headers: map[string]string{"host": "localhost:8080"}, RequestContext: events.APIGatewayV2HTTPRequestContext{
		HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: http.MethodGet, Path: "/", SourceIP: "198.51.100.7"},
	}}
	for f, event := range map[*function]any{api: home, worker: map[string]bool{"tick": true}} {
		body, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		var took [2]time.Duration
		began := time.Now()
		s := f.start()
		for i := range took {
			if _, err := s.invoke(t.Context(), body); err != nil {
				t.Fatalf("a new sandbox of %s: %v", f.handler, err)
			}
			took[i] = time.Since(began).Round(time.Millisecond)
			began = time.Now()
		}
		t.Logf("a new sandbox of %s answers after %v from its start, and then after %v", f.handler, took[0], took[1])
	}
}

// checkMetrics looks for the lines from which CloudWatch Logs makes metrics; package emf tests their form.
func checkMetrics(t *testing.T, worker *function) {
	t.Helper()
	seen := map[string]bool{}
	for _, s := range worker.sandboxes() {
		for line := range strings.Lines(s.logs.String()) {
			var found struct {
				AWS struct {
					CloudWatchMetrics []struct{ Metrics []struct{ Name string } }
				} `json:"_aws"`
			}
			if json.Unmarshal([]byte(line), &found) != nil {
				continue
			}
			for _, d := range found.AWS.CloudWatchMetrics {
				for _, m := range d.Metrics {
					seen[m.Name] = true
				}
			}
		}
	}
	for _, m := range []emf.Metric{emf.FactShownAfter, emf.DueRowLate, emf.KeysHeld, emf.Drifted} {
		if !seen[string(m)] {
			t.Errorf("no sandbox wrote %s", m)
		}
	}
}
