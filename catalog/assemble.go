package catalog

import (
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// parts is everything a run read from API Gateway.
type parts struct {
	plans []gateway.UsagePlan
	// apis are the REST APIs that plans name, with their stages.
	apis   map[string]gateway.RestAPI
	stages map[string][]string
	// mapped are the base paths of custom domains.
	mapped []mapped
}

// offered reports whether a plan belongs in the catalog. Plans with a product code are sold
// through AWS Marketplace and are left out for now.
func offered(plan gateway.UsagePlan) bool { return plan.ProductCode == "" }

// assemble builds the catalog. Plans that open the same stages form one product, named after
// its APIs. Stages that no longer exist are dropped, and so are plans without any stage left. A
// stage of an API that is not a REST API is kept, though only its id and name are known.
func assemble(from parts, byDefault Endpoint) Document {
	at := newAddresses(from.mapped)
	var products []Product
	for _, plans := range grouped(from) {
		products = append(products, product(plans, from, at, byDefault))
	}
	return Document{Products: distinct(products)}.Canonical()
}

// has reports whether the stage exists, as far as the parts show.
func (p parts) has(stage portal.Stage) bool {
	if _, rest := p.apis[stage.API]; !rest {
		return true
	}
	return slices.Contains(p.stages[stage.API], stage.Stage)
}

// grouped groups the plans that open the same stages.
func grouped(from parts) map[string][]Plan {
	groups := map[string][]Plan{}
	for _, read := range from.plans {
		plan := Plan{ID: read.ID, Name: read.Name, Description: read.Description}
		for _, stage := range read.Stages {
			if from.has(stage) {
				plan.Stages = append(plan.Stages, stage)
			}
		}
		if !offered(read) || len(plan.Stages) == 0 {
			continue
		}
		slices.SortFunc(plan.Stages, compareStages)
		if t := read.Throttle; t != nil {
			plan.Throttle = &Throttle{Rate: t.Rate, Burst: t.Burst}
		}
		if q := read.Quota; q != nil {
			plan.Quota = &Quota{Limit: q.Limit, Period: q.Period}
		}
		for _, m := range read.Methods {
			if slices.Contains(plan.Stages, m.Stage) {
				plan.Methods = append(plan.Methods, MethodLimit{
					API: m.Stage.API, Stage: m.Stage.Stage, Path: m.Path, Method: m.Method, Rate: m.Rate, Burst: m.Burst,
				})
			}
		}
		id := productID(plan.Stages)
		groups[id] = append(groups[id], plan)
	}
	return groups
}

// productID depends only on the stages, so it survives renames and changes of plans. The
// derived form contains no hyphen; the readable form does.
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

// slug is the default of API.Slug.
func slug(stage portal.Stage) string { return stage.API + "-" + stage.Stage }

// product builds a product from plans that all open the same stages.
func product(plans []Plan, from parts, at addresses, byDefault Endpoint) Product {
	p := Product{ID: productID(plans[0].Stages), Plans: plans}
	for _, stage := range plans[0].Stages {
		api, rest := from.apis[stage.API]
		if !rest {
			p.APIs = append(p.APIs, API{ID: stage.API, Slug: slug(stage), Name: "API " + stage.API, Stage: stage.Stage, Kind: Other})
			continue
		}
		p.APIs = append(p.APIs, API{
			ID: api.ID, Slug: slug(stage), Name: api.Name, Description: api.Description, Version: api.Version, Stage: stage.Stage,
			Kind: REST, Private: api.Private, Endpoint: at.endpoint(api, stage, byDefault),
		})
	}
	slices.SortFunc(p.APIs, compareAPIs)
	p.Name = joined(p.APIs, apiName)
	if ids := each(p.APIs, apiID); len(ids) == 1 {
		p.Description = p.APIs[0].Description
	}
	return p
}

// distinct tells apart products of the same name by adding their stages to the names, or else
// the stages of each API.
func distinct(products []Product) []Product {
	for _, more := range []func(API) string{
		func(a API) string { return a.Stage },
		func(a API) string { return a.ID + ":" + a.Stage },
	} {
		called := map[string]int{}
		for _, p := range products {
			called[p.Name]++
		}
		for i, p := range products {
			if called[p.Name] > 1 {
				products[i].Name = joined(p.APIs, apiName) + " (" + joined(p.APIs, more) + ")"
			}
		}
	}
	return products
}

func apiName(a API) string { return a.Name }

func apiID(a API) string { return a.ID }

func joined(apis []API, of func(API) string) string {
	texts := each(apis, of)
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}

// each lists a property of the APIs in their order, without duplicates.
func each(apis []API, of func(API) string) []string {
	var list []string
	for _, api := range apis {
		if text := of(api); !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}
