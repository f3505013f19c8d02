package apigateway_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

// echo is a backend that returns the request it got.
type echo struct {
	Method, Path, Query, Body string
	Header                    http.Header
}

func echoBackend(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Backend", "echo")
		w.Header().Set("Server", "echo/1")
		w.WriteHeader(http.StatusTeapot)
		_ = json.NewEncoder(w).Encode(echo{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, string(body), r.Header})
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// result is a response of the data plane.
type result struct {
	Status    int
	ErrorType string
	Body      string
	Header    http.Header
}

func call(t *testing.T, method, url, key string, body string) result {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("x-api-key", key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return result{resp.StatusCode, resp.Header.Get("x-amzn-ErrorType"), string(text), resp.Header}
}

func stageURL(srv *localaws.Server, api string) string {
	return srv.Endpoint() + "/restapis/" + api + "/v1/_user_request_"
}

func wantRefusal(t *testing.T, got result, status int, errorType, message string) {
	t.Helper()
	want := result{Status: status, ErrorType: errorType, Body: `{"message":"` + message + `"}`}
	got.Header = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestACallReachesTheBackendUnchanged(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	api := deployedAPI(t, client, echoBackend(t)+"/base")
	plan, key := planFor(t, client, sdk.CreateUsagePlanInput{}, v1(api)), newKey(t, client, "k")
	if err := attach(client, plan, *key.Id); err != nil {
		t.Fatal(err)
	}
	got := call(t, "POST", stageURL(srv, api)+"/a%2Fb/c?x=1&x=2", *key.Value, "hello")
	if got.Status != http.StatusTeapot || got.Header.Get("X-Backend") != "echo" || got.Header.Get("X-Amzn-Remapped-Server") != "echo/1" {
		t.Fatalf("got %+v", got)
	}
	var asked echo
	if err := json.Unmarshal([]byte(got.Body), &asked); err != nil {
		t.Fatal(err)
	}
	if asked.Header.Get("X-Api-Key") != *key.Value || asked.Header.Get("X-Amzn-Apigateway-Api-Id") != api {
		t.Errorf("the backend saw %v", asked.Header)
	}
	asked.Header = nil
	if diff := cmp.Diff(echo{Method: "POST", Path: "/base/a%2Fb/c", Query: "x=1&x=2", Body: "hello"}, asked); diff != "" {
		t.Error(diff)
	}
}

func TestACallNeedsAKeyInAPlanWithTheStage(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	api := deployedAPI(t, client, echoBackend(t))
	plan, without := planFor(t, client, sdk.CreateUsagePlanInput{}, v1(api)), planFor(t, client, sdk.CreateUsagePlanInput{})
	url := stageURL(srv, api) + "/x"
	key := newKey(t, client, "k")
	forbidden := func(value string) {
		t.Helper()
		wantRefusal(t, call(t, "GET", url, value, ""), 403, "ForbiddenException", "Forbidden")
	}
	forbidden("")
	forbidden("unknown")
	forbidden(*key.Value)
	if err := attach(client, without, *key.Id); err != nil {
		t.Fatal(err)
	}
	forbidden(*key.Value)
	if err := attach(client, plan, *key.Id); err != nil {
		t.Fatal(err)
	}
	if got := call(t, "GET", url, *key.Value, ""); got.Status != http.StatusTeapot {
		t.Errorf("an attached key gets %+v", got)
	}
	must[*sdk.UpdateApiKeyOutput](t)(client.UpdateApiKey(t.Context(), &sdk.UpdateApiKeyInput{
		ApiKey: key.Id, PatchOperations: []types.PatchOperation{replace("/enabled", "false")},
	}))
	forbidden(*key.Value)
}

func TestCallsToUnknownAddressesAreRefused(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	api := deployedAPI(t, client, echoBackend(t))
	base := srv.Endpoint() + "/restapis/"
	wantRefusal(t, call(t, "GET", base+"nosuch/v1/_user_request_/x", "", ""), 403, "ForbiddenException", "Forbidden")
	wantRefusal(t, call(t, "GET", base+api+"/v2/_user_request_/x", "", ""), 403, "ForbiddenException", "Forbidden")
	wantRefusal(t, call(t, "GET", base+api+"/v1/_user_request_/", "", ""), 403, "MissingAuthenticationTokenException", "Missing Authentication Token")
	wantRefusal(t, call(t, "TRACE", base+api+"/v1/_user_request_/x", "", ""), 403, "MissingAuthenticationTokenException", "Missing Authentication Token")
}

func TestAStageServesItsDeploymentUntilTheNextOne(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	api := deployedAPI(t, client, "http://localhost:1")
	resources := must[*sdk.GetResourcesOutput](t)(client.GetResources(t.Context(), &sdk.GetResourcesInput{RestApiId: &api}))
	for _, res := range resources.Items {
		if *res.Path == "/" {
			mockMethod(t, client, api, *res.Id, "GET")
		}
	}
	url := stageURL(srv, api)
	wantRefusal(t, call(t, "GET", url, "", ""), 403, "MissingAuthenticationTokenException", "Missing Authentication Token")
	must[*sdk.CreateDeploymentOutput](t)(client.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{RestApiId: &api, StageName: aws.String("v1")}))
	if got := call(t, "GET", url, "", ""); got.Status != 201 || got.Body != "made up" || got.Header.Get("X-Made") != "up" {
		t.Errorf("got %+v", got)
	}
}

// mockMethod creates a method that answers 201 without a backend or a key.
func mockMethod(t *testing.T, client *sdk.Client, api, res, verb string) {
	t.Helper()
	must[*sdk.PutMethodOutput](t)(client.PutMethod(t.Context(), &sdk.PutMethodInput{
		RestApiId: &api, ResourceId: &res, HttpMethod: &verb, AuthorizationType: aws.String("NONE"),
	}))
	must[*sdk.PutMethodResponseOutput](t)(client.PutMethodResponse(t.Context(), &sdk.PutMethodResponseInput{
		RestApiId: &api, ResourceId: &res, HttpMethod: &verb, StatusCode: aws.String("201"),
		ResponseParameters: map[string]bool{"method.response.header.X-Made": false},
	}))
	must[*sdk.PutIntegrationOutput](t)(client.PutIntegration(t.Context(), &sdk.PutIntegrationInput{
		RestApiId: &api, ResourceId: &res, HttpMethod: &verb, Type: types.IntegrationTypeMock,
		RequestTemplates: map[string]string{"application/json": `{"statusCode": 200}`},
	}))
	must[*sdk.PutIntegrationResponseOutput](t)(client.PutIntegrationResponse(t.Context(), &sdk.PutIntegrationResponseInput{
		RestApiId: &api, ResourceId: &res, HttpMethod: &verb, StatusCode: aws.String("201"),
		ResponseParameters: map[string]string{"method.response.header.X-Made": "'up'"},
		ResponseTemplates:  map[string]string{"application/json": "made up"},
	}))
}

func TestOnlyBackendsOnThisMachineAreCalled(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	far := deployedAPI(t, client, "https://api.example.invalid")
	deaf := deployedAPI(t, client, "http://localhost:1")
	key := newKey(t, client, "k")
	if err := attach(client, planFor(t, client, sdk.CreateUsagePlanInput{}, v1(far), v1(deaf)), *key.Id); err != nil {
		t.Fatal(err)
	}
	got := call(t, "GET", stageURL(srv, far)+"/x", *key.Value, "")
	if got.Status != http.StatusBadGateway || !strings.Contains(got.Body, "api.example.invalid is not on this machine") {
		t.Errorf("got %+v", got)
	}
	wantRefusal(t, call(t, "GET", stageURL(srv, deaf)+"/x", *key.Value, ""), 504, "InternalServerErrorException", "Network error communicating with endpoint")
}

func TestABackendThatIsTooSlowTimesOut(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	over := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	t.Cleanup(slow.Close)
	t.Cleanup(func() { close(over) })
	api := must[*sdk.CreateRestApiOutput](t)(client.CreateRestApi(t.Context(), &sdk.CreateRestApiInput{Name: aws.String("slow")}))
	must[*sdk.PutMethodOutput](t)(client.PutMethod(t.Context(), &sdk.PutMethodInput{
		RestApiId: api.Id, ResourceId: api.RootResourceId, HttpMethod: aws.String("GET"), AuthorizationType: aws.String("NONE"),
	}))
	must[*sdk.PutIntegrationOutput](t)(client.PutIntegration(t.Context(), &sdk.PutIntegrationInput{
		RestApiId: api.Id, ResourceId: api.RootResourceId, HttpMethod: aws.String("GET"), IntegrationHttpMethod: aws.String("GET"),
		Type: types.IntegrationTypeHttpProxy, Uri: &slow.URL, TimeoutInMillis: aws.Int32(50),
	}))
	must[*sdk.CreateDeploymentOutput](t)(client.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{RestApiId: api.Id, StageName: aws.String("v1")}))
	wantRefusal(t, call(t, "GET", stageURL(srv, *api.Id), "", ""), 504, "InternalServerErrorException", "Endpoint request timed out")
}

func TestAPlanThrottlesEachOfItsKeys(t *testing.T) {
	t.Parallel()
	now := newClock()
	srv, client := start(t, now.install)
	api := deployedAPI(t, client, echoBackend(t))
	plan := planFor(t, client, sdk.CreateUsagePlanInput{Throttle: &types.ThrottleSettings{RateLimit: 1, BurstLimit: 2}}, v1(api))
	key, other := newKey(t, client, "k"), newKey(t, client, "other")
	for _, k := range []*sdk.CreateApiKeyOutput{key, other} {
		if err := attach(client, plan, *k.Id); err != nil {
			t.Fatal(err)
		}
	}
	url := stageURL(srv, api) + "/x"
	passes := func(k *sdk.CreateApiKeyOutput) {
		t.Helper()
		if got := call(t, "GET", url, *k.Value, ""); got.Status != http.StatusTeapot {
			t.Errorf("got %+v", got)
		}
	}
	throttled := func(k *sdk.CreateApiKeyOutput) {
		t.Helper()
		wantRefusal(t, call(t, "GET", url, *k.Value, ""), 429, "TooManyRequestsException", "Too Many Requests")
	}
	passes(key)
	passes(key)
	throttled(key)
	passes(other)
	now.set(now.Now().Add(time.Second))
	passes(key)
	throttled(key)
}

func TestAQuotaHoldsForItsPeriodAndSurvivesARestart(t *testing.T) {
	t.Parallel()
	wednesday := time.Date(2026, 11, 18, 10, 0, 0, 0, time.UTC)
	tests := []struct {
		period       types.QuotaPeriodType
		within, next time.Time
	}{
		{types.QuotaPeriodTypeDay, wednesday.Add(13 * time.Hour), time.Date(2026, 11, 19, 0, 0, 0, 0, time.UTC)},
		{types.QuotaPeriodTypeWeek, time.Date(2026, 11, 21, 23, 0, 0, 0, time.UTC), time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)},
		{types.QuotaPeriodTypeMonth, time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)},
	}
	for _, tt := range tests {
		t.Run(string(tt.period), func(t *testing.T) {
			t.Parallel()
			now, dir := newClock(), t.TempDir()
			now.set(wednesday)
			inDir := func(o *localaws.Options) { o.Dir = dir }
			srv, err := localaws.Open(localaws.Options{Dir: dir, Addr: "127.0.0.1:0", NoSync: true, Now: now.Now})
			if err != nil {
				t.Fatal(err)
			}
			client := sdk.NewFromConfig(srv.AWSConfig())
			api := deployedAPI(t, client, echoBackend(t))
			// The offset takes one of the three calls in the period in which the key joins.
			plan := planFor(t, client, sdk.CreateUsagePlanInput{Quota: &types.QuotaSettings{Limit: 3, Offset: 1, Period: tt.period}}, v1(api))
			key := newKey(t, client, "k")
			if err := attach(client, plan, *key.Id); err != nil {
				t.Fatal(err)
			}
			want := func(url string, statuses ...int) {
				t.Helper()
				for i, status := range statuses {
					if got := call(t, "GET", url, *key.Value, ""); got.Status != status {
						t.Errorf("call %d: got %d, want %d", i+1, got.Status, status)
					}
				}
			}
			want(stageURL(srv, api)+"/x", 418)
			if err := srv.Close(); err != nil {
				t.Fatal(err)
			}

			srv, _ = start(t, now.install, inDir)
			url := stageURL(srv, api) + "/x"
			now.set(tt.within)
			want(url, 418, 429)
			wantRefusal(t, call(t, "GET", url, *key.Value, ""), 429, "LimitExceededException", "Limit Exceeded")
			now.set(tt.next)
			want(url, 418, 418, 418, 429)
		})
	}
}
