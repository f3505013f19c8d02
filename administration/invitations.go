package administration

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// MaxInvited is how many addresses can be invited at once.
const MaxInvited = 100

const (
	// invitedLately is how long an open invitation is not mailed again, so that a repeated request
	// makes no second mail.
	invitedLately = time.Minute
	invitedAtOnce = 10
)

type guestList interface {
	Invite(ctx context.Context, by members.By, email string) (members.Invitation, error)
	Invitation(ctx context.Context, id string) (members.Invitation, error)
}

type invitationMails interface {
	MailInvitation(ctx context.Context, i members.Invitation) error
}

// Invitations invites lists of people, and has their mails sent.
type Invitations struct {
	Members guestList
	Mails   invitationMails
	Now     func() time.Time
}

// Invited is what came of one address.
type Invited struct {
	// Address is as it was given.
	Address string
	// Invitation is the zero value if Err is not nil.
	Invitation members.Invitation
	// Lately: the address was invited less than a minute ago, so this request changed nothing.
	Lately bool
	// Err is a portal.Error that says why the address is not invited.
	Err error
}

// Again reports whether the address was invited before.
func (i Invited) Again() bool { return i.Invitation.Round > 1 }

// Addresses splits a text at commas, semicolons, blanks and line ends, and drops repeated addresses.
func Addresses(text string) []string {
	return Once(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(",; \t\r\n", r) }))
}

// Once drops repeated addresses.
func Once(addresses []string) (once []string) {
	seen := map[string]bool{}
	for _, one := range addresses {
		if key := strings.ToLower(strings.TrimSpace(one)); !seen[key] {
			seen[key], once = true, append(once, one)
		}
	}
	return once
}

// Invite invites each address, as members.Store.Invite does, and says what came of it, in their order.
// A repeated call within a minute sends no second mail. The error is Invalid without an address or for
// more than MaxInvited; then nobody is invited.
func (d Invitations) Invite(ctx context.Context, by members.By, addresses []string) ([]Invited, error) {
	switch n := len(addresses); {
	case n == 0:
		return nil, portal.Fail(portal.Invalid, "Enter at least one e-mail address.")
	case n > MaxInvited:
		return nil, portal.Fail(portal.Invalid, fmt.Sprintf("%d addresses are too many: invite at most %d at once.", n, MaxInvited))
	}
	all := make([]Invited, len(addresses))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(invitedAtOnce)
	for i, address := range addresses {
		group.Go(portal.Guard(func() error {
			all[i] = d.invite(within, by, address)
			return nil
		}))
	}
	return all, group.Wait()
}

func (d Invitations) invite(ctx context.Context, by members.By, address string) Invited {
	email, err := members.NormalEmail(address)
	if err != nil {
		return Invited{Address: address, Err: err}
	}
	before, err := d.Members.Invitation(ctx, members.InvitationID(email))
	if err != nil && portal.CodeOf(err) != portal.NotFound {
		return Invited{Address: address, Err: Unavailable(err)}
	}
	now := d.Now()
	if err == nil && before.Open(now) && now.Sub(before.InvitedAt).Abs() < invitedLately {
		return d.mailed(ctx, Invited{Address: address, Invitation: before, Lately: true})
	}
	invitation, err := d.Members.Invite(ctx, by, email)
	if err != nil {
		return Invited{Address: address, Err: Unavailable(err)}
	}
	return d.mailed(ctx, Invited{Address: address, Invitation: invitation})
}

// mailed asks for the mail, also if an earlier request stopped before it had.
func (d Invitations) mailed(ctx context.Context, one Invited) Invited {
	if err := d.Mails.MailInvitation(ctx, one.Invitation); err != nil {
		return Invited{Address: one.Address, Err: Unavailable(err)}
	}
	return one
}

// Resend begins another 14 days of an invitation that nobody has used, with another mail. A repeated
// call within a minute changes nothing. The error is NotFound for an unknown id, Conflict for an
// invitation that was used.
func (d Invitations) Resend(ctx context.Context, by members.By, id string) (Invited, error) {
	before, err := d.Members.Invitation(ctx, id)
	if err != nil {
		return Invited{}, Unavailable(err)
	}
	one := d.invite(ctx, by, before.Email)
	return one, one.Err
}
