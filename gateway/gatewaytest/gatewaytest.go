// Package gatewaytest gives tests a local AWS and a wire to API Gateway that can tamper with
// calls.
package gatewaytest

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Records is the name of the records table.
const Records = "records"

// World is a local AWS with the records table.
type World struct {
	AWS    *localaws.Server
	Config aws.Config
	DB     *dynamodb.Client
	API    *apigateway.Client // not over the wire, outside any budget
	Wire   *Wire
}

// New starts the local AWS and creates the table.
func New(t *testing.T) *World {
	t.Helper()
	server := localawstest.Start(t)
	cfg := server.AWSConfig()
	// Each request has a new connection to an address that needs no look-up, so that a bubble of
	// synctest waits for nothing outside between requests.
	var dialer net.Dialer
	cfg.HTTPClient = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, strings.Replace(addr, "localhost", "127.0.0.1", 1))
		},
	}}
	w := &World{AWS: server, Config: cfg, DB: dynamodb.NewFromConfig(cfg), API: apigateway.NewFromConfig(cfg), Wire: &Wire{next: cfg.HTTPClient}}
	attributes, primaryKey := schema.PrimaryKey()
	_, err := w.DB.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(Records), BillingMode: ddbtypes.BillingModePayPerRequest,
		AttributeDefinitions: attributes, KeySchema: primaryKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Tampered configures clients whose calls go over the wire.
func (w *World) Tampered() aws.Config {
	tampered := w.Config
	tampered.HTTPClient = w.Wire
	return tampered
}

// Pass lets a call through.
type Pass = func() (*http.Response, error)

// Wire is between the client and API Gateway.
type Wire struct {
	next aws.HTTPClient
	// PageSize replaces the page size of 500 unless it is 0.
	PageSize int
	// Refusal answers the calls that Refuse names; nil answers with a BadRequestException.
	Refusal func(Pass) (*http.Response, error)

	mu      sync.Mutex
	calls   []string
	refused map[string]string
	on      func(operation string, pass Pass) (*http.Response, error)
}

// Do makes one call.
func (f *Wire) Do(r *http.Request) (*http.Response, error) {
	op := operationOf(r)
	if query := r.URL.Query(); f.PageSize != 0 && query.Has("limit") {
		query.Set("limit", strconv.Itoa(f.PageSize))
		r.URL.RawQuery = query.Encode()
	}
	f.mu.Lock()
	f.calls = append(f.calls, op)
	on := f.on
	f.mu.Unlock()
	pass := func() (*http.Response, error) { return f.next.Do(r) }
	if f.refuses(op, r) {
		if f.Refusal != nil {
			return f.Refusal(pass)
		}
		return Answer(http.StatusBadRequest, "BadRequestException", "Invalid API Key")(pass)
	}
	if on == nil {
		return pass()
	}
	return on(op, pass)
}

