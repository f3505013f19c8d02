package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/usage"
)

const csvType = "text/csv; charset=utf-8"

type usageReading interface {
	Report(ctx context.Context, account portal.AccountID, q usage.Query) (usage.Report, error)
	ReportOf(ctx context.Context, account portal.AccountID, q usage.Query, keys []portal.GatewayKeyID) (usage.Report, error)
}

// UsageInput asks for days of usage.
type UsageInput struct {
	Start  string `query:"start" maxLength:"20" doc:"The first day (YYYY-MM-DD, UTC). Without it, 30 days up to the last." example:"2026-11-01"`
	End    string `query:"end" maxLength:"20" doc:"The last day (YYYY-MM-DD, UTC). Without it, today. At most 366 days after the first." example:"2026-11-30"`
	Key    string `query:"key" maxLength:"200" doc:"Only this key."`
	Format string `query:"format" enum:"json,csv" default:"json"`
}

// AllUsageInput asks for days of usage of all plans or one.
type AllUsageInput struct {
	UsageInput
	Plan string `query:"plan" maxLength:"200" doc:"Only this plan."`
}

// PlanUsageInput asks for days of usage of a subscription.
type PlanUsageInput struct {
	UsageInput
	Plan string `path:"plan" maxLength:"256" doc:"A plan's id, from the catalog." example:"a1b2c3"`
}

// Usage is what API Gateway counted.
type Usage struct {
	Start string     `json:"start" format:"date"`
	End   string     `json:"end" format:"date"`
	AsOf  *time.Time `json:"as_of" doc:"When API Gateway was last asked about every plan below; null if it never was."`
	// Items have no pages, since they are few.
	Items []KeyUsage `json:"items" doc:"One for each plan and key with data."`
}

// KeyUsage is the usage of one key in one plan.
type KeyUsage struct {
	Plan     string     `json:"plan"`
	PlanName string     `json:"plan_name"`
	Key      string     `json:"key"`
	KeyName  string     `json:"key_name"`
	Used     int64      `json:"used" doc:"The sum of the days."`
	Days     []UsageDay `json:"days" doc:"A day that was never collected is missing: it may have had calls."`
}

// UsageDay is one day of usage.
type UsageDay struct {
	Date      string    `json:"date" format:"date" doc:"The day in UTC."`
	Used      int64     `json:"used"`
	Limit     *int64    `json:"limit" doc:"The quota on that day; null without one."`
	Remaining *int64    `json:"remaining" doc:"What the quota had left at the end of the day; null without a quota."`
	Period    string    `json:"period,omitempty" enum:"DAY,WEEK,MONTH" doc:"The period of the quota."`
	AsOf      time.Time `json:"as_of" doc:"When API Gateway was last asked about the day."`
}

// ShowUsage returns a report as the API shows it, with the names of plans and keys.
func ShowUsage(report usage.Report, names usage.Names) Usage {
	shown := Usage{Start: report.First.Format(time.DateOnly), End: report.Last.Format(time.DateOnly), AsOf: timeOrNull(report.AsOf), Items: []KeyUsage{}}
	for _, s := range report.Series {
		item := KeyUsage{Plan: string(s.Plan), PlanName: names.Plan(s.Plan), Key: string(s.Key), KeyName: names.Key(s.Key), Used: s.Used(), Days: []UsageDay{}}
		for _, d := range s.Days {
			item.Days = append(item.Days, UsageDay{
				Date: d.Day.Format(time.DateOnly), Used: d.Used, Limit: d.Limit, Remaining: d.Remaining, Period: string(d.Period), AsOf: d.AsOf,
			})
		}
		shown.Items = append(shown.Items, item)
	}
	return shown
}

type reportOutput struct {
	Body func(huma.Context)
}

// jsonReport is a report that is not a file.
func jsonReport(shown any) *reportOutput {
	return &reportOutput{func(ctx huma.Context) {
		_, w := humachi.Unwrap(ctx)
		w.Header().Set("Content-Type", jsonType)
		_ = json.NewEncoder(w).Encode(shown)
	}}
}

func (s *service) allUsage(ctx context.Context, in *AllUsageInput) (*reportOutput, error) {
	return s.usageOf(ctx, in.UsageInput, portal.PlanID(in.Plan))
}

