package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func (a *service) registerMembers(api huma.API) {
	huma.Register(api, adminRequests("admin-promote", http.MethodPost, "/accounts/{account}/promote", "Make an account an admin",
		"The operation succeeds with the decision. In every process of the portal it takes effect within five seconds."), a.promote)
	huma.Register(api, adminRequests("admin-demote", http.MethodPost, "/accounts/{account}/demote", "End a promotion",
		"Members of the identity provider's admin group stay admins. If two admins demote each other at once, one of the operations is rejected."), a.demote)
	a.registerInvitations(api)
	a.registerAllFeedback(api)
	huma.Register(api, adminReads("admin-audit", "/audit", "List what admins did", "The latest first: who did what to which account. With a filter, a page may have fewer items than asked for."), a.audit)
}

func (a *service) promote(ctx context.Context, in *accountAsking) (*acceptedOutput, error) {
	return asAdmin(ctx, in.IdempotencyKey, func(admin operations.Caller) (operations.Operation, error) {
		return a.admin.Operations.Promote(ctx, admin, portal.AccountID(in.Account))
	})
}

func (a *service) demote(ctx context.Context, in *accountAsking) (*acceptedOutput, error) {
	id, err := admin(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return asAdmin(ctx, in.IdempotencyKey, func(admin operations.Caller) (operations.Operation, error) {
		return a.admin.Operations.Demote(ctx, admin, portal.AccountID(in.Account), id.ByGroup)
	})
}

// Deed is what an admin did, or an operator on the command line.
type Deed struct {
	At        time.Time `json:"at"`
	Admin     string    `json:"admin" doc:"The admin's account, empty for what an operator did."`
	Operator  string    `json:"operator,omitempty" doc:"Who did it at the command line, as user@host, instead of an admin."`
	What      string    `json:"what" doc:"The type of the operation; or Invited, InvitationRevoked, FeedbackDone, FeedbackReopened, DeadLettersReplayed, DeadLettersDiscarded, SweepRequested, AgreementsCompared, UsageResent, LicenceCorrectionRequested, BannerAdded, BannerChanged, BannerEnded or BannerDeleted, which make no operation; or, for operators, KeysReconciled, KeysPurged or BackupRestored."`
	Account   string    `json:"account,omitempty" doc:"The account that it was done to."`
	Operation string    `json:"operation,omitempty"`
	Plan      string    `json:"plan,omitempty" doc:"The plan that it was about."`
	PlanName  string    `json:"plan_name,omitempty" doc:"The plan's name, if it is still in the catalog."`
	Answer    string    `json:"answer,omitempty" enum:"approved,denied" doc:"How the admin answered the person who waited."`
	Count     int       `json:"count,omitempty" doc:"How many keys, rows, dead letters or records of usage it was about."`
	Choice    string    `json:"choice,omitempty" doc:"Which dead letters: the filters in words, or the id of the only one. Or which licence, or the id of the banner."`
	Reason    string    `json:"reason,omitempty" doc:"Why the dead letters were discarded."`
}

// AuditInput asks for what admins did.
type AuditInput struct {
	PageInput
	Account string `query:"account" maxLength:"64" doc:"Only what was done to this account."`
	Admin   string `query:"admin" maxLength:"64" doc:"Only what this admin did."`
	What    string `query:"what" maxLength:"100" doc:"Only this." example:"AccountSuspensionRequested"`
}

func (a *service) audit(ctx context.Context, in *AuditInput) (*struct{ Body List[Deed] }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	filter := members.AuditFilter{Admin: portal.AccountID(in.Admin), Subject: portal.AccountID(in.Account), What: in.What}
	all, next, err := a.admin.Members.Audit(ctx, filter, in.Cursor, in.Limit)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	offered, err := a.library.For(ctx, library.Viewer(ctx))
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown := list(all, func(d members.Deed) Deed {
		plan, _, _ := offered.Plan(d.Plan)
		return Deed{
			At: d.At, Admin: string(d.Admin), Operator: d.Operator, What: d.What, Account: string(d.Subject), Operation: string(d.Operation),
			Plan: string(d.Plan), PlanName: plan.Name, Answer: d.Answer, Count: d.Count, Choice: d.Choice, Reason: d.Reason,
		}
	})
	shown.Next = in.next("/audit", next, "account", in.Account, "admin", in.Admin, "what", in.What)
	return &struct{ Body List[Deed] }{shown}, nil
}
