package apigateway_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/apigateway"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// alone runs only this service, and returns it with a client of its control plane that does
// not retry.
func alone(t *testing.T, now *clock) (*apigateway.Service, *sdk.Client) {
	t.Helper()
	db := must[*store.DB](t)(store.Open(t.TempDir()+"/db", store.Options{NoSync: true}))
	t.Cleanup(func() { _ = db.Close() })
	s := apigateway.New(wire.Env{DB: db, Now: now.Now, Account: localaws.Account, Region: localaws.Region})
	srv := httptest.NewServer(http.HandlerFunc(s.ServeControl))
	t.Cleanup(srv.Close)
	return s, sdk.New(sdk.Options{
		Region: localaws.Region, BaseEndpoint: &srv.URL, Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})
}

// passing counts the calls, of n, that are not throttled.
func passing(t *testing.T, n int, call func() error) int {
	t.Helper()
	passed := 0
	for range n {
		err := call()
		var many *types.TooManyRequestsException
		switch {
		case err == nil:
			passed++
		case !errors.As(err, &many):
			t.Fatalf("got %v", err)
		default:
			refused(t, err, "TooManyRequestsException", "Too Many Requests")
		}
	}
	return passed
}

func TestTheControlPlaneEnforcesAWSQuotas(t *testing.T) {
	t.Parallel()
	now := newClock()
	s, client := alone(t, now)
	plan := planFor(t, client, sdk.CreateUsagePlanInput{})
	var made []string
	createKey := func() error {
		out, err := client.CreateApiKey(t.Context(), &sdk.CreateApiKeyInput{})
		if err == nil {
			made = append(made, *out.Id)
		}
		return err
	}
	deleteKey := func() error {
		_, err := client.DeleteApiKey(t.Context(), &sdk.DeleteApiKeyInput{ApiKey: &made[0]})
		if err == nil {
			made = made[1:]
		}
		return err
	}
	updatePlan := func() error {
		_, err := client.UpdateUsagePlan(t.Context(), &sdk.UpdateUsagePlanInput{UsagePlanId: &plan})
		return err
	}
	listKeys := func() error {
		_, err := client.GetApiKeys(t.Context(), &sdk.GetApiKeysInput{})
		return err
	}
	tests := []struct {
		name         string
		call         func() error
		share        float64
		first        int
		wait         time.Duration
		afterWaiting int
	}{
		{"CreateApiKey", createKey, 1, 5, time.Second, 5},
		{"DeleteApiKey", deleteKey, 1, 5, time.Second, 5},
		{"UpdateUsagePlan", updatePlan, 1, 1, 19 * time.Second, 0},
		{"UpdateUsagePlan after its interval", updatePlan, 1, 1, 20 * time.Second, 1},
		{"the total", listKeys, 1, 40, time.Second, 10},
		{"half of the total", listKeys, 0.5, 20, time.Second, 5},
	}
	for range 10 {
		if err := createKey(); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range tests {
		s.SetQuotas(tt.share)
		if got := passing(t, 45, tt.call); got != tt.first {
			t.Errorf("%s: %d of 45 passed at once, want %d", tt.name, got, tt.first)
		}
		now.set(now.Now().Add(tt.wait))
		if got := passing(t, 45, tt.call); got != tt.afterWaiting {
			t.Errorf("%s: %d passed after %s, want %d", tt.name, got, tt.wait, tt.afterWaiting)
		}
	}
	s.SetQuotas(0)
	if got := passing(t, 100, listKeys); got != 100 {
		t.Errorf("without quotas %d of 100 passed", got)
	}
}

func TestRequestsBeyondAnOperationsOwnQuotaDoNotCountTowardsTheTotal(t *testing.T) {
	t.Parallel()
	s, client := alone(t, newClock())
	s.SetQuotas(1)
	createKey := func() error {
		_, err := client.CreateApiKey(t.Context(), &sdk.CreateApiKeyInput{})
		return err
	}
	passing(t, 60, createKey)
	if got := passing(t, 60, func() error {
		_, err := client.GetApiKeys(t.Context(), &sdk.GetApiKeysInput{})
		return err
	}); got != 35 {
		t.Errorf("%d more passed, want the 40 of the burst less 5 keys", got)
	}
}

func TestRequestsAndErrorsAreCountedByOperation(t *testing.T) {
	t.Parallel()
	s, client := alone(t, newClock())
	s.SetQuotas(1)
	passing(t, 7, func() error {
		_, err := client.CreateApiKey(t.Context(), &sdk.CreateApiKeyInput{})
		return err
	})
	must[*sdk.ImportApiKeysOutput](t)(importKeys(client, true, "name,key", "a,"+valueOf("a")))
	_, err := client.GetUsagePlan(t.Context(), &sdk.GetUsagePlanInput{UsagePlanId: aws.String("nosuch")})
	refused(t, err, "NotFoundException", "")
	_, err = client.GetVpcLinks(t.Context(), &sdk.GetVpcLinksInput{})
	refused(t, err, "NotImplementedException", "")
	want := map[string]apigateway.Count{
		"CreateApiKey":  {Requests: 7, Throttled: 2},
		"ImportApiKeys": {Requests: 1},
		"GetUsagePlan":  {Requests: 1, Refused: 1},
	}
	if diff := cmp.Diff(want, s.Counts()); diff != "" {
		t.Error(diff)
	}
}

func TestOperationsHaveAWSsNames(t *testing.T) {
	t.Parallel()
	s, _ := alone(t, newClock())
	for request, want := range map[string]string{
		"POST /apikeys":                           "CreateApiKey",
		"POST /apikeys?mode=import&format=csv":    "ImportApiKeys",
		"DELETE /usageplans/p/keys/k":             "DeleteUsagePlanKey",
		"PATCH /usageplans/p/keys/k/usage":        "UpdateUsage",
		"GET /restapis/a/stages/v1/exports/oas30": "GetExport",
		"GET /vpclinks":                           "",
	} {
		method, target, _ := strings.Cut(request, " ")
		if got := s.Operation(httptest.NewRequest(method, target, nil)); got != want {
			t.Errorf("%s is %q, want %q", request, got, want)
		}
	}
}

func TestAttachmentsChangeOneAtATime(t *testing.T) {
	t.Parallel()
	s, client := alone(t, newClock())
	plan, other := planFor(t, client, sdk.CreateUsagePlanInput{}), planFor(t, client, sdk.CreateUsagePlanInput{})
	key, second := newKey(t, client, "k"), newKey(t, client, "second")
	detach := func(plan, key string) error {
		_, err := client.DeleteUsagePlanKey(t.Context(), &sdk.DeleteUsagePlanKeyInput{UsagePlanId: &plan, KeyId: &key})
		return err
	}
	const busy = "Unable to complete operation due to concurrent modification. Please try again later."

	s.SetConcurrentModification(time.Hour)
	// A refused change does not block others.
	refused(t, detach(plan, *key.Id), "NotFoundException", "")
	var first sync.WaitGroup
	first.Go(func() {
		if err := attach(client, plan, *key.Id); err != nil {
			t.Errorf("the first: %v", err)
		}
	})
	deadline := time.Now().Add(10 * time.Second)
	for len(plansOf(t, client, *key.Id)) == 0 && time.Now().Before(deadline) {
	}
	err := attach(client, other, *second.Id)
	refused(t, err, "ConflictException", busy)
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) || answer.HTTPStatusCode() != http.StatusConflict {
		t.Errorf("got %v", err)
	}
	refused(t, detach(plan, *key.Id), "ConflictException", busy)
	if got := s.Counts()["DeleteUsagePlanKey"]; got != (apigateway.Count{Requests: 2, Colliding: 1, Refused: 1}) {
		t.Errorf("counted %+v", got)
	}

	s.SetConcurrentModification(time.Millisecond)
	first.Wait()
	for _, err := range []error{attach(client, other, *second.Id), detach(other, *second.Id), detach(plan, *key.Id)} {
		if err != nil {
			t.Error(err)
		}
	}
}

