package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type viewingKeeping interface {
	View(ctx context.Context, by members.ViewingAdmin, account portal.AccountID) (members.Viewing, error)
	EndViewing(ctx context.Context, admin, account portal.AccountID) (view members.Viewing, ok bool, err error)
}

// Viewing says that the caller's session shows another person's account.
type Viewing struct {
	Account string    `json:"account"`
	BeganAt time.Time `json:"began_at"`
	EndsAt  time.Time `json:"ends_at" doc:"When the view ends, unless it is ended before."`
}

func (a *service) registerViewing(api huma.API) {
	huma.Register(api, adminChanges("admin-view-account", http.MethodPost, "/accounts/{account}/view", "View an account",
		"For an hour, the pages of the caller's session show this account: dashboard, keys, usage, activity and operations. "+
			"Meanwhile that session can change nothing, neither on pages nor through this API, which otherwise answers for the admin as before. "+
			"It needs the cookie of a session, not a token. The audit records it. It ends any other view that the caller has open.", http.StatusOK), a.viewAccount)
	huma.Register(api, adminChanges("admin-stop-viewing", http.MethodDelete, "/accounts/{account}/view", "Stop viewing an account",
		"It ends the view, also if another of the caller's sessions shows it. The audit records it.", http.StatusNoContent), a.stopViewing)
}

type viewInput struct {
	AccountInput
	Body *Empty
}

func (a *service) viewAccount(ctx context.Context, in *viewInput) (*struct{ Body Viewing }, error) {
	id, err := admin(ctx)
	account := portal.AccountID(in.Account)
	if err == nil {
		err = a.registered(ctx, account)
	}
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	by := members.ViewingAdmin{Admin: id.Account, ByGroup: id.ByGroup}
	if id.Via == identity.ViaSession {
		by.Session = sessionFrom(ctx)
	}
	view, err := a.admin.Viewing.View(ctx, by, account)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body Viewing }{Viewing{Account: string(view.Account), BeganAt: view.Began, EndsAt: view.Ends}}, nil
}

func (a *service) stopViewing(ctx context.Context, in *viewInput) (*struct{}, error) {
	id, err := admin(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	_, ended, err := a.admin.Viewing.EndViewing(ctx, id.Account, portal.AccountID(in.Account))
	if err == nil && !ended {
		err = portal.Fail(portal.NotFound, "You are not viewing this account. The view may have ended already.")
	}
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return nil, nil
}
