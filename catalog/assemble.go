package catalog

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type parts struct {
	plans       []gateway.UsagePlan
	apis        map[string]gateway.RestAPI
	stages      map[string][]string
	versions    map[portal.Stage]string
	mapped      []mapped
	offerAll    bool
	folder      Folder
	definitions map[portal.Stage]string
	sdks        map[portal.Stage][]SDK
}

type assembly struct {
	Document   Document
	NotOffered []NotOffered
	Problems   []Problem
	SDKs       map[portal.Stage][]string
	Described  []DescribedBy
}

type assembler struct {
	parts
	assembly
	claims    claims
	at        addresses
	byDefault Endpoint
	offered   map[portal.PlanID]Plan
}

// assemble builds the catalog. A product folder forms a product of the plans and stages that it
// names. Other plans with the same stages form one product, named after its APIs. Stages that no
// longer exist are dropped, as are plans without a stage left. Of other APIs than REST APIs, only
// id and name are known.
func assemble(from parts, byDefault Endpoint) assembly {
	from.folder.Products = slices.SortedFunc(slices.Values(from.folder.Products), func(a, b Described) int { return cmp.Compare(a.Path, b.Path) })
	a := &assembler{
		parts: from, claims: claimed(from.folder.Products, from.plans), at: newAddresses(from.mapped), byDefault: byDefault,
		assembly: assembly{SDKs: map[portal.Stage][]string{}}, offered: map[portal.PlanID]Plan{},
	}
	a.Problems = slices.Concat(from.folder.Problems, a.claims.problems)
	a.offer()
	products := a.describedProducts()
	described := map[string]bool{}
	for _, p := range products {
		described[p.ID] = true
	}
	var others []Product
	for _, plans := range a.grouped() {
		if p := a.product(plans); described[p.ID] {
			a.problem(p.ID, 0, "The plans %s form a product with the same id. Give the folder another name.", joinedPlans(plans))
		} else {
			others = append(others, p)
		}
	}
	doc := Document{Products: append(products, distinct(others)...), Pages: from.folder.Pages, Files: from.folder.Files}
	a.Document = doc.Canonical()
	a.problemsOfKept()
	slices.SortFunc(a.NotOffered, func(x, y NotOffered) int { return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Plan, y.Plan)) })
	slices.SortStableFunc(a.Problems, func(x, y Problem) int {
		return cmp.Or(cmp.Compare(x.Where, y.Where), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Text, y.Text))
	})
	return a.assembly
}

// problemsOfKept removes the lines of the earlier file from problems of products that stay as
// they were.
func (a *assembler) problemsOfKept() {
	for i := len(a.folder.Problems); i < len(a.Problems); i++ {
		for _, path := range a.folder.Broken {
			if p := &a.Problems[i]; p.Where == productFile(path) {
				p.Line, p.Text = 0, p.Text+" (The file said so before it had errors.)"
			}
		}
	}
}

func (a *assembler) problem(path string, line int, format string, args ...any) {
	a.Problems = append(a.Problems, Problem{Where: productFile(path), Line: line, Text: fmt.Sprintf(format, args...)})
}

// warn notes what the folder's author probably did not intend.
func (a *assembler) warn(path string, line int, format string, args ...any) {
	a.problem(path, line, format, args...)
	a.Problems[len(a.Problems)-1].Warning = true
}

func (p parts) has(stage portal.Stage) bool {
	if _, rest := p.apis[stage.API]; !rest {
		return true
	}
	return slices.Contains(p.stages[stage.API], stage.Stage)
}

func (a *assembler) offer() {
	for _, read := range a.plans {
		plan := a.shown(read)
		reason := a.claims.refusal(read, a.offerAll)
		if reason == "" && len(plan.Stages) == 0 {
			reason = noStageLeft
		}
		if reason != "" {
			a.NotOffered = append(a.NotOffered, NotOffered{Plan: read.ID, Name: read.Name, Reason: reason})
			continue
		}
		a.offered[plan.ID] = plan
	}
}

func (a *assembler) shown(read gateway.UsagePlan) Plan {
	plan := Plan{ID: read.ID, Name: read.Name, Description: read.Description}
	for _, stage := range read.Stages {
		if a.has(stage) {
			plan.Stages = append(plan.Stages, stage)
		}
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
	c, claimed := a.claims.byPlan[read.ID]
	a.listing(&plan, read.ProductCode, c)
	if claimed {
		plan.Name, plan.Description = cmp.Or(c.plan.Title, plan.Name), cmp.Or(c.plan.Description, plan.Description)
		plan.Order, plan.Price, plan.Recommended, plan.Approval = c.order, c.plan.Price, c.plan.Recommended, c.plan.Approval
	}
	return plan
}

func (a *assembler) grouped() map[string][]Plan {
	groups := map[string][]Plan{}
	for _, plan := range a.offered {
		if _, named := a.claims.byPlan[plan.ID]; !named {
			id := productID(plan.Stages)
			groups[id] = append(groups[id], plan)
		}
	}
	return groups
}

// productID depends only on the stages, so it survives other changes. The derived form has no
// hyphen, unlike the readable one.
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

func slug(stage portal.Stage) string { return stage.API + "-" + stage.Stage }

func (a *assembler) product(plans []Plan) Product {
	p := Product{ID: productID(plans[0].Stages), Plans: plans}
	for _, stage := range plans[0].Stages {
		p.APIs = append(p.APIs, a.stage(stage))
	}
	slices.SortFunc(p.APIs, compareAPIs)
	p.Name = joined(p.APIs, apiName)
	if ids := each(p.APIs, apiID); len(ids) == 1 {
		p.Description = p.APIs[0].Description
	}
	return p
}

func (a *assembler) stage(stage portal.Stage) API {
	api, rest := a.apis[stage.API]
	if !rest {
		return API{ID: stage.API, Slug: slug(stage), Name: "API " + stage.API, Stage: stage.Stage, Kind: Other}
	}
	return API{
		ID: api.ID, Slug: slug(stage), Name: api.Name, Description: api.Description, Version: api.Version, Stage: stage.Stage,
		Kind: REST, Private: api.Private, Endpoint: a.at.endpoint(api, stage, a.byDefault),
		Definition: a.definitions[stage],
	}
}

// distinct adds stages, or each API's stages, to equal product names.
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

func each(apis []API, of func(API) string) []string {
	var list []string
	for _, api := range apis {
		if text := of(api); !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}

func joinedPlans(plans []Plan) string {
	ids := make([]portal.PlanID, 0, len(plans))
	for _, plan := range plans {
		ids = append(ids, plan.ID)
	}
	return listOf(slices.Sorted(slices.Values(ids)))
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
