package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

func (p *probe) importFile(ctx context.Context, file []byte) (out *apigateway.ImportApiKeysOutput, err error) {
	err = p.call(ctx, importAPIKeys, func(ctx context.Context) (err error) {
		out, err = p.client.ImportApiKeys(ctx, &apigateway.ImportApiKeysInput{Body: file, Format: types.ApiKeysFormatCsv})
		return err
	})
	return out, err
}

// list reads the keys whose names begin so, by name.
func (p *probe) list(ctx context.Context, prefix string) (map[string]types.ApiKey, error) {
	var out *apigateway.GetApiKeysOutput
	err := p.call(ctx, listAPIKeys, func(ctx context.Context) (err error) {
		out, err = p.client.GetApiKeys(ctx, &apigateway.GetApiKeysInput{NameQuery: aws.String(prefix), IncludeValues: aws.Bool(false), Limit: pageSize})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing probe keys: %w", err)
	}
	keys := map[string]types.ApiKey{}
	for _, key := range out.Items {
		if strings.HasPrefix(aws.ToString(key.Name), prefix) {
			keys[aws.ToString(key.Name)] = key
		}
	}
	return keys, nil
}

func (p *probe) attached(ctx context.Context, prefix string) (map[string]bool, error) {
	var out *apigateway.GetUsagePlanKeysOutput
	err := p.call(ctx, listPlanKeys, func(ctx context.Context) (err error) {
		out, err = p.client.GetUsagePlanKeys(ctx, &apigateway.GetUsagePlanKeysInput{UsagePlanId: aws.String(p.plan), NameQuery: aws.String(prefix), Limit: pageSize})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the keys of the probe's plan: %w", err)
	}
	names := map[string]bool{}
	for _, key := range out.Items {
		names[aws.ToString(key.Name)] = true
	}
	return names, nil
}

func (p *probe) hasValue(ctx context.Context, id, value string) (same bool, err error) {
	err = p.call(ctx, readAPIKey, func(ctx context.Context) error {
		out, err := p.client.GetApiKey(ctx, &apigateway.GetApiKeyInput{ApiKey: aws.String(id), IncludeValue: aws.Bool(true)})
		same = err == nil && aws.ToString(out.Value) == value
		return err
	})
	if err != nil {
		return false, fmt.Errorf("reading a probe key: %w", err)
	}
	return same, nil
}

// cleanUp deletes the keys and the plan of this probe and of any before it.
func (p *probe) cleanUp(ctx context.Context) error {
	keys, err := p.list(ctx, p.base)
	if err != nil {
		return err
	}
	var failed []error
	for _, key := range keys {
		err := p.call(ctx, deleteAPIKey, func(ctx context.Context) error {
			_, err := p.client.DeleteApiKey(ctx, &apigateway.DeleteApiKeyInput{ApiKey: key.Id})
			return err
		})
		if err != nil && !isAbsent(err) {
			failed = append(failed, fmt.Errorf("deleting probe key %s: %w", aws.ToString(key.Id), err))
		}
	}
	plans, err := p.plans(ctx)
	failed = append(failed, err)
	for _, id := range plans {
		err := p.call(ctx, deleteUsagePlan, func(ctx context.Context) error {
			_, err := p.client.DeleteUsagePlan(ctx, &apigateway.DeleteUsagePlanInput{UsagePlanId: aws.String(id)})
			return err
		})
		if err != nil && !isAbsent(err) {
			failed = append(failed, fmt.Errorf("deleting the probe's usage plan %s: %w", id, err))
		}
	}
	return errors.Join(failed...)
}

// plans are the usage plans of probes, this one's and those of interrupted ones.
func (p *probe) plans(ctx context.Context) ([]string, error) {
	var ids []string
	err := pages(func(position *string) (next *string, err error) {
		var out *apigateway.GetUsagePlansOutput
		err = p.call(ctx, listUsagePlans, func(ctx context.Context) (err error) {
			out, err = p.client.GetUsagePlans(ctx, &apigateway.GetUsagePlansInput{Limit: pageSize, Position: position})
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("listing usage plans: %w", err)
		}
		for _, plan := range out.Items {
			if aws.ToString(plan.Name) == p.base+"plan" {
				ids = append(ids, aws.ToString(plan.Id))
			}
		}
		return out.Position, nil
	})
	return ids, err
}
