package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// invitationMails sends invitations by mail.
type invitationMails interface {
	MailInvitation(ctx context.Context, i members.Invitation) error
	// InvitationMail returns what came of it; ok is false if no mail was
	// requested.
	InvitationMail(ctx context.Context, i members.Invitation) (delivery notices.Delivery, ok bool, err error)
}

func (a *service) registerMembers(api huma.API, read func(id, path, summary, description string) huma.Operation) {
	ask := func(id, path, summary, description string) huma.Operation {
		return accepted(huma.Operation{OperationID: id, Tags: []string{tagAdmin}, Method: http.MethodPost, Path: adminPath + path, Summary: summary, Description: description})
	}
	write := func(id, method, path, summary, description string, status int) huma.Operation {
		op := changing(huma.Operation{OperationID: id, Tags: []string{tagAdmin}, Method: method, Path: adminPath + path, Summary: summary, Description: description})
		op.DefaultStatus = status
		return op
	}
	huma.Register(api, ask("admin-promote", "/accounts/{account}/promote", "Make an account an admin",
		"The operation succeeds with the decision. In every process of the portal it takes effect within five seconds."), a.promote)
	huma.Register(api, ask("admin-demote", "/accounts/{account}/demote", "End a promotion",
		"Members of the identity provider's admin group stay admins. If two admins demote each other at once, one of the operations is rejected."), a.demote)
	huma.Register(api, read("admin-list-invitations", "/invitations", "List invitations", "The order has no meaning. An invitation is listed for 14 days."), a.listInvitations)
	huma.Register(api, write("admin-invite", http.MethodPost, "/invitations", "Invite an e-mail address",
		"Where GATEHOUSE_REGISTRATION is invitation, only invited people can register, each with one account. Elsewhere, needed is false in the answer, and the person can register without the invitation. The person gets a mail with a link if the portal sends mail; otherwise tell them yourself. An invitation is open for 14 days. Inviting the address again begins another 14 days, with another mail.", http.StatusCreated), a.invite)
	huma.Register(api, write("admin-revoke-invitation", http.MethodDelete, "/invitations/{invitation}", "Remove an invitation", "A mail that was not sent yet is not sent any more.", http.StatusNoContent), a.revokeInvitation)
	huma.Register(api, read("admin-list-feedback", "/feedback", "List feedback", "The latest first. With a topic, a page may have fewer items than asked for."), a.listFeedback)
	a.registerAudit(api, read)
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

// Invitation lets the person with an e-mail address register.
type Invitation struct {
	ID        string     `json:"id"`
	Email     string     `json:"email"`
	InvitedBy string     `json:"invited_by" doc:"The admin's account."`
	InvitedAt time.Time  `json:"invited_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	UsedBy    string     `json:"used_by,omitempty" doc:"The account that was opened with it."`
	UsedAt    *time.Time `json:"used_at"`
	Needed    bool       `json:"needed" doc:"Whether only invited people can register. If false, the person can register without the invitation, and the mail says so."`
	Mail      string     `json:"mail" enum:"none,pending,delivered,failed" doc:"What came of the mail. none: the portal sent none, so tell the person yourself."`
	MailError string     `json:"mail_error,omitempty" doc:"Why the last attempt to send the mail failed."`
}

func (a *service) showInvitation(ctx context.Context, i members.Invitation) (Invitation, error) {
	shown := Invitation{
		Needed: a.admin.InvitationsNeeded,
		ID:     i.ID, Email: i.Email, InvitedBy: string(i.InvitedBy), InvitedAt: i.InvitedAt, ExpiresAt: i.Expires,
		UsedBy: string(i.UsedBy), UsedAt: timeOrNull(i.UsedAt), Mail: "none",
	}
	mail, ok, err := a.admin.Mails.InvitationMail(ctx, i)
	if err != nil || !ok {
		return shown, err
	}
	shown.Mail = mail.State
	if n := len(mail.Attempts); n > 0 {
		shown.MailError = mail.Attempts[n-1].Error
	}
	return shown, nil
}

// InvitationsInput asks for invitations.
type InvitationsInput struct {
	PageInput
	State string `query:"state" enum:"open,all" default:"open" doc:"all: also those that were used or have expired."`
}

func (a *service) listInvitations(ctx context.Context, in *InvitationsInput) (*struct{ Body List[Invitation] }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	found, next, err := a.admin.Members.Invitations(ctx, in.State == "all", in.Cursor, in.Limit)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown := List[Invitation]{Items: make([]Invitation, len(found)), Next: in.next("/invitations", next, "state", in.State)}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(lookingAtOnce)
	for i, one := range found {
		group.Go(portal.Guard(func() (err error) {
			shown.Items[i], err = a.showInvitation(within, one)
			return err
		}))
	}
	if err := group.Wait(); err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body List[Invitation] }{shown}, nil
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
		err = a.admin.Mails.MailInvitation(ctx, invitation)
	}
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown, err := a.showInvitation(ctx, invitation)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body Invitation }{shown}, nil
}

func (a *service) revokeInvitation(ctx context.Context, in *struct {
	Invitation string `path:"invitation" maxLength:"64" doc:"An invitation's id." example:"4t6qk0w5y2b8n1r7m3x9zcvd5h"`
	Body       *Empty
}) (*struct{}, error) {
	id, err := admin(ctx)
	if err == nil {
		err = a.admin.Members.RevokeInvitation(ctx, id.Account, in.Invitation)
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
	Email   string    `json:"email,omitempty" doc:"The person's, from the latest sign-in or ID token."`
	Name    string    `json:"name,omitempty"`
}

// AllFeedbackInput asks for feedback.
type AllFeedbackInput struct {
	PageInput
	Topic string `query:"topic" enum:"documentation,api,account,portal,other" doc:"Only feedback about it."`
}

func (a *service) listFeedback(ctx context.Context, in *AllFeedbackInput) (*struct{ Body List[AdminFeedback] }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	all, next, err := a.admin.Members.AllFeedback(ctx, in.Topic, in.Cursor, in.Limit)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	owners, err := ownersOf(ctx, a.admin.People, all, func(f members.Feedback) portal.AccountID { return f.Account })
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown := list(all, func(f members.Feedback) AdminFeedback {
		owner := owners[f.Account]
		return AdminFeedback{ID: f.ID, Account: string(f.Account), At: f.At, Topic: f.Topic, Page: f.Page, Text: f.Text, Email: owner.Email, Name: owner.Name}
	})
	shown.Next = in.next("/feedback", next, "topic", in.Topic)
	return &struct{ Body List[AdminFeedback] }{shown}, nil
}