// Tamper makes on answer every call; on may pass calls. nil ends that.
func (f *Wire) Tamper(on func(operation string, pass Pass) (*http.Response, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on = on
}

// Once makes do answer the first call of an operation.
func (f *Wire) Once(operation string, do func(pass Pass) (*http.Response, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var first sync.Once
	f.on = func(op string, pass Pass) (resp *http.Response, err error) {
		tampered := false
		if op == operation {
			first.Do(func() { tampered = true })
		}
		if tampered {
			return do(pass)
		}
		return pass()
	}
}

// Made lists the operations called so far.
func (f *Wire) Made() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
}

// Count counts the calls of an operation so far.
func (f *Wire) Count(operation string) int {
	n := 0
	for _, call := range f.Made() {
		if call == operation {
			n++
		}
	}
	return n
}

func operationOf(r *http.Request) string {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	collection := len(parts)%2 == 1
	kind := parts[0]
	if len(parts) > 2 {
		kind += "/" + parts[2]
	}
	names := map[string]string{
		"POST apikeys": "CreateApiKey", "PATCH one apikeys": "UpdateApiKey", "GET apikeys": "GetApiKeys", "GET one apikeys": "GetApiKey", "DELETE one apikeys": "DeleteApiKey",
		"GET usageplans": "GetUsagePlans", "GET one usageplans": "GetUsagePlan",
		"POST usageplans/keys": "CreateUsagePlanKey", "GET one usageplans/keys": "GetUsagePlanKey", "GET usageplans/keys": "GetUsagePlanKeys", "DELETE one usageplans/keys": "DeleteUsagePlanKey",
		"GET usageplans/usage": "GetUsage",
		"GET restapis":         "GetRestApis", "GET restapis/stages": "GetStages",
	}
	if r.URL.Query().Get("mode") == "import" {
		return "ImportApiKeys"
	}
	what := r.Method + " " + kind
	if !collection {
		what = r.Method + " one " + kind
	}
	if name, ok := names[what]; ok {
		return name
	}
	return what
}

// Answer answers with an error of AWS without carrying out the call.
func Answer(status int, exception, message string) func(Pass) (*http.Response, error) {
	return func(Pass) (*http.Response, error) {
		return &http.Response{
			StatusCode: status,
			Header:     http.Header{"Content-Type": {"application/json"}, "X-Amzn-Errortype": {exception}},
			Body:       io.NopCloser(strings.NewReader(`{"message":"` + message + `"}`)),
		}, nil
	}
}

// Lost carries out the call and drops its answer.
func Lost(pass Pass) (*http.Response, error) {
	resp, err := pass()
	if err != nil {
		return nil, err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return nil, io.ErrUnexpectedEOF
}

// Plan creates a usage plan over stages, given as api, stage, api, stage and so on.
func (w *World) Plan(t *testing.T, name string, stages ...string) portal.PlanID {
	t.Helper()
	in := &apigateway.CreateUsagePlanInput{Name: aws.String(name)}
	for i := 0; i < len(stages); i += 2 {
		in.ApiStages = append(in.ApiStages, types.ApiStage{ApiId: aws.String(stages[i]), Stage: aws.String(stages[i+1])})
	}
	out, err := w.API.CreateUsagePlan(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return portal.PlanID(aws.ToString(out.Id))
}

// RestAPI creates an API with one method and the stages.
func (w *World) RestAPI(t *testing.T, name string, stages ...string) string {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	api, err := w.API.CreateRestApi(ctx, &apigateway.CreateRestApiInput{Name: aws.String(name), Description: aws.String("About " + name), Version: aws.String("1")})
	must(err)
	_, err = w.API.PutMethod(ctx, &apigateway.PutMethodInput{
		RestApiId: api.Id, ResourceId: api.RootResourceId, HttpMethod: aws.String("GET"), AuthorizationType: aws.String("NONE"), ApiKeyRequired: true,
	})
	must(err)
	_, err = w.API.PutIntegration(ctx, &apigateway.PutIntegrationInput{
		RestApiId: api.Id, ResourceId: api.RootResourceId, HttpMethod: aws.String("GET"), Type: types.IntegrationTypeMock,
		RequestTemplates: map[string]string{"application/json": `{"statusCode": 200}`},
	})
	must(err)
	for _, stage := range stages {
		_, err = w.API.CreateDeployment(ctx, &apigateway.CreateDeploymentInput{RestApiId: api.Id, StageName: aws.String(stage)})
		must(err)
	}
	return aws.ToString(api.Id)
}

// Keys are the keys in API Gateway, by id.
func (w *World) Keys(t *testing.T) map[portal.GatewayKeyID]types.ApiKey {
	t.Helper()
	out, err := w.API.GetApiKeys(t.Context(), &apigateway.GetApiKeysInput{IncludeValues: aws.Bool(true), Limit: aws.Int32(500)})
	if err != nil {
		t.Fatal(err)
	}
	keys := map[portal.GatewayKeyID]types.ApiKey{}
	for _, item := range out.Items {
		keys[portal.GatewayKeyID(aws.ToString(item.Id))] = item
	}
	return keys
}

// Key creates an enabled key.
func (w *World) Key(t *testing.T, name string) portal.GatewayKeyID {
	t.Helper()
	out, err := w.API.CreateApiKey(t.Context(), &apigateway.CreateApiKeyInput{Name: aws.String(name), Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	return portal.GatewayKeyID(aws.ToString(out.Id))
}

// Refuse refuses every call of an operation whose body holds the text.
func (f *Wire) Refuse(operation, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused = map[string]string{operation: text}
}

func (f *Wire) refuses(op string, r *http.Request) bool {
	f.mu.Lock()
	text, ok := f.refused[op]
	f.mu.Unlock()
	if !ok || r.GetBody == nil && r.Body == nil {
		return false
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	return err == nil && strings.Contains(string(body), text)
}
