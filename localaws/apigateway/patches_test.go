package apigateway_test

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"
)

// petsByPath imports the pets and returns their resources by path.
func petsByPath(t *testing.T, client *sdk.Client, backend string) (api string, ids map[string]*string) {
	t.Helper()
	api, ids = importAPI(t, client, pets(t, backend)), map[string]*string{}
	for _, res := range must[*sdk.GetResourcesOutput](t)(client.GetResources(t.Context(), &sdk.GetResourcesInput{RestApiId: &api})).Items {
		ids[*res.Path] = res.Id
	}
	return api, ids
}

func TestAMethodIsPatched(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	api, ids := petsByPath(t, client, backend)
	update := func(ops ...types.PatchOperation) (*sdk.UpdateMethodOutput, error) {
		return client.UpdateMethod(t.Context(), &sdk.UpdateMethodInput{
			RestApiId: &api, ResourceId: ids["/pets"], HttpMethod: aws.String("GET"), PatchOperations: ops,
		})
	}
	out := must[*sdk.UpdateMethodOutput](t)(update(
		replace("/apiKeyRequired", "false"), replace("/operationName", "find"),
		patch(types.OpAdd, "/requestParameters/method.request.querystring.q", "true"),
		patch(types.OpRemove, "/requestParameters/method.request.header.X-Trace", ""),
		patch(types.OpAdd, "/requestModels/application~1json", "Pet"),
	))
	if *out.ApiKeyRequired || *out.OperationName != "find" {
		t.Errorf("got %+v", out)
	}
	if diff := cmp.Diff(map[string]bool{"method.request.querystring.q": true, "method.request.querystring.limit": false}, out.RequestParameters); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"application/json": "Pet"}, out.RequestModels); diff != "" {
		t.Error(diff)
	}
	for _, op := range []types.PatchOperation{
		replace("/apiKeyRequired", "perhaps"), replace("/httpMethod", "PUT"), replace("/requestModels/application~1json", "Nobody"),
		patch(types.OpAdd, "/requestParameters/nonsense", "true"), replace("/authorizationType", "SECRET"),
	} {
		_, err := update(op)
		refused(t, err, "BadRequestException", "")
	}
	_, err := update(replace("/authorizationType", "AWS_IAM"))
	refused(t, err, "NotImplementedException", "")
	_, err = update(replace("/authorizerId", "a"))
	refused(t, err, "NotImplementedException", "")
}

func TestMethodResponsesArePatched(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	api, ids := petsByPath(t, client, backend)
	_, err := client.UpdateMethodResponse(t.Context(), &sdk.UpdateMethodResponseInput{
		RestApiId: &api, ResourceId: ids["/pets"], HttpMethod: aws.String("POST"), StatusCode: aws.String("201"),
		PatchOperations: []types.PatchOperation{patch(types.OpAdd, "/responseParameters/method.response.header.X-Made", "false")},
	})
	if err != nil {
		t.Fatal(err)
	}
	out := must[*sdk.UpdateIntegrationResponseOutput](t)(client.UpdateIntegrationResponse(t.Context(), &sdk.UpdateIntegrationResponseInput{
		RestApiId: &api, ResourceId: ids["/pets"], HttpMethod: aws.String("POST"), StatusCode: aws.String("201"),
		PatchOperations: []types.PatchOperation{
			patch(types.OpAdd, "/responseParameters/method.response.header.X-Made", "'up'"),
			replace("/responseTemplates/application~1json", "changed"), replace("/selectionPattern", "2.."),
		},
	}))
	if *out.SelectionPattern != "2.." {
		t.Errorf("got %+v", out)
	}
	deployV1(t, client, api)
	if got := call(t, "POST", stageURL(srv, api)+"/pets", "", ""); got.Body != "changed" || got.Header.Get("X-Made") != "up" {
		t.Errorf("got %+v", got)
	}
	_, err = client.UpdateIntegrationResponse(t.Context(), &sdk.UpdateIntegrationResponseInput{
		RestApiId: &api, ResourceId: ids["/pets"], HttpMethod: aws.String("POST"), StatusCode: aws.String("201"),
		PatchOperations: []types.PatchOperation{patch(types.OpAdd, "/responseParameters/method.response.header.X-Undeclared", "'x'")},
	})
	refused(t, err, "BadRequestException", "")
}

