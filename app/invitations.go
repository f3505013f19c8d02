package app

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/notices/email"
)

// invitationDesk sends invitations by mail if the workers send mail.
type invitationDesk struct {
	*notices.Desk
	mails bool
}

func mailed(c Config) bool {
	setting, err := email.Parse(c.Mail)
	return err == nil && setting.Sends()
}

// MailInvitation does nothing if no mail is sent.
func (d invitationDesk) MailInvitation(ctx context.Context, i members.Invitation) error {
	if !d.mails {
		return nil
	}
	return d.Desk.MailInvitation(ctx, i)
}
