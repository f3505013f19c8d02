package apigateway_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func updateV1(t *testing.T, client *sdk.Client, api string, ops ...types.PatchOperation) (*sdk.UpdateStageOutput, error) {
	t.Helper()
	return client.UpdateStage(t.Context(), &sdk.UpdateStageInput{RestApiId: &api, StageName: aws.String("v1"), PatchOperations: ops})
}

func TestAStageThrottlesItsMethods(t *testing.T) {
	t.Parallel()
	now := newClock()
	srv, client := start(t, now.install)
	api := importAPI(t, client, pets(t, echoBackend(t)))
	post := func() int { return call(t, "POST", stageURL(srv, api)+"/pets", "", "").Status }
	must[*sdk.UpdateStageOutput](t)(updateV1(t, client, api, replace("/*/*/throttling/rateLimit", "1"), replace("/*/*/throttling/burstLimit", "2")))
	for i, want := range []int{http.StatusCreated, http.StatusCreated, http.StatusTooManyRequests} {
		if got := post(); got != want {
			t.Errorf("call %d is answered %d, want %d", i+1, got, want)
		}
	}
	if got := call(t, "DELETE", stageURL(srv, api)+"/files/a", "", "").Status; got != http.StatusTeapot {
		t.Errorf("another method is answered %d, and has a bucket of its own", got)
	}
	now.set(now.Now().Add(time.Second))
	if got := post(); got != http.StatusCreated {
		t.Errorf("a second later it is answered %d", got)
	}
	// A method's own setting takes precedence. A rate of 0 allows no calls, and -1 all.
	for value, want := range map[string]int{"0": http.StatusTooManyRequests, "-1": http.StatusCreated} {
		must[*sdk.UpdateStageOutput](t)(updateV1(t, client, api, replace("/~1pets/POST/throttling/rateLimit", value)))
		if got := post(); got != want {
			t.Errorf("with a rate of %s it is answered %d, want %d", value, got, want)
		}
	}
	out := must[*sdk.UpdateStageOutput](t)(updateV1(t, client, api, patch(types.OpRemove, "/*/*", ""), patch(types.OpRemove, "/pets/POST", "")))
	if len(out.MethodSettings) > 0 {
		t.Errorf("settings remain: %v", out.MethodSettings)
	}
}

func TestAStagesSettingsIncludeTheDefaults(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	api := deployedAPI(t, client, backend)
	out := must[*sdk.UpdateStageOutput](t)(updateV1(t, client, api,
		replace("/*/*/throttling/rateLimit", "7.5"), replace("/*/*/metrics/enabled", "true"), replace("/*/*/logging/loglevel", "OFF")))
	want := types.MethodSetting{
		MetricsEnabled: true, LoggingLevel: aws.String("OFF"), ThrottlingBurstLimit: 5000, ThrottlingRateLimit: 7.5, CacheTtlInSeconds: 300,
		RequireAuthorizationForCacheControl:    true,
		UnauthorizedCacheControlHeaderStrategy: types.UnauthorizedCacheControlHeaderStrategySucceedWithResponseHeader,
	}
	if diff := cmp.Diff(map[string]types.MethodSetting{"*/*": want}, out.MethodSettings, cmpopts.IgnoreUnexported(want)); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	for _, op := range []types.PatchOperation{replace("/*/*/logging/loglevel", "INFO"), replace("/*/*/caching/enabled", "true"), replace("/*/*/logging/dataTrace", "true")} {
		_, err := updateV1(t, client, api, op)
		refused(t, err, "NotImplementedException", "")
	}
	for _, op := range []types.PatchOperation{replace("/*/*/throttling/rateLimit", "fast"), replace("/*/*/throttling/colour", "1"), patch(types.OpAdd, "/*/*/throttling/rateLimit", "1")} {
		_, err := updateV1(t, client, api, op)
		refused(t, err, "BadRequestException", "")
	}
}
