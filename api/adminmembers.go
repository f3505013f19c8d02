package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func (a *service) registerMembers(api huma.API) {
	huma.Register(api, adminRequests("admin-promote", http.MethodPost, "/accounts/{account}/promote", "Make an account an admin",
		"The operation succeeds when the decision is recorded. Every process of the portal follows within five seconds."), a.promote)
	huma.Register(api, adminRequests("admin-demote", http.MethodPost, "/accounts/{account}/demote", "End a promotion",
		"Members of the identity provider's admin group stay admins. If two admins demote each other at once, one of the operations is rejected."), a.demote)
	a.registerInvitations(api)
	a.registerAllFeedback(api)
	a.registerAudit(api)
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
