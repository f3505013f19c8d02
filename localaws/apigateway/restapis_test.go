package apigateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

func TestARestAPIIsCreatedChangedAndDeleted(t *testing.T) {
	t.Parallel()
	now := newClock()
	_, client := start(t, now.install)
	created := must[*sdk.CreateRestApiOutput](t)(client.CreateRestApi(t.Context(), &sdk.CreateRestApiInput{
		Name: aws.String("n"), Description: aws.String("d"),
		EndpointConfiguration: &types.EndpointConfiguration{Types: []types.EndpointType{types.EndpointTypeRegional}},
	}))
	updated := must[*sdk.UpdateRestApiOutput](t)(client.UpdateRestApi(t.Context(), &sdk.UpdateRestApiInput{
		RestApiId: created.Id, PatchOperations: []types.PatchOperation{replace("/name", "n2"), replace("/description", "d2")},
	}))
	want := &sdk.UpdateRestApiOutput{
		Id: created.Id, Name: aws.String("n2"), Description: aws.String("d2"), CreatedDate: aws.Time(now.Now()),
		ApiKeySource: types.ApiKeySourceTypeHeader, RootResourceId: created.RootResourceId, Tags: map[string]string{},
		EndpointConfiguration: &types.EndpointConfiguration{
			Types: []types.EndpointType{types.EndpointTypeRegional}, IpAddressType: types.IpAddressTypeIpv4,
		},
	}
	ignore := cmpopts.IgnoreFields(sdk.UpdateRestApiOutput{}, "ResultMetadata")
	if diff := cmp.Diff(want, updated, ignore, cmpopts.IgnoreUnexported(sdk.UpdateRestApiOutput{}, types.EndpointConfiguration{})); diff != "" {
		t.Error(diff)
	}
	must[*sdk.DeleteRestApiOutput](t)(client.DeleteRestApi(t.Context(), &sdk.DeleteRestApiInput{RestApiId: created.Id}))
	_, err := client.GetRestApi(t.Context(), &sdk.GetRestApiInput{RestApiId: created.Id})
	refused(t, err, "NotFoundException", "Invalid API identifier specified "+localaws.Account+":"+*created.Id)
	_, err = client.CreateRestApi(t.Context(), &sdk.CreateRestApiInput{Name: aws.String("n"), Description: aws.String("")})
	refused(t, err, "BadRequestException", "Description cannot be an empty string")
}

func TestDeletingAnAPIRemovesItsStagesFromThePlans(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	gone, kept := deployedAPI(t, client, backend), deployedAPI(t, client, backend)
	plan := planFor(t, client, sdk.CreateUsagePlanInput{}, v1(gone), v1(kept))
	must[*sdk.DeleteRestApiOutput](t)(client.DeleteRestApi(t.Context(), &sdk.DeleteRestApiInput{RestApiId: &gone}))
	got := must[*sdk.GetUsagePlanOutput](t)(client.GetUsagePlan(t.Context(), &sdk.GetUsagePlanInput{UsagePlanId: &plan}))
	if diff := cmp.Diff([]types.ApiStage{v1(kept)}, got.ApiStages, cmpopts.IgnoreUnexported(types.ApiStage{})); diff != "" {
		t.Error(diff)
	}
}

