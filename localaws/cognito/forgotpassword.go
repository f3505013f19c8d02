package cognito

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// The texts are Cognito's.
var (
	errNoRecovery   = invalid("Cannot reset password for the user as there is no registered/verified email or phone_number")
	errAdminOnly    = notAuthorized("Contact administrator to reset password.")
	errResetState   = notAuthorized("User password cannot be reset in the current state.")
	errUserDisabled = notAuthorized("User is disabled.")
)

func mayReset(u user) error {
	switch {
	case u.Disabled:
		return errUserDisabled
	case u.Status == forcePassword:
		return errResetState
	case u.Attributes["email"] == "" || u.Attributes["email_verified"] != "true":
		return errNoRecovery
	}
	return nil
}

// recoversByAdminOnly reports whether AccountRecoverySetting excludes e-mail.
func (p pool) recoversByAdminOnly() bool {
	var setting struct {
		RecoveryMechanisms []struct{ Name string }
	}
	if len(p.Recovery) == 0 || json.Unmarshal(p.Recovery, &setting) != nil || len(setting.RecoveryMechanisms) == 0 {
		return false
	}
	return !slices.Contains(setting.RecoveryMechanisms, struct{ Name string }{"verified_email"})
}

func (s *Service) forgotPassword(_ context.Context, in *clientUser) (*codeDeliveryOutput, error) {
	return s.mailCode(in, s.forgot)
}

func (s *Service) forgot(p pool, name string) (*codeDelivery, error) {
	return s.sendCode(p, name, resetting, func(u user) error {
		if p.recoversByAdminOnly() {
			return errAdminOnly
		}
		return mayReset(u)
	})
}

type confirmForgotPasswordInput struct {
	clientUser
	ConfirmationCode string
	Password         string
}

func (s *Service) confirmForgotPassword(ctx context.Context, in *confirmForgotPasswordInput) (*none, error) {
	c, p, err := s.clientOfCode(&in.clientUser, in.ConfirmationCode)
	if err != nil {
		return nil, err
	}
	err = s.resetPassword(ctx, p, in.Username, in.ConfirmationCode, in.Password)
	return &none{}, c.unknownUser(err, errCodeExpired)
}

// resetPassword also ends a lockout.
func (s *Service) resetPassword(ctx context.Context, p pool, name, code, password string) error {
	if err := p.Policy.check(password); err != nil {
		return err
	}
	hash, err := s.hashPassword(ctx, password)
	if err != nil {
		return err
	}
	enabled := func(u user) error {
		if u.Disabled {
			return errUserDisabled
		}
		return nil
	}
	return s.redeem(p, name, resetting, code, enabled, func(tx *store.Tx, u *user) error {
		u.setPassword(hash)
		return forgetAttempts(tx, p, *u)
	})
}

type adminResetUserPasswordInput struct {
	userInput
	ClientMetadata map[string]string
}

// adminResetUserPassword makes the old password useless and mails a code.
func (s *Service) adminResetUserPassword(_ context.Context, in *adminResetUserPasswordInput) (*none, error) {
	var c constraints
	c.Text("username", in.Username, 128)
	if err := c.err(); err != nil {
		return nil, err
	}
	p, err := s.poolOf(in.UserPoolID)
	if err != nil {
		return nil, err
	}
	if _, err := s.sendCode(p, in.Username, resetting, mayReset); err != nil {
		return nil, err
	}
	return &none{}, s.change(in.UserPoolID, in.Username, func(_ *store.Tx, _ pool, u *user) error {
		u.Status = resetRequired
		return nil
	})
}
