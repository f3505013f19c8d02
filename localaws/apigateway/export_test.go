package apigateway_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// pets is a document whose integrations call the backend.
func pets(t *testing.T, backend string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/pets.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return []byte(strings.ReplaceAll(string(text), "${backend}", backend))
}

func importAPI(t *testing.T, client *sdk.Client, body []byte) string {
	t.Helper()
	api := must[*sdk.ImportRestApiOutput](t)(client.ImportRestApi(t.Context(), &sdk.ImportRestApiInput{
		Body: body, FailOnWarnings: true, Parameters: map[string]string{"endpointConfigurationTypes": "REGIONAL"},
	}))
	deployV1(t, client, *api.Id)
	return *api.Id
}

func deployV1(t *testing.T, client *sdk.Client, api string) {
	t.Helper()
	must[*sdk.CreateDeploymentOutput](t)(client.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{RestApiId: &api, StageName: aws.String("v1")}))
}

func export(t *testing.T, client *sdk.Client, api, kind, accept, extensions string) *sdk.GetExportOutput {
	t.Helper()
	in := &sdk.GetExportInput{RestApiId: &api, StageName: aws.String("v1"), ExportType: &kind, Accepts: &accept}
	if extensions != "" {
		in.Parameters = map[string]string{"extensions": extensions}
	}
	return must[*sdk.GetExportOutput](t)(client.GetExport(t.Context(), in, accepting(accept)))
}

// accepting sets the Accept header, which the Go SDK overwrites with application/json in
// all operations, whatever the input says.
func accepting(contentType string) func(*sdk.Options) {
	return func(o *sdk.Options) {
		o.APIOptions = append(o.APIOptions, smithyhttp.SetHeaderValue("Accept", contentType))
	}
}

