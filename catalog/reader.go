package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const (
	// runKept is how long a run's rows are kept. A run older than runLasts starts over, so no
	// catalog is built from partly deleted rows.
	runKept, runLasts = 7 * 24 * time.Hour, 24 * time.Hour
	// An API's stages and a domain's base paths are reused for rememberedAtLeast to
	// remembered, because reading each costs a call. The time depends on the name, which
	// spreads the reads over runs.
	remembered, rememberedAtLeast = time.Hour, 30 * time.Minute
	stepTime                      = 5 * time.Second
	maxFailures                   = 3
	// generateTime bounds how long a run has API Gateway generate documents, and then SDKs. The
	// next run goes on.
	generateTime = 2 * time.Minute
	// kept is how long documents, SDKs, the folder's description and the report stay.
	kept = 90 * 24 * time.Hour
)

// Source is API Gateway, read page by page; gateway.Session implements it.
type Source interface {
	UsagePlansPage(ctx context.Context, position string) (plans []gateway.UsagePlan, next string, err error)
	RestAPIsPage(ctx context.Context, position string) (apis []gateway.RestAPI, next string, err error)
	Stages(ctx context.Context, api string) ([]gateway.Stage, error)
	DomainsPage(ctx context.Context, position string) (domains []gateway.Domain, next string, err error)
	MappingsPage(ctx context.Context, domain gateway.Domain, position string) (mappings []gateway.Mapping, next string, err error)
	Export(ctx context.Context, stage portal.Stage) (document []byte, err error)
	SDKTypes(ctx context.Context) (parameters map[string][]string, err error)
	SDK(ctx context.Context, stage portal.Stage, kind string, parameters map[string]string) (gateway.SDK, error)
}

type scratch interface {
	Put(ctx context.Context, set, name string, value any, keep time.Duration) error
	Get(ctx context.Context, set, name string, value any) (found bool, err error)
	Each(ctx context.Context, set, prefix string, visit func(name string, body []byte) error) error
}

type requests interface {
	All(ctx context.Context) ([]events.Event, error)
	Remove(ctx context.Context, ids ...string) error
}

type documents interface {
	Put(ctx context.Context, doc Document) (hash string, err error)
	Load(ctx context.Context, hash string) (Document, error)
	PutBlob(ctx context.Context, body []byte) (hash string, err error)
	LoadBlob(ctx context.Context, hash string) ([]byte, error)
}

// Result is what a run read.
type Result struct {
	// Failed means that the source could not be read; the rest is empty.
	Failed   bool
	Hash     string
	Products int
}

// Reader reads the catalog, as a job: usage plans, the catalog folder, the REST APIs that these
// name with their stages, custom domains, and the OpenAPI documents and SDKs of stages. A run
// stores what it reads in rows, so an interrupted step can be repeated. It answers the requests
// that were waiting when it began. It reports a fault of one document or product folder, and goes
// on with the rest.
type Reader struct {
	Source    func(ctx context.Context) Source
	Scratch   scratch
	Requests  requests
	Documents documents
	Endpoint  Endpoint
	// OfferAll offers every usage plan that no product folder withholds. Otherwise a plan needs
	// the OfferTag or a product folder.
	OfferAll bool
	// Folder reads the catalog folder; nil if there is none. Its error is for operators. A folder
	// that has lost all its products counts as unreadable unless it is MeantEmpty.
	Folder func(ctx context.Context) (Folder, error)
	// FolderName says in reports where the folder is.
	FolderName string
	// Normalize checks an exported OpenAPI document and returns what to store. Its error is for
	// operators. If nil, no documents are exported.
	Normalize func(document []byte) ([]byte, error)
	// Published returns the hash of the published document, "" before the first.
	Published func(ctx context.Context) (hash string, err error)
	// Decide publishes the result if it is new, and ends the request's operation. Calling it
	// again for the same request changes nothing.
	Decide func(ctx context.Context, request events.Event, result Result) error
	// PlansChanged is called after a publication with ChangesPlans. Repeated calls for one
	// publication pass the same id.
	PlansChanged func(ctx context.Context, id string) error
	Now          func() time.Time
}

