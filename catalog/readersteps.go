package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// named returns the stages that plans name, by API.
func named(plans []gateway.UsagePlan) map[string][]string {
	stages := map[string][]string{}
	for _, plan := range plans {
		for _, stage := range plan.Stages {
			stages[stage.API] = append(stages[stage.API], stage.Stage)
		}
	}
	return stages
}

// readAPIs reads a page of the REST APIs and keeps those that a plan names.
func (r *Reader) readAPIs(ctx context.Context, p progress) (progress, error) {
	plans, err := pagesOf[gateway.UsagePlan](ctx, r, p, readPlans)
	if err != nil {
		return p, err
	}
	wanted := named(plans)
	if len(wanted) == 0 {
		return p.to(keep), nil
	}
	apis, next, err := r.Source(ctx).RestAPIsPage(ctx, p.Position)
	apis = slices.DeleteFunc(apis, func(api gateway.RestAPI) bool { return wanted[api.ID] == nil })
	return nextPage(ctx, r, p, apis, next, err, readStages)
}

// readStages reads the stages of APIs whose stages are missing or out of date.
func (r *Reader) readStages(ctx context.Context, p progress) (progress, error) {
	plans, err := pagesOf[gateway.UsagePlan](ctx, r, p, readPlans)
	if err != nil {
		return p, err
	}
	apis, err := pagesOf[gateway.RestAPI](ctx, r, p, readAPIs)
	if err != nil {
		return p, err
	}
	known, err := recall[[]string](ctx, r, schema.CatalogStages())
	if err != nil {
		return p, err
	}
	wanted, begun := named(plans), r.Now()
	for _, api := range apis {
		if known[api.ID].serves(p, api.ID) && (known[api.ID].readBy(p) || containsAll(known[api.ID].Value, wanted[api.ID])) {
			continue
		}
		if r.Now().Sub(begun) >= stepTime {
			return p, nil
		}
		stages, err := r.Source(ctx).Stages(ctx, api.ID)
		if err != nil {
			return p, fmt.Errorf("reading the stages of API %s: %w", api.ID, err)
		}
		if err := remember(ctx, r, schema.CatalogStages(), api.ID, stages); err != nil {
			return p, err
		}
		p.Failures = 0
	}
	return p.to(readDomains), nil
}

func containsAll(list, some []string) bool {
	return !slices.ContainsFunc(some, func(one string) bool { return !slices.Contains(list, one) })
}

// readMappings reads the base paths of domains whose base paths are missing or out of date.
func (r *Reader) readMappings(ctx context.Context, p progress) (progress, error) {
	domains, err := pagesOf[gateway.Domain](ctx, r, p, readDomains)
	if err != nil {
		return p, err
	}
	known, err := recall[[]gateway.Mapping](ctx, r, schema.CatalogMappings())
	if err != nil {
		return p, err
	}
	begun := r.Now()
	for _, domain := range domains {
		name := domainKey(domain)
		if domain.Private || domain.Unusable || known[name].serves(p, name) {
			continue
		}
		if r.Now().Sub(begun) >= stepTime {
			return p, nil
		}
		mappings, err := r.mappingsOf(ctx, domain)
		if err != nil {
			return p, fmt.Errorf("reading the base paths of %s: %w", domain.Name, err)
		}
		if err := remember(ctx, r, schema.CatalogMappings(), name, mappings); err != nil {
			return p, err
		}
		p.Failures = 0
	}
	return p.to(keep), nil
}

// mappingsOf reads all pages in one step, because a domain hardly ever has more than one.
func (r *Reader) mappingsOf(ctx context.Context, domain gateway.Domain) ([]gateway.Mapping, error) {
	all, position := []gateway.Mapping{}, ""
	for {
		page, next, err := r.Source(ctx).MappingsPage(ctx, domain, position)
		if err != nil || next == "" {
			return append(all, page...), err
		}
		all, position = append(all, page...), next
	}
}

func domainKey(domain gateway.Domain) string { return domain.Name + "|" + domain.ID }
