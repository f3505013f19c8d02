package apigateway_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"
)

// integrated deploys an API with a keyless GET /{id} to the stage "v1". The stage variable
// "host" is the backend's address.
func integrated(t *testing.T, client *sdk.Client, host string, in sdk.PutIntegrationInput, responses ...sdk.PutIntegrationResponseInput) string {
	t.Helper()
	api := must[*sdk.CreateRestApiOutput](t)(client.CreateRestApi(t.Context(), &sdk.CreateRestApiInput{Name: aws.String("n")}))
	res := must[*sdk.CreateResourceOutput](t)(client.CreateResource(t.Context(), &sdk.CreateResourceInput{
		RestApiId: api.Id, ParentId: api.RootResourceId, PathPart: aws.String("{id}"),
	}))
	get := aws.String("GET")
	must[*sdk.PutMethodOutput](t)(client.PutMethod(t.Context(), &sdk.PutMethodInput{
		RestApiId: api.Id, ResourceId: res.Id, HttpMethod: get, AuthorizationType: aws.String("NONE"),
		RequestParameters: map[string]bool{
			"method.request.path.id": true, "method.request.querystring.q": false, "method.request.header.X-From": false,
		},
	}))
	in.RestApiId, in.ResourceId, in.HttpMethod = api.Id, res.Id, get
	must[*sdk.PutIntegrationOutput](t)(client.PutIntegration(t.Context(), &in))
	for _, r := range responses {
		must[*sdk.PutMethodResponseOutput](t)(client.PutMethodResponse(t.Context(), &sdk.PutMethodResponseInput{
			RestApiId: api.Id, ResourceId: res.Id, HttpMethod: get, StatusCode: r.StatusCode,
			ResponseParameters: map[string]bool{"method.response.header.X-Answered": false},
		}))
		r.RestApiId, r.ResourceId, r.HttpMethod = api.Id, res.Id, get
		must[*sdk.PutIntegrationResponseOutput](t)(client.PutIntegrationResponse(t.Context(), &r))
	}
	must[*sdk.CreateDeploymentOutput](t)(client.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{
		RestApiId: api.Id, StageName: aws.String("v1"), Variables: map[string]string{"host": host},
	}))
	return *api.Id
}

func TestRequestParametersAreMapped(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	host := echoBackend(t)[len("http://"):]
	api := integrated(t, client, host, sdk.PutIntegrationInput{
		Type: types.IntegrationTypeHttpProxy, IntegrationHttpMethod: aws.String("PUT"),
		Uri: aws.String("http://${stageVariables.host}/things/{thing}?fixed=1"),
		RequestParameters: map[string]string{
			"integration.request.path.thing":        "method.request.path.id",
			"integration.request.querystring.query": "method.request.querystring.q",
			"integration.request.querystring.none":  "method.request.header.X-From",
			"integration.request.header.X-Quoted":   "'as it is'",
		},
	})
	got := call(t, "GET", stageURL(srv, api)+"/a%2Fb?q=x%26y", "", "")
	var asked echo
	if err := json.Unmarshal([]byte(got.Body), &asked); err != nil {
		t.Fatal(err)
	}
	if v := asked.Header.Get("X-Quoted"); v != "as it is" {
		t.Errorf("the quoted header is %q", v)
	}
	asked.Header = nil
	want := echo{Method: "PUT", Path: "/things/a%2Fb", Query: "fixed=1&q=x%26y&query=x%26y"}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
}

func TestAnUnmappedPathParameterIsNotFilledIn(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	api := integrated(t, client, "unused", sdk.PutIntegrationInput{
		Type: types.IntegrationTypeHttpProxy, IntegrationHttpMethod: aws.String("GET"), Uri: aws.String("http://localhost:1/{id}"),
	})
	wantRefusal(t, call(t, "GET", stageURL(srv, api)+"/a", "", ""), 500, "InternalServerErrorException", "Internal server error")
}

func TestAnHTTPIntegrationUsesItsResponses(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	// The backend always answers 418.
	in := sdk.PutIntegrationInput{Type: types.IntegrationTypeHttp, IntegrationHttpMethod: aws.String("GET"), Uri: aws.String(echoBackend(t))}
	matched := integrated(t, client, "unused", in,
		sdk.PutIntegrationResponseInput{StatusCode: aws.String("200")},
		sdk.PutIntegrationResponseInput{
			StatusCode: aws.String("422"), SelectionPattern: aws.String(`4\d\d`),
			ResponseParameters: map[string]string{"method.response.header.X-Answered": "integration.response.header.X-Backend"},
			ResponseTemplates:  map[string]string{"application/json": `{"sorry": true}`},
		},
	)
	got := call(t, "GET", stageURL(srv, matched)+"/a", "", "")
	if got.Status != 422 || got.Body != `{"sorry": true}` || got.Header.Get("X-Answered") != "echo" || got.Header.Get("X-Backend") != "" {
		t.Errorf("got %+v", got)
	}
	byDefault := integrated(t, client, "unused", in, sdk.PutIntegrationResponseInput{StatusCode: aws.String("200")})
	if got := call(t, "GET", stageURL(srv, byDefault)+"/a", "", ""); got.Status != 200 || got.Body == "" {
		t.Errorf("got %+v", got)
	}
	unmatched := integrated(t, client, "unused", in)
	wantRefusal(t, call(t, "GET", stageURL(srv, unmatched)+"/a", "", ""), 500, "InternalServerErrorException", "Internal server error")
}

func TestAResponseStatusThatTheMethodDoesNotDeclareIsAnError(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	api := must[*sdk.CreateRestApiOutput](t)(client.CreateRestApi(t.Context(), &sdk.CreateRestApiInput{Name: aws.String("n")}))
	deploy := &sdk.CreateDeploymentInput{RestApiId: api.Id, StageName: aws.String("v1")}
	mockMethod(t, client, *api.Id, *api.RootResourceId, "GET")
	must[*sdk.CreateDeploymentOutput](t)(client.CreateDeployment(t.Context(), deploy))
	if got := call(t, "GET", stageURL(srv, *api.Id), "", ""); got.Status != 201 {
		t.Fatalf("got %+v", got)
	}
	must[*sdk.DeleteMethodResponseOutput](t)(client.DeleteMethodResponse(t.Context(), &sdk.DeleteMethodResponseInput{
		RestApiId: api.Id, ResourceId: api.RootResourceId, HttpMethod: aws.String("GET"), StatusCode: aws.String("201"),
	}))
	must[*sdk.CreateDeploymentOutput](t)(client.CreateDeployment(t.Context(), deploy))
	wantRefusal(t, call(t, "GET", stageURL(srv, *api.Id), "", ""), 500, "InternalServerErrorException", "Internal server error")
}