func TestAnIntegrationIsPatched(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	api, ids := petsByPath(t, client, backend)
	update := func(ops ...types.PatchOperation) (*sdk.UpdateIntegrationOutput, error) {
		return client.UpdateIntegration(t.Context(), &sdk.UpdateIntegrationInput{
			RestApiId: &api, ResourceId: ids["/files/{path+}"], HttpMethod: aws.String("ANY"), PatchOperations: ops,
		})
	}
	out := must[*sdk.UpdateIntegrationOutput](t)(update(
		replace("/uri", echoBackend(t)+"/moved/{path}"), replace("/httpMethod", "PUT"), replace("/timeoutInMillis", "2000"),
		patch(types.OpAdd, "/requestParameters/integration.request.querystring.v", "'1'"), replace("/cacheNamespace", "n"),
		patch(types.OpAdd, "/cacheKeyParameters/method.request.path.path", ""),
	))
	if out.TimeoutInMillis != 2000 || *out.CacheNamespace != "n" || len(out.CacheKeyParameters) != 1 {
		t.Errorf("got %+v", out)
	}
	deployV1(t, client, api)
	got := call(t, "GET", stageURL(srv, api)+"/files/a", "", "")
	if asked := decode(t, []byte(got.Body)); asked["Method"] != "PUT" || asked["Path"] != "/moved/a" || asked["Query"] != "v=1" {
		t.Errorf("the backend was asked %s", got.Body)
	}
	for _, op := range []types.PatchOperation{
		replace("/uri", "nowhere"), replace("/timeoutInMillis", "49"), replace("/httpMethod", "FETCH"), replace("/type", "MOCK"),
		patch(types.OpAdd, "/requestParameters/integration.request.header.x", "method.request.header.undeclared"),
	} {
		_, err := update(op)
		refused(t, err, "BadRequestException", "")
	}
	_, err := update(replace("/credentials", "arn"))
	refused(t, err, "NotImplementedException", "")
}

func TestAResourceIsRenamedAndMovedWithEverythingBelow(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	api, ids := petsByPath(t, client, echoBackend(t))
	update := func(id *string, ops ...types.PatchOperation) (*sdk.UpdateResourceOutput, error) {
		return client.UpdateResource(t.Context(), &sdk.UpdateResourceInput{RestApiId: &api, ResourceId: id, PatchOperations: ops})
	}
	out := must[*sdk.UpdateResourceOutput](t)(update(ids["/files"], replace("/parentId", *ids["/pets"]), replace("/pathPart", "pictures")))
	if *out.Path != "/pets/pictures" || *out.ParentId != *ids["/pets"] {
		t.Errorf("got %+v", out)
	}
	deployV1(t, client, api)
	if got := call(t, "GET", stageURL(srv, api)+"/pets/pictures/a/b", "", ""); got.Status != http.StatusTeapot {
		t.Errorf("a resource below it gets %+v", got)
	}
	tests := []struct {
		id   *string
		op   types.PatchOperation
		code string
	}{
		{ids["/"], replace("/pathPart", "x"), "BadRequestException"},
		{ids["/pets"], replace("/pathPart", "a b"), "BadRequestException"},
		{ids["/pets"], replace("/parentId", *ids["/pets/{id}"]), "BadRequestException"},
		{ids["/pets"], replace("/parentId", "nosuch"), "NotFoundException"},
		{ids["/pets"], replace("/path", "/x"), "BadRequestException"},
		{ids["/pets/{id}"], replace("/pathPart", "pictures"), "ConflictException"},
	}
	for _, tt := range tests {
		_, err := update(tt.id, tt.op)
		refused(t, err, tt.code, "")
	}
}

func TestPatchingAKeysStagesAndLabelsIsRefused(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	key := newKey(t, client, "k")
	update := func(op types.PatchOperation) error {
		_, err := client.UpdateApiKey(t.Context(), &sdk.UpdateApiKeyInput{ApiKey: key.Id, PatchOperations: []types.PatchOperation{op}})
		return err
	}
	refused(t, update(patch(types.OpAdd, "/stages", "api/v1")), "NotImplementedException", "")
	refused(t, update(patch(types.OpRemove, "/labels", "l")), "NotImplementedException", "")
	refused(t, update(patch(types.OpAdd, "/enabled", "true")), "BadRequestException", "")
}

func TestTheAccountKeepsItsRole(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	must[*sdk.UpdateAccountOutput](t)(client.UpdateAccount(t.Context(), &sdk.UpdateAccountInput{
		PatchOperations: []types.PatchOperation{replace("/cloudwatchRoleArn", "arn:aws:iam::000000000000:role/logs")},
	}))
	out := must[*sdk.GetAccountOutput](t)(client.GetAccount(t.Context(), &sdk.GetAccountInput{}))
	if aws.ToString(out.CloudwatchRoleArn) != "arn:aws:iam::000000000000:role/logs" || out.ThrottleSettings.RateLimit != 10_000 || len(out.Features) != 1 {
		t.Errorf("got %+v", out)
	}
	_, err := client.UpdateAccount(t.Context(), &sdk.UpdateAccountInput{PatchOperations: []types.PatchOperation{patch(types.OpRemove, "/features", "UsagePlans")}})
	refused(t, err, "BadRequestException", "")
}

