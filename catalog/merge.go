package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func (a *assembler) describedProducts() []Product {
	var products []Product
	paths := map[string]string{}
	for _, described := range a.folder.Products {
		id := described.Product.ID
		if first, taken := paths[id]; taken {
			a.problem(described.Path, 0, "%s has the id %q, too. Give one of the two products another id.", productFile(first), id)
			a.withhold(described)
			continue
		}
		if product, ok := a.described(described); ok {
			paths[id] = described.Path
			a.Described = append(a.Described, DescribedBy{Product: id, File: productFile(described.Path), Stale: slices.Contains(a.folder.Broken, described.Path)})
			products = append(products, product)
		}
	}
	return products
}

func (a *assembler) withhold(described Described) {
	for id, claim := range a.claims.byPlan {
		plan, offered := a.offered[id]
		if !offered || claim.by != described.Path {
			continue
		}
		delete(a.offered, id)
		a.NotOffered = append(a.NotOffered, NotOffered{
			Plan: id, Name: plan.Name, Reason: fmt.Sprintf("%s, which names it, has a problem, so its product is left out.", productFile(described.Path)),
		})
	}
}

// described builds a folder's product, unless it names plans or APIs and none is left.
func (a *assembler) described(from Described) (Product, bool) {
	p := from.Product
	p.Plans, p.APIs = []Plan{}, nil
	withheld := 0
	var covered []portal.Stage
	for id, claim := range a.claims.byPlan {
		if claim.by != from.Path {
			continue
		}
		plan, offered := a.offered[id]
		switch {
		case claim.plan.Withheld:
			withheld++
		case !offered:
			a.problem(from.Path, claim.line, "The usage plan %s is left out. %s", id, noStageLeft)
		default:
			p.Plans = append(p.Plans, plan)
			covered = append(covered, plan.Stages...)
		}
	}
	slices.SortFunc(covered, compareStages)
	covered = slices.Compact(covered)
	for _, described := range from.APIs {
		if api, ok := a.describedAPI(from.Path, described, covered); ok {
			p.APIs = append(p.APIs, api)
		}
	}
	for _, stage := range covered {
		if !slices.ContainsFunc(p.APIs, func(api API) bool { return api.ID == stage.API && api.Stage == stage.Stage }) {
			p.APIs = append(p.APIs, a.stage(stage))
		}
	}
	if len(from.Plans)+len(from.APIs) > 0 && len(p.Plans)+len(p.APIs)+withheld == 0 {
		a.problem(from.Path, 0, "The product is left out, since none of the plans and APIs that it names is there.")
		return Product{}, false
	}
	distinctSlugs(p.APIs)
	return p, true
}

func (a *assembler) describedAPI(path string, from DescribedAPI, covered []portal.Stage) (API, bool) {
	if from.ID == "" && from.Named == "" {
		return API{
			Slug: cmp.Or(from.Slug, slugOf(from.Title), "api"), Name: from.Title, Description: from.Description, Version: from.Version,
			Endpoint: from.Endpoint, Kind: Docs, Definition: from.Definition,
		}, true
	}
	id, problem := a.apiNamed(from, covered)
	stage := portal.Stage{API: id, Stage: from.Stage}
	if problem == "" && stage.Stage == "" {
		stage.Stage, problem = a.onlyStage(id, covered)
	}
	if _, rest := a.apis[id]; problem == "" && (rest || !slices.Contains(covered, stage)) && !slices.Contains(a.stages[id], stage.Stage) {
		problem = fmt.Sprintf("The API %s has no stage %q. It has %s.", id, stage.Stage, orNone(a.stages[id]))
	}
	if problem != "" {
		a.problem(path, from.Line, "%s", problem)
		return API{}, false
	}
	api := a.stage(stage)
	api.Name, api.Description, api.Version = cmp.Or(from.Title, api.Name), cmp.Or(from.Description, api.Description), cmp.Or(from.Version, api.Version)
	api.Slug, api.Definition = cmp.Or(from.Slug, api.Slug), cmp.Or(from.Definition, api.Definition)
	if api.Kind != REST && len(from.SDKs) > 0 {
		a.problem(path, from.Line, "API Gateway generates SDKs for REST APIs only. Remove \"sdks\" from the API %s.", id)
		from.SDKs = nil
	}
	a.SDKs[stage] = slices.Compact(slices.Sorted(slices.Values(slices.Concat(a.SDKs[stage], from.SDKs))))
	for _, sdk := range a.sdks[stage] {
		if slices.Contains(from.SDKs, sdk.Type) {
			api.SDKs = append(api.SDKs, sdk)
		}
	}
	return api, true
}

func (a *assembler) apiNamed(from DescribedAPI, covered []portal.Stage) (id, problem string) {
	if from.ID != "" {
		_, rest := a.apis[from.ID]
		if rest || slices.ContainsFunc(covered, func(s portal.Stage) bool { return s.API == from.ID }) {
			return from.ID, ""
		}
		return "", fmt.Sprintf("API Gateway has no REST API with the id %q in this AWS account and Region. Correct the id, or remove the API.", from.ID)
	}
	var found []string
	for _, id := range sortedKeys(a.apis) {
		if a.apis[id].Name == from.Named {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Sprintf("API Gateway has no REST API named %q in this AWS account and Region. Correct the name, or remove the API.", from.Named)
	case 1:
		return found[0], ""
	}
	return "", fmt.Sprintf("%d REST APIs are named %q. Name this one by its id: %s.", len(found), from.Named, listOf(found))
}

func (a *assembler) onlyStage(api string, covered []portal.Stage) (stage, problem string) {
	var names []string
	for _, s := range covered {
		if s.API == api {
			names = append(names, s.Stage)
		}
	}
	if len(names) == 0 {
		names = slices.Sorted(slices.Values(a.stages[api]))
	}
	if len(names) == 1 {
		return names[0], ""
	}
	return "", fmt.Sprintf("The API %s needs a \"stage\". It has %s.", api, orNone(names))
}

func orNone(stages []string) string {
	if len(stages) == 0 {
		return "no stage, so deploy it first"
	}
	return "the stages " + strings.Join(slices.Sorted(slices.Values(stages)), ", ")
}

func distinctSlugs(apis []API) {
	taken := map[string]bool{}
	for i := range apis {
		first := apis[i].Slug
		for n := 2; taken[apis[i].Slug]; n++ {
			apis[i].Slug = fmt.Sprintf("%s-%d", first, n)
		}
		taken[apis[i].Slug] = true
	}
}

func slugOf(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') })
	return strings.Join(words, "-")
}

func compareText(a, b string) int { return cmp.Compare(a, b) }

func upper(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