type phase string

const (
	readPlans    phase = "plans"
	readFolder   phase = "folder"
	readAPIs     phase = "apis"
	readStages   phase = "stages"
	readDomains  phase = "domains"
	readMappings phase = "mappings"
	readExports  phase = "exports"
	readSDKs     phase = "sdks"
	keep         phase = "keep"
	publish      phase = "publish"
)

// format is the version of the cursor and of a run's rows. A run in another format starts over.
const format = 2

type progress struct {
	Format int       `json:"format"`
	Run    string    `json:"run"`
	Began  time.Time `json:"began"`
	Phase  phase     `json:"phase"`
	// Position is in API Gateway's list; Page counts the pages read.
	Position string `json:"position,omitempty"`
	Page     int    `json:"page,omitempty"`
	// Fresh runs must read everything themselves, because a request waits.
	Fresh    bool `json:"fresh,omitempty"`
	Failures int  `json:"troubles,omitempty"`
	// Folder is the hash of the folder's description, or "". FolderSince is when it was read, if
	// not in this run.
	Folder      string    `json:"folder,omitempty"`
	FolderSince time.Time `json:"folder_since,omitzero"`
	Generating  time.Time `json:"generating,omitzero"`
	// Problems are those of the run itself, such as missing permissions.
	Problems []Problem `json:"problems,omitempty"`
	// Before is the hash that was published before the run.
	Before string `json:"before,omitempty"`
	Result Result `json:"outcome,omitzero"`
}

func (p progress) set() string { return schema.CatalogRead(p.Run) }

func (p progress) to(next phase) progress {
	p.Phase, p.Position, p.Page, p.Failures, p.Generating = next, "", 0, 0, time.Time{}
	return p
}

// Step does one step of a run from the cursor, and returns the next step's cursor, "" at the
// end. Steps are idempotent.
func (r *Reader) Step(ctx context.Context, cursor string) (next string, err error) {
	var p progress
	if cursor == "" || json.Unmarshal([]byte(cursor), &p) != nil || p.Format != format || r.Now().Sub(p.Began) > runLasts {
		if p, err = r.begin(ctx); err != nil {
			return "", err
		}
	}
	if p.Phase == publish {
		return "", r.publish(ctx, p)
	}
	after, err := r.step(ctx, p)
	if err != nil {
		if after, err = failed(ctx, p, err); err != nil {
			return "", err
		}
	}
	body, err := json.Marshal(after)
	return string(body), err
}

func (r *Reader) begin(ctx context.Context) (progress, error) {
	now := r.Now()
	p := progress{Format: format, Run: portal.DeriveID("catalog", strconv.FormatInt(now.UnixNano(), 10)), Began: now, Phase: readPlans}
	waiting, err := r.Requests.All(ctx)
	if err != nil || len(waiting) == 0 {
		return p, err
	}
	p.Fresh = true
	var list []json.RawMessage
	for _, request := range waiting {
		body, err := events.Encode(request)
		if err != nil {
			return p, err
		}
		list = append(list, body)
	}
	return p, r.Scratch.Put(ctx, p.set(), "requests", list, runKept)
}

