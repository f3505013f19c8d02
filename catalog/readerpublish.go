package catalog

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

func (r *Reader) keep(ctx context.Context, p progress) (progress, error) {
	found, err := r.assembled(ctx, p)
	if err != nil {
		return p, err
	}
	doc := found.Document
	before, err := r.Published(ctx)
	if err != nil {
		return p, err
	}
	if before != "" {
		old, err := r.Documents.Load(ctx, before)
		if err != nil && p.Failures+1 < maxFailures {
			p.Failures++
			return p, nil
		}
		if err != nil {
			zerolog.Ctx(ctx).Error().Err(err).Msg("the published catalog cannot be read, so old addresses of renamed or removed products will not be found")
		}
		doc = doc.After(old)
	}
	hash, err := r.Documents.Put(ctx, doc)
	if err != nil {
		return p, portal.Postpone("the catalog cannot be stored", err)
	}
	p = p.to(publish)
	p.Before, p.Result = before, Result{Hash: hash, Products: len(doc.Products)}
	report := r.report(p)
	report.describe(found, doc)
	return p, r.keepReport(ctx, report)
}

func (r *Reader) assembled(ctx context.Context, p progress) (assembly, error) {
	from, err := r.parts(ctx, p)
	if err != nil {
		return assembly{}, err
	}
	exports, err := recall[generated](ctx, r, schema.CatalogExports())
	if err != nil {
		return assembly{}, err
	}
	from.definitions = map[portal.Stage]string{}
	var problems []Problem
	for _, stage := range exportable(assemble(from, r.Endpoint).Document) {
		known := exports[stageName(stage)].Value
		from.definitions[stage] = known.Hash
		if known.Problem != "" {
			problems = append(problems, known.problem(stage))
		}
	}
	if from.sdks, err = r.sdks(ctx); err != nil {
		return assembly{}, err
	}
	found := assemble(from, r.Endpoint)
	sdkProblems, err := r.sdkProblems(ctx, found.SDKs)
	if err != nil {
		return assembly{}, err
	}
	problems = append(problems, sdkProblems...)
	found.Problems = append(found.Problems, problems...)
	return found, nil
}

func (r *Reader) parts(ctx context.Context, p progress) (from parts, err error) {
	from = parts{apis: map[string]gateway.RestAPI{}, stages: map[string][]string{}, versions: map[portal.Stage]string{}, offerAll: r.OfferAll}
	if from.plans, err = pagesOf[gateway.UsagePlan](ctx, r, p, readPlans); err != nil {
		return from, err
	}
	if from.folder, err = r.described(ctx, p.Folder); err != nil {
		return from, err
	}
	apis, err := pagesOf[gateway.RestAPI](ctx, r, p, readAPIs)
	if err != nil {
		return from, err
	}
	domains, err := pagesOf[gateway.Domain](ctx, r, p, readDomains)
	if err != nil {
		return from, err
	}
	stages, err := recall[[]gateway.Stage](ctx, r, schema.CatalogDeployments())
	if err != nil {
		return from, err
	}
	mappings, err := recall[[]gateway.Mapping](ctx, r, schema.CatalogMappings())
	if err != nil {
		return from, err
	}
	for _, api := range apis {
		from.apis[api.ID] = api
		for _, stage := range stages[api.ID].Value {
			from.stages[api.ID] = append(from.stages[api.ID], stage.Name)
			from.versions[portal.Stage{API: api.ID, Stage: stage.Name}] = stage.Version
		}
	}
	for _, domain := range domains {
		for _, mapping := range mappings[domainKey(domain)].Value {
			from.mapped = append(from.mapped, mapped{Domain: domain, Mapping: mapping})
		}
	}
	return from, nil
}

// publish decides on the result, for the waiting requests and then for the run, and asks
// to check accounts if plans have changed.
func (r *Reader) publish(ctx context.Context, p progress) error {
	waiting, err := r.waiting(ctx, p)
	if err != nil {
		return err
	}
	if p.Result.Failed {
		if err := r.keepReport(ctx, r.report(p)); err != nil {
			return err
		}
	}
	itself := events.Event{
		ID: p.Run, Source: "/gatehouse/jobs", Subject: portal.CatalogStream, Time: p.Began, Correlation: p.Run,
		Data: events.CatalogSyncRequested{},
	}
	var ids []string
	for _, request := range append(slices.Clip(waiting), itself) {
		if err := r.Decide(ctx, request, p.Result); err != nil {
			return err
		}
		ids = append(ids, request.ID)
	}
	if err := r.plansChanged(ctx, p); err != nil {
		return err
	}
	return r.Requests.Remove(ctx, ids[:len(waiting)]...)
}

func (r *Reader) waiting(ctx context.Context, p progress) ([]events.Event, error) {
	var bodies []json.RawMessage
	if _, err := r.Scratch.Get(ctx, p.set(), "requests", &bodies); err != nil {
		return nil, err
	}
	var waiting []events.Event
	for _, body := range bodies {
		request, err := events.Decode(body)
		if err != nil {
			return nil, err
		}
		waiting = append(waiting, request)
	}
	return waiting, nil
}

func (r *Reader) plansChanged(ctx context.Context, p progress) error {
	if p.Result.Failed || p.Before == "" || p.Before == p.Result.Hash {
		return nil
	}
	before, err := r.Documents.Load(ctx, p.Before)
	now, again := r.Documents.Load(ctx, p.Result.Hash)
	// If a document cannot be read, the accounts are checked to be safe.
	if err == nil && again == nil && !before.ChangesPlans(now) {
		return nil
	}
	return r.PlansChanged(ctx, portal.DeriveID("unsettled", p.Before, p.Result.Hash))
}
