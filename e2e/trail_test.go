// This file tests that changes made directly in API Gateway are noticed by events, without a sweep.

package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

// byHand is API Gateway as an operator with the AWS CLI changes it: not as the worker's user.
func (s *site) byHand() *apigateway.Client { return apigateway.NewFromConfig(s.aws) }

// onlyKey returns API Gateway's only key of the site.
func (s *site) onlyKey(t *testing.T) types.ApiKey {
	t.Helper()
	out, err := s.byHand().GetApiKeys(t.Context(), &apigateway.GetApiKeysInput{NameQuery: aws.String("gatehouse/")})
	if err != nil || len(out.Items) != 1 {
		t.Fatalf("there are %d keys, %v", len(out.Items), err)
	}
	return out.Items[0]
}

// sweptOnce waits until the first runs of the jobs catalog and sweep are over. The next ones are minutes away.
func (s *site) sweptOnce(t *testing.T) {
	t.Helper()
	eventually(t, "the first sweep to end", func() bool { return strings.Contains(s.logs.String(), `"message":"swept"`) })
}

func TestChangesByHandAreNoticedWithoutASweep(t *testing.T) {
	t.Parallel()
	s := startWith(t, settings{dir: t.TempDir(), env: []string{"GATEHOUSE_TRAIL=on"}})
	p, value := s.subscribeToFree(t, "ada@example.com")
	s.sweptOnce(t)
	swept := strings.Count(s.logs.String(), `"message":"swept"`)
	key := s.onlyKey(t)
	state := func() string {
		return decode[items[struct{ State string }]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items[0].State
	}
	before := state()

	patch := func(path, value string) {
		t.Helper()
		if _, err := s.byHand().UpdateApiKey(t.Context(), &apigateway.UpdateApiKeyInput{ApiKey: key.Id, PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String(path), Value: aws.String(value)}}}); err != nil {
			t.Fatal(err)
		}
	}
	patch("/enabled", "false")
	eventually(t, "the portal to show the disabled key", func() bool { return state() != before })
	patch("/enabled", "true")
	eventually(t, "the portal to show the enabled key", func() bool { return state() == before })

	patch("/name", "mine now")
	eventually(t, "the worker to restore the key's name", func() bool {
		is, err := s.byHand().GetApiKey(t.Context(), &apigateway.GetApiKeyInput{ApiKey: key.Id})
		return err == nil && aws.ToString(is.Name) == aws.ToString(key.Name)
	})

	if _, err := s.byHand().DeleteUsagePlanKey(t.Context(), &apigateway.DeleteUsagePlanKeyInput{UsagePlanId: &s.Demo.API.FreePlanID, KeyId: key.Id}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the worker to attach the key again", func() bool { return s.call(t, value) == http.StatusOK })

	if _, err := s.byHand().UpdateUsagePlan(t.Context(), &apigateway.UpdateUsagePlanInput{UsagePlanId: &s.Demo.API.FreePlanID, PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String("/throttle/burstLimit"), Value: aws.String("77")}}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the catalog to be read", func() bool {
		return strings.Contains(string(p.do(http.MethodGet, "/api/v1/catalog", "").body), ":77")
	})
	if now := strings.Count(s.logs.String(), `"message":"swept"`); now != swept {
		t.Errorf("%d sweeps ended meanwhile", now-swept)
	}

	admin := s.admin(t)
	if shown := decode[struct{ Queues []struct{ Name string } }](admin.do(http.MethodGet, "/api/v1/admin/overview", "").want(http.StatusOK)).Queues; !slices.ContainsFunc(shown, func(q struct{ Name string }) bool { return q.Name == "gatehouse-trail" }) {
		t.Errorf("the overview for admins has the queues %v", shown)
	}
}