// failed decides what follows a failed step. Missing tokens and throttles postpone it. If API
// Gateway is unavailable, the step is retried twice. After that, and after any other failure, the
// run ends with an unreadable source.
func failed(ctx context.Context, p progress, err error) (progress, error) {
	var postponed *portal.Postponed
	var unavailable *gateway.Unavailable
	switch {
	case errors.As(err, &postponed) || ctx.Err() != nil:
		return p, err
	case errors.As(err, &unavailable) && unavailable.Throttled:
		return p, &portal.Postponed{After: 15 * time.Second, Reason: "API Gateway throttles", Err: err}
	case errors.As(err, &unavailable) && !unavailable.Forbidden && p.Failures+1 < maxFailures:
		p.Failures++
		return p, nil
	}
	zerolog.Ctx(ctx).Warn().Err(err).Str("phase", string(p.Phase)).Msg("the catalog's source could not be read")
	where := "API Gateway"
	var of *partError
	if errors.As(err, &of) {
		where += ", " + of.part
	}
	p.Problems = append(p.Problems, Problem{Where: where, Text: unreadable(err)})
	p = p.to(publish)
	p.Result = Result{Failed: true}
	return p, nil
}

type partError struct {
	part string
	err  error
}

func (e *partError) Error() string { return "reading " + e.part + ": " + e.err.Error() }
func (e *partError) Unwrap() error { return e.err }

func unreadable(err error) string {
	const stays = " The published catalog stays."
	var unavailable *gateway.Unavailable
	switch {
	case errors.As(err, &unavailable) && unavailable.Forbidden:
		return "The workers have no permission to read it. Give them the permissions of docs/configuration.md#permissions." + stays
	case errors.As(err, &unavailable):
		return "It does not answer. The workers try again in five minutes." + stays
	}
	return "It could not be read; the log of the worker says why. The workers try again in five minutes." + stays
}

func (r *Reader) step(ctx context.Context, p progress) (progress, error) {
	switch p.Phase {
	case readPlans:
		plans, next, err := r.Source(ctx).UsagePlansPage(ctx, p.Position)
		return nextPage(ctx, r, p, plans, next, err, readFolder)
	case readFolder:
		return r.readFolder(ctx, p)
	case readAPIs:
		return r.readAPIs(ctx, p)
	case readStages:
		return r.readStages(ctx, p)
	case readDomains:
		domains, next, err := r.Source(ctx).DomainsPage(ctx, p.Position)
		var unavailable *gateway.Unavailable
		if errors.As(err, &unavailable) && unavailable.Forbidden {
			// Older installations do not allow workers to list domains.
			zerolog.Ctx(ctx).Warn().Err(err).Msg("workers may not list custom domains, so the catalog shows only default API Gateway addresses")
			p.Problems = append(p.Problems, Problem{Where: "custom domains", Warning: true, Text: "The workers may not list custom domains, so the catalog shows " +
				"API Gateway's own addresses. Give them the permissions of docs/configuration.md#permissions."})
			return p.to(readExports), nil
		}
		return nextPage(ctx, r, p, domains, next, err, readMappings)
	case readMappings:
		return r.readMappings(ctx, p)
	case readExports:
		return r.readExports(ctx, p)
	case readSDKs:
		return r.readSDKs(ctx, p)
	case keep:
		return r.keep(ctx, p)
	}
	return p, fmt.Errorf("reading the catalog: there is no phase %q", p.Phase)
}

func nextPage[T any](ctx context.Context, r *Reader, p progress, page []T, next string, err error, follows phase) (progress, error) {
	if err != nil {
		return p, fmt.Errorf("reading %s: %w", p.Phase, err)
	}
	if len(page) > 0 {
		if err := r.Scratch.Put(ctx, p.set(), fmt.Sprintf("%s-%05d", p.Phase, p.Page), page, runKept); err != nil {
			return p, err
		}
	}
	if next == "" {
		return p.to(follows), nil
	}
	p.Position, p.Page, p.Failures = next, p.Page+1, 0
	return p, nil
}

func pagesOf[T any](ctx context.Context, r *Reader, p progress, of phase) ([]T, error) {
	var all []T
	err := r.Scratch.Each(ctx, p.set(), string(of)+"-", func(_ string, body []byte) error {
		var page []T
		err := json.Unmarshal(body, &page)
		all = append(all, page...)
		return err
	})
	return all, err
}
