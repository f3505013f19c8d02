package demo_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// calls records the operations that a client calls.
type calls struct {
	mu    sync.Mutex
	names []string
}

func (c *calls) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := c.names
	c.names = nil
	return names
}

func (c *calls) watch(o *apigateway.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("calls", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			c.mu.Lock()
			c.names = append(c.names, middleware.GetOperationName(ctx))
			c.mu.Unlock()
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
	})
}

func TestInstallingTwiceCreatesNothingTwice(t *testing.T) {
	t.Parallel()
	var made calls
	client := apigateway.NewFromConfig(localawstest.Start(t).AWSConfig(), made.watch)
	first, err := demo.Install(t.Context(), client, "http://localhost:1")
	if err != nil {
		t.Fatal(err)
	}
	made.take()
	second, err := demo.Install(t.Context(), client, "http://localhost:1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"GetRestApis", "GetResources", "GetStages", "GetUsagePlans"}, made.take()); diff != "" {
		t.Error(diff)
	}
}

func TestAnotherBackendIsDeployed(t *testing.T) {
	t.Parallel()
	srv := localawstest.Start(t)
	client := apigateway.NewFromConfig(srv.AWSConfig())
	key := ""
	for range 2 {
		// Each backend has an address of its own.
		backend := httptest.NewServer(demo.API())
		t.Cleanup(backend.Close)
		in, err := demo.Install(t.Context(), client, backend.URL)
		if err != nil {
			t.Fatal(err)
		}
		if key == "" {
			key = subscribe(t, client, in.FreePlanID)
		}
		url := srv.Endpoint() + "/restapis/" + in.APIID + "/" + in.Stage + "/_user_request_"
		for path, want := range map[string]string{"": "Seamark", "/lights/far-ness": "Far Ness", "/harbours?min_depth_m=4": "Corrie Sound"} {
			if status, body := get(t, url+path, key); status != http.StatusOK || !strings.Contains(body, want) {
				t.Errorf("%s: %d %s", path, status, body)
			}
		}
		if status, _ := get(t, url+"/lights", ""); status != http.StatusForbidden {
			t.Errorf("without a key: %d", status)
		}
		backend.Close()
	}
}

func TestARecreatedAPIIsAddedToTheExistingPlans(t *testing.T) {
	t.Parallel()
	client := apigateway.NewFromConfig(localawstest.Start(t).AWSConfig())
	first, err := demo.Install(t.Context(), client, "http://localhost:1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteRestApi(t.Context(), &apigateway.DeleteRestApiInput{RestApiId: &first.APIID}); err != nil {
		t.Fatal(err)
	}
	second, err := demo.Install(t.Context(), client, "http://localhost:1")
	if err != nil {
		t.Fatal(err)
	}
	if second.APIID == first.APIID || second.FreePlanID != first.FreePlanID || second.PlusPlanID != first.PlusPlanID {
		t.Errorf("first %+v, then %+v", first, second)
	}
	for _, id := range []string{second.FreePlanID, second.PlusPlanID, second.ProPlanID} {
		plan, err := client.GetUsagePlan(t.Context(), &apigateway.GetUsagePlanInput{UsagePlanId: &id})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(plan.ApiStages, func(st types.ApiStage) bool { return *st.ApiId == second.APIID && *st.Stage == demo.Stage }) {
			t.Errorf("plan %s has the stages %v", id, plan.ApiStages)
		}
	}
}

// `gatehouse deploy --demo` installs an API with plans of the same names.
func TestPlansOfTheSameNamesForAnotherAPIAreLeftAlone(t *testing.T) {
	t.Parallel()
	client := apigateway.NewFromConfig(localawstest.Start(t).AWSConfig())
	first, err := demo.Install(t.Context(), client, "http://localhost:1")
	if err != nil {
		t.Fatal(err)
	}
	other, err := client.CreateRestApi(t.Context(), &apigateway.CreateRestApiInput{Name: aws.String("Another")})
	if err != nil {
		t.Fatal(err)
	}
	// API Gateway lists plans in an order of its own, so one of them comes before the demo's.
	for range 30 {
		if _, err := client.CreateUsagePlan(t.Context(), &apigateway.CreateUsagePlanInput{Name: aws.String("Seamark Free"), Description: other.Id}); err != nil {
			t.Fatal(err)
		}
	}
	again, err := demo.Install(t.Context(), client, "http://localhost:1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("(-first +again):\n%s", diff)
	}
}

func TestPlansAreTaggedAndOneIsSoldOnMarketplace(t *testing.T) {
	t.Parallel()
	client := apigateway.NewFromConfig(localawstest.Start(t).AWSConfig())
	in, err := demo.Install(t.Context(), client, "http://localhost:1")
	if err != nil {
		t.Fatal(err)
	}
	read := func(id string) *apigateway.GetUsagePlanOutput {
		t.Helper()
		plan, err := client.GetUsagePlan(t.Context(), &apigateway.GetUsagePlanInput{UsagePlanId: &id})
		if err != nil {
			t.Fatal(err)
		}
		return plan
	}
	arn := "arn:aws:apigateway:" + client.Options().Region + "::/usageplans/" + in.FreePlanID
	if _, err := client.UntagResource(t.Context(), &apigateway.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{catalog.OfferTag}}); err != nil {
		t.Fatal(err)
	}
	if _, err := demo.Install(t.Context(), client, "http://localhost:1"); err != nil {
		t.Fatal(err)
	}
	for id, sold := range map[string]bool{in.FreePlanID: false, in.PlusPlanID: false, in.ProPlanID: true} {
		plan := read(id)
		if plan.Tags[catalog.OfferTag] != catalog.OfferValue || (aws.ToString(plan.ProductCode) != "") != sold {
			t.Errorf("%s has the tags %v and the product code %q", *plan.Name, plan.Tags, aws.ToString(plan.ProductCode))
		}
	}
}

func subscribe(t *testing.T, client *apigateway.Client, plan string) string {
	t.Helper()
	key, err := client.CreateApiKey(t.Context(), &apigateway.CreateApiKeyInput{Name: aws.String("k"), Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CreateUsagePlanKey(t.Context(), &apigateway.CreateUsagePlanKeyInput{UsagePlanId: &plan, KeyId: key.Id, KeyType: aws.String("API_KEY")})
	if err != nil {
		t.Fatal(err)
	}
	return *key.Value
}

func get(t *testing.T, url, key string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-api-key", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}
