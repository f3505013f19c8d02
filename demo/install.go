package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

// Stage is the stage that the API is deployed to.
const Stage = "v1"

const (
	apiName  = "Seamark"
	freeName = "Seamark Free"
	plusName = "Seamark Plus"
	// ProName is the name of the usage plan that is sold on AWS Marketplace.
	ProName = "Seamark Pro"
)

// ProCode is the product code of an invented product on AWS Marketplace.
const ProCode = "seamark-pro-demo"

// Installed holds the demo's ids in API Gateway.
type Installed struct {
	APIID, Stage string
	// FreePlanID, PlusPlanID and ProPlanID are the stage's usage plans. The last is sold on AWS
	// Marketplace.
	FreePlanID, PlusPlanID, ProPlanID string
}

type client interface {
	apiClient
	planClient
}

// Install creates a REST API that passes every request with an API key on to backendURL (without
// a slash at its end), deploys it to Stage, and creates three usage plans on it, tagged as
// offered. It finds by name what exists and changes only what differs.
func Install(ctx context.Context, c client, backendURL string) (Installed, error) {
	in := Installed{Stage: Stage}
	var err error
	if in.APIID, err = installAPI(ctx, c, backendURL); err != nil {
		return Installed{}, fmt.Errorf("installing the API %s: %w", apiName, err)
	}
	plans, err := listPlans(ctx, c)
	if err != nil {
		return Installed{}, err
	}
	stage := types.ApiStage{ApiId: &in.APIID, Stage: aws.String(Stage)}
	if in.FreePlanID, err = installPlan(ctx, c, plans, freePlan(stage)); err != nil {
		return Installed{}, err
	}
	if in.PlusPlanID, err = installPlan(ctx, c, plans, plusPlan(stage)); err != nil {
		return Installed{}, err
	}
	if in.ProPlanID, err = installPlan(ctx, c, plans, proPlan(stage)); err != nil {
		return Installed{}, err
	}
	return in, sell(ctx, c, plans, in.ProPlanID)
}

func offerTags() map[string]string { return map[string]string{catalog.OfferTag: catalog.OfferValue} }

func freePlan(stage types.ApiStage) *apigateway.CreateUsagePlanInput {
	return &apigateway.CreateUsagePlanInput{
		Name: aws.String(freeName), Description: aws.String("To try things out: 1,000 requests a month, 5 a second."),
		ApiStages: []types.ApiStage{stage}, Tags: offerTags(),
		Throttle: &types.ThrottleSettings{RateLimit: 5, BurstLimit: 10},
		Quota:    &types.QuotaSettings{Limit: 1_000, Period: types.QuotaPeriodTypeMonth},
	}
}

func plusPlan(stage types.ApiStage) *apigateway.CreateUsagePlanInput {
	return &apigateway.CreateUsagePlanInput{
		Name: aws.String(plusName), Description: aws.String("For an app in use: 100,000 requests a month, 50 a second."),
		ApiStages: []types.ApiStage{stage}, Tags: offerTags(),
		Throttle: &types.ThrottleSettings{RateLimit: 50, BurstLimit: 100},
		Quota:    &types.QuotaSettings{Limit: 100_000, Period: types.QuotaPeriodTypeMonth},
	}
}

func proPlan(stage types.ApiStage) *apigateway.CreateUsagePlanInput {
	return &apigateway.CreateUsagePlanInput{
		Name: aws.String(ProName), Description: aws.String("For a fleet: no monthly limit, 200 requests a second. Bought on AWS Marketplace."),
		ApiStages: []types.ApiStage{stage}, Tags: offerTags(),
		Throttle: &types.ThrottleSettings{RateLimit: 200, BurstLimit: 400},
	}
}

