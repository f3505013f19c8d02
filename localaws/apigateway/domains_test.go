package apigateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

// callAs makes a call with the given Host header.
func callAs(t *testing.T, srv *localaws.Server, host, path string, header http.Header) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.Endpoint()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

const certificate = "arn:aws:acm:us-east-1:000000000000:certificate/c"

func regional(t *testing.T, client *sdk.Client, name string) *sdk.CreateDomainNameOutput {
	t.Helper()
	return must[*sdk.CreateDomainNameOutput](t)(client.CreateDomainName(t.Context(), &sdk.CreateDomainNameInput{
		DomainName: &name, RegionalCertificateArn: aws.String(certificate),
		EndpointConfiguration: &types.EndpointConfiguration{Types: []types.EndpointType{types.EndpointTypeRegional}},
	}))
}

func mapping(client *sdk.Client, domain, base, api, stage string) func(*testing.T) error {
	return func(t *testing.T) error {
		in := &sdk.CreateBasePathMappingInput{DomainName: &domain, BasePath: &base, RestApiId: &api}
		if stage != "" {
			in.Stage = &stage
		}
		_, err := client.CreateBasePathMapping(t.Context(), in)
		return err
	}
}

// openAPI deploys an API whose GET /harbours answers 418 without a key.
func openAPI(t *testing.T, client *sdk.Client, backend string) string {
	t.Helper()
	return importAPI(t, client, []byte(`{"openapi": "3.0.3", "info": {"title": "Seamark", "version": "1"}, "paths": {"/harbours": {"get": {"responses": {},
		"x-amazon-apigateway-integration": {"type": "http_proxy", "httpMethod": "GET", "uri": "`+backend+`/harbours"}}}}}`))
}

func TestAnAPIIsCalledByTheBasePathOfACustomDomainName(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	api := openAPI(t, client, echoBackend(t))
	const domain = "api.example.com"
	status, body := callAs(t, srv, domain, "/sea/harbours", nil)
	if status != http.StatusForbidden || !strings.Contains(body, "This local AWS") {
		t.Errorf("without the domain name it answers %d %s", status, body)
	}
	regional(t, client, domain)
	if status, body := callAs(t, srv, domain, "/sea/harbours", nil); status != http.StatusForbidden || body != `{"message":"Forbidden"}` {
		t.Errorf("without a mapping it answers %d %s", status, body)
	}
	for base, stage := range map[string]string{"sea": "v1", "": "v1", "any": ""} {
		if err := mapping(client, domain, base, api, stage)(t); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]int{
		"/sea/harbours": http.StatusTeapot, "/harbours": http.StatusTeapot, "/any/v1/harbours": http.StatusTeapot,
		"/sea/nothing": http.StatusForbidden, "/any/v2/harbours": http.StatusForbidden, "/any": http.StatusForbidden,
	} {
		if status, body := callAs(t, srv, "API.example.com:4566", path, nil); status != want {
			t.Errorf("%s answers %d %s, want %d", path, status, body, want)
		}
	}
	// The name reaches only the API.
	signed := http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/apigateway/aws4_request, SignedHeaders=host, Signature=x"}}
	if status, body := callAs(t, srv, domain, "/apikeys", signed); status != http.StatusForbidden || strings.Contains(body, "item") {
		t.Errorf("the control plane answers to the domain name: %d %s", status, body)
	}
	must[*sdk.DeleteDomainNameOutput](t)(client.DeleteDomainName(t.Context(), &sdk.DeleteDomainNameInput{DomainName: aws.String(domain)}))
	if status, body := callAs(t, srv, domain, "/sea/harbours", nil); !strings.Contains(body, "This local AWS") {
		t.Errorf("after the domain name was deleted it answers %d %s", status, body)
	}
}

