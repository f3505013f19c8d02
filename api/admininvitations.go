package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// invitationMails sends invitations by mail, and tells what came of the mails.
type invitationMails interface {
	MailInvitation(ctx context.Context, i members.Invitation) error
	// InvitationMail returns what came of it; ok is false if no mail was
	// requested.
	InvitationMail(ctx context.Context, i members.Invitation) (delivery notices.Delivery, ok bool, err error)
}

type inviting interface {
	Invite(ctx context.Context, by members.By, addresses []string) ([]administration.Invited, error)
	Resend(ctx context.Context, by members.By, id string) (administration.Invited, error)
}

func (a *service) registerInvitations(api huma.API) {
	huma.Register(api, adminReads("admin-list-invitations", "/invitations", "List invitations", "In no particular order. An invitation is listed for 44 days."), a.listInvitations)
	huma.Register(api, adminChanges("admin-invite", http.MethodPost, "/invitations", "Invite an e-mail address",
		"Where GATEHOUSE_REGISTRATION is invitation, only invited people can register, each with one account. Elsewhere, needed is false in the answer, and the person can register without the invitation. The person gets a mail with a link if the portal sends mail; otherwise tell them yourself. An invitation is open for 14 days. Inviting the address again begins another 14 days, with another mail.", http.StatusCreated), a.invite)
	huma.Register(api, adminChanges("admin-invite-list", http.MethodPost, "/invitation-batches", "Invite a list of e-mail addresses",
		"Says for each what came of it. An address that was invited less than a minute ago is not invited again, so that a repeated request sends no second mail.", http.StatusOK), a.inviteList)
	huma.Register(api, adminChanges("admin-resend-invitation", http.MethodPost, "/invitations/{invitation}/resend", "Send an invitation again",
		"It is open for another 14 days, even if it had expired, and the person gets another mail. Within a minute of the last invitation, nothing changes.", http.StatusOK), a.resendInvitation)
	huma.Register(api, adminChanges("admin-revoke-invitation", http.MethodDelete, "/invitations/{invitation}", "Remove an invitation", "A mail that still waits is not sent.", http.StatusNoContent), a.revokeInvitation)
}

// Invitation lets the person with an e-mail address register.
type Invitation struct {
	ID        string     `json:"id"`
	Email     string     `json:"email"`
	State     string     `json:"state" enum:"open,used,expired"`
	InvitedBy string     `json:"invited_by" doc:"The admin's account, empty if an operator invited."`
	Operator  string     `json:"operator,omitempty" doc:"Who invited at the command line, as user@host, instead of an admin."`
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
		ID:     i.ID, Email: i.Email, State: i.State(a.now()), InvitedBy: string(i.InvitedBy), Operator: i.Operator, InvitedAt: i.InvitedAt, ExpiresAt: i.Expires,
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
	State string `query:"state" enum:"open,used,expired,all" default:"open"`
}

func (a *service) listInvitations(ctx context.Context, in *InvitationsInput) (*struct{ Body List[Invitation] }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	state := in.State
	if state == "all" {
		state = ""
	}
	found, next, err := a.admin.Members.Invitations(ctx, state, in.Cursor, in.Limit)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown := List[Invitation]{Items: make([]Invitation, len(found)), Next: in.next("/invitations", next, "state", in.State)}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(maxParallelReads)
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
	invitation, err := a.admin.Members.Invite(ctx, members.By{Admin: id.Account}, in.Body.Email)
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
		err = a.admin.Members.RevokeInvitation(ctx, members.By{Admin: id.Account}, in.Invitation)
	}
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return nil, nil
}

// InvitedAddress is what came of an address of a list.
type InvitedAddress struct {
	Email      string      `json:"email" doc:"As it was sent."`
	Outcome    string      `json:"outcome" enum:"invited,invited_again,invited_lately,not_invited" doc:"invited_lately: it was invited less than a minute ago, so nothing was done."`
	Code       string      `json:"code,omitempty" doc:"Why it was not invited."`
	Detail     string      `json:"detail,omitempty" doc:"The same in words."`
	Invitation *Invitation `json:"invitation,omitempty"`
}

// InvitedAddresses are in the order of the request, without addresses that it repeats.
type InvitedAddresses struct {
	Items []InvitedAddress `json:"items"`
}

func (a *service) inviteList(ctx context.Context, in *struct {
	Body struct {
		Emails []string `json:"emails" minItems:"1" maxItems:"100" doc:"The addresses that the identity provider will have verified."`
	}
}) (*struct{ Body InvitedAddresses }, error) {
	id, err := admin(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	all, err := a.admin.Invitations.Invite(ctx, members.By{Admin: id.Account}, administration.Once(in.Body.Emails))
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown := InvitedAddresses{Items: make([]InvitedAddress, len(all))}
	for i, one := range all {
		if shown.Items[i], err = a.showInvited(ctx, one); err != nil {
			return nil, problemOf(ctx, err)
		}
	}
	return &struct{ Body InvitedAddresses }{shown}, nil
}

func (a *service) showInvited(ctx context.Context, one administration.Invited) (InvitedAddress, error) {
	shown := InvitedAddress{Email: one.Address, Outcome: "invited"}
	switch {
	case one.Err != nil:
		shown.Outcome, shown.Code, shown.Detail = "not_invited", string(portal.CodeOf(one.Err)), portal.MessageOf(one.Err)
		return shown, nil
	case one.Lately:
		shown.Outcome = "invited_lately"
	case one.Again():
		shown.Outcome = "invited_again"
	}
	invitation, err := a.showInvitation(ctx, one.Invitation)
	shown.Invitation = &invitation
	return shown, err
}

func (a *service) resendInvitation(ctx context.Context, in *struct {
	Invitation string `path:"invitation" maxLength:"64" doc:"An invitation's id." example:"4t6qk0w5y2b8n1r7m3x9zcvd5h"`
	Body       *Empty
}) (*struct{ Body Invitation }, error) {
	id, err := admin(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	sent, err := a.admin.Invitations.Resend(ctx, members.By{Admin: id.Account}, in.Invitation)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown, err := a.showInvitation(ctx, sent.Invitation)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body Invitation }{shown}, nil
}