func TestAChangeWhoseCallerGivesUpTakesEffectAndBlocksOthers(t *testing.T) {
	t.Parallel()
	s, client := alone(t, newClock())
	plan, key := planFor(t, client, sdk.CreateUsagePlanInput{}), newKey(t, client, "k")
	s.SetConcurrentModification(time.Hour)
	ctx, giveUp := context.WithCancel(t.Context())
	var first sync.WaitGroup
	first.Go(func() {
		_, err := client.CreateUsagePlanKey(ctx, &sdk.CreateUsagePlanKeyInput{UsagePlanId: &plan, KeyId: key.Id, KeyType: aws.String("API_KEY")})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the first: %v", err)
		}
	})
	deadline := time.Now().Add(10 * time.Second)
	for len(plansOf(t, client, *key.Id)) == 0 && time.Now().Before(deadline) {
	}
	giveUp()
	first.Wait()
	if have := plansOf(t, client, *key.Id); len(have) != 1 {
		t.Errorf("the key's plans are %v", have)
	}
	refused(t, attach(client, plan, *key.Id), "ConflictException", "Unable to complete operation due to concurrent modification. Please try again later.")
}

func TestTheDataPlaneAcceptsAnAttachedKeyAfterTheDelay(t *testing.T) {
	t.Parallel()
	now := newClock()
	srv, client := start(t, now.install)
	srv.SetLimits(localaws.Limits{Propagation: time.Minute})
	api := deployedAPI(t, client, echoBackend(t))
	plan, key := planFor(t, client, sdk.CreateUsagePlanInput{}, v1(api)), newKey(t, client, "k")
	if err := attach(client, plan, *key.Id); err != nil {
		t.Fatal(err)
	}
	url := stageURL(srv, api) + "/x"
	now.set(now.Now().Add(time.Minute - time.Second))
	wantRefusal(t, call(t, "GET", url, *key.Value, ""), 403, "ForbiddenException", "Forbidden")
	now.set(now.Now().Add(time.Second))
	if got := call(t, "GET", url, *key.Value, ""); got.Status != http.StatusTeapot {
		t.Errorf("after the delay: %+v", got)
	}
}
