package simulate

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/local"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

type listing struct {
	kind    marketplace.Kind
	product string
	// target is what a client names to claim a purchase: a plan, or a product that sells several.
	target   string
	plan     string
	endpoint string
	// contract says that plans are sold by contract dimensions. plans has the plan of each.
	contract bool
	plans    map[string]string
}

func idOf(plan *types.UsagePlan) string {
	if plan == nil {
		return ""
	}
	return aws.ToString(plan.Id)
}

// listing makes the older listing and its plan if they do not exist.
func (s *Simulator) listing(ctx context.Context, kind marketplace.Kind) (listing, error) {
	l := listing{kind: kind, product: demo.ProCode}
	if kind == marketplace.SNS {
		l.product = local.Fleet.Code
		if err := s.listFleet(ctx); err != nil {
			return l, err
		}
	}
	find := s.planOf
	sought := l.product
	if kind == marketplace.EventBridge {
		find, sought = s.planNamed, demo.ProName
	}
	sold, err := find(ctx, sought)
	switch {
	case err != nil:
		return l, err
	case sold == nil:
		return l, refuse(fmt.Sprintf("The local API Gateway has no usage plan for %s. Start `gatehouse local` again, which installs the demo.", sought))
	}
	l.plan, l.target = idOf(sold), idOf(sold)
	return l, s.until(ctx, "the portal to offer the plan "+l.plan, func() (bool, error) {
		l.endpoint, err = s.endpointOf(ctx, l.plan)
		return l.endpoint != "", err
	})
}

// listFleet lists a product with topics. It may be repeated.
func (s *Simulator) listFleet(ctx context.Context) error {
	plan, err := s.planOf(ctx, local.Fleet.Code)
	if err == nil && plan == nil {
		plan, err = s.createFleet(ctx)
	}
	if err != nil {
		return err
	}
	_, err = s.market.PutProduct(ctx, marketplace.Product{
		Code: local.Fleet.Code, ID: local.Fleet.ID, Name: local.Fleet.Name, Kind: marketplace.SNS, Dimensions: []string{"requests"},
		RegistrationURL: s.process.Config.BaseURL + "/marketplace-confirm/" + aws.ToString(plan.Id),
	})
	if err != nil {
		return fmt.Errorf("listing %s: %w", local.Fleet.Name, err)
	}
	return nil
}

// createFleet creates the usage plan on the stages of the demo's plan.
func (s *Simulator) createFleet(ctx context.Context) (*types.UsagePlan, error) {
	pro, err := s.planNamed(ctx, demo.ProName)
	switch {
	case err != nil:
		return nil, err
	case pro == nil:
		return nil, refuse("The local API Gateway does not have the demo's plans. Start `gatehouse local` again, which installs them.")
	}
	created, err := s.plans.CreateUsagePlan(ctx, &apigateway.CreateUsagePlanInput{
		Name: aws.String(local.Fleet.Name), Description: aws.String("Sold by an older listing, for `gatehouse marketplace simulate`."),
		ApiStages: pro.ApiStages, Tags: map[string]string{catalog.OfferTag: catalog.OfferValue},
	})
	if err != nil {
		return nil, fmt.Errorf("creating usage plan %s: %w", local.Fleet.Name, err)
	}
	_, err = s.plans.UpdateUsagePlan(ctx, &apigateway.UpdateUsagePlanInput{
		UsagePlanId: created.Id, PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String("/productCode"), Value: aws.String(local.Fleet.Code)}},
	})
	if err != nil {
		return nil, fmt.Errorf("setting the product code of usage plan %s: %w", local.Fleet.Name, err)
	}
	return &types.UsagePlan{Id: created.Id}, app.RequestCatalog(ctx, s.process)
}

func (s *Simulator) planOf(ctx context.Context, code string) (*types.UsagePlan, error) {
	return s.plan(ctx, func(plan types.UsagePlan) bool { return aws.ToString(plan.ProductCode) == code })
}

// planNamed finds the usage plan of that name, nil if there is none.
func (s *Simulator) planNamed(ctx context.Context, name string) (*types.UsagePlan, error) {
	return s.plan(ctx, func(plan types.UsagePlan) bool { return aws.ToString(plan.Name) == name })
}

func (s *Simulator) plan(ctx context.Context, sought func(types.UsagePlan) bool) (*types.UsagePlan, error) {
	pages := apigateway.NewGetUsagePlansPaginator(s.plans, &apigateway.GetUsagePlansInput{Limit: aws.Int32(500)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing usage plans: %w", err)
		}
		for _, plan := range page.Items {
			if sought(plan) {
				return &plan, nil
			}
		}
	}
	return nil, nil
}

// endpointOf returns "" until the portal sells the plan on AWS Marketplace.
func (s *Simulator) endpointOf(ctx context.Context, plan string) (string, error) {
	var shown struct {
		Items []struct {
			Plans []struct {
				ID          string
				Marketplace bool
			}
			APIs []struct{ Endpoint string } `json:"apis"`
		}
	}
	if err := s.ask(ctx, "GET", "/catalog", "", nil, &shown); err != nil {
		return "", err
	}
	for _, product := range shown.Items {
		for _, p := range product.Plans {
			if p.ID == plan && p.Marketplace && len(product.APIs) > 0 {
				return product.APIs[0].Endpoint, nil
			}
		}
	}
	return "", nil
}

// lateError: something did not happen in time.
type lateError string

func (l lateError) Error() string { return "waiting for " + string(l) + ": it did not happen in time" }

// until polls until so returns true. After s.patience it returns a lateError.
func (s *Simulator) until(ctx context.Context, what string, so func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.patience, lateError(what))
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		is, err := so()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case is || err != nil:
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
