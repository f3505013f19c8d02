package api

import (
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/spreadsheet"
)

// AuditEntry is what an admin did, or an operator on the command line.
type AuditEntry struct {
	At        time.Time `json:"at"`
	Admin     string    `json:"admin" doc:"The admin's account, empty for what an operator did."`
	Operator  string    `json:"operator,omitempty" doc:"Who did it at the command line, as user@host, instead of an admin."`
	What      string    `json:"what" doc:"The type of the operation; or Invited, InvitationRevoked, FeedbackDone, FeedbackReopened, DeadLettersReplayed, DeadLettersDiscarded, SweepRequested, AgreementsCompared, UsageResent, LicenceCorrectionRequested, BannerAdded, BannerChanged, BannerEnded, BannerDeleted, NoteAdded, AccountExported, AccountViewed or AccountViewEnded, which make no operation; or, for operators, KeysReconciled, KeysPurged, BackupRestored, PeopleMigrated or ViewsRebuilt."`
	Account   string    `json:"account,omitempty" doc:"The account that it was done to."`
	Operation string    `json:"operation,omitempty"`
	Plan      string    `json:"plan,omitempty" doc:"The plan that it was about."`
	PlanName  string    `json:"plan_name,omitempty" doc:"The plan's name, if it is still in the catalog."`
	Answer    string    `json:"answer,omitempty" enum:"approved,denied" doc:"How the admin answered the person who waited."`
	Count     int       `json:"count,omitempty" doc:"How many keys, rows, people, dead letters or records of usage it was about."`
	Choice    string    `json:"choice,omitempty" doc:"For dead letters: the filters in words, or the id of a single letter. For a licence or a banner: its id."`
	Reason    string    `json:"reason,omitempty" doc:"Why the dead letters were discarded."`
}

// AuditInput asks for what admins did.
type AuditInput struct {
	PageInput
	Account string    `query:"account" maxLength:"64" doc:"Only what was done to this account."`
	Admin   string    `query:"admin" maxLength:"320" doc:"Only what this admin did, by account; or this operator, as user@host."`
	What    string    `query:"what" maxLength:"100" doc:"Only this." example:"AccountSuspensionRequested"`
	From    time.Time `query:"from" doc:"Only what was done at this time or later." example:"2026-11-01T00:00:00Z"`
	To      time.Time `query:"to" doc:"Only what was done before this time." example:"2026-12-01T00:00:00Z"`
	Format  string    `query:"format" enum:"json,csv" default:"json" doc:"csv returns every matching entry in one file."`
}

func (in AuditInput) filter() members.AuditFilter {
	return members.AuditFilter{By: in.Admin, Subject: portal.AccountID(in.Account), What: in.What, From: in.From, To: in.To}
}

func (in AuditInput) nextPage(cursor string) *string {
	moment := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.RFC3339Nano)
	}
	return in.next("/audit", cursor, "account", in.Account, "admin", in.Admin, "what", in.What, "from", moment(in.From), "to", moment(in.To))
}

func (a *service) registerAudit(api huma.API) {
	op := adminReads("admin-audit", "/audit", "List what admins did", "The latest first: who did what to which account. With a filter, a page may have fewer items than asked for.")
	registerReport(api, op, a.audit)
	huma.Register(api, adminReads("admin-get-operation", "/operations/{operation}", "Get any operation", "The audit names the operations of all admins. Other endpoints show an operation only to the person who requested it."), a.anyOperation)
	api.OpenAPI().Paths[op.Path].Get.Responses["200"].Content[jsonType].Schema = schemaOf[List[AuditEntry]](api)
}

