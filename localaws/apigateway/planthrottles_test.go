package apigateway_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestAMethodWithItsOwnThrottleDoesNotShareThePlans(t *testing.T) {
	t.Parallel()
	now := newClock()
	srv, client := start(t, now.install)
	api := deployedAPI(t, client, echoBackend(t))
	addKeyedRoot(t, client, api)
	stage := v1(api)
	stage.Throttle = map[string]types.ThrottleSettings{"/{proxy+}/ANY": {RateLimit: 1, BurstLimit: 1}}
	plan := planFor(t, client, sdk.CreateUsagePlanInput{Throttle: &types.ThrottleSettings{RateLimit: 1, BurstLimit: 2}}, stage)
	key := newKey(t, client, "k")
	if err := attach(client, plan, *key.Id); err != nil {
		t.Fatal(err)
	}
	want := func(path string, statuses ...int) {
		t.Helper()
		for i, status := range statuses {
			if got := call(t, "GET", stageURL(srv, api)+path, *key.Value, ""); got.Status != status {
				t.Errorf("%s, call %d: got %d, want %d", path, i+1, got.Status, status)
			}
		}
	}
	want("/x", http.StatusTeapot, 429)
	want("/", http.StatusTeapot, http.StatusTeapot, 429)
	now.set(now.Now().Add(time.Second))
	want("/y", http.StatusTeapot, 429)
}

// addKeyedRoot adds a method that needs a key to the API's root, and deploys the API.
func addKeyedRoot(t *testing.T, client *sdk.Client, api string) {
	t.Helper()
	resources := must[*sdk.GetResourcesOutput](t)(client.GetResources(t.Context(), &sdk.GetResourcesInput{RestApiId: &api, Embed: []string{"methods"}}))
	var root, proxy types.Resource
	for _, res := range resources.Items {
		if *res.Path == "/" {
			root = res
		} else {
			proxy = res
		}
	}
	uri := *proxy.ResourceMethods["ANY"].MethodIntegration.Uri
	must[*sdk.PutMethodOutput](t)(client.PutMethod(t.Context(), &sdk.PutMethodInput{
		RestApiId: &api, ResourceId: root.Id, HttpMethod: aws.String("GET"), AuthorizationType: aws.String("NONE"), ApiKeyRequired: true,
	}))
	must[*sdk.PutIntegrationOutput](t)(client.PutIntegration(t.Context(), &sdk.PutIntegrationInput{
		RestApiId: &api, ResourceId: root.Id, HttpMethod: aws.String("GET"), IntegrationHttpMethod: aws.String("GET"),
		Type: types.IntegrationTypeHttpProxy, Uri: aws.String(uri[:len(uri)-len("{proxy}")]),
	}))
	must[*sdk.CreateDeploymentOutput](t)(client.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{RestApiId: &api, StageName: aws.String("v1")}))
}

func TestMethodThrottlesArePatched(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	api := deployedAPI(t, client, backend)
	plan := planFor(t, client, sdk.CreateUsagePlanInput{}, v1(api))
	base := "/apiStages/" + api + ":v1/throttle"
	update := func(ops ...types.PatchOperation) (map[string]types.ThrottleSettings, error) {
		out, err := client.UpdateUsagePlan(t.Context(), &sdk.UpdateUsagePlanInput{UsagePlanId: &plan, PatchOperations: ops})
		if err != nil {
			return nil, err
		}
		return out.ApiStages[0].Throttle, nil
	}
	want := func(want, got map[string]types.ThrottleSettings) {
		t.Helper()
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(types.ThrottleSettings{})); diff != "" {
			t.Error(diff)
		}
	}
	type throttles = map[string]types.ThrottleSettings
	want(throttles{"/pets/{id}/GET": {RateLimit: 2.5, BurstLimit: 4}, "/pets/POST": {BurstLimit: 1}}, must[throttles](t)(update(
		replace(base+"//pets/{id}/GET/rateLimit", "2.5"), patch(types.OpAdd, base+"/pets/{id}/GET/burstLimit", "4"),
		replace(base+"/~1pets/POST/burstLimit", "1"),
	)))
	read := must[*sdk.GetUsagePlanOutput](t)(client.GetUsagePlan(t.Context(), &sdk.GetUsagePlanInput{UsagePlanId: &plan}))
	if len(read.ApiStages[0].Throttle) != 2 {
		t.Errorf("read back: %+v", read.ApiStages)
	}
	want(throttles{"/pets/{id}/GET": {RateLimit: 2.5, BurstLimit: 4}}, must[throttles](t)(update(patch(types.OpRemove, base+"//pets/POST", ""))))
	want(nil, must[throttles](t)(update(patch(types.OpRemove, base, ""))))

	for _, op := range []types.PatchOperation{
		replace(base+"/pets/GET/rateLimit", "fast"), replace(base+"/pets/FETCH/rateLimit", "1"),
		replace(base+"/pets/GET/rateLimit", "-1"), replace(base+"/pets/GET", "1"), replace("/apiStages/nonsense/throttle/a/GET/rateLimit", "1"),
	} {
		_, err := update(op)
		refused(t, err, "BadRequestException", "")
	}
	_, err := update(patch(types.OpRemove, base+"//pets/GET", ""))
	refused(t, err, "NotFoundException", "")
	_, err = update(replace("/apiStages/"+api+":v2/throttle/pets/GET/rateLimit", "1"))
	refused(t, err, "NotFoundException", "")
}

func TestAStageHasAtMostTwentyMethodThrottles(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	stage := v1(deployedAPI(t, client, backend))
	stage.Throttle = map[string]types.ThrottleSettings{}
	for i := range 20 {
		stage.Throttle[fmt.Sprintf("/pets/%d/GET", i)] = types.ThrottleSettings{RateLimit: 1}
	}
	plan := planFor(t, client, sdk.CreateUsagePlanInput{}, stage)
	_, err := client.UpdateUsagePlan(t.Context(), &sdk.UpdateUsagePlanInput{UsagePlanId: &plan, PatchOperations: []types.PatchOperation{
		replace("/apiStages/"+*stage.ApiId+":v1/throttle//pets/GET/rateLimit", "1"),
	}})
	refused(t, err, "LimitExceededException", "Maximum number of method throttles per API stage has been reached: 20")
}