func TestDomainNamesAndMappingsAreCreatedListedAndDeleted(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	api := openAPI(t, client, "http://localhost:1")
	made := regional(t, client, "b.example.com")
	if made.DomainNameStatus != types.DomainNameStatusAvailable || !strings.HasPrefix(*made.RegionalDomainName, "d-") || aws.ToString(made.DistributionDomainName) != "" {
		t.Errorf("the regional domain name is %+v", made)
	}
	edge := must[*sdk.CreateDomainNameOutput](t)(client.CreateDomainName(t.Context(), &sdk.CreateDomainNameInput{
		DomainName: aws.String("a.example.com"), CertificateArn: aws.String(certificate),
	}))
	if !strings.HasSuffix(*edge.DistributionDomainName, ".cloudfront.net") || edge.EndpointConfiguration.Types[0] != types.EndpointTypeEdge {
		t.Errorf("the edge-optimized domain name is %+v", edge)
	}
	var names []string
	pages := sdk.NewGetDomainNamesPaginator(client, &sdk.GetDomainNamesInput{Limit: aws.Int32(1)})
	for pages.HasMorePages() {
		for _, d := range must[*sdk.GetDomainNamesOutput](t)(pages.NextPage(t.Context())).Items {
			names = append(names, *d.DomainName)
		}
	}
	if diff := cmp.Diff([]string{"a.example.com", "b.example.com"}, names); diff != "" {
		t.Errorf("domain names (-want +got):\n%s", diff)
	}
	for _, base := range []string{"", "sea"} {
		if err := mapping(client, "a.example.com", base, api, "v1")(t); err != nil {
			t.Fatal(err)
		}
	}
	out := must[*sdk.GetBasePathMappingsOutput](t)(client.GetBasePathMappings(t.Context(), &sdk.GetBasePathMappingsInput{DomainName: aws.String("a.example.com")}))
	var bases []string
	for _, m := range out.Items {
		bases = append(bases, *m.BasePath+" "+*m.RestApiId+" "+*m.Stage)
	}
	if diff := cmp.Diff([]string{"(none) " + api + " v1", "sea " + api + " v1"}, bases); diff != "" {
		t.Errorf("mappings (-want +got):\n%s", diff)
	}
	_, err := client.DeleteRestApi(t.Context(), &sdk.DeleteRestApiInput{RestApiId: &api})
	refused(t, err, "BadRequestException", "Deleting RestApi "+api+" failed. Please remove all base path mappings related to the RestApi in your domains: a.example.com")
	_, err = client.DeleteStage(t.Context(), &sdk.DeleteStageInput{RestApiId: &api, StageName: aws.String("v1")})
	refused(t, err, "BadRequestException", "")
	for _, base := range []string{"(none)", "sea"} {
		in := &sdk.GetBasePathMappingInput{DomainName: aws.String("a.example.com"), BasePath: &base}
		must[*sdk.GetBasePathMappingOutput](t)(client.GetBasePathMapping(t.Context(), in))
		must[*sdk.DeleteBasePathMappingOutput](t)(client.DeleteBasePathMapping(t.Context(), &sdk.DeleteBasePathMappingInput{DomainName: in.DomainName, BasePath: &base}))
		_, err := client.GetBasePathMapping(t.Context(), in)
		refused(t, err, "NotFoundException", "Invalid base path mapping identifier specified")
	}
	must[*sdk.DeleteRestApiOutput](t)(client.DeleteRestApi(t.Context(), &sdk.DeleteRestApiInput{RestApiId: &api}))
}

func TestInvalidDomainNamesAndMappingsAreRefused(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	api := openAPI(t, client, "http://localhost:1")
	regional(t, client, "a.example.com")
	create := func(adjust func(*sdk.CreateDomainNameInput)) error {
		in := &sdk.CreateDomainNameInput{DomainName: aws.String("b.example.com"), CertificateArn: aws.String(certificate)}
		adjust(in)
		_, err := client.CreateDomainName(t.Context(), in)
		return err
	}
	for name, c := range map[string]struct {
		adjust func(*sdk.CreateDomainNameInput)
		code   string
	}{
		"a name that exists already": {func(in *sdk.CreateDomainNameInput) { in.DomainName = aws.String("a.example.com") }, "BadRequestException"},
		"a name without a dot":       {func(in *sdk.CreateDomainNameInput) { in.DomainName = aws.String("localhost") }, "BadRequestException"},
		"an invalid name":            {func(in *sdk.CreateDomainNameInput) { in.DomainName = aws.String("a b.example") }, "BadRequestException"},
		"a wildcard":                 {func(in *sdk.CreateDomainNameInput) { in.DomainName = aws.String("*.example.com") }, "NotImplementedException"},
		"no certificate":             {func(in *sdk.CreateDomainNameInput) { in.CertificateArn = nil }, "BadRequestException"},
		"a certificate of another Region": {func(in *sdk.CreateDomainNameInput) {
			in.CertificateArn = aws.String(strings.Replace(certificate, "us-east-1", "eu-west-1", 1))
		}, "BadRequestException"},
		"an uploaded certificate":    {func(in *sdk.CreateDomainNameInput) { in.CertificateBody = aws.String("PEM") }, "NotImplementedException"},
		"an unknown security policy": {func(in *sdk.CreateDomainNameInput) { in.SecurityPolicy = "SSL_2" }, "BadRequestException"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, create(c.adjust), c.code, "") })
	}
	if err := mapping(client, "a.example.com", "sea", api, "v1")(t); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ domain, base, api, stage, code, text string }{
		"another domain name": {"c.example.com", "", api, "v1", "NotFoundException", "Invalid domain name identifier specified"},
		"an unknown API":      {"a.example.com", "", "nothing", "v1", "BadRequestException", "Invalid REST API identifier specified"},
		"an unknown stage":    {"a.example.com", "", api, "v2", "BadRequestException", "Invalid stage identifier specified"},
		"a base path twice":   {"a.example.com", "sea", api, "v1", "ConflictException", "Base path already exists for this domain name"},
		"two levels":          {"a.example.com", "a/b", api, "v1", "BadRequestException", ""},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, mapping(client, c.domain, c.base, c.api, c.stage)(t), c.code, c.text)
		})
	}
}

