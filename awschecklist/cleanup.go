package awschecklist

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

// cleanUpTime is enough for what a few interrupted runs have left. API Gateway deletes five keys a second, and
// one REST API in 30 seconds.
const cleanUpTime = 5 * time.Minute

func gone(err error) bool { return codeOf(err) == "NotFoundException" }

func hasPrefix(name *string, prefix string) bool {
	return strings.HasPrefix(aws.ToString(name), prefix)
}

// cleanUp deletes what this and earlier trials have made, by its name. It goes on after an error.
func (t *trial) cleanUp(ctx context.Context) error {
	return errors.Join(t.deleteKeys(ctx), t.deletePlans(ctx), t.deleteAPIs(ctx))
}

func (t *trial) deleteKeys(ctx context.Context) error {
	keys, err := t.keys(ctx, t.base)
	if err != nil {
		return fmt.Errorf("listing the keys to delete: %w", err)
	}
	var faults []error
	for _, k := range keys {
		_, err := call(ctx, t, t.Gateway.DeleteApiKey, &apigateway.DeleteApiKeyInput{ApiKey: k.Id})
		if err != nil && !gone(err) {
			faults = append(faults, fmt.Errorf("deleting API key %s: %w", aws.ToString(k.Id), err))
		}
	}
	return errors.Join(faults...)
}

func (t *trial) deletePlans(ctx context.Context) error {
	pages := apigateway.NewGetUsagePlansPaginator(t.Gateway, &apigateway.GetUsagePlansInput{Limit: aws.Int32(500)})
	var plans []types.UsagePlan
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("listing the usage plans to delete: %w", err)
		}
		plans = append(plans, page.Items...)
	}
	var faults []error
	for _, plan := range plans {
		if hasPrefix(plan.Name, t.base) {
			faults = append(faults, t.deletePlan(ctx, plan))
		}
	}
	return errors.Join(faults...)
}

// deletePlan first tries to delete the plan with its stages, since whether AWS allows that is one of the
// questions.
func (t *trial) deletePlan(ctx context.Context, plan types.UsagePlan) error {
	remove := func() error {
		_, err := call(ctx, t, t.Gateway.DeleteUsagePlan, &apigateway.DeleteUsagePlanInput{UsagePlanId: plan.Id})
		if gone(err) {
			return nil
		}
		return err
	}
	err := remove()
	if hasPrefix(plan.Name, t.run) {
		t.note(10, "deleting a usage plan that covers a stage", "%s", answerOf(err))
	}
	if err == nil {
		return nil
	}
	for _, covered := range plan.ApiStages {
		_, err := call(ctx, t, t.Gateway.UpdateUsagePlan, &apigateway.UpdateUsagePlanInput{UsagePlanId: plan.Id, PatchOperations: []types.PatchOperation{
			{Op: types.OpRemove, Path: aws.String("/apiStages"), Value: aws.String(aws.ToString(covered.ApiId) + ":" + aws.ToString(covered.Stage))}}})
		if err != nil {
			return fmt.Errorf("taking a stage from usage plan %s: %w", aws.ToString(plan.Id), err)
		}
	}
	if err := remove(); err != nil {
		return fmt.Errorf("deleting usage plan %s: %w", aws.ToString(plan.Id), err)
	}
	return nil
}

func (t *trial) deleteAPIs(ctx context.Context) error {
	pages := apigateway.NewGetRestApisPaginator(t.Gateway, &apigateway.GetRestApisInput{Limit: aws.Int32(500)})
	var faults []error
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("listing the REST APIs to delete: %w", err)
		}
		for _, api := range page.Items {
			if !hasPrefix(api.Name, t.base) {
				continue
			}
			_, err := call(ctx, t, t.Gateway.DeleteRestApi, &apigateway.DeleteRestApiInput{RestApiId: api.Id})
			if err != nil && !gone(err) {
				faults = append(faults, fmt.Errorf("deleting REST API %s: %w", aws.ToString(api.Id), err))
			}
		}
	}
	return errors.Join(faults...)
}
