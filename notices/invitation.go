package notices

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
)

// channelInvitation is the channel of mails to invited people. Such a delivery is the inviting
// admin's, since the invited person has no account. It does not hold the address.
const channelInvitation = "invitation"

// atCommandLine stands for the account of an operator who invites at the command line, and has none.
const atCommandLine portal.AccountID = "operator"

func inviter(i members.Invitation) portal.AccountID {
	if i.InvitedBy == "" {
		return atCommandLine
	}
	return i.InvitedBy
}

type invitations interface {
	Invitation(ctx context.Context, id string) (members.Invitation, error)
}

// MailInvitation has an invitation mailed. A second call about the same invitation changes
// nothing.
func (d *Desk) MailInvitation(ctx context.Context, i members.Invitation) error {
	now := d.Now().UTC()
	delivery := Delivery{
		Channel: channelInvitation, Notice: mailOf(i), Kind: "invitation", Title: "An invitation", State: Pending, CreatedAt: now, AskedAt: now,
	}
	by := inviter(i)
	writes := newDelivery(by, delivery, now.Add(keep))
	if by != atCommandLine {
		writes = append(writes, records.OfAPerson(by))
	}
	err := d.rows.Transact(ctx, "mailing an invitation", writes...)
	if errors.Is(err, records.ErrRefused) {
		return nil
	}
	if err != nil {
		return err
	}
	return portal.Postpone("the queues do not answer", d.Sender.Send(ctx, delivery.wakeUp(by, now)))
}

// InvitationMail returns the delivery of an invitation's mail; ok is false if there is none.
func (d *Desk) InvitationMail(ctx context.Context, i members.Invitation) (delivery Delivery, ok bool, err error) {
	return d.delivery(ctx, inviter(i), channelInvitation, mailOf(i))
}

// mailOf names the mail of an invitation. An address that is invited again gets another mail.
func mailOf(i members.Invitation) string { return i.ID + "." + strconv.Itoa(i.Round) }

// sendInvitation sends the mail, unless the invitation was used, removed or replaced.
func (d *Deliverer) sendInvitation(ctx context.Context, account portal.AccountID, delivery Delivery) error {
	id, _, _ := strings.Cut(delivery.Notice, ".")
	found, err := d.Invitations.Invitation(ctx, id)
	began := d.Now()
	switch {
	case portal.CodeOf(err) == portal.NotFound || err == nil && (mailOf(found) != delivery.Notice || !found.Open(began)):
		return d.record(ctx, account, delivery, Webhook{}, failedFor("The invitation was used or removed, or has expired."))
	case err != nil:
		return d.handBack(ctx, account, delivery, err)
	}
	got, err := d.Mail.invite(ctx, found)
	if err != nil {
		return d.handBack(ctx, account, delivery, err)
	}
	return d.record(ctx, account, delivery, Webhook{}, d.timed(began, got))
}

func (s *MailSender) invite(ctx context.Context, i members.Invitation) (result, error) {
	if s == nil || s.Mailer == nil {
		return failedFor("This portal sends no mail."), nil
	}
	to, ok := mailAddress(i.Email, "")
	if !ok {
		return failedFor("The e-mail address is not valid."), nil
	}
	text, advice := "The invitation is for "+i.Email+" only, and is open until "+moment(i.Expires)+".", "Sign up with this e-mail address."
	if !s.InvitationsNeeded {
		text, advice = "You need no invitation for that: you can register at any time, with any e-mail address.", "Sign up if you want an account."
	}
	m, err := s.write(mailPage{
		Notice: Notice{
			Title: "You are invited to " + s.Portal, Text: "The operator of " + s.Portal + " has invited you to register. " + text, Advice: advice,
		},
		Portal: s.Portal, Link: s.BaseURL + "/sign-up", LinkText: "Sign up at " + s.Portal,
		Why: s.Portal + " sent this because an admin entered your address. If you do not want to register, there is nothing you need to do.",
	}, to)
	if err != nil {
		return result{}, err
	}
	m.ID = MessageID(mailOf(i))
	return s.hand(ctx, mailOf(i), m)
}
