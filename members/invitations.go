package members

import (
	"context"
	"errors"
	"net/mail"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// InvitationsLast is how long an invitation is open, and invitationsKept how long it is listed after
// that.
const (
	InvitationsLast = 14 * 24 * time.Hour
	invitationsKept = 30 * 24 * time.Hour
)

// States of an invitation.
const (
	InvitationOpen    = "open"
	InvitationUsed    = "used"
	InvitationExpired = "expired"
)

// maxEmail is the longest e-mail address (RFC 5321, section 4.5.3.1.3, without the angle brackets).
const maxEmail = 254

// Invitation lets a person with this e-mail address register.
type Invitation struct {
	// ID is a hash of the address.
	ID    string `dynamodbav:"id"`
	Email string `dynamodbav:"email"`
	// InvitedBy is the admin, or "" if Operator invited at the command line, as user@host.
	InvitedBy portal.AccountID `dynamodbav:"invited_by"`
	Operator  string           `dynamodbav:"operator,omitempty"`
	InvitedAt time.Time        `dynamodbav:"invited_at"`
	Expires   time.Time        `dynamodbav:"expires"`
	UsedBy    portal.AccountID `dynamodbav:"used_by,omitempty"`
	UsedAt    time.Time        `dynamodbav:"used_at,omitempty"`
	// Round counts how often the address was invited, from 1.
	Round int `dynamodbav:"round"`
}

// State is one of the constants.
func (i Invitation) State(now time.Time) string {
	switch {
	case i.UsedBy != "":
		return InvitationUsed
	case now.Before(i.Expires):
		return InvitationOpen
	}
	return InvitationExpired
}

// Open reports whether the invitation can still be used.
func (i Invitation) Open(now time.Time) bool { return i.State(now) == InvitationOpen }

// By is who does something: an admin, or an operator at the command line as user@host.
type By struct {
	Admin    portal.AccountID
	Operator string
}

// NormalEmail is the form in which addresses are compared: lower case, without spaces around it. Text
// that is no address is Invalid.
func NormalEmail(text string) (string, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	address, err := mail.ParseAddress(text)
	at := strings.LastIndexByte(text, '@')
	if err != nil || address.Address != text || len(text) > maxEmail || at < 1 || !strings.Contains(text[at:], ".") {
		return "", portal.Fail(portal.Invalid, "That is not an e-mail address. Send one like ada@example.com, without a name.")
	}
	return text, nil
}

// InvitationID is the id of an e-mail address's invitation.
func InvitationID(email string) string {
	return portal.DeriveID("invitation", strings.ToLower(strings.TrimSpace(email)))
}

// Invite invites an e-mail address, perhaps again, and records that in the audit. An address whose invitation
// an account has used is a Conflict.
func (s *Store) Invite(ctx context.Context, by By, email string) (Invitation, error) {
	email, err := NormalEmail(email)
	if err != nil {
		return Invitation{}, err
	}
	var before Invitation
	found, err := s.rows.Get(ctx, schema.Invitation(InvitationID(email)), &before)
	if err != nil {
		return Invitation{}, err
	}
	now := s.now().UTC().Truncate(time.Second)
	invitation := Invitation{ID: InvitationID(email), Email: email, InvitedBy: by.Admin, Operator: by.Operator, InvitedAt: now, Expires: now.Add(InvitationsLast), Round: before.Round + 1}
	as := records.Write{Key: schema.Invitation(invitation.ID), Put: invitation, Expires: invitation.Expires.Add(invitationsKept), If: records.Missing}
	if found {
		as.If, as.Values = "#round = :before AND attribute_not_exists(used_by)", map[string]types.AttributeValue{":before": schema.Number(int64(before.Round))}
		as.Names = map[string]string{"#round": "round"}
		if before.Round == 0 { // a row of an older version
			as.If, as.Values = "attribute_not_exists(#round) AND attribute_not_exists(used_by)", nil
		}
	}
	err = s.rows.Transact(ctx, "inviting", as, s.AuditWrite(AuditEntry{Admin: by.Admin, Operator: by.Operator, What: AuditInvited}))
	if errors.Is(err, records.ErrRefused) {
		if before.UsedBy != "" {
			return Invitation{}, portal.Fail(portal.Conflict, "The person with this address has used an invitation already, and has an account.")
		}
		return Invitation{}, portal.Fail(portal.Conflict, "Another admin has invited this address, or removed its invitation, a moment ago. Look at the list.")
	}
	return invitation, err
}

// Invited reports whether the address has an open invitation.
func (s *Store) Invited(ctx context.Context, email string) (bool, error) {
	if email == "" {
		return false, nil
	}
	var found Invitation
	ok, err := s.rows.Get(ctx, schema.Invitation(InvitationID(email)), &found)
	return ok && found.Open(s.now()), err
}

// UseInvitation uses the address's open invitation for the account; ok is false if there is none. A
// second use by the account is ok, too.
func (s *Store) UseInvitation(ctx context.Context, email string, account portal.AccountID) (ok bool, err error) {
	if email == "" {
		return false, nil
	}
	now := s.now().UTC().Truncate(time.Second) // like the stored times, so that texts compare as times do
	key := schema.Invitation(InvitationID(email))
	err = s.rows.Transact(ctx, "using an invitation", records.OfAPerson(account), records.Write{
		Key: key, Update: "SET used_by = :account, used_at = :now", If: "attribute_exists(pk) AND attribute_not_exists(used_by) AND expires > :now",
		Values: map[string]types.AttributeValue{":account": schema.Text(string(account)), ":now": schema.Time(now)},
	})
	if !errors.Is(err, records.ErrRefused) {
		return err == nil, err
	}
	var found Invitation
	_, err = s.rows.Get(ctx, key, &found)
	return found.UsedBy == account && account != "", err
}

// Invitation returns an invitation, or NotFound.
func (s *Store) Invitation(ctx context.Context, id string) (Invitation, error) {
	var found Invitation
	ok, err := s.rows.Get(ctx, schema.Invitation(id), &found)
	if err == nil && !ok {
		err = errNoInvitation()
	}
	return found, err
}

// Invitations lists at most limit invitations in a state, "" for all, in no order. Pages are as for
// Audit.
func (s *Store) Invitations(ctx context.Context, state, after string, limit int) (page []Invitation, next string, err error) {
	return filtered(ctx, s.rows, schema.Invitations(), records.Select{Before: after}, limit, func(i Invitation) bool { return state == "" || i.State(s.now()) == state })
}

// RevokeInvitation deletes an invitation that nobody has used, and records that in the audit. The error is NotFound if there is
// none, Conflict if it was used.
func (s *Store) RevokeInvitation(ctx context.Context, by By, id string) error {
	err := s.rows.Transact(ctx, "revoking an invitation",
		records.Write{Key: schema.Invitation(id), If: "attribute_exists(pk) AND attribute_not_exists(used_by)"}, s.AuditWrite(AuditEntry{Admin: by.Admin, Operator: by.Operator, What: AuditRevoked}))
	if !errors.Is(err, records.ErrRefused) {
		return err
	}
	if _, err := s.Invitation(ctx, id); err != nil {
		return err
	}
	return portal.Fail(portal.Conflict, "The invitation was used. Suspend or delete the account instead.")
}

func errNoInvitation() error {
	return portal.Fail(portal.NotFound, "There is no such invitation. It may have expired.")
}