func TestADisabledEndpointTakesEffectOnDeploymentAndKeepsTheCustomDomainName(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	api := openAPI(t, client, echoBackend(t))
	regional(t, client, "a.example.com")
	if err := mapping(client, "a.example.com", "", api, "v1")(t); err != nil {
		t.Fatal(err)
	}
	set := func(value string) {
		t.Helper()
		out := must[*sdk.UpdateRestApiOutput](t)(client.UpdateRestApi(t.Context(), &sdk.UpdateRestApiInput{
			RestApiId: &api, PatchOperations: []types.PatchOperation{replace("/disableExecuteApiEndpoint", value)},
		}))
		if out.DisableExecuteApiEndpoint != (value == "true") {
			t.Errorf("disableExecuteApiEndpoint is %v", out.DisableExecuteApiEndpoint)
		}
	}
	want := func(when string, byEndpoint int) {
		t.Helper()
		if got := call(t, "GET", stageURL(srv, api)+"/harbours", "", ""); got.Status != byEndpoint {
			t.Errorf("%s, the endpoint answers %d %s, want %d", when, got.Status, got.Body, byEndpoint)
		}
		if status, body := callAs(t, srv, "a.example.com", "/harbours", nil); status != http.StatusTeapot {
			t.Errorf("%s, the domain name answers %d %s", when, status, body)
		}
	}
	want("at first", http.StatusTeapot)
	set("true")
	want("disabled and not deployed", http.StatusTeapot)
	deployV1(t, client, api)
	want("disabled and deployed", http.StatusForbidden)
	set("false")
	deployV1(t, client, api)
	want("enabled again", http.StatusTeapot)
}

func TestAPrivateAPINeedsAPolicyAndCannotBeCalledFromThisMachine(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	_, err := client.CreateRestApi(t.Context(), &sdk.CreateRestApiInput{
		Name: aws.String("p"), EndpointConfiguration: &types.EndpointConfiguration{Types: []types.EndpointType{}},
	})
	refused(t, err, "BadRequestException", "")
	api := openAPI(t, client, echoBackend(t))
	update := func(ops ...types.PatchOperation) (*sdk.UpdateRestApiOutput, error) {
		return client.UpdateRestApi(t.Context(), &sdk.UpdateRestApiInput{RestApiId: &api, PatchOperations: ops})
	}
	out := must[*sdk.UpdateRestApiOutput](t)(update(replace("/endpointConfiguration/types/REGIONAL", "PRIVATE")))
	if out.EndpointConfiguration.Types[0] != types.EndpointTypePrivate || out.EndpointConfiguration.IpAddressType != types.IpAddressTypeDualstack {
		t.Errorf("the endpoint is %+v", out.EndpointConfiguration)
	}
	_, err = client.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{RestApiId: &api, StageName: aws.String("v1")})
	refused(t, err, "BadRequestException", "Private REST API doesn't have a resource policy attached to it")
	_, err = update(replace("/policy", "no"))
	refused(t, err, "BadRequestException", "")
	out = must[*sdk.UpdateRestApiOutput](t)(update(replace("/policy", `{"Version":"2012-10-17","Statement":[]}`)))
	if got := aws.ToString(out.Policy); got != `{\"Version\":\"2012-10-17\",\"Statement\":[]}` {
		t.Errorf("the policy is %s", got)
	}
	deployV1(t, client, api)
	wantRefusal(t, call(t, "GET", stageURL(srv, api)+"/harbours", "", ""), 403, "ForbiddenException", "Forbidden")
	_, err = update(replace("/endpointConfiguration/types/PRIVATE", "EDGE"))
	refused(t, err, "BadRequestException", "")
}