func (s *service) planUsage(ctx context.Context, in *PlanUsageInput) (*reportOutput, error) {
	return s.usageOf(ctx, in.UsageInput, portal.PlanID(in.Plan))
}

func (s *service) usageOf(ctx context.Context, in UsageInput, plan portal.PlanID) (*reportOutput, error) {
	id, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	q, err := usage.ParseDays(in.Start, in.End, s.now())
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	q.Plan, q.Key = plan, portal.KeyID(in.Key)
	account, err := s.views.Account(ctx, id)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	names, err := usage.NamesOf(account).WithPast(ctx, s.views, id, q.Key)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	if err := names.Check(q); err != nil {
		return nil, problemOf(ctx, err)
	}
	return s.report(ctx, in.Format, id, q, names)
}

// AccountUsageInput asks for days of usage of another account.
type AccountUsageInput struct {
	AllUsageInput
	AccountInput
}

func (s *service) accountUsage(ctx context.Context, in *AccountUsageInput) (*reportOutput, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	q, err := usage.ParseDays(in.Start, in.End, s.now())
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	id := portal.AccountID(in.Account)
	account, err := s.admin.Directory.Account(ctx, id)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	q.Plan, q.Key = portal.PlanID(in.Plan), portal.KeyID(in.Key)
	names, err := usage.NamesOf(account).WithPast(ctx, s.views, id, q.Key)
	switch {
	case err != nil:
		return nil, problemOf(ctx, err)
	case account.Profile.Status == projections.StatusNone && len(names.Plans) == 0:
		return nil, problemOf(ctx, portal.Fail(portal.NotFound, "There is no such account."))
	case names.Check(q) != nil:
		return nil, problemOf(ctx, portal.Fail(portal.NotFound, "The account has never had such a plan or key."))
	}
	return s.report(ctx, in.Format, id, q, names)
}

// report answers with the use of the account's keys, ended ones included.
func (s *service) report(ctx context.Context, format string, id portal.AccountID, q usage.Query, names usage.Names) (*reportOutput, error) {
	report, err := s.usage.Report(ctx, id, q)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	names, err = names.WithPast(ctx, s.views, id, report.Keys()...)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return writeUsage(format, report, names), nil
}

func writeUsage(format string, report usage.Report, names usage.Names) *reportOutput {
	if format != "csv" {
		return jsonReport(ShowUsage(report, names))
	}
	return &reportOutput{func(ctx huma.Context) {
		_, w := humachi.Unwrap(ctx)
		w.Header().Set("Content-Type", csvType)
		w.Header().Set("Content-Disposition", `attachment; filename="`+usage.FileName(report.Query)+`"`)
		_ = usage.WriteCSV(w, report, names)
	}}
}

func (s *service) registerUsage(api huma.API) {
	days := "Calls that API Gateway counted, for each day (UTC), plan and key. They are collected every 15 minutes, or more rarely if there are very many keys."
	registerReport(api, huma.Operation{OperationID: "list-usage", Tags: []string{tagUsage}, Method: http.MethodGet, Path: "/usage", Summary: "List my usage", Description: days, Security: signedIn}, s.allUsage)
	registerReport(api, huma.Operation{
		OperationID: "admin-get-usage", Tags: []string{tagAdmin}, Method: http.MethodGet, Path: adminPath + "/accounts/{account}/usage",
		Summary: "List an account's usage", Description: days, Security: signedIn,
	}, s.accountUsage)
	registerReport(api, huma.Operation{
		OperationID: "get-subscription-usage", Tags: []string{tagUsage}, Method: http.MethodGet, Path: "/subscriptions/{plan}/usage",
		Summary: "List the usage of a subscription", Description: days, Security: signedIn,
	}, s.planUsage)
}

// registerReport describes the two formats, which huma cannot see.
func registerReport[I any](api huma.API, op huma.Operation, handler func(context.Context, *I) (*reportOutput, error)) {
	huma.Register(api, op, handler)
	responses := api.OpenAPI().Paths[op.Path].Get.Responses
	delete(responses, "204")
	responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{
		jsonType: {Schema: schemaOf[Usage](api)},
		csvType:  {Schema: &huma.Schema{Type: huma.TypeString}},
	}}
}
