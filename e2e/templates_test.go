// This file runs the portal from the CloudFormation templates.

package e2e

import (
	"context"
	"crypto/tls"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
	"github.com/gatehouse-portal/gatehouse/deploy/template"
	"github.com/gatehouse-portal/gatehouse/local"
	"github.com/gatehouse-portal/gatehouse/localaws"
)

const portalHost = "portal.example.com"

// stacks are the stacks of one portal, as docs/deploy.md creates them.
type stacks struct {
	data, identity        deploytest.Stack
	containers, functions *template.Resolved
}

func createStacks(t *testing.T, c cloud, more map[string]string) stacks {
	t.Helper()
	cfg := c.AWSConfig()
	cfg.Region = localaws.Region
	s := stacks{
		data:     deploytest.Create(t, cfg, "data", template.Stack{Name: "Acme-portal"}),
		identity: deploytest.Create(t, cfg, "identity", template.Stack{Name: "acme-identity", Parameters: map[string]string{"DomainName": portalHost}}),
	}
	given := map[string]string{
		"PortalPolicyArns": "arn:aws:iam::000000000000:policy/portal", "WorkerPolicyArns": "arn:aws:iam::000000000000:policy/worker",
		"Image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/gatehouse:test", "DomainName": portalHost,
		"CertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/1", "VpcId": "vpc-1", "SubnetIds": "subnet-1,subnet-2",
		"CodeBucket": "programs", "CodeKey": "lambda.zip",
	}
	for _, outputs := range []map[string]string{s.data.Outputs, s.identity.Outputs, more} {
		maps.Copy(given, outputs)
	}
	resolve := func(name string) *template.Resolved {
		parameters := maps.Clone(given)
		maps.DeleteFunc(parameters, func(parameter, _ string) bool {
			_, ok := deploytest.Read(t, name).Parameters[parameter]
			return !ok
		})
		return deploytest.Resolve(t, name, template.Stack{Name: "acme-" + name, Parameters: parameters})
	}
	s.containers, s.functions = resolve("containers"), resolve("lambda")
	return s
}

// environment is the environment of a container. Only the addresses of AWS are those of the local one,
// which has no host names of AWS.
func (s stacks) environment(t *testing.T, c cloud, task, container string) []string {
	t.Helper()
	here := addressesOf(c)
	env := credentialsFor(c)
	all, _ := deploytest.Properties(t, s.containers, task)["ContainerDefinitions"].([]any)
	for _, one := range all {
		definition, _ := one.(map[string]any)
		if definition["Name"] != container {
			continue
		}
		variables, _ := definition["Environment"].([]any)
		for _, v := range variables {
			variable, _ := v.(map[string]any)
			value, _ := variable["Value"].(string)
			name, _ := variable["Name"].(string)
			env = append(env, name+"="+here.Replace(value))
		}
		return env
	}
	t.Fatalf("%s has no container %s", task, container)
	return nil
}

// functionEnvironment is the environment of a function, with what AWS Lambda adds.
func functionEnvironment(t *testing.T, c cloud, r *template.Resolved, function string) []string {
	t.Helper()
	env := append(credentialsFor(c), "AWS_REGION="+localaws.Region)
	given, _ := deploytest.Properties(t, r, function)["Environment"].(map[string]any)
	variables, _ := given["Variables"].(map[string]any)
	for name, value := range variables {
		text, _ := value.(string)
		env = append(env, name+"="+addressesOf(c).Replace(text))
	}
	return env
}

func credentialsFor(c cloud) []string {
	return []string{"AWS_ENDPOINT_URL=" + c.Endpoint(), "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local"}
}

func addressesOf(c cloud) *strings.Replacer {
	return strings.NewReplacer(
		"https://cognito-idp."+localaws.Region+".amazonaws.com/", c.Endpoint()+"/",
		"https://acme-identity-"+localaws.Account+".auth."+localaws.Region+".amazoncognito.com/", c.Endpoint()+"/",
	)
}

