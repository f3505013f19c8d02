package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// source is API Gateway as a gateway.Session reads it.
type source interface {
	UsagePlans(ctx context.Context) ([]gateway.UsagePlan, error)
	RestAPIs(ctx context.Context) ([]gateway.RestAPI, error)
	Stages(ctx context.Context, api string) ([]string, error)
}

// Endpoint says at which URL a stage is called.
type Endpoint func(portal.Stage) string

// AWSEndpoint is where AWS serves the stages of a Region.
func AWSEndpoint(region string) Endpoint {
	return func(s portal.Stage) string {
		return fmt.Sprintf("https://%s.execute-api.%s.amazonaws.com/%s", s.API, region, s.Stage)
	}
}

// OverrideEndpoint is where an emulator of AWS at base serves its stages.
func OverrideEndpoint(base string) Endpoint {
	return func(s portal.Stage) string {
		return fmt.Sprintf("%s/restapis/%s/%s/_user_request_", strings.TrimSuffix(base, "/"), s.API, s.Stage)
	}
}

// Read makes the catalog from what API Gateway has: plans that open the same
// stages are one product, named after its APIs. A stage that no longer exists is
// passed over, and so is a plan left without any. Left out for now are plans with
// a product code: those are sold through AWS Marketplace. Read makes one call for
// each API that a plan names, besides the two lists; an error of the source is
// returned as it is, with context.
func Read(ctx context.Context, from source, endpoint Endpoint) (Document, error) {
	plans, err := from.UsagePlans(ctx)
	if err != nil {
		return Document{}, fmt.Errorf("reading usage plans: %w", err)
	}
	plans = slices.DeleteFunc(plans, func(p gateway.UsagePlan) bool { return p.ProductCode != "" })
	apis, err := from.RestAPIs(ctx)
	if err != nil {
		return Document{}, fmt.Errorf("reading REST APIs: %w", err)
	}
	stages, err := stagesOf(ctx, from, plans, apis)
	if err != nil {
		return Document{}, err
	}
	var products []Product
	for _, group := range grouped(plans, stages) {
		products = append(products, product(group, stages, endpoint))
	}
	return Document{Products: distinct(products)}.Canonical(), nil
}

// stagesOf finds the APIs behind all stages that exist and that a plan names.
func stagesOf(ctx context.Context, from source, plans []gateway.UsagePlan, apis []gateway.RestAPI) (map[portal.Stage]gateway.RestAPI, error) {
	named := map[string]bool{}
	for _, plan := range plans {
		for _, stage := range plan.Stages {
			named[stage.API] = true
		}
	}
	stages := map[portal.Stage]gateway.RestAPI{}
	for _, api := range apis {
		if !named[api.ID] {
			continue
		}
		names, err := from.Stages(ctx, api.ID)
		if err != nil {
			return nil, fmt.Errorf("reading the stages of API %s: %w", api.ID, err)
		}
		for _, name := range names {
			stages[portal.Stage{API: api.ID, Stage: name}] = api
		}
	}
	return stages, nil
}

// grouped puts together the plans that open the same stages.
func grouped(plans []gateway.UsagePlan, exist map[portal.Stage]gateway.RestAPI) map[string][]Plan {
	groups := map[string][]Plan{}
	for _, from := range plans {
		plan := Plan{ID: from.ID, Name: from.Name, Description: from.Description}
		for _, stage := range from.Stages {
			if _, ok := exist[stage]; ok {
				plan.Stages = append(plan.Stages, stage)
			}
		}
		if len(plan.Stages) == 0 {
			continue
		}
		slices.SortFunc(plan.Stages, compareStages)
		if t := from.Throttle; t != nil {
			plan.Throttle = &Throttle{Rate: t.Rate, Burst: t.Burst}
		}
		if q := from.Quota; q != nil {
			plan.Quota = &Quota{Limit: q.Limit, Period: q.Period}
		}
		id := productID(plan.Stages)
		groups[id] = append(groups[id], plan)
	}
	return groups
}

// productID stays the same as long as the stages do, whatever they are called and
// whichever plans open them. The derived form has no hyphen, the other has.
func productID(stages []portal.Stage) string {
	if len(stages) == 1 {
		return stages[0].API + "-" + stages[0].Stage
	}
	parts := make([]string, 0, len(stages))
	for _, stage := range stages {
		parts = append(parts, stage.String())
	}
	return portal.DeriveID(parts...)[:16]
}

// product is made of plans that all open the same stages.
func product(plans []Plan, stages map[portal.Stage]gateway.RestAPI, endpoint Endpoint) Product {
	p := Product{ID: productID(plans[0].Stages), Plans: plans}
	for _, stage := range plans[0].Stages {
		api := stages[stage]
		p.APIs = append(p.APIs, API{
			ID: api.ID, Name: api.Name, Description: api.Description, Version: api.Version,
			Stage: stage.Stage, Endpoint: endpoint(stage),
		})
	}
	slices.SortFunc(p.APIs, compareAPIs)
	p.Name = strings.Join(each(p.APIs, func(a API) string { return a.Name }), ", ")
	if ids := each(p.APIs, func(a API) string { return a.ID }); len(ids) == 1 {
		p.Description = p.APIs[0].Description
	}
	return p
}

// distinct adds the stages to the names of products that are called the same.
func distinct(products []Product) []Product {
	called := map[string]int{}
	for _, p := range products {
		called[p.Name]++
	}
	for i, p := range products {
		if called[p.Name] > 1 {
			products[i].Name += " (" + strings.Join(each(p.APIs, func(a API) string { return a.Stage }), ", ") + ")"
		}
	}
	return products
}

// each lists what the APIs have, without repeating it, in their order.
func each(apis []API, of func(API) string) []string {
	var list []string
	for _, api := range apis {
		if text := of(api); !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}
