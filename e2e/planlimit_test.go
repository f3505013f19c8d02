// This file tests what happens at API Gateway's limit of 10 plans for a key.

package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

// API Gateway itself refuses the plan if the portal was configured with a higher quota.
func TestTheEleventhPlanOfAKeyIsRefusedAndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for name, env := range map[string][]string{
		"by the worker":  nil,
		"by API Gateway": {"GATEHOUSE_PLANS_PER_KEY=25"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startWith(t, settings{dir: t.TempDir(), env: env})
			s.waitForCatalog(t)
			plans := s.publishMorePlans(t, 11)
			p := s.signUp(t, "maria@example.com")
			p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
			for _, plan := range plans[:10] {
				p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+plan, ""))
			}
			op := p.finish(p.do(http.MethodPut, "/api/v1/subscriptions/"+plans[10], ""))
			want := "A key can be in at most 10 plans. Leave one of them first, then subscribe to Plan 10, or ask the operator of this portal to have the quota raised."
			if op.Status != "rejected" || op.Reason == nil || op.Reason.Code != "limit_reached" || op.Reason.Message != want {
				t.Errorf("the operation is %+v, %+v", op, op.Reason)
			}
			if n := s.countAttached(t, plans[10]); n != 0 {
				t.Errorf("%d keys are in the plan", n)
			}
		})
	}
}

// publishMorePlans gives each plan a stage of its own.
func (s *site) publishMorePlans(t *testing.T, n int) (ids []string) {
	t.Helper()
	client := apigateway.NewFromConfig(s.aws)
	api := aws.String(s.Demo.API.APIID)
	deployments, err := client.GetDeployments(t.Context(), &apigateway.GetDeploymentsInput{RestApiId: api})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		stage := aws.String(fmt.Sprint("extra", i))
		if _, err := client.CreateStage(t.Context(), &apigateway.CreateStageInput{RestApiId: api, StageName: stage, DeploymentId: deployments.Items[0].Id}); err != nil {
			t.Fatal(err)
		}
		plan, err := client.CreateUsagePlan(t.Context(), &apigateway.CreateUsagePlanInput{
			Name: aws.String(fmt.Sprint("Plan ", i)), ApiStages: []types.ApiStage{{ApiId: api, Stage: stage}},
			Tags: map[string]string{catalog.OfferTag: catalog.OfferValue},
		})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, *plan.Id)
	}
	s.operator(t).says(0, "catalog", "sync")
	return ids
}