func TestThePortalRunsFromTheTemplates(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		parameters map[string]string
		workerTask string
	}{
		"portal and worker in tasks of their own": {nil, "WorkerTask"},
		"both in one task":                        {map[string]string{"Size": "small"}, "PortalTask"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := startCloud(t)
			made := createStacks(t, cloud, c.parameters)
			portalEnv, workerEnv := made.environment(t, cloud, "PortalTask", "portal"), made.environment(t, cloud, c.workerTask, "worker")
			runsFrom(t, cloud, portalEnv, workerEnv)
		})
	}
}

// runsFrom starts portal and worker with these environments, on tables and queues that exist, and has
// somebody sign up, subscribe and call an API.
func runsFrom(t *testing.T, cloud cloud, portalEnv, workerEnv []string, check ...func(portal, worker *process)) {
	t.Helper()
	code, stdout, stderr := runToEnd(t, workerEnv, "gatehouse", "setup")
	if code != 0 || strings.TrimSpace(stdout) != "done   KMS key material: remember the key" {
		t.Fatalf("set-up exits with %d: %s%s", code, stdout, stderr)
	}
	s := &site{aws: cloud.AWSConfig(), Portal: local.Portal{AWSURL: cloud.Endpoint()}}
	s.aws.Region = localaws.Region
	var err error
	if s.Demo.API, err = demo.Install(t.Context(), apigateway.NewFromConfig(s.aws), cloud.Endpoint()+"/demo-api"); err != nil {
		t.Fatal(err)
	}
	worker := startProcess(t, workerEnv, 1, "worker")
	portal := startProcess(t, portalEnv, 2, "api")
	s.PortalURL = portal.portal
	s.waitForCatalog(t)
	code, stdout, stderr = runToEnd(t, portalEnv, "gatehouse", "doctor")
	if code != 0 {
		t.Errorf("the doctor exits with %d: %s%s", code, stdout, stderr)
	}
	s.signsUpSubscribesAndCalls(t, cloud, balance(t, portal.portal))
	for _, more := range check {
		more(portal, worker)
	}
	portal.terminate()
	worker.terminate()
	portal.waitForExit()
	worker.waitForExit()
}

// balance stands for the load balancer: it ends TLS for the portal's host name. It returns how a browser
// gets there.
func balance(t *testing.T, portal string) http.RoundTripper {
	t.Helper()
	to, err := url.Parse(portal)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(to)
		p.Out.Host = p.In.Host
		p.SetXForwarded()
	}})
	t.Cleanup(server.Close)
	return &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the test's own certificate
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == portalHost+":443" {
				address = server.Listener.Addr().String()
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}
}

var mailedCode = regexp.MustCompile(`\b\d{6}\b`)

func (s *site) signsUpSubscribesAndCalls(t *testing.T, c cloud, browser http.RoundTripper) {
	t.Helper()
	codes := make(chan string, 10)
	c.Cognito().OnMail(func(_, _, body string) { codes <- mailedCode.FindString(body) })
	v := s.visitor(t)
	v.base, v.record.via = "https://"+portalHost, browser
	confirm := v.open("/").follow(`header a[href*="screen=sign-up"]`).
		submit("form", "username", "ada@example.com", "name", "Ada", "password", password)
	home := confirm.submit("form", "code", <-codes).submit("form", "username", "ada@example.com", "password", password)
	if home.at.Host != portalHost {
		t.Fatalf("signing up leads to %s: %s", home.at, home.heading())
	}
	eventually(t, "the account is open", func() bool { return !v.open("/dashboard").has("#unregistered") })
	plan := s.Demo.API.FreePlanID
	product := v.open("/apis").follow(`.card.product a`).follow(`.tabs a[href$="/plans"]`)
	done := product.submit(`form[action="/subscriptions/` + plan + `"]`).reloadUntilDone()
	if !done.has(".outcome.ok") {
		t.Fatalf("the operation ended: %s", done.text("#progress"))
	}
	value := v.open("/dashboard").submit(`form[action$="/reveal"]`).text("#key-value")
	if got := s.call(t, value); got != http.StatusOK {
		t.Errorf("with the key the API answers %d", got)
	}
}