func decode(t *testing.T, body []byte) (doc map[string]any) {
	t.Helper()
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// at returns a part of a document.
func at(doc any, path ...string) any {
	for _, name := range path {
		members, _ := doc.(map[string]any)
		doc = members[name]
	}
	return doc
}

func wantJSON(t *testing.T, got any, want string) {
	t.Helper()
	var decoded any
	if err := json.Unmarshal([]byte(want), &decoded); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(decoded, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnImportedAPICanBeCalled(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	api := importAPI(t, client, pets(t, echoBackend(t)))
	plan, key := planFor(t, client, sdk.CreateUsagePlanInput{}, v1(api)), newKey(t, client, "k")
	if err := attach(client, plan, *key.Id); err != nil {
		t.Fatal(err)
	}
	url := stageURL(srv, api)
	if got := call(t, "GET", url+"/pets/7", *key.Value, ""); got.Status != http.StatusTeapot || !strings.Contains(got.Body, `"Path":"/pets/7"`) {
		t.Errorf("got %+v", got)
	}
	wantRefusal(t, call(t, "GET", url+"/pets", "", ""), 403, "ForbiddenException", "Forbidden")
	if got := call(t, "POST", url+"/pets", "", ""); got.Status != http.StatusCreated || got.Body != "made" {
		t.Errorf("got %+v", got)
	}
	if got := call(t, "DELETE", url+"/files/a/b", "", ""); !strings.Contains(got.Body, `"Path":"/f/a/b"`) {
		t.Errorf("got %+v", got)
	}
}

func TestAnExportIsTheOpenAPIDocumentOfAStage(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	api := importAPI(t, client, pets(t, "http://localhost:1"))
	out := export(t, client, api, "oas30", "application/json", "")
	if *out.ContentType != "application/octet-stream" || *out.ContentDisposition != `attachment; filename="oas30_1.2.json"` {
		t.Errorf("got %s, %s", *out.ContentType, *out.ContentDisposition)
	}
	doc := decode(t, out.Body)
	wantJSON(t, doc["info"], `{"title": "Pets", "description": "All about pets.", "version": "1.2"}`)
	wantJSON(t, doc["servers"], `[{"url": "`+srv.Endpoint()+`/{basePath}", "variables": {"basePath": {"default": "/restapis/`+api+`/v1/_user_request_"}}}]`)
	if got := call(t, "GET", srv.Endpoint()+"//restapis/"+api+"/v1/_user_request_/nothing", "", ""); got.ErrorType != "MissingAuthenticationTokenException" {
		t.Errorf("the address with its variable filled in answers %+v", got)
	}
	wantJSON(t, doc["tags"], `[{"name": "team", "x-amazon-apigateway-tag-value": "animals"}]`)
	wantJSON(t, at(doc, "components", "securitySchemes"), `{"api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"}}`)
	wantJSON(t, at(doc, "paths", "/pets/{id}"), `{"get": {
		"parameters": [{"name": "id", "in": "path", "required": true, "description": "Which pet.", "schema": {"type": "string"}}],
		"responses": {"404": {"description": "No such pet"}},
		"security": [{"api_key": []}]
	}}`)
	schema, _ := at(doc, "paths", "/pets", "get", "responses", "200", "content", "application/json", "schema", "$ref").(string)
	wantJSON(t, at(doc, "paths", "/pets", "get"), `{
		"operationId": "listPets", "summary": "List pets", "description": "In the order of their names.", "tags": ["pets"],
		"parameters": [
			{"name": "X-Trace", "in": "header", "required": true, "schema": {"type": "string"}},
			{"name": "limit", "in": "query", "required": false, "description": "How many.", "schema": {"type": "string"}}
		],
		"responses": {"200": {
			"description": "The pets", "headers": {"X-Total": {"schema": {"type": "string"}}},
			"content": {"application/json": {"schema": {"$ref": "`+schema+`"}}}
		}},
		"security": [{"api_key": []}]
	}`)
	wantJSON(t, at(doc, "components", "schemas", strings.TrimPrefix(schema, "#/components/schemas/")),
		`{"type": "array", "items": {"$ref": "#/components/schemas/Pet"}}`)
	wantJSON(t, at(doc, "paths", "/pets", "post"), `{
		"requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}},
		"responses": {"201": {"description": "Made"}}
	}`)
	wantJSON(t, at(doc, "paths", "/files/{path+}", "x-amazon-apigateway-any-method", "responses"), `{"default": {"description": "Default response"}}`)

	out = export(t, client, api, "oas30", "application/yaml", "")
	if *out.ContentDisposition != `attachment; filename="oas30_1.2.yaml"` || out.Body[0] == '{' {
		t.Errorf("asked for YAML, got %s", *out.ContentDisposition)
	}
	var fromYAML map[string]any
	if err := yaml.Unmarshal(out.Body, &fromYAML); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(doc, fromYAML); diff != "" {
		t.Errorf("the YAML differs: %s", diff)
	}
}

func TestASwaggerExportDescribesTheSameAPI(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	api := importAPI(t, client, pets(t, "http://localhost:1"))
	doc := decode(t, export(t, client, api, "swagger", "application/json", "").Body)
	wantJSON(t, doc["swagger"], `"2.0"`)
	if got := "http://" + doc["host"].(string) + doc["basePath"].(string); got != stageURL(srv, api) {
		t.Errorf("the address is %s", got)
	}
	wantJSON(t, at(doc, "securityDefinitions"), `{"api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"}}`)
	wantJSON(t, at(doc, "paths", "/pets", "post"), `{
		"consumes": ["application/json"],
		"parameters": [{"in": "body", "name": "Pet", "required": true, "schema": {"$ref": "#/definitions/Pet"}}],
		"responses": {"201": {"description": "Made"}}
	}`)
	wantJSON(t, at(doc, "paths", "/pets/{id}", "get", "parameters"), `[
		{"name": "id", "in": "path", "required": true, "description": "Which pet.", "type": "string"}
	]`)
	wantJSON(t, at(doc, "definitions", "Pet", "properties", "mother"), `{"$ref": "#/definitions/Pet"}`)
	wantJSON(t, at(doc, "paths", "/pets", "get", "produces"), `["application/json"]`)
}

func TestAnExportWithIntegrationsImportsAsTheSameAPI(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	first := importAPI(t, client, pets(t, "http://localhost:1"))
	for _, kind := range []string{"oas30", "swagger"} {
		for _, accept := range []string{"application/json", "application/yaml"} {
			second := importAPI(t, client, export(t, client, first, kind, accept, "integrations").Body)
			for _, as := range []string{"oas30", "swagger"} {
				want := export(t, client, first, as, "application/json", "apigateway").Body
				got := export(t, client, second, as, "application/json", "apigateway").Body
				if diff := cmp.Diff(strings.ReplaceAll(string(want), first, second), string(got)); diff != "" {
					t.Errorf("by %s in %s, seen as %s: %s", kind, accept, as, diff)
				}
			}
		}
	}
}

func TestPuttingADocumentMergesOrOverwrites(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	api := importAPI(t, client, pets(t, "http://localhost:1"))
	more := []byte(`{"openapi": "3.0.3", "info": {"title": "More", "version": "2"}, "x-amazon-apigateway-binary-media-types": ["image/gif"], "paths": {"/pets/{id}/toys": {"get": {
		"responses": {}, "x-amazon-apigateway-integration": {"type": "http_proxy", "httpMethod": "GET", "uri": "http://localhost:1/toys"}
	}}}}`)
	for mode, want := range map[types.PutMode][]string{
		types.PutModeMerge:     {"/files/{path+}", "/pets", "/pets/{id}", "/pets/{id}/toys"},
		types.PutModeOverwrite: {"/pets/{id}/toys"},
	} {
		body := pets(t, "http://localhost:1")
		must[*sdk.PutRestApiOutput](t)(client.PutRestApi(t.Context(), &sdk.PutRestApiInput{RestApiId: &api, Mode: types.PutModeOverwrite, Body: body}))
		must[*sdk.UpdateRestApiOutput](t)(client.UpdateRestApi(t.Context(), &sdk.UpdateRestApiInput{
			RestApiId: &api, PatchOperations: []types.PatchOperation{patch(types.OpAdd, "/binaryMediaTypes/image~1png", "")},
		}))
		out := must[*sdk.PutRestApiOutput](t)(client.PutRestApi(t.Context(), &sdk.PutRestApiInput{RestApiId: &api, Mode: mode, Body: more}))
		if *out.Name != "More" || *out.Version != "2" {
			t.Errorf("%s: the API is called %s, version %s", mode, *out.Name, *out.Version)
		}
		wantTypes := []string{"image/gif"}
		if mode == types.PutModeMerge {
			wantTypes = []string{"image/png", "image/gif"}
		}
		if diff := cmp.Diff(wantTypes, out.BinaryMediaTypes); diff != "" {
			t.Errorf("%s: binary media types (-want +got):\n%s", mode, diff)
		}
		deployV1(t, client, api)
		paths, _ := decode(t, export(t, client, api, "oas30", "application/json", "").Body)["paths"].(map[string]any)
		got := map[string]bool{}
		for path := range paths {
			got[path] = true
		}
		wanted := map[string]bool{}
		for _, path := range want {
			wanted[path] = true
		}
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("%s: %s", mode, diff)
		}
	}
}

func TestADocumentThatCannotBeImportedIsRefused(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	with := func(operation string) string {
		return `{"openapi": "3.0.1", "info": {"title": "t", "version": "1"}, "paths": {"/a": {"get": ` + operation + `}}}`
	}
	tests := []struct{ name, body, code string }{
		{"not a document", "{", "BadRequestException"},
		{"another version", `{"openapi": "3.1.0", "info": {"title": "t"}}`, "BadRequestException"},
		{"no title", `{"openapi": "3.0.1"}`, "BadRequestException"},
		{"a policy", `{"openapi": "3.0.1", "info": {"title": "t"}, "x-amazon-apigateway-policy": {}}`, "NotImplementedException"},
		{"an authorizer", with(`{"security": [{"oauth": []}]}`), "NotImplementedException"},
		{"an unknown model", with(`{"responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/No"}}}}}}`), "BadRequestException"},
		{"a Lambda function", with(`{"x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": "arn"}}`), "NotImplementedException"},
		{"credentials", with(`{"x-amazon-apigateway-integration": {"type": "mock", "credentials": "arn"}}`), "NotImplementedException"},
		{"the same name in query and header", with(`{"parameters": [{"in": "query", "name": "a"}, {"in": "header", "name": "a"}]}`), "BadRequestException"},
		{"two variables", `{"openapi": "3.0.1", "info": {"title": "t"}, "paths": {"/{a}": {}, "/{b}": {}}}`, "BadRequestException"},
		{"a cookie, with failonwarnings", with(`{"parameters": [{"in": "cookie", "name": "c"}]}`), "BadRequestException"},
	}
	for _, tt := range tests {
		_, err := client.ImportRestApi(t.Context(), &sdk.ImportRestApiInput{Body: []byte(tt.body), FailOnWarnings: true})
		t.Run(tt.name, func(t *testing.T) { refused(t, err, tt.code, "") })
	}
	if apis := must[*sdk.GetRestApisOutput](t)(client.GetRestApis(t.Context(), &sdk.GetRestApisInput{})); len(apis.Items) != 0 {
		t.Errorf("refused documents left %d APIs", len(apis.Items))
	}
	out := must[*sdk.ImportRestApiOutput](t)(client.ImportRestApi(t.Context(), &sdk.ImportRestApiInput{
		Body: []byte(with(`{"parameters": [{"in": "cookie", "name": "c"}]}`)),
	}))
	if len(out.Warnings) != 1 {
		t.Errorf("warnings: %v", out.Warnings)
	}
}

func TestOnlyKnownExportTypesAreAccepted(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	api := deployedAPI(t, client, backend)
	get := func(stage, kind, accept, extensions string) error {
		_, err := client.GetExport(t.Context(), &sdk.GetExportInput{
			RestApiId: &api, StageName: &stage, ExportType: &kind, Accepts: &accept, Parameters: map[string]string{"extensions": extensions},
		}, accepting(accept))
		return err
	}
	refused(t, get("v1", "raml", "application/json", ""), "BadRequestException", "")
	refused(t, get("v1", "oas30", "text/html", ""), "BadRequestException", "")
	refused(t, get("v2", "oas30", "application/json", ""), "NotFoundException", "Invalid stage identifier specified")
	refused(t, get("v1", "oas30", "application/json", "postman"), "NotImplementedException", "")
	if err := get("v1", "oas30", "application/json", "authorizers,integrations"); err != nil {
		t.Error(err)
	}
}