func TestResourcesFormATree(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	api := must[*sdk.CreateRestApiOutput](t)(client.CreateRestApi(t.Context(), &sdk.CreateRestApiInput{Name: aws.String("n")}))
	create := func(parent, part string) (*sdk.CreateResourceOutput, error) {
		return client.CreateResource(t.Context(), &sdk.CreateResourceInput{RestApiId: api.Id, ParentId: &parent, PathPart: &part})
	}
	pets := must[*sdk.CreateResourceOutput](t)(create(*api.RootResourceId, "pets"))
	pet := must[*sdk.CreateResourceOutput](t)(create(*pets.Id, "{id}"))
	if *pet.Path != "/pets/{id}" || *pet.ParentId != *pets.Id {
		t.Errorf("got %+v", pet)
	}
	rest := must[*sdk.CreateResourceOutput](t)(create(*pet.Id, "{rest+}"))
	_, err := create(*api.RootResourceId, "pets")
	refused(t, err, "ConflictException", "Another resource with the same parent already has this name: pets")
	_, err = create(*pets.Id, "{other}")
	refused(t, err, "BadRequestException", "A sibling ({id}) of this resource already has a variable path part -- only one is allowed")
	_, err = create(*rest.Id, "more")
	refused(t, err, "BadRequestException", "Cannot create a child of a resource with a greedy path variable: {rest+}")
	_, err = create(*pets.Id, "a b")
	refused(t, err, "BadRequestException", "")
	_, err = create("nosuch", "x")
	refused(t, err, "NotFoundException", "Invalid Resource identifier specified")

	mockMethod(t, client, *api.Id, *pet.Id, "GET")
	methods := func(embed ...string) *types.Method {
		all := must[*sdk.GetResourcesOutput](t)(client.GetResources(t.Context(), &sdk.GetResourcesInput{RestApiId: api.Id, Embed: embed}))
		for _, res := range all.Items {
			if *res.Id == *pet.Id {
				m := res.ResourceMethods["GET"]
				return &m
			}
		}
		t.Fatal("the resource is not listed")
		return nil
	}
	if m := methods(); m.HttpMethod != nil {
		t.Errorf("without embed, the method is included: %+v", m)
	}
	if m := methods("methods"); aws.ToString(m.HttpMethod) != "GET" || m.MethodIntegration.Type != types.IntegrationTypeMock {
		t.Errorf("the method is %+v", m)
	}

	must[*sdk.DeleteResourceOutput](t)(client.DeleteResource(t.Context(), &sdk.DeleteResourceInput{RestApiId: api.Id, ResourceId: pets.Id}))
	left := must[*sdk.GetResourcesOutput](t)(client.GetResources(t.Context(), &sdk.GetResourcesInput{RestApiId: api.Id}))
	if len(left.Items) != 1 || *left.Items[0].Path != "/" {
		t.Errorf("remaining: %+v", left.Items)
	}
}

func TestMethodsAndIntegrationsAreChecked(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	api := must[*sdk.CreateRestApiOutput](t)(client.CreateRestApi(t.Context(), &sdk.CreateRestApiInput{Name: aws.String("n")}))
	put := func(verb string) error {
		_, err := client.PutMethod(t.Context(), &sdk.PutMethodInput{
			RestApiId: api.Id, ResourceId: api.RootResourceId, HttpMethod: &verb, AuthorizationType: aws.String("NONE"),
		})
		return err
	}
	integrate := func(kind types.IntegrationType, verb, uri string, parameters map[string]string) error {
		in := &sdk.PutIntegrationInput{
			RestApiId: api.Id, ResourceId: api.RootResourceId, HttpMethod: aws.String("GET"), Type: kind, RequestParameters: parameters,
		}
		if verb != "" {
			in.IntegrationHttpMethod = &verb
		}
		if uri != "" {
			in.Uri = &uri
		}
		_, err := client.PutIntegration(t.Context(), in)
		return err
	}
	deploy := func() error {
		_, err := client.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{RestApiId: api.Id, StageName: aws.String("s")})
		return err
	}
	refused(t, deploy(), "BadRequestException", "The REST API doesn't contain any methods")
	refused(t, put("FETCH"), "BadRequestException", "Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY")
	refused(t, integrate(types.IntegrationTypeHttpProxy, "GET", backend, nil), "NotFoundException", "Invalid Method identifier specified")
	if err := put("GET"); err != nil {
		t.Fatal(err)
	}
	refused(t, put("GET"), "ConflictException", "Method already exists for this resource")
	refused(t, deploy(), "BadRequestException", "No integration defined for method")
	refused(t, integrate(types.IntegrationTypeHttpProxy, "", backend, nil), "BadRequestException", "Enumeration value for HttpMethod must be non-empty")
	refused(t, integrate(types.IntegrationTypeHttpProxy, "GET", "nowhere", nil), "BadRequestException", "Invalid HTTP endpoint specified for URI")
	refused(t, integrate("HTTPS_PROXY", "GET", backend, nil), "ValidationException", "")
	refused(t, integrate(types.IntegrationTypeAwsProxy, "POST", "arn:aws:apigateway:us-east-1:lambda:path/x", nil), "NotImplementedException", "")
	refused(t, integrate(types.IntegrationTypeHttpProxy, "GET", backend, map[string]string{
		"integration.request.path.id": "method.request.path.id",
	}), "BadRequestException", "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: method.request.path.id]")
	if err := integrate(types.IntegrationTypeHttpProxy, "GET", backend, nil); err != nil {
		t.Fatal(err)
	}
	if err := deploy(); err != nil {
		t.Fatal(err)
	}
}

