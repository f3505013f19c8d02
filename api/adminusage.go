package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/usage"
)

type holding interface {
	Page(ctx context.Context, plan portal.PlanID, after string, limit int) ([]projections.Holder, string, error)
}

// csvPage is how many accounts, or keys of a plan, a CSV reads at a time.
const csvPage = 100

// EverybodysUsageInput asks for days of usage of all accounts.
type EverybodysUsageInput struct {
	PageInput
	Start   string `query:"start" maxLength:"20" doc:"The first day (YYYY-MM-DD, UTC). Without it, 30 days up to the last." example:"2026-11-01"`
	End     string `query:"end" maxLength:"20" doc:"The last day (YYYY-MM-DD, UTC). Without it, today. At most 366 days after the first." example:"2026-11-30"`
	Plan    string `query:"plan" maxLength:"200" doc:"Only this plan."`
	Account string `query:"account" maxLength:"64" doc:"Only this account."`
	Format  string `query:"format" enum:"json,csv" default:"json" doc:"csv is one file of all accounts, without pages."`
}

// AccountUsage is the usage of one key of an account in one plan.
type AccountUsage struct {
	Account string `json:"account"`
	KeyUsage
}

// EverybodysUsage is a page of the usage of all accounts.
type EverybodysUsage struct {
	Start string         `json:"start" format:"date"`
	End   string         `json:"end" format:"date"`
	Items []AccountUsage `json:"items" doc:"One for each account, plan and key with data. A page is made of so many accounts, or of so many keys with a plan, as limit says, and may have more items or fewer. A key that was deleted in API Gateway and made again may be on two pages; its usage is then the sum."`
	Next  *string        `json:"next" doc:"The address of the next page, null on the last."`
}

// counted is an account whose usage belongs on a page. nil keys mean all.
type counted struct {
	account portal.AccountID
	keys    []portal.GatewayKeyID
}

type reported struct {
	account portal.AccountID
	report  usage.Report
	names   usage.Names
}

func (s *service) everybodysUsage(ctx context.Context, in *EverybodysUsageInput) (*reportOutput, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	q, err := usage.ParseDays(in.Start, in.End, s.now())
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	q.Plan = portal.PlanID(in.Plan)
	limit := in.Limit
	if in.Format == "csv" {
		limit = csvPage
	}
	first, next, err := s.usagePage(ctx, in, q, in.Cursor, limit)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	if in.Format == "csv" {
		return &reportOutput{func(ctx huma.Context) { s.writeEverybodys(ctx, in, q, first, next) }}, nil
	}
	shown := EverybodysUsage{Start: q.First.Format(time.DateOnly), End: q.Last.Format(time.DateOnly), Items: []AccountUsage{}}
	for _, r := range first {
		for _, item := range ShowUsage(r.report, r.names).Items {
			shown.Items = append(shown.Items, AccountUsage{string(r.account), item})
		}
	}
	shown.Next = in.next("/usage", next, "start", in.Start, "end", in.End, "plan", in.Plan)
	return jsonReport(shown), nil
}

// writeEverybodys writes the CSV page by page, so it needs little memory. After a failure it breaks
// the connection off, since the file is incomplete.
func (s *service) writeEverybodys(ctx huma.Context, in *EverybodysUsageInput, q usage.Query, page []reported, next string) {
	r, w := humachi.Unwrap(ctx)
	w.Header().Set("Content-Type", csvType)
	w.Header().Set("Content-Disposition", `attachment; filename="`+usage.FileName(q)+`"`)
	out, err := usage.NewAllCSV(w)
	for err == nil {
		for _, one := range page {
			if err = out.Add(one.account, one.report, one.names); err != nil {
				break
			}
		}
		if err != nil || next == "" {
			break
		}
		page, next, err = s.usagePage(r.Context(), in, q, next, csvPage)
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		zerolog.Ctx(r.Context()).Error().Err(err).Msg("the usage of all accounts could not be exported")
		panic(http.ErrAbortHandler)
	}
}

// usagePage reads the usage of a page of accounts only.
func (s *service) usagePage(ctx context.Context, in *EverybodysUsageInput, q usage.Query, cursor string, limit int) ([]reported, string, error) {
	some, next, err := s.countedOn(ctx, in, cursor, limit)
	if err != nil {
		return nil, "", err
	}
	page := make([]reported, len(some))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(maxParallelReads)
	for i, one := range some {
		group.Go(portal.Guard(func() error {
			report, err := s.usage.ReportOf(within, one.account, q, one.keys)
			if err != nil || len(report.Series) == 0 {
				page[i] = reported{account: one.account, report: report}
				return err
			}
			account, err := s.admin.Directory.Account(within, one.account)
			page[i] = reported{one.account, report, usage.NamesOf(account)}
			return err
		}))
	}
	return page, next, group.Wait()
}

// countedOn lists the accounts of a page: one, those with keys that are or were in a plan, or
// all.
func (s *service) countedOn(ctx context.Context, in *EverybodysUsageInput, cursor string, limit int) (some []counted, next string, err error) {
	switch {
	case in.Account != "":
		return []counted{{account: portal.AccountID(in.Account)}}, "", nil
	case in.Plan != "":
		holders, next, err := s.admin.Holders.Page(ctx, portal.PlanID(in.Plan), cursor, limit)
		return byAccount(holders), next, err
	}
	page, err := s.admin.Directory.Accounts(ctx, cursor, int32(limit))
	for _, listed := range page.Accounts {
		some = append(some, counted{account: listed.ID})
	}
	return some, page.Next, err
}

func byAccount(holders []projections.Holder) []counted {
	var some []counted
	for _, h := range holders {
		i := slices.IndexFunc(some, func(c counted) bool { return c.account == h.Account })
		if i < 0 {
			some, i = append(some, counted{account: h.Account}), len(some)
		}
		some[i].keys = append(some[i].keys, h.GatewayID)
	}
	return some
}

func (s *service) registerEverybodysUsage(api huma.API) {
	op := huma.Operation{
		OperationID: "admin-list-usage", Tags: []string{tagAdmin}, Method: http.MethodGet, Path: adminPath + "/usage", Summary: "List the usage of all accounts", Security: signedIn,
		Description: "Calls that API Gateway counted, for each day (UTC), account, plan and key. With a plan, keys that were in the plan are included.",
	}
	registerReport(api, op, s.everybodysUsage)
	api.OpenAPI().Paths[op.Path].Get.Responses["200"].Content[jsonType].Schema = schemaOf[EverybodysUsage](api)
}
