package catalog

import (
	"context"
	"slices"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// wanted are the stages of offered plans and product folders, by API, and the names of APIs in
// product folders.
type wanted struct {
	stages map[string][]string
	names  map[string]bool
}

func (w wanted) api(api gateway.RestAPI) bool { return w.stages[api.ID] != nil || w.names[api.Name] }

func (w wanted) none() bool { return len(w.stages)+len(w.names) == 0 }

func (r *Reader) wanted(ctx context.Context, p progress) (wanted, error) {
	w := wanted{stages: map[string][]string{}, names: map[string]bool{}}
	plans, err := pagesOf[gateway.UsagePlan](ctx, r, p, readPlans)
	if err != nil {
		return w, err
	}
	folder, err := r.described(ctx, p.Folder)
	if err != nil {
		return w, err
	}
	named := claimed(folder.Products, plans)
	for _, plan := range plans {
		if named.refusal(plan, r.OfferAll) != "" {
			continue
		}
		for _, stage := range plan.Stages {
			w.stages[stage.API] = append(w.stages[stage.API], stage.Stage)
		}
	}
	for _, product := range folder.Products {
		for _, api := range product.APIs {
			switch {
			case api.ID != "" && api.Stage != "":
				w.stages[api.ID] = append(w.stages[api.ID], api.Stage)
			case api.ID != "":
				w.stages[api.ID] = append([]string{}, w.stages[api.ID]...)
			case api.Named != "":
				w.names[api.Named] = true
			}
		}
	}
	return w, nil
}

func (r *Reader) readAPIs(ctx context.Context, p progress) (progress, error) {
	wanted, err := r.wanted(ctx, p)
	if err != nil {
		return p, err
	}
	if wanted.none() {
		return p.to(keep), nil
	}
	apis, next, err := r.Source(ctx).RestAPIsPage(ctx, p.Position)
	apis = slices.DeleteFunc(apis, func(api gateway.RestAPI) bool { return !wanted.api(api) })
	return nextPage(ctx, r, p, apis, next, err, readStages)
}

func (r *Reader) readStages(ctx context.Context, p progress) (progress, error) {
	wanted, err := r.wanted(ctx, p)
	if err != nil {
		return p, err
	}
	apis, err := pagesOf[gateway.RestAPI](ctx, r, p, readAPIs)
	if err != nil {
		return p, err
	}
	known, err := recall[[]gateway.Stage](ctx, r, schema.CatalogDeployments())
	if err != nil {
		return p, err
	}
	begun := r.Now()
	for _, api := range apis {
		one := known[api.ID]
		if one.serves(p, api.ID) && (one.readBy(p) || containsAll(namesOf(one.Value), wanted.stages[api.ID])) {
			continue
		}
		if r.Now().Sub(begun) >= stepTime {
			return p, nil
		}
		stages, err := r.Source(ctx).Stages(ctx, api.ID)
		if err != nil {
			return p, &partError{"the stages of API " + api.ID, err}
		}
		if err := remember(ctx, r, schema.CatalogDeployments(), api.ID, stages, 2*remembered); err != nil {
			return p, err
		}
		p.Failures = 0
	}
	return p.to(readDomains), nil
}

func namesOf(stages []gateway.Stage) []string {
	names := make([]string, 0, len(stages))
	for _, stage := range stages {
		names = append(names, stage.Name)
	}
	return names
}

func containsAll(list, some []string) bool {
	return !slices.ContainsFunc(some, func(one string) bool { return !slices.Contains(list, one) })
}

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
			return p, &partError{"the base paths of " + domain.Name, err}
		}
		if err := remember(ctx, r, schema.CatalogMappings(), name, mappings, 2*remembered); err != nil {
			return p, err
		}
		p.Failures = 0
	}
	return p.to(readExports), nil
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
