// This file tests the portal as several processes that share nothing but AWS.

package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/local"
	"github.com/gatehouse-portal/gatehouse/localaws"
)

// cloud is a local AWS without a portal.
type cloud struct {
	*localaws.Server
	// env is the environment of processes that use it.
	env []string
}

func startCloud(t *testing.T) cloud {
	t.Helper()
	server, err := localaws.Open(localaws.Options{
		Dir: t.TempDir(), Addr: "127.0.0.1:0", Log: zerolog.Nop(),
		Mount: map[string]http.Handler{"/demo-api/": http.StripPrefix("/demo-api", demo.API())},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return cloud{server, []string{
		"AWS_ENDPOINT_URL=" + server.Endpoint(), "AWS_REGION=" + localaws.Region,
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local",
	}}
}

// fleet is a portal as separate processes, on a cloud with the demo.
type fleet struct {
	site
	apis, workers []*process
	env           []string
}

func startFleet(t *testing.T, apis, workers int) *fleet {
	t.Helper()
	f := setUpFleet(t)
	for range apis {
		f.apis = append(f.apis, startProcess(t, f.env, 2, "api"))
	}
	for range workers {
		f.workers = append(f.workers, startProcess(t, f.env, 1, "worker"))
	}
	// Each remembers the catalog for some seconds, also an empty one.
	for _, api := range slices.Backward(f.apis) {
		f.PortalURL = api.portal
		f.waitForCatalog(t)
	}
	return f
}

// setUpFleet starts none of its processes.
func setUpFleet(t *testing.T) *fleet {
	t.Helper()
	c := startCloud(t)
	const base = "http://localhost:8080"
	env := slices.Concat(c.env, []string{"GATEHOUSE_BASE_URL=" + base, "GATEHOUSE_QUOTA_SHARE=1"})
	for _, turn := range []string{"first", "second"} {
		code, stdout, stderr := runToEnd(t, env, "gatehouse", "setup", "--demo", "--demo-backend", c.Endpoint()+"/demo-api")
		if code != 0 || !strings.Contains(stdout, "The demo is installed") {
			t.Fatalf("setting up for the %s time exits with %d: %s%s", turn, code, stdout, stderr)
		}
	}
	f := &fleet{site: site{aws: c.AWSConfig(), Portal: local.Portal{AWSURL: c.Endpoint()}}}
	f.aws.Region = localaws.Region
	cfg, err := app.LoadConfig(env)
	if err != nil {
		t.Fatal(err)
	}
	if f.Demo, err = local.SetupDemo(t.Context(), f.aws, cfg, c.Endpoint()+"/demo-api"); err != nil {
		t.Fatal(err)
	}
	env = slices.Concat(env, []string{"GATEHOUSE_OIDC_ISSUER=" + c.Endpoint() + "/" + f.Demo.PoolID, "GATEHOUSE_OIDC_CLIENT_ID=" + f.Demo.ClientID})
	f.env = env
	return f
}

func (p person) at(api *process) person {
	p.base = api.portal
	return p
}

func TestTwoApisAndThreeWorkersAreOnePortal(t *testing.T) {
	t.Parallel()
	f := startFleet(t, 2, 3)
	free := "/api/v1/subscriptions/" + f.Demo.API.FreePlanID
	p := f.signUp(t, "ada@example.com")
	one, two := p.at(f.apis[0]), p.at(f.apis[1])

	two.succeed(one.do(http.MethodPost, "/api/v1/register", ""))
	answers := make([]answer, 10)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = p.at(f.apis[i%2]).do(http.MethodPut, free, "") })
	}
	all.Wait()
	for i, a := range answers {
		p.at(f.apis[(i+1)%2]).succeed(a)
	}
	held := f.gatewayKeys(t)
	if len(held) != 1 {
		t.Errorf("API Gateway holds %d keys", len(held))
	}
	if got := f.countAttached(t, f.Demo.API.FreePlanID); got != 1 {
		t.Errorf("%d keys are attached to the plan", got)
	}

	id := decode[items[key]](two.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items[0].ID
	value := decode[struct{ Value string }](one.do(http.MethodPost, "/api/v1/keys/"+id+"/reveal", "").want(http.StatusOK)).Value
	if _, ok := held[value]; !ok {
		t.Error("the key that is shown is not the one that API Gateway holds")
	}
	if got := f.call(t, value); got != http.StatusOK {
		t.Errorf("with the key the API answers %d", got)
	}
	one.succeed(two.do(http.MethodDelete, free, ""))
	if got := f.call(t, value); got != http.StatusForbidden {
		t.Errorf("after leaving the API answers %d", got)
	}
	f.checkOperatorsPorts(t)
	f.terminateAll(t)
}

