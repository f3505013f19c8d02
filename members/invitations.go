package members

import (
	"context"
	"errors"
	"net/mail"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// InvitationsLast is how long an invitation is open.
const InvitationsLast = 14 * 24 * time.Hour

// maxEmail is the longest e-mail address (RFC 5321, section 4.5.3.1.3, without the angle brackets).
const maxEmail = 254

// Invitation lets the person with an e-mail address register.
type Invitation struct {
	// ID is a hash of the address.
	ID        string           `dynamodbav:"id"`
	Email     string           `dynamodbav:"email"`
	InvitedBy portal.AccountID `dynamodbav:"invited_by"`
	InvitedAt time.Time        `dynamodbav:"invited_at"`
	Expires   time.Time        `dynamodbav:"expires"`
}

// NormalEmail is the form in which addresses are compared: without case, and without spaces around it.
// The error is Invalid for text that is no address.
func NormalEmail(text string) (string, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	address, err := mail.ParseAddress(text)
	at := strings.LastIndexByte(text, '@')
	if err != nil || address.Address != text || len(text) > maxEmail || at < 1 || !strings.Contains(text[at:], ".") {
		return "", portal.Fail(portal.Invalid, "That is not an e-mail address. Send one like ada@example.com, without a name.")
	}
	return text, nil
}

// InvitationID is the id of the invitation of an e-mail address.
func InvitationID(email string) string {
	return portal.DeriveID("invitation", strings.ToLower(strings.TrimSpace(email)))
}

// Invite invites an e-mail address, again if it was invited before.
func (s *Store) Invite(ctx context.Context, admin portal.AccountID, email string) (Invitation, error) {
	email, err := NormalEmail(email)
	if err != nil {
		return Invitation{}, err
	}
	now := s.now().UTC().Truncate(time.Second)
	invitation := Invitation{ID: InvitationID(email), Email: email, InvitedBy: admin, InvitedAt: now, Expires: now.Add(InvitationsLast)}
	return invitation, s.transact(ctx, "inviting", write{
		key: schema.Invitation(invitation.ID), value: invitation, expires: invitation.Expires,
	})
}

// Invited reports whether there is an open invitation for the address.
func (s *Store) Invited(ctx context.Context, email string) (bool, error) {
	if email == "" {
		return false, nil
	}
	var found Invitation
	ok, err := s.get(ctx, schema.Invitation(InvitationID(email)), &found)
	return ok && s.now().Before(found.Expires), err
}

// Invitations lists the open invitations.
func (s *Store) Invitations(ctx context.Context) ([]Invitation, error) {
	var all []Invitation
	err := s.rows(ctx, schema.Invitations(), "", 0, func(_ schema.Key, item map[string]types.AttributeValue) (bool, error) {
		var found Invitation
		if err := attributevalue.UnmarshalMap(item, &found); err != nil {
			return false, err
		}
		if s.now().Before(found.Expires) {
			all = append(all, found)
		}
		return true, nil
	})
	return all, err
}

// RevokeInvitation deletes an invitation. The error is NotFound if there is none.
func (s *Store) RevokeInvitation(ctx context.Context, id string) error {
	err := s.transact(ctx, "revoking an invitation", write{key: schema.Invitation(id), condition: "attribute_exists(pk)"})
	if errors.Is(err, errRefused) {
		return portal.Fail(portal.NotFound, "There is no such invitation. It may have expired.")
	}
	return err
}