func TestAnAPIIsPatchedAsTerraformDoes(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	api := *must[*sdk.CreateRestApiOutput](t)(client.CreateRestApi(t.Context(), &sdk.CreateRestApiInput{Name: aws.String("a")})).Id
	update := func(ops ...types.PatchOperation) (*sdk.UpdateRestApiOutput, error) {
		return client.UpdateRestApi(t.Context(), &sdk.UpdateRestApiInput{RestApiId: &api, PatchOperations: ops})
	}
	out := must[*sdk.UpdateRestApiOutput](t)(update(
		patch(types.OpAdd, "/binaryMediaTypes/image~1png", ""), patch(types.OpAdd, "/binaryMediaTypes/image~1gif", ""),
		patch(types.OpRemove, "/binaryMediaTypes/image~1png", ""), replace("/disableExecuteApiEndpoint", "true"),
		replace("/minimumCompressionSize", ""), replace("/endpointConfiguration/types/0", "REGIONAL"),
	))
	if diff := cmp.Diff([]string{"image/gif"}, out.BinaryMediaTypes); diff != "" {
		t.Error(diff)
	}
	if out.EndpointConfiguration.Types[0] != types.EndpointTypeRegional || !out.DisableExecuteApiEndpoint {
		t.Errorf("got %+v", out.EndpointConfiguration)
	}
	for _, op := range []types.PatchOperation{
		replace("/minimumCompressionSize", "0"), replace("/policy", "{}"),
	} {
		_, err := update(op)
		refused(t, err, "NotImplementedException", "")
	}
}

// Each of these was observed on AWS.
func TestUndocumentedBehaviourOfAWSIsImitated(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	key := newKey(t, client, "k")
	updated := must[*sdk.UpdateApiKeyOutput](t)(client.UpdateApiKey(t.Context(), &sdk.UpdateApiKeyInput{
		ApiKey: key.Id, PatchOperations: []types.PatchOperation{replace("/enabled", "not-a-boolean")},
	}))
	if updated.Enabled {
		t.Error("a value that is not a boolean enabled the key")
	}
	api := importAPI(t, client, []byte(`
openapi: 3.0.1
info: {title: Numbers, version: 1.0}
paths:
  /a:
    get:
      responses: {200: {description: fine}}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses: {default: {statusCode: 200}}
`))
	if got := must[*sdk.GetRestApiOutput](t)(client.GetRestApi(t.Context(), &sdk.GetRestApiInput{RestApiId: &api})); *got.Version != "1.0" {
		t.Errorf("the version is %s, want 1.0", *got.Version)
	}
	resources := must[*sdk.GetResourcesOutput](t)(client.GetResources(t.Context(), &sdk.GetResourcesInput{RestApiId: &api}))
	id := resources.Items[0].Id
	if *resources.Items[0].Path != "/a" {
		id = resources.Items[1].Id
	}
	method := must[*sdk.PutMethodOutput](t)(client.PutMethod(t.Context(), &sdk.PutMethodInput{
		RestApiId: &api, ResourceId: id, HttpMethod: aws.String("POST"), AuthorizationType: aws.String("none"),
	}))
	if *method.AuthorizationType != "NONE" {
		t.Errorf("the authorization type is %s", *method.AuthorizationType)
	}
	_, err := client.PutMethod(t.Context(), &sdk.PutMethodInput{
		RestApiId: &api, ResourceId: id, HttpMethod: aws.String("PUT"), AuthorizationType: aws.String("NONE"),
		RequestParameters: map[string]bool{"method.request.querystring.a": false, "method.request.header.a": false},
	})
	refused(t, err, "BadRequestException", "Parameter names must be unique across querystring, header and path")
	_, err = client.UpdateMethodResponse(t.Context(), &sdk.UpdateMethodResponseInput{
		RestApiId: &api, ResourceId: id, HttpMethod: aws.String("GET"), StatusCode: aws.String("200"),
		PatchOperations: []types.PatchOperation{replace("/responseParameters/method.response.header.nothing", "true")},
	})
	refused(t, err, "NotFoundException", "")
	_, err = client.PutIntegrationResponse(t.Context(), &sdk.PutIntegrationResponseInput{
		RestApiId: &api, ResourceId: id, HttpMethod: aws.String("GET"), StatusCode: aws.String("200"),
		ResponseTemplates: map[string]string{"123": ""},
	})
	refused(t, err, "BadRequestException", "")
}
