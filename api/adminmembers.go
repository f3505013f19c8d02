package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func (a *service) registerMembers(api huma.API, read func(id, path, summary, description string) huma.Operation) {
	write := func(id, method, path, summary, description string, status int) huma.Operation {
		op := changing(huma.Operation{OperationID: id, Tags: []string{tagAdmin}, Method: method, Path: adminPath + path, Summary: summary, Description: description})
		op.DefaultStatus = status
		return op
	}
	huma.Register(api, write("admin-promote", http.MethodPost, "/accounts/{account}/promote", "Make an account an admin",
		"It takes effect at once, and in other processes of the portal within five seconds.", http.StatusNoContent), a.promote)
	huma.Register(api, write("admin-demote", http.MethodPost, "/accounts/{account}/demote", "End a promotion",
		"Members of the identity provider's admin group stay admins.", http.StatusNoContent), a.demote)
	huma.Register(api, read("admin-list-invitations", "/invitations", "List open invitations", ""), a.listInvitations)
	huma.Register(api, write("admin-invite", http.MethodPost, "/invitations", "Invite an e-mail address",
		"Where GATEHOUSE_REGISTRATION is invitation, only invited people can register. The portal sends no mail: tell the person yourself. An invitation is open for 14 days.", http.StatusCreated), a.invite)
	huma.Register(api, write("admin-revoke-invitation", http.MethodDelete, "/invitations/{invitation}", "Revoke an invitation", "", http.StatusNoContent), a.revokeInvitation)
	huma.Register(api, read("admin-list-feedback", "/feedback", "List feedback", "The latest first."), a.listFeedback)
	huma.Register(api, read("admin-audit", "/audit", "List what admins did", "The latest first: who did what to which account."), a.audit)
}

func (a *service) promote(ctx context.Context, in *struct {
	AccountInput
	Body *Empty
}) (*struct{}, error) {
	return a.onOther(ctx, in.Account, members.DeedPromoted, func(admin, account portal.AccountID) error {
		found, err := a.view(ctx, account)
		if err == nil && found.summary.Status != "registered" {
			err = portal.Fail(portal.Conflict, "Only a registered account can be an admin.")
		}
		if err != nil {
			return err
		}
		return a.admin.Members.Promote(ctx, admin, account)
	})
}

func (a *service) demote(ctx context.Context, in *struct {
	AccountInput
	Body *Empty
}) (*struct{}, error) {
	return a.onOther(ctx, in.Account, members.DeedDemoted, func(_, account portal.AccountID) error {
		return a.admin.Members.Demote(ctx, account)
	})
}

// onOther does something to another account that makes no operation, and writes the audit.
func (a *service) onOther(ctx context.Context, account, what string, do func(admin, account portal.AccountID) error) (*struct{}, error) {
	id, err := admin(ctx)
	if err == nil && string(id.Account) == account {
		err = portal.Fail(portal.Conflict, "This is your own account. Another admin has to do that.")
	}
	if err == nil {
		err = do(id.Account, portal.AccountID(account))
	}
	if err == nil {
		err = a.admin.Members.Note(ctx, members.Deed{Admin: id.Account, What: what, Subject: portal.AccountID(account)})
	}
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return nil, nil
}

// Invitation lets the person with an e-mail address register.
type Invitation struct {
	ID        string    `json:"id"`
	Email     string    `json:"email"`
	InvitedBy string    `json:"invited_by" doc:"The admin's account."`
	InvitedAt time.Time `json:"invited_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func showInvitation(i members.Invitation) Invitation {
	return Invitation{ID: i.ID, Email: i.Email, InvitedBy: string(i.InvitedBy), InvitedAt: i.InvitedAt, ExpiresAt: i.Expires}
}

func (a *service) listInvitations(ctx context.Context, _ *struct{}) (*struct{ Body List[Invitation] }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	all, err := a.admin.Members.Invitations(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body List[Invitation] }{list(all, showInvitation)}, nil
}

func (a *service) invite(ctx context.Context, in *struct {
	Body struct {
		Email string `json:"email" maxLength:"320" doc:"The address that the identity provider will have verified."`
	}
}) (*struct{ Body Invitation }, error) {
	id, err := admin(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	invitation, err := a.admin.Members.Invite(ctx, id.Account, in.Body.Email)
	if err == nil {
		// The audit is kept for ever, so it does not have the address.
		err = a.admin.Members.Note(ctx, members.Deed{Admin: id.Account, What: members.DeedInvited})
	}
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body Invitation }{showInvitation(invitation)}, nil
}

func (a *service) revokeInvitation(ctx context.Context, in *struct {
	Invitation string `path:"invitation" maxLength:"64" doc:"An invitation's id." example:"4t6qk0w5y2b8n1r7m3x9zcvd5h"`
	Body       *Empty
}) (*struct{}, error) {
	id, err := admin(ctx)
	if err == nil {
		err = a.admin.Members.RevokeInvitation(ctx, in.Invitation)
	}
	if err == nil {
		err = a.admin.Members.Note(ctx, members.Deed{Admin: id.Account, What: members.DeedRevoked})
	}
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return nil, nil
}

// AdminFeedback is what a person told the operator.
type AdminFeedback struct {
	ID      string    `json:"id"`
	Account string    `json:"account"`
	At      time.Time `json:"at"`
	Topic   string    `json:"topic" enum:"documentation,api,account,portal,other"`
	Page    string    `json:"page,omitempty" doc:"The page of the portal that it is about."`
	Text    string    `json:"text"`
}

func (a *service) listFeedback(ctx context.Context, in *PageInput) (*struct{ Body List[AdminFeedback] }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	all, next, err := a.admin.Members.AllFeedback(ctx, in.Cursor, in.Limit)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown := list(all, func(f members.Feedback) AdminFeedback {
		return AdminFeedback{ID: f.ID, Account: string(f.Account), At: f.At, Topic: f.Topic, Page: f.Page, Text: f.Text}
	})
	shown.Next = in.next("/feedback", next)
	return &struct{ Body List[AdminFeedback] }{shown}, nil
}

// Deed is what an admin did.
type Deed struct {
	At        time.Time `json:"at"`
	Admin     string    `json:"admin" doc:"The admin's account."`
	What      string    `json:"what" doc:"The type of the operation; or Promoted, Demoted, Invited or InvitationRevoked, which make no operation."`
	Account   string    `json:"account,omitempty" doc:"The account that it was done to."`
	Operation string    `json:"operation,omitempty"`
}

func (a *service) audit(ctx context.Context, in *PageInput) (*struct{ Body List[Deed] }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	all, next, err := a.admin.Members.Audit(ctx, in.Cursor, in.Limit)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown := list(all, func(d members.Deed) Deed {
		return Deed{At: d.At, Admin: string(d.Admin), What: d.What, Account: string(d.Subject), Operation: string(d.Operation)}
	})
	shown.Next = in.next("/audit", next)
	return &struct{ Body List[Deed] }{shown}, nil
}
