package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-portal/gatehouse/approvals"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type approvalReading interface {
	Page(ctx context.Context, cursor string, limit int) (approvals.Page, error)
}

// Approval is a subscription that waits for an admin.
type Approval struct {
	Account      string    `json:"account"`
	Email        string    `json:"email,omitempty" doc:"The person's, from the latest sign-in or ID token."`
	Name         string    `json:"name,omitempty" doc:"The person's."`
	Plan         string    `json:"plan"`
	PlanName     string    `json:"plan_name" doc:"The plan's name in the catalog, or its name when the person asked for it."`
	Replaces     string    `json:"replaces,omitempty" doc:"The plan that the account would change from."`
	ReplacesName string    `json:"replaces_name,omitempty"`
	Request      int64     `json:"request" doc:"Send it when you approve or deny. If it no longer waits, your operation is rejected."`
	AskedAt      time.Time `json:"asked_at"`
	Operation    string    `json:"operation" doc:"The person's operation."`
}

func showApproval(row approvals.Row, owner identity.Person, name func(plan portal.PlanID, otherwise string) string) Approval {
	shown := Approval{
		Account: string(row.Account), Email: owner.Email, Name: owner.Name, Plan: string(row.Plan), PlanName: name(row.Plan, row.Name),
		Replaces: string(row.Replaces), Request: row.Wish, AskedAt: row.Asked, Operation: string(row.Operation),
	}
	if row.Replaces != "" {
		shown.ReplacesName = name(row.Replaces, row.ReplacesName)
	}
	return shown
}

func (a *service) registerApprovals(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "admin-list-approvals", Tags: []string{tagAdmin}, Method: http.MethodGet, Path: adminPath + "/approvals",
		Summary: "List the subscriptions that wait for approval", Security: signedIn,
		Description: "For admins. Those of all accounts, the oldest first.",
	}, a.listApprovals)
	huma.Register(api, accepted(huma.Operation{
		OperationID: "admin-approve-subscription", Tags: []string{tagAdmin}, Method: http.MethodPost, Path: adminPath + "/approvals/{account}/{plan}/approve",
		Summary:     "Approve a subscription",
		Description: "For admins. The operation is yours. It succeeds when the approval is recorded; the person's operation then goes on until API Gateway has added their keys to the plan. If the plan no longer fits their other plans, both operations are rejected.",
	}), a.approve)
	huma.Register(api, accepted(huma.Operation{
		OperationID: "admin-deny-subscription", Tags: []string{tagAdmin}, Method: http.MethodPost, Path: adminPath + "/approvals/{account}/{plan}/deny",
		Summary:     "Deny a subscription",
		Description: "For admins. The person's operation is rejected with your message.",
	}), a.deny)
}

func (a *service) listApprovals(ctx context.Context, in *PageInput) (*struct{ Body List[Approval] }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	page, err := a.approvals.Page(ctx, in.Cursor, in.Limit)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	owners, err := ownersOf(ctx, a.admin.People, page.Rows, func(row approvals.Row) portal.AccountID { return row.Account })
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	offered, err := a.library.For(ctx, library.Viewer(ctx))
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	name := func(plan portal.PlanID, otherwise string) string {
		if found, _, ok := offered.Plan(plan); ok {
			return found.Name
		}
		return otherwise
	}
	shown := list(page.Rows, func(row approvals.Row) Approval { return showApproval(row, owners[row.Account], name) })
	shown.Next = in.next("/approvals", page.Next)
	return &struct{ Body List[Approval] }{shown}, nil
}

// ApprovalInput names a subscription that waits.
type ApprovalInput struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"Sending the same request again with the same key returns the same operation."`
	Account        string `path:"account" maxLength:"128" doc:"The account that has asked for the plan." example:"01m7x8a0b1c2d3e4f5g6h7j8km"`
	Plan           string `path:"plan" maxLength:"128" doc:"A plan's id, from the list." example:"a1b2c3"`
}

// Approving is the body of an approval.
type Approving struct {
	Request int64 `json:"request,omitempty" minimum:"0" doc:"The request that you have seen, from the list. 0 or nothing answers the one that waits now."`
}

// Denying is the body of a denial.
type Denying struct {
	Request int64  `json:"request,omitempty" minimum:"0" doc:"The request that you have seen, from the list. 0 or nothing answers the one that waits now."`
	Message string `json:"message" maxLength:"1000" doc:"Why. The person reads it."`
}

func (a *service) approve(ctx context.Context, in *struct {
	ApprovalInput
	Body *Approving
}) (*acceptedOutput, error) {
	answer := operations.Answer{Account: portal.AccountID(in.Account), Plan: portal.PlanID(in.Plan), Approved: true}
	if in.Body != nil {
		answer.Wish = in.Body.Request
	}
	return a.review(ctx, in.ApprovalInput, answer)
}

func (a *service) deny(ctx context.Context, in *struct {
	ApprovalInput
	Body Denying
}) (*acceptedOutput, error) {
	return a.review(ctx, in.ApprovalInput, operations.Answer{
		Account: portal.AccountID(in.Account), Plan: portal.PlanID(in.Plan), Reason: in.Body.Message, Wish: in.Body.Request,
	})
}

func (a *service) review(ctx context.Context, in ApprovalInput, answer operations.Answer) (*acceptedOutput, error) {
	return asAdmin(ctx, in.IdempotencyKey, func(admin operations.Caller) (operations.Operation, error) {
		return a.operations.Review(ctx, admin, answer)
	})
}