func (a *service) audit(ctx context.Context, in *AuditInput) (*reportOutput, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	limit := in.Limit
	if in.Format == "csv" {
		limit = csvPage
	}
	first, next, err := a.admin.Members.Audit(ctx, in.filter(), in.Cursor, limit)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	plans, err := a.library.For(ctx, library.Viewer(ctx))
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	if in.Format == "csv" {
		return &reportOutput{func(ctx huma.Context) { a.writeAudit(ctx, in, plans, first, next) }}, nil
	}
	shown := list(first, func(d members.AuditEntry) AuditEntry { return showAuditEntry(d, plans) })
	shown.Next = in.nextPage(next)
	return jsonReport(shown), nil
}

func showAuditEntry(d members.AuditEntry, plans *library.Shelf) AuditEntry {
	plan, _, _ := plans.Plan(d.Plan)
	return AuditEntry{
		At: d.At, Admin: string(d.Admin), Operator: d.Operator, What: d.What, Account: string(d.Subject), Operation: string(d.Operation),
		Plan: string(d.Plan), PlanName: plan.Name, Answer: d.Answer, Count: d.Count, Choice: d.Choice, Reason: d.Reason,
	}
}

// writeAudit writes the CSV page by page, so it needs little memory. After a failure it breaks the
// connection off, since the file is incomplete.
func (a *service) writeAudit(ctx huma.Context, in *AuditInput, plans *library.Shelf, page []members.AuditEntry, next string) {
	r, w := humachi.Unwrap(ctx)
	w.Header().Set("Content-Type", csvType)
	w.Header().Set("Content-Disposition", `attachment; filename="audit.csv"`)
	out := newAuditCSV(w)
	for {
		err := out.add(page, plans)
		if err == nil && next == "" {
			return
		}
		if err == nil {
			page, next, err = a.admin.Members.Audit(r.Context(), in.filter(), next, csvPage)
		}
		if err != nil {
			zerolog.Ctx(r.Context()).Error().Err(err).Msg("the audit could not be exported")
			panic(http.ErrAbortHandler)
		}
	}
}

// auditCSV writes a line for each entry (RFC 4180, UTF-8), after a line of headings.
type auditCSV struct{ out *csv.Writer }

func newAuditCSV(w io.Writer) auditCSV {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	_ = out.Write([]string{"at", "admin", "operator", "what", "account", "operation", "plan", "plan_name", "answer", "count", "choice", "reason"})
	return auditCSV{out}
}

func (c auditCSV) add(entries []members.AuditEntry, plans *library.Shelf) error {
	for _, entry := range entries {
		d, number := showAuditEntry(entry, plans), ""
		if d.Count != 0 {
			number = strconv.Itoa(d.Count)
		}
		line := []string{d.Admin, d.Operator, d.What, d.Account, d.Operation, d.Plan, d.PlanName, d.Answer, number, d.Choice, d.Reason}
		for i, text := range line {
			line[i] = spreadsheet.Cell(text)
		}
		_ = c.out.Write(append([]string{d.At.UTC().Format(time.RFC3339)}, line...)) // Error reports whether it failed
	}
	c.out.Flush()
	return c.out.Error()
}

// AdminOperation is any account's operation, as admins see it.
type AdminOperation struct {
	By        string    `json:"by,omitempty" doc:"The account that asked for it. Empty for an operator at the command line."`
	Account   string    `json:"account,omitempty" doc:"The account that it is about."`
	Plan      string    `json:"plan,omitempty" doc:"The plan that it is about."`
	Operation Operation `json:"operation"`
}

func (a *service) anyOperation(ctx context.Context, in *struct {
	Operation string `path:"operation" maxLength:"128" doc:"An operation's id." example:"01m7x8k3c4d5e6f7g8h9j0kmnp"`
}) (*struct{ Body AdminOperation }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	op, err := a.admin.Operations.FindAny(ctx, portal.OperationID(in.Operation))
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	by, _ := op.Actor.Account()
	about, _ := op.Subject.Account()
	return &struct{ Body AdminOperation }{AdminOperation{By: string(by), Account: string(about), Plan: string(op.Plan), Operation: ShowOperation(op)}}, nil
}