func (s *site) countAttached(t *testing.T, plan string) int {
	t.Helper()
	out, err := apigateway.NewFromConfig(s.aws).GetUsagePlanKeys(t.Context(), &apigateway.GetUsagePlanKeysInput{UsagePlanId: &plan, Limit: aws.Int32(500)})
	if err != nil {
		t.Fatal(err)
	}
	return len(out.Items)
}

func (f *fleet) checkOperatorsPorts(t *testing.T) {
	t.Helper()
	counted := ""
	for _, p := range slices.Concat(f.apis, f.workers) {
		for path, word := range map[string]string{"/healthz": `"status":"ok"`, "/readyz": `"queues":"ok"`, "/metrics": "go_goroutines"} {
			if got := p.get(path).want(http.StatusOK); !strings.Contains(string(got.body), word) {
				t.Errorf("%s of the %s answers %s", path, p.name, got.body)
			}
		}
		counted += string(p.get("/metrics").body)
	}
	for _, name := range []string{"gatehouse_control_plane_calls_total"} {
		if !strings.Contains(counted, "\n"+name+"{") {
			t.Errorf("no process counts %s", name)
		}
	}
	for _, api := range f.apis {
		if got := (person{t: t, base: api.portal}).do(http.MethodGet, "/metrics", "").status; got != http.StatusNotFound {
			t.Errorf("the portal's own port answers /metrics with %d", got)
		}
	}
}

func (f *fleet) terminateAll(t *testing.T) {
	t.Helper()
	for _, p := range slices.Concat(f.apis, f.workers) {
		p.terminate()
	}
	for _, p := range slices.Concat(f.apis, f.workers) {
		p.waitForExit()
	}
}

func TestTerminatingAWorkerInTheMiddleLosesNothing(t *testing.T) {
	t.Parallel()
	f := startFleet(t, 1, 3)
	const crowd = 8
	people := make([]person, crowd)
	for i := range people {
		people[i] = f.signUp(t, fmt.Sprintf("user-%d@example.com", i))
	}
	type request struct {
		by person
		answer
	}
	requests := make(chan request, 3*crowd)
	var all sync.WaitGroup
	for i, p := range people {
		all.Go(func() {
			requests <- request{p, p.do(http.MethodPost, "/api/v1/register", "")}
			requests <- request{p, p.do(http.MethodPut, "/api/v1/subscriptions/"+f.Demo.API.FreePlanID, "")}
			if i == crowd/2 {
				f.workers[0].terminate()
			}
			requests <- request{p, p.do(http.MethodPut, "/api/v1/subscriptions/"+f.Demo.API.FreePlanID, "")}
		})
	}
	all.Wait()
	close(requests)
	f.workers[0].waitForExit()
	for r := range requests {
		r.by.succeed(r.answer)
	}
	if held := f.gatewayKeys(t); len(held) != crowd {
		t.Errorf("API Gateway holds %d keys for %d people", len(held), crowd)
	}
	if got := f.countAttached(t, f.Demo.API.FreePlanID); got != crowd {
		t.Errorf("%d keys are attached to the plan, of %d people", got, crowd)
	}
	f.workers = f.workers[1:]
	f.terminateAll(t)
}

func TestTheLocalPortalStopsOnSIGTERM(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 {
		local := startProcess(t, nil, 2, "gatehouse", "local", "--data", dir, "--port", "0", "--aws-port", "0", "--operators-port", "0")
		eventually(t, "the catalog is published", func() bool {
			got := person{t: t, base: local.portal}.do(http.MethodGet, "/api/v1/catalog", "").want(http.StatusOK)
			return len(decode[items[struct{ ID string }]](got).Items) > 0
		})
		local.terminate()
		local.waitForExit()
	}
}
