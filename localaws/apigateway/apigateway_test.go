package apigateway_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// start runs a local AWS until the test ends, and returns it with a client.
func start(t *testing.T, adjust ...func(*localaws.Options)) (*localaws.Server, *sdk.Client) {
	t.Helper()
	srv := localawstest.Start(t, adjust...)
	return srv, sdk.NewFromConfig(srv.AWSConfig())
}

// clock is a time that moves only when a test advances it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 18, 10, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = to
}

func (c *clock) install(o *localaws.Options) { o.Now = c.Now }

// must returns a result that the test needs.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// refused checks the code of AWS's error and, if given, its message.
func refused(t *testing.T, err error, code, message string) {
	t.Helper()
	var e smithy.APIError
	switch {
	case !errors.As(err, &e):
		t.Errorf("got %v, want %s", err, code)
	case e.ErrorCode() != code || message != "" && e.ErrorMessage() != message:
		t.Errorf("got %s %q, want %s %q", e.ErrorCode(), e.ErrorMessage(), code, message)
	}
}

func replace(path, value string) types.PatchOperation { return patch(types.OpReplace, path, value) }

func patch(op types.Op, path, value string) types.PatchOperation {
	return types.PatchOperation{Op: op, Path: aws.String(path), Value: aws.String(value)}
}

// deployedAPI deploys an API to the stage "v1": all paths go to the backend and need a key.
func deployedAPI(t *testing.T, client *sdk.Client, backend string) string {
	t.Helper()
	ctx := context.Background()
	api := must[*sdk.CreateRestApiOutput](t)(client.CreateRestApi(ctx, &sdk.CreateRestApiInput{Name: aws.String("demo")}))
	proxy := must[*sdk.CreateResourceOutput](t)(client.CreateResource(ctx, &sdk.CreateResourceInput{
		RestApiId: api.Id, ParentId: api.RootResourceId, PathPart: aws.String("{proxy+}"),
	}))
	must[*sdk.PutMethodOutput](t)(client.PutMethod(ctx, &sdk.PutMethodInput{
		RestApiId: api.Id, ResourceId: proxy.Id, HttpMethod: aws.String("ANY"), AuthorizationType: aws.String("NONE"),
		ApiKeyRequired: true, RequestParameters: map[string]bool{"method.request.path.proxy": true},
	}))
	must[*sdk.PutIntegrationOutput](t)(client.PutIntegration(ctx, &sdk.PutIntegrationInput{
		RestApiId: api.Id, ResourceId: proxy.Id, HttpMethod: aws.String("ANY"), IntegrationHttpMethod: aws.String("ANY"),
		Type: types.IntegrationTypeHttpProxy, Uri: aws.String(backend + "/{proxy}"),
		RequestParameters: map[string]string{"integration.request.path.proxy": "method.request.path.proxy"},
	}))
	must[*sdk.CreateDeploymentOutput](t)(client.CreateDeployment(ctx, &sdk.CreateDeploymentInput{
		RestApiId: api.Id, StageName: aws.String("v1"),
	}))
	return *api.Id
}

func planFor(t *testing.T, client *sdk.Client, in sdk.CreateUsagePlanInput, stages ...types.ApiStage) string {
	t.Helper()
	in.Name, in.ApiStages = aws.String("a plan"), stages
	return *must[*sdk.CreateUsagePlanOutput](t)(client.CreateUsagePlan(context.Background(), &in)).Id
}

func newKey(t *testing.T, client *sdk.Client, name string) *sdk.CreateApiKeyOutput {
	t.Helper()
	return must[*sdk.CreateApiKeyOutput](t)(client.CreateApiKey(context.Background(), &sdk.CreateApiKeyInput{
		Name: aws.String(name), Enabled: true,
	}))
}

func attach(client *sdk.Client, plan, key string) error {
	_, err := client.CreateUsagePlanKey(context.Background(), &sdk.CreateUsagePlanKeyInput{
		UsagePlanId: &plan, KeyId: &key, KeyType: aws.String("API_KEY"),
	})
	return err
}

func v1(api string) types.ApiStage { return types.ApiStage{ApiId: &api, Stage: aws.String("v1")} }
