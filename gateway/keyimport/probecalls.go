package keyimport

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

var pageSize = aws.Int32(500)

func (p *probe) importRows(ctx context.Context, rows []gateway.ImportRow) (answer gateway.ImportAnswer, err error) {
	err = p.call(ctx, gateway.ImportAPIKeys, func(ctx context.Context, client *apigateway.Client) (err error) {
		answer, err = gateway.ImportRows(ctx, client, rows)
		return err
	})
	return answer, err
}

func (p *probe) list(ctx context.Context, prefix string) (map[string]types.ApiKey, error) {
	var out *apigateway.GetApiKeysOutput
	err := p.call(ctx, gateway.ListAPIKeys, func(ctx context.Context, client *apigateway.Client) (err error) {
		out, err = client.GetApiKeys(ctx, &apigateway.GetApiKeysInput{NameQuery: aws.String(prefix), IncludeValues: aws.Bool(false), Limit: pageSize})
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
	err := p.call(ctx, gateway.ListPlanKeys, func(ctx context.Context, client *apigateway.Client) (err error) {
		out, err = client.GetUsagePlanKeys(ctx, &apigateway.GetUsagePlanKeysInput{UsagePlanId: aws.String(string(p.plan)), NameQuery: aws.String(prefix), Limit: pageSize})
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
	err = p.call(ctx, gateway.ReadAPIKey, func(ctx context.Context, client *apigateway.Client) error {
		out, err := client.GetApiKey(ctx, &apigateway.GetApiKeyInput{ApiKey: aws.String(id), IncludeValue: aws.Bool(true)})
		same = err == nil && aws.ToString(out.Value) == value
		return err
	})
	if err != nil {
		return false, fmt.Errorf("reading a probe key: %w", err)
	}
	return same, nil
}

func (p *probe) cleanUp(ctx context.Context) error {
	keys, err := p.list(ctx, p.base)
	if err != nil {
		return err
	}
	var failed []error
	for _, key := range keys {
		err := p.call(ctx, gateway.DeleteAPIKey, func(ctx context.Context, client *apigateway.Client) error {
			_, err := client.DeleteApiKey(ctx, &apigateway.DeleteApiKeyInput{ApiKey: key.Id})
			return err
		})
		if err != nil && !gateway.IsNotFound(err) {
			failed = append(failed, fmt.Errorf("deleting probe key %s: %w", aws.ToString(key.Id), err))
		}
	}
	plans, err := p.plans(ctx)
	failed = append(failed, err)
	for _, id := range plans {
		err := p.call(ctx, gateway.DeleteUsagePlan, func(ctx context.Context, client *apigateway.Client) error {
			_, err := client.DeleteUsagePlan(ctx, &apigateway.DeleteUsagePlanInput{UsagePlanId: aws.String(id)})
			return err
		})
		if err != nil && !gateway.IsNotFound(err) {
			failed = append(failed, fmt.Errorf("deleting the probe's usage plan %s: %w", id, err))
		}
	}
	return errors.Join(failed...)
}

func (p *probe) plans(ctx context.Context) ([]string, error) {
	var ids []string
	for position := (*string)(nil); ; {
		var out *apigateway.GetUsagePlansOutput
		err := p.call(ctx, gateway.ListUsagePlans, func(ctx context.Context, client *apigateway.Client) (err error) {
			out, err = client.GetUsagePlans(ctx, &apigateway.GetUsagePlansInput{Limit: pageSize, Position: position})
			return err
		})
		if err != nil {
			return ids, fmt.Errorf("listing usage plans: %w", err)
		}
		for _, plan := range out.Items {
			if aws.ToString(plan.Name) == p.base+"plan" {
				ids = append(ids, aws.ToString(plan.Id))
			}
		}
		if position = out.Position; aws.ToString(position) == "" {
			return ids, nil
		}
	}
}

func passes(err error) bool {
	var postponed *portal.Postponed
	var unavailable *gateway.Unavailable
	return errors.As(err, &postponed) || errors.As(err, &unavailable) && unavailable.Throttled || gateway.IsConcurrentChange(err)
}

func pause(ctx context.Context) error {
	timer := time.NewTimer(time.Second + rand.N(time.Second))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
