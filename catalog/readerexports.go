package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type generated struct {
	// Version is the stage's when it was generated, "" if the last attempt failed.
	Version string `json:"version,omitempty"`
	// Hash is the last good one's, or "".
	Hash string `json:"hash,omitempty"`
	File string `json:"file,omitempty"`
	// Problem is why that version has no good one, or "".
	Problem string `json:"problem,omitempty"`
}

// upToDate reports whether a run need not ask API Gateway. A Fresh run asks again about
// anything that had a problem.
func (m generated) upToDate(p progress, at memory[generated], version string) bool {
	if at.readBy(p) {
		return true
	}
	return m.Version == version && m.Version != "" && (m.Problem == "" || !p.Fresh)
}

// failedLast puts failures of the last run at the end, the longest ago first, so that a stage
// that always fails does not block others.
func failedLast[T any](list []T, known func(T) memory[generated]) {
	attempt := func(one T) time.Time {
		if last := known(one); last.Value.Version == "" {
			return last.At // zero if there was none
		}
		return time.Time{}
	}
	slices.SortStableFunc(list, func(a, b T) int { return attempt(a).Compare(attempt(b)) })
}

// maxOutages is how many calls for documents may fail in a row, over several APIs, before the
// run leaves the rest to the next.
const maxOutages = 6

// readExports reads the OpenAPI documents of stages that no product folder documents, again only
// after another deployment. A failure leaves the known document, and is reported; it never fails
// the run.
func (r *Reader) readExports(ctx context.Context, p progress) (progress, error) {
	if r.Normalize == nil {
		return p.to(readSDKs), nil
	}
	if p.Generating.IsZero() {
		p.Generating = r.Now() // kept before the first call, since a postponed step keeps nothing
		return p, nil
	}
	found, err := r.parts(ctx, p)
	if err != nil {
		return p, err
	}
	known, err := recall[generated](ctx, r, schema.CatalogExports())
	if err != nil {
		return p, err
	}
	begun := r.Now()
	stages := exportable(assemble(found, r.Endpoint).Document)
	failedLast(stages, func(stage portal.Stage) memory[generated] { return known[stageName(stage)] })
	for _, stage := range stages {
		last, version := known[stageName(stage)], found.versions[stage]
		if last.Value.upToDate(p, last, version) {
			continue
		}
		if r.Now().Sub(p.Generating) >= generateTime {
			return p.unfinished(askedExports), nil
		}
		if r.Now().Sub(begun) >= stepTime {
			return p, nil
		}
		next, err := r.export(ctx, p, stage, version, last.Value)
		if err != nil {
			return r.failedCall(ctx, p, askedExports, stageName(stage), last.Value, err)
		}
		if err := remember(ctx, r, schema.CatalogExports(), stageName(stage), next, kept); err != nil {
			return p, err
		}
		p.Failures = 0
	}
	return p.to(readSDKs), nil
}

func stageName(stage portal.Stage) string { return stage.API + "," + stage.Stage }

func exportable(doc Document) []portal.Stage {
	var stages []portal.Stage
	seen := map[portal.Stage]bool{}
	for _, product := range doc.Products {
		for _, api := range product.APIs {
			stage := portal.Stage{API: api.ID, Stage: api.Stage}
			if api.Kind == REST && api.Definition == "" && !seen[stage] {
				stages, seen[stage] = append(stages, stage), true
			}
		}
	}
	return stages
}

// export reads one document. Faults of the document or the stage are in the result; the error is
// for a call that may work later.
func (r *Reader) export(ctx context.Context, p progress, stage portal.Stage, version string, last generated) (generated, error) {
	next := generated{Version: version, Hash: last.Hash}
	body, err := r.Source(ctx).Export(ctx, stage)
	var refused *gateway.Refused
	switch {
	case gateway.IsNotFound(err):
		return generated{Hash: last.Hash, Problem: "The stage vanished while the catalog was read."}, nil
	case errors.As(err, &refused):
		next.Problem = "API Gateway cannot export its OpenAPI document: " + sentence(errors.New(gateway.AWSWords(err)))
		return next, nil
	case err != nil:
		return next, err
	}
	var normal []byte
	if err := portal.Guard(func() (err error) {
		normal, err = r.Normalize(body)
		return err
	})(); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Str("stage", stage.String()).Msg("an exported OpenAPI document is not usable")
		next.Problem = "Its OpenAPI document, as API Gateway exports it, is not usable. " + sentence(err)
		return next, nil
	}
	if next.Hash, err = r.Documents.PutBlob(ctx, normal); err != nil {
		return next, portal.Postpone("an OpenAPI document cannot be stored", err)
	}
	return next, nil
}

type asked struct {
	what, many string
	set        string
	follows    phase
}

var (
	askedExports = asked{what: "OpenAPI document", many: "OpenAPI documents", set: schema.CatalogExports(), follows: readSDKs}
	askedSDKs    = asked{what: "SDK", many: "SDKs", set: schema.CatalogSDKs(), follows: keep}
)

// failedCall decides what follows a failed call for the row name, of which last is known. Missing
// tokens postpone the step. Any other failure is retried twice at once, and then by the next run.
func (r *Reader) failedCall(ctx context.Context, p progress, of asked, name string, last generated, err error) (progress, error) {
	var postponed *portal.Postponed
	var unavailable *gateway.Unavailable
	if errors.As(err, &postponed) || ctx.Err() != nil {
		return p, err
	}
	failures, forbidden := p.Failures+1, errors.As(err, &unavailable) && unavailable.Forbidden
	if forbidden {
		failures = p.Failures + maxFailures
	}
	report := func(format string, args ...any) (progress, error) {
		next := p.to(of.follows)
		next.Problems = append(next.Problems, Problem{Where: of.many, Text: fmt.Sprintf(format, args...)})
		return next, nil
	}
	switch {
	case failures >= maxOutages && forbidden:
		return report("The workers may not have API Gateway generate %s. Give them the permissions of docs/configuration.md#permissions.", of.many)
	case failures >= maxOutages:
		return report("API Gateway does not generate %s right now. Those that were read before stand. The workers try again in five minutes.", of.many)
	}
	p.Failures = failures
	if failures < maxFailures {
		return p, nil
	}
	zerolog.Ctx(ctx).Warn().Err(err).Str("of", name).Msg("API Gateway did not generate the " + of.what)
	problem := fmt.Sprintf("API Gateway %s when asked for its %s. The workers try again in five minutes.", answered(unavailable), of.what)
	if forbidden {
		problem = fmt.Sprintf("The workers may not have API Gateway generate its %s. Give them the permissions of docs/configuration.md#permissions.", of.what)
	}
	next := generated{Hash: last.Hash, File: last.File, Problem: problem}
	return p, remember(ctx, r, of.set, name, next, kept)
}

func (p progress) unfinished(of asked) progress {
	next := p.to(of.follows)
	next.Problems = append(next.Problems, Problem{
		Where: of.many, Warning: true, Text: fmt.Sprintf("API Gateway has more %s than the workers could read at once. They read the rest in the next minutes.", of.many),
	})
	return next
}

func answered(err *gateway.Unavailable) string {
	if err != nil && err.Throttled {
		return "throttles calls"
	}
	return "did not answer"
}
