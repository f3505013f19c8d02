package gateway

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const records = "records"

// world is a local AWS with the records table, and a control plane whose calls may
// be tampered with on the wire.
type world struct {
	aws  *localaws.Server
	cfg  aws.Config
	db   *dynamodb.Client
	api  *apigateway.Client // not tampered with, outside the budget
	wire *tampering
}

func newWorld(t *testing.T) *world {
	t.Helper()
	server := localaws.Start(t)
	cfg := server.AWSConfig()
	// Connections of their own for each request, to an address that needs no look-up,
	// so that a bubble of synctest has nothing outside to wait for between requests.
	var dialer net.Dialer
	cfg.HTTPClient = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, strings.Replace(addr, "localhost", "127.0.0.1", 1))
		},
	}}
	w := &world{aws: server, cfg: cfg, db: dynamodb.NewFromConfig(cfg), api: apigateway.NewFromConfig(cfg), wire: &tampering{next: cfg.HTTPClient}}
	_, err := w.db.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(records), BillingMode: ddbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []ddbtypes.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: ddbtypes.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: ddbtypes.ScalarAttributeTypeS},
		},
		KeySchema: []ddbtypes.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: ddbtypes.KeyTypeHash},
			{AttributeName: aws.String("sk"), KeyType: ddbtypes.KeyTypeRange},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// process is one process's budget: all of a world share one table.
func (w *world) process(t *testing.T, share float64) *Budget {
	t.Helper()
	b, err := NewBudget(w.db, BudgetConfig{Table: records, Share: share})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (w *world) controlPlane(t *testing.T, b *Budget, cfg Config) *ControlPlane {
	t.Helper()
	tampered := w.cfg
	tampered.HTTPClient = w.wire
	return New(Client(tampered), b, cfg)
}

// session is an interactive one with the whole of AWS's quotas.
func (w *world) session(t *testing.T) *Session {
	t.Helper()
	return w.controlPlane(t, w.process(t, 1), Config{}).Session(Interactive, nil)
}

// tampering stands on the wire between the client and API Gateway.
type tampering struct {
	next aws.HTTPClient
	// pageSize, if it is not 0, is asked for instead of 500.
	pageSize int

	mu      sync.Mutex
	calls   []string
	refused map[string]string
	// refusal is how what is refused is answered; nil is a BadRequestException.
	refusal func(func() (*http.Response, error)) (*http.Response, error)
	on      func(operation string, pass func() (*http.Response, error)) (*http.Response, error)
}

func (f *tampering) Do(r *http.Request) (*http.Response, error) {
	op := operationOf(r)
	if query := r.URL.Query(); f.pageSize != 0 && query.Has("limit") {
		query.Set("limit", strconv.Itoa(f.pageSize))
		r.URL.RawQuery = query.Encode()
	}
	f.mu.Lock()
	f.calls = append(f.calls, op)
	on := f.on
	f.mu.Unlock()
	pass := func() (*http.Response, error) { return f.next.Do(r) }
	if f.refuses(op, r) {
		if f.refusal != nil {
			return f.refusal(pass)
		}
		return answer(http.StatusBadRequest, "BadRequestException", "Invalid API Key")(pass)
	}
	if on == nil {
		return pass()
	}
	return on(op, pass)
}

// once tampers with the first call of an operation.
func (f *tampering) once(operation string, do func(pass func() (*http.Response, error)) (*http.Response, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var first sync.Once
	f.on = func(op string, pass func() (*http.Response, error)) (resp *http.Response, err error) {
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

func (f *tampering) made() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
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
		"GET restapis": "GetRestApis", "GET restapis/stages": "GetStages",
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

// answer is what AWS says instead of doing it.
func answer(status int, exception, message string) func(func() (*http.Response, error)) (*http.Response, error) {
	return func(func() (*http.Response, error)) (*http.Response, error) {
		return &http.Response{
			StatusCode: status,
			Header:     http.Header{"Content-Type": {"application/json"}, "X-Amzn-Errortype": {exception}},
			Body:       io.NopCloser(strings.NewReader(`{"message":"` + message + `"}`)),
		}, nil
	}
}

// lost lets the call take effect and drops its answer.
func lost(pass func() (*http.Response, error)) (*http.Response, error) {
	resp, err := pass()
	if err != nil {
		return nil, err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return nil, io.ErrUnexpectedEOF
}

// plan makes a usage plan over stages, given as api, stage, api, stage …
func (w *world) plan(t *testing.T, name string, stages ...string) portal.PlanID {
	t.Helper()
	in := &apigateway.CreateUsagePlanInput{Name: aws.String(name)}
	for i := 0; i < len(stages); i += 2 {
		in.ApiStages = append(in.ApiStages, types.ApiStage{ApiId: aws.String(stages[i]), Stage: aws.String(stages[i+1])})
	}
	out, err := w.api.CreateUsagePlan(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return portal.PlanID(aws.ToString(out.Id))
}

// restAPI makes an API with one method and the stages.
func (w *world) restAPI(t *testing.T, name string, stages ...string) string {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	api, err := w.api.CreateRestApi(ctx, &apigateway.CreateRestApiInput{Name: aws.String(name), Description: aws.String("About " + name), Version: aws.String("1")})
	must(err)
	_, err = w.api.PutMethod(ctx, &apigateway.PutMethodInput{
		RestApiId: api.Id, ResourceId: api.RootResourceId, HttpMethod: aws.String("GET"), AuthorizationType: aws.String("NONE"), ApiKeyRequired: true,
	})
	must(err)
	_, err = w.api.PutIntegration(ctx, &apigateway.PutIntegrationInput{
		RestApiId: api.Id, ResourceId: api.RootResourceId, HttpMethod: aws.String("GET"), Type: types.IntegrationTypeMock,
		RequestTemplates: map[string]string{"application/json": `{"statusCode": 200}`},
	})
	must(err)
	for _, stage := range stages {
		_, err = w.api.CreateDeployment(ctx, &apigateway.CreateDeploymentInput{RestApiId: api.Id, StageName: aws.String(stage)})
		must(err)
	}
	return aws.ToString(api.Id)
}

// theKeys is what API Gateway holds, by id.
func (w *world) theKeys(t *testing.T) map[portal.GatewayKeyID]types.ApiKey {
	t.Helper()
	out, err := w.api.GetApiKeys(t.Context(), &apigateway.GetApiKeysInput{IncludeValues: aws.Bool(true), Limit: aws.Int32(500)})
	if err != nil {
		t.Fatal(err)
	}
	keys := map[portal.GatewayKeyID]types.ApiKey{}
	for _, item := range out.Items {
		keys[portal.GatewayKeyID(aws.ToString(item.Id))] = item
	}
	return keys
}

func (w *world) key(t *testing.T, name string) portal.GatewayKeyID {
	t.Helper()
	out, err := w.api.CreateApiKey(t.Context(), &apigateway.CreateApiKeyInput{Name: aws.String(name), Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	return portal.GatewayKeyID(aws.ToString(out.Id))
}

// soon is a message lease that runs out after d.
func soon(d time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(d) } }