func TestAStageGetsANewDeploymentAndDescription(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	api := deployedAPI(t, client, backend)
	first := must[*sdk.GetStageOutput](t)(client.GetStage(t.Context(), &sdk.GetStageInput{RestApiId: &api, StageName: aws.String("v1")}))
	next := must[*sdk.CreateDeploymentOutput](t)(client.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{RestApiId: &api}))
	update := func(ops ...types.PatchOperation) (*sdk.UpdateStageOutput, error) {
		return client.UpdateStage(t.Context(), &sdk.UpdateStageInput{RestApiId: &api, StageName: aws.String("v1"), PatchOperations: ops})
	}
	out := must[*sdk.UpdateStageOutput](t)(update(
		replace("/deploymentId", *next.Id), replace("/description", "d"), replace("/variables/host", "localhost:1"),
	))
	if *out.DeploymentId != *next.Id || *out.Description != "d" || out.Variables["host"] != "localhost:1" {
		t.Errorf("got %+v", out)
	}
	_, err := update(replace("/deploymentId", "nosuch"))
	refused(t, err, "BadRequestException", "Deployment id does not exist")
	_, err = update(replace("/*/*/caching/enabled", "true"))
	refused(t, err, "NotImplementedException", "")
	_, err = client.DeleteDeployment(t.Context(), &sdk.DeleteDeploymentInput{RestApiId: &api, DeploymentId: next.Id})
	refused(t, err, "BadRequestException", "Active stages pointing to this deployment must be moved or deleted")
	must[*sdk.DeleteDeploymentOutput](t)(client.DeleteDeployment(t.Context(), &sdk.DeleteDeploymentInput{RestApiId: &api, DeploymentId: first.DeploymentId}))

	in := &sdk.CreateStageInput{RestApiId: &api, StageName: aws.String("v2"), DeploymentId: next.Id}
	must[*sdk.CreateStageOutput](t)(client.CreateStage(t.Context(), in))
	_, err = client.CreateStage(t.Context(), in)
	refused(t, err, "ConflictException", "Stage already exists")
	stages := must[*sdk.GetStagesOutput](t)(client.GetStages(t.Context(), &sdk.GetStagesInput{RestApiId: &api, DeploymentId: next.Id}))
	if len(stages.Item) != 2 {
		t.Errorf("the deployment has %d stages", len(stages.Item))
	}
}

func TestTagsAreSetAndRemoved(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	api := deployedAPI(t, client, backend)
	key, plan := *newKey(t, client, "k").Id, planFor(t, client, sdk.CreateUsagePlanInput{}, v1(api))
	for _, path := range []string{"/restapis/" + api, "/restapis/" + api + "/stages/v1", "/apikeys/" + key, "/usageplans/" + plan} {
		arn := "arn:aws:apigateway:" + localaws.Region + "::" + path
		must[*sdk.TagResourceOutput](t)(client.TagResource(t.Context(), &sdk.TagResourceInput{
			ResourceArn: &arn, Tags: map[string]string{"a": "1", "b": "2"},
		}))
		must[*sdk.UntagResourceOutput](t)(client.UntagResource(t.Context(), &sdk.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"a"}}))
		got := must[*sdk.GetTagsOutput](t)(client.GetTags(t.Context(), &sdk.GetTagsInput{ResourceArn: &arn}))
		if diff := cmp.Diff(map[string]string{"b": "2"}, got.Tags); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	_, err := client.GetTags(t.Context(), &sdk.GetTagsInput{ResourceArn: aws.String(strings.Replace("arn:aws:apigateway:R::/apikeys/nosuch", "R", localaws.Region, 1))})
	refused(t, err, "NotFoundException", "Invalid API Key identifier specified")
}

func TestARestartLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	srv, err := localaws.Open(localaws.Options{Dir: dir, Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	client := sdk.NewFromConfig(srv.AWSConfig())
	api := deployedAPI(t, client, echoBackend(t))
	plan, key := planFor(t, client, sdk.CreateUsagePlanInput{}, v1(api)), newKey(t, client, "k")
	if err := attach(client, plan, *key.Id); err != nil {
		t.Fatal(err)
	}
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}

	srv, client = start(t, func(o *localaws.Options) { o.Dir = dir })
	if names := keyNames(t, client, &sdk.GetApiKeysInput{NameQuery: aws.String("k")}); len(names) != 1 {
		t.Errorf("keys: %v", names)
	}
	refused(t, attach(client, plan, *key.Id), "ConflictException", "")
	if got := call(t, "GET", stageURL(srv, api)+"/x", *key.Value, ""); got.Status != http.StatusTeapot {
		t.Errorf("the data plane answers %+v", got)
	}
}
