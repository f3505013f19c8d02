package app

import (
	"context"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// MemberDesk is for an operator at the command line who invites people and reads feedback. The audit
// records the operator as user@host of this process.
type MemberDesk struct {
	store  *members.Store
	people identity.Lookup
	mails  invitationDesk
	guests administration.Invitations
	sender messaging
	by     members.By
}

// OpenMembers opens the desk. It makes no call. The caller must close it at the end.
func OpenMembers(p Process) *MemberDesk {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	d := &MemberDesk{
		store: members.NewStore(c.dynamodb, names.Records, p.now()), sender: newMessaging(c, names), by: members.By{Operator: operator()},
		people: identity.Lookup{DynamoDB: c.dynamodb, Tables: names.identity()},
	}
	d.mails = invitationDesk{&notices.Desk{Store: notices.NewStore(c.dynamodb, names.Records), Sender: d.sender, Now: p.now()}, mailed(p.Config)}
	d.guests = administration.Invitations{Members: d.store, Mails: d.mails, Now: p.now()}
	return d
}

// Close sends what is queued.
func (d *MemberDesk) Close() error { return d.sender.close() }

// Mailed reports whether this configuration has invitations mailed.
func (d *MemberDesk) Mailed() bool { return d.mails.mails }

// FoundInvitation is an invitation with what came of its mail.
type FoundInvitation struct {
	members.Invitation
	State string
	// Mail is a state of notices.Delivery, or "none". MailError is why the last attempt failed.
	Mail, MailError string
}

// Invitations lists at most limit invitations in a state, "" for all. more: there are others.
func (d *MemberDesk) Invitations(ctx context.Context, state string, limit int, now time.Time) (found []FoundInvitation, more bool, err error) {
	all, more, err := pagesOf(limit, func(after string, n int) ([]members.Invitation, string, error) {
		return d.store.Invitations(ctx, state, after, n)
	})
	if err != nil {
		return nil, false, err
	}
	for _, one := range all {
		mail, asked, err := d.mails.InvitationMail(ctx, one)
		if err != nil {
			return nil, false, causeOf(err)
		}
		shown := FoundInvitation{Invitation: one, State: one.State(now), Mail: "none"}
		if asked {
			shown.Mail = mail.State
		}
		if n := len(mail.Attempts); n > 0 {
			shown.MailError = mail.Attempts[n-1].Error
		}
		found = append(found, shown)
	}
	return found, more, nil
}

// Invite is administration.Invitations.Invite for the operator.
func (d *MemberDesk) Invite(ctx context.Context, addresses []string) ([]administration.Invited, error) {
	all, err := d.guests.Invite(ctx, d.by, addresses)
	for i := range all {
		all[i].Err = causeOf(all[i].Err)
	}
	return all, causeOf(err)
}

// RemoveInvitation deletes the invitation of an e-mail address, or with that id. The error is NotFound if there is
// none, Conflict if it was used.
func (d *MemberDesk) RemoveInvitation(ctx context.Context, which string) error {
	if strings.Contains(which, "@") {
		which = members.InvitationID(which)
	}
	return causeOf(d.store.RevokeInvitation(ctx, d.by, which))
}

// FoundFeedback is feedback with the person's words.
type FoundFeedback struct {
	members.Feedback
	Name, Email string
}

// Feedback lists at most limit pieces of feedback, the latest first. more: there are older ones.
func (d *MemberDesk) Feedback(ctx context.Context, filter members.FeedbackFilter, limit int) (found []FoundFeedback, more bool, err error) {
	all, more, err := pagesOf(limit, func(before string, n int) ([]members.Feedback, string, error) {
		return d.store.AllFeedback(ctx, filter, before, n)
	})
	if err != nil {
		return nil, false, err
	}
	for _, one := range all {
		person, err := d.people.Person(ctx, one.Account)
		if err != nil && portal.CodeOf(err) != portal.NotFound {
			return nil, false, causeOf(err)
		}
		found = append(found, FoundFeedback{one, person.Name, person.Email})
	}
	return found, more, nil
}

// MarkFeedback is members.Store.MarkFeedback for the operator.
func (d *MemberDesk) MarkFeedback(ctx context.Context, id string, done bool) error {
	_, err := d.store.MarkFeedback(ctx, d.by, id, done)
	return causeOf(err)
}

// causeOf names what AWS said if a table does not answer, since an operator can do something about it.
func causeOf(err error) error {
	if portal.CodeOf(err) == portal.Unavailable {
		return explained("", err)
	}
	return InWords(err)
}
