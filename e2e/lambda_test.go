// This file tests the portal and the workers as functions of AWS Lambda.

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/local"
	"github.com/gatehouse-portal/gatehouse/localaws"
)

// startFunctions runs a portal on AWS Lambda: an HTTP API, an event source for each queue, and a
// scheduler.
func startFunctions(t *testing.T, apis, workers int, timeout, visibility time.Duration) (f *fleet, api, worker *function) {
	t.Helper()
	emulator(t)
	f = setUpFleet(t)
	api = startFunction(t, "api", f.env, 30*time.Second, apis)
	worker = startFunction(t, "worker", f.env, timeout, workers)
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
	dying.Go(func() {
		for range 6 {
			select {
			case <-time.After(700 * time.Millisecond):
			case <-ctx.Done():
				return
			}
			worker.killWorking()
		}
	})
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