// sell gives the plan its product code, which only an update can do.
func sell(ctx context.Context, c planClient, plans []types.UsagePlan, id string) error {
	for _, plan := range plans {
		if aws.ToString(plan.Id) == id && aws.ToString(plan.ProductCode) != "" {
			return nil
		}
	}
	_, err := c.UpdateUsagePlan(ctx, &apigateway.UpdateUsagePlanInput{
		UsagePlanId: &id, PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String("/productCode"), Value: aws.String(ProCode)}},
	})
	if err != nil {
		return fmt.Errorf("setting the product code of usage plan %s: %w", id, err)
	}
	return nil
}

type planClient interface {
	GetUsagePlans(context.Context, *apigateway.GetUsagePlansInput, ...func(*apigateway.Options)) (*apigateway.GetUsagePlansOutput, error)
	CreateUsagePlan(context.Context, *apigateway.CreateUsagePlanInput, ...func(*apigateway.Options)) (*apigateway.CreateUsagePlanOutput, error)
	UpdateUsagePlan(context.Context, *apigateway.UpdateUsagePlanInput, ...func(*apigateway.Options)) (*apigateway.UpdateUsagePlanOutput, error)
	TagResource(context.Context, *apigateway.TagResourceInput, ...func(*apigateway.Options)) (*apigateway.TagResourceOutput, error)
	Options() apigateway.Options
}

func listPlans(ctx context.Context, c planClient) (plans []types.UsagePlan, err error) {
	pages := apigateway.NewGetUsagePlansPaginator(c, &apigateway.GetUsagePlansInput{Limit: aws.Int32(500)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing usage plans: %w", err)
		}
		plans = append(plans, page.Items...)
	}
	return plans, nil
}

// chosenPlan is the plan of that name that has the stage, or else the first of that name. The demo
// API that `gatehouse deploy --demo` creates has plans of the same names.
func chosenPlan(plans []types.UsagePlan, name string, stage types.ApiStage) (plan types.UsagePlan, hasStage, found bool) {
	for _, p := range plans {
		if aws.ToString(p.Name) != name {
			continue
		}
		hasStage = slices.ContainsFunc(p.ApiStages, func(have types.ApiStage) bool {
			return aws.ToString(have.ApiId) == *stage.ApiId && aws.ToString(have.Stage) == *stage.Stage
		})
		if hasStage {
			return p, true, true
		}
		if !found {
			plan, found = p, true
		}
	}
	return plan, false, found
}

// installPlan creates the plan unless there is one of its name. An existing plan keeps its
// limits, which an operator may have changed. It gets the stage if it lacks it, since the API
// may have been created again, and the tag unless an operator has changed its value.
func installPlan(ctx context.Context, c planClient, plans []types.UsagePlan, want *apigateway.CreateUsagePlanInput) (string, error) {
	stage := want.ApiStages[0]
	if plan, hasStage, found := chosenPlan(plans, *want.Name, stage); found {
		if !hasStage {
			_, err := c.UpdateUsagePlan(ctx, &apigateway.UpdateUsagePlanInput{
				UsagePlanId: plan.Id, PatchOperations: []types.PatchOperation{{
					Op: types.OpAdd, Path: aws.String("/apiStages"), Value: aws.String(*stage.ApiId + ":" + *stage.Stage),
				}},
			})
			if err != nil {
				return "", fmt.Errorf("attaching the stage to usage plan %s: %w", *plan.Id, err)
			}
		}
		if plan.Tags[catalog.OfferTag] == "" {
			arn := planARN(c.Options().Region, *plan.Id)
			if _, err := c.TagResource(ctx, &apigateway.TagResourceInput{ResourceArn: &arn, Tags: offerTags()}); err != nil {
				return "", fmt.Errorf("tagging usage plan %s: %w", *plan.Id, err)
			}
		}
		return *plan.Id, nil
	}
	plan, err := c.CreateUsagePlan(ctx, want)
	if err != nil {
		return "", fmt.Errorf("creating usage plan %s: %w", *want.Name, err)
	}
	return *plan.Id, nil
}

func planARN(region, id string) string {
	partition := "aws"
	switch {
	case strings.HasPrefix(region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		partition = "aws-us-gov"
	}
	return fmt.Sprintf("arn:%s:apigateway:%s::/usageplans/%s", partition, region, id)
}
