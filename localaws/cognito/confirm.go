package cognito

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

func (p pool) verifiesEmail() bool { return slices.Contains(p.AutoVerifiedAttributes, "email") }

// unknownUser converts UserNotFoundException, to hidden if the client hides users.
func (c client) unknownUser(err, hidden error) error {
	switch {
	case !wire.IsCode(err, "UserNotFoundException"):
		return err
	case c.Settings.hidesUsers():
		return hidden
	}
	return wire.Errorf("UserNotFoundException", "Username/client id combination not found.")
}

type clientUser struct {
	ClientID          string `json:"ClientId"`
	SecretHash        string
	Username          string
	ClientMetadata    map[string]string
	AnalyticsMetadata json.RawMessage
	UserContextData   json.RawMessage
}

func (s *Service) clientOfUser(in *clientUser) (client, pool, error) {
	c, p, err := s.findClientPool(in.ClientID)
	if err != nil {
		return client{}, pool{}, err
	}
	var v constraints
	v.Text("username", in.Username, 128)
	if err := v.err(); err != nil {
		return client{}, pool{}, err
	}
	return c, p, c.checkSecretHash(in.Username, in.SecretHash)
}

func (s *Service) clientOfCode(in *clientUser, code string) (client, pool, error) {
	c, p, err := s.clientOfUser(in)
	if err != nil {
		return client{}, pool{}, err
	}
	var v constraints
	v.Text("confirmationCode", code, 2048)
	return c, p, v.err()
}

type confirmSignUpInput struct {
	clientUser
	ConfirmationCode string
	// ForceAliasCreation has no effect: users never share a name here.
	ForceAliasCreation bool
}

func (s *Service) confirmSignUp(_ context.Context, in *confirmSignUpInput) (*none, error) {
	c, p, err := s.clientOfCode(&in.clientUser, in.ConfirmationCode)
	if err != nil {
		return nil, err
	}
	return &none{}, c.unknownUser(s.confirm(p, in.Username, in.ConfirmationCode), errCodeExpired)
}

// confirm also verifies the address to which the code was mailed.
func (s *Service) confirm(p pool, name, code string) error {
	waiting := func(u user) error {
		if u.Status != unconfirmed {
			return notAuthorized("User cannot be confirmed. Current status is " + u.Status)
		}
		return nil
	}
	return s.redeem(p, name, confirming, code, waiting, func(_ *store.Tx, u *user) error {
		u.Status = confirmed
		u.Attributes["email_verified"] = "true"
		return nil
	})
}

type codeDeliveryOutput struct {
	CodeDeliveryDetails *codeDelivery `json:"CodeDeliveryDetails"`
}

func (s *Service) resendConfirmationCode(_ context.Context, in *clientUser) (*codeDeliveryOutput, error) {
	return s.mailCode(in, s.resend)
}

// mailCode returns where the code went. If the client hides users, an unknown user gets the
// same answer.
func (s *Service) mailCode(in *clientUser, mail func(p pool, name string) (*codeDelivery, error)) (*codeDeliveryOutput, error) {
	c, p, err := s.clientOfUser(in)
	if err != nil {
		return nil, err
	}
	sent, err := mail(p, in.Username)
	if wire.IsCode(err, "UserNotFoundException") && c.Settings.hidesUsers() {
		return &codeDeliveryOutput{deliveredTo(in.Username)}, nil
	}
	if err := c.unknownUser(err, nil); err != nil {
		return nil, err
	}
	return &codeDeliveryOutput{sent}, nil
}

func (s *Service) resend(p pool, name string) (*codeDelivery, error) {
	return s.sendCode(p, name, confirming, func(u user) error {
		switch {
		case u.Status != unconfirmed:
			return invalid("User is already confirmed.")
		case !p.verifiesEmail() || u.Attributes["email"] == "":
			return invalid("Auto verification not turned on.")
		}
		return nil
	})
}
