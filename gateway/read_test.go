package gateway

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// limitedPlan makes a plan with every limit and no stage.
func (w *world) limitedPlan(t *testing.T) UsagePlan {
	t.Helper()
	out, err := w.API.CreateUsagePlan(t.Context(), &apigateway.CreateUsagePlanInput{
		Name: aws.String("Limited"), Description: aws.String("With limits"),
		Throttle: &types.ThrottleSettings{RateLimit: 2.5, BurstLimit: 7},
		Quota:    &types.QuotaSettings{Limit: 1000, Period: types.QuotaPeriodTypeMonth},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.API.UpdateUsagePlan(t.Context(), &apigateway.UpdateUsagePlanInput{
		UsagePlanId:     out.Id,
		PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String("/productCode"), Value: aws.String("abc123")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return UsagePlan{
		ID: portal.PlanID(aws.ToString(out.Id)), Name: "Limited", Description: "With limits",
		Throttle: &Throttle{Rate: 2.5, Burst: 7}, Quota: &Quota{Limit: 1000, Period: "MONTH"}, ProductCode: "abc123",
	}
}

func all[T any](t *testing.T, list func(context.Context, string) ([]T, string, error)) (items []T) {
	t.Helper()
	for position := ""; ; {
		page, next, err := list(t.Context(), position)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, page...)
		if position = next; next == "" {
			return items
		}
	}
}

func TestPlansAPIsAndStagesAreReadPageByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Wire.PageSize = 2
	s := w.session(t)
	pets := w.RestAPI(t, "Pets", "prod", "beta")
	w.RestAPI(t, "Birds", "prod")
	w.RestAPI(t, "Fish")
	want := map[portal.PlanID]UsagePlan{}
	for _, name := range []string{"Free", "Silver", "Gold"} {
		id := w.Plan(t, name, pets, "prod", pets, "beta")
		want[id] = UsagePlan{ID: id, Name: name, Stages: []portal.Stage{{API: pets, Stage: "prod"}, {API: pets, Stage: "beta"}}}
	}
	limited := w.limitedPlan(t)
	want[limited.ID] = limited

	plans, err := s.UsagePlans(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[portal.PlanID]UsagePlan{}
	for _, plan := range plans {
		got[plan.ID] = plan
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("plans (-want +got):\n%s", diff)
	}
	apis := all(t, s.RestAPIsPage)
	at := slices.IndexFunc(apis, func(a RestAPI) bool { return a.ID == pets })
	if len(apis) != 3 || at < 0 || apis[at] != (RestAPI{ID: pets, Name: "Pets", Description: "About Pets", Version: "1"}) {
		t.Errorf("APIs %+v", apis)
	}
	stages, err := s.Stages(t.Context(), pets)
	names := map[string]string{}
	for _, stage := range stages {
		names[stage.Name] = stage.Version
	}
	if len(stages) != 2 || names["beta"] == "" || names["prod"] == "" || err != nil {
		t.Errorf("stages with deployments %v, %v", names, err)
	}
	if stages, err := s.Stages(t.Context(), "nosuch"); len(stages) != 0 || err != nil {
		t.Errorf("stages of an API that is gone: %v, %v", stages, err)
	}
}
