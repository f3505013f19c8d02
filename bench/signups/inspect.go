package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func (s *site) stopFaults() error {
	s.aws.SetLimits(localaws.Limits{})
	return s.aws.SetFaults(faults.Plan{})
}

func (s *site) inspect(ctx context.Context, people []*person, r *report) error {
	if err := s.stopFaults(); err != nil {
		return err
	}
	for _, p := range people {
		if p.status == "succeeded" {
			r.Succeeded++
		}
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return err
	}
	for _, n := range keys {
		if n > 1 {
			r.Doubled++
		}
	}
	r.Accounts = len(keys)
	if r.Attached, err = s.attached(ctx); err != nil {
		return err
	}
	if r.Journal, err = s.compare(ctx); err != nil {
		return err
	}
	want := s.users + s.more()
	r.Kept = r.Journal.kept(want) && r.Succeeded == s.users && r.Accounts == want && r.Attached == want && r.Doubled == 0 && r.clickErr == nil
	return nil
}

func (s *site) keys(ctx context.Context) (map[portal.AccountID]int, error) {
	counts := map[portal.AccountID]int{}
	cfg, err := app.LoadConfig(nil)
	if err != nil {
		return nil, err
	}
	pages := apigateway.NewGetApiKeysPaginator(apigateway.NewFromConfig(s.aws.AWSConfig()), &apigateway.GetApiKeysInput{Limit: aws.Int32(500)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing keys: %w", err)
		}
		for _, k := range page.Items {
			if account, _, ok := gateway.ParseKeyName(cfg.Prefix, aws.ToString(k.Name)); ok {
				counts[account]++
			}
		}
	}
	return counts, nil
}

func (s *site) attached(ctx context.Context) (int, error) {
	n := 0
	pages := apigateway.NewGetUsagePlanKeysPaginator(apigateway.NewFromConfig(s.aws.AWSConfig()), &apigateway.GetUsagePlanKeysInput{
		UsagePlanId: &s.demo.FreePlanID, Limit: aws.Int32(500),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, fmt.Errorf("listing the plan's keys: %w", err)
		}
		n += len(page.Items)
	}
	return n, nil
}
