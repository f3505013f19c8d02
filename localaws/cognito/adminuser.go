package cognito

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type userDetails struct {
	Username             string      `json:"Username"`
	Attributes           []attribute `json:"Attributes"`
	UserCreateDate       float64     `json:"UserCreateDate"`
	UserLastModifiedDate float64     `json:"UserLastModifiedDate"`
	Enabled              bool        `json:"Enabled"`
	UserStatus           string      `json:"UserStatus"`
}

func (u user) details() userDetails {
	return userDetails{
		Username: u.Username, Attributes: u.attributes(), UserCreateDate: epoch(u.Created),
		UserLastModifiedDate: epoch(u.Modified), Enabled: !u.Disabled, UserStatus: u.Status,
	}
}

type adminCreateUserInput struct {
	userInput
	UserAttributes    []attribute
	TemporaryPassword string
	// MessageAction SUPPRESS sends no invitation; RESEND sends an existing user a new one.
	MessageAction string
	// DesiredDeliveryMediums must be EMAIL if an invitation is sent. SMS, AWS's default, is
	// refused.
	DesiredDeliveryMediums []string
	// ForceAliasCreation has no effect: users never share a name here.
	ForceAliasCreation bool
	ClientMetadata     map[string]string
	ValidationData     []attribute
}

type adminCreateUserOutput struct {
	User userDetails `json:"User"`
}

// adminCreateUser sets a temporary password and mails the invitation.
func (s *Service) adminCreateUser(ctx context.Context, in *adminCreateUserInput) (*adminCreateUserOutput, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	p, err := s.poolOf(in.UserPoolID)
	if err != nil {
		return nil, err
	}
	password := cmp.Or(in.TemporaryPassword, p.Policy.random())
	if err := p.Policy.check(password); err != nil {
		return nil, err
	}
	var u user
	if in.MessageAction == "RESEND" {
		u, err = s.inviteAgain(ctx, in.userInput, password)
	} else {
		u, err = s.addByAdmin(ctx, p, in, password)
	}
	if err != nil {
		return nil, err
	}
	if in.MessageAction != "SUPPRESS" {
		name := u.Username
		if p.signInByEmail() {
			name = u.Attributes["email"]
		}
		s.mail(u.Attributes["email"], "Your temporary password", "Your username is "+name+" and temporary password is "+password)
	}
	return &adminCreateUserOutput{u.details()}, nil
}

func (in *adminCreateUserInput) validate() error {
	var c constraints
	c.Text("username", in.Username, 128)
	c.OneOf("messageAction", []string{"RESEND", "SUPPRESS"}, in.MessageAction)
	c.OneOf("desiredDeliveryMediums", []string{"SMS", "EMAIL"}, in.DesiredDeliveryMediums...)
	if err := c.err(); err != nil {
		return err
	}
	if in.MessageAction != "SUPPRESS" && !slices.Equal(in.DesiredDeliveryMediums, []string{"EMAIL"}) {
		return wire.NotImplemented("An invitation by text message (DesiredDeliveryMediums other than EMAIL)")
	}
	return nil
}

func (s *Service) addByAdmin(ctx context.Context, p pool, in *adminCreateUserInput, password string) (user, error) {
	attributes, err := readAttributes(in.UserAttributes, true)
	if err != nil {
		return user{}, err
	}
	n := newUser{Name: in.Username, Attributes: attributes, Taken: "User account already exists"}
	if err := n.checkName(p); err != nil {
		return user{}, err
	}
	if in.MessageAction != "SUPPRESS" && n.Attributes["email"] == "" {
		return user{}, invalid("Email required for invitation.")
	}
	hash, err := s.hashPassword(ctx, password)
	if err != nil {
		return user{}, err
	}
	return s.add(p, n, func(u *user) { u.setTemporary(p, hash, s.env.Now()) })
}

func (s *Service) inviteAgain(ctx context.Context, in userInput, password string) (user, error) {
	hash, err := s.hashPassword(ctx, password)
	if err != nil {
		return user{}, err
	}
	var invited user
	err = s.change(in.UserPoolID, in.Username, func(_ *store.Tx, p pool, u *user) error {
		if u.Status != forcePassword || u.Attributes["email"] == "" {
			return wire.Errorf("UnsupportedUserStateException", "Resend not possible. %s status is not FORCE_CHANGE_PASSWORD", u.Username)
		}
		u.setTemporary(p, hash, s.env.Now())
		invited = *u
		return nil
	})
	return invited, err
}

func (s *Service) poolOf(id string) (p pool, err error) {
	var c constraints
	c.Text("userPoolId", id, 55)
	if err := c.err(); err != nil {
		return pool{}, err
	}
	err = s.env.DB.View(func(tx *store.Tx) (err error) {
		p, err = findPool(tx, id)
		return err
	})
	return p, err
}

type adminSetUserPasswordInput struct {
	userInput
	Password  string
	Permanent bool
}

// adminSetUserPassword confirms the user if the password is permanent, and ends a lockout.
func (s *Service) adminSetUserPassword(ctx context.Context, in *adminSetUserPasswordInput) (*none, error) {
	p, err := s.poolOf(in.UserPoolID)
	if err != nil {
		return nil, err
	}
	if err := p.Policy.check(in.Password); err != nil {
		return nil, err
	}
	hash, err := s.hashPassword(ctx, in.Password)
	if err != nil {
		return nil, err
	}
	err = s.change(in.UserPoolID, in.Username, func(tx *store.Tx, p pool, u *user) error {
		if in.Permanent {
			u.setPassword(hash)
		} else {
			u.setTemporary(p, hash, s.env.Now())
		}
		return forgetAttempts(tx, p, *u)
	})
	return &none{}, err
}

type adminGetUserOutput struct {
	Username             string      `json:"Username"`
	UserAttributes       []attribute `json:"UserAttributes"`
	UserCreateDate       float64     `json:"UserCreateDate"`
	UserLastModifiedDate float64     `json:"UserLastModifiedDate"`
	Enabled              bool        `json:"Enabled"`
	UserStatus           string      `json:"UserStatus"`
}

func (s *Service) adminGetUser(_ context.Context, in *userInput) (*adminGetUserOutput, error) {
	u, err := s.userOf(in)
	if err != nil {
		return nil, err
	}
	return &adminGetUserOutput{
		Username: u.Username, UserAttributes: u.attributes(), UserCreateDate: epoch(u.Created),
		UserLastModifiedDate: epoch(u.Modified), Enabled: !u.Disabled, UserStatus: u.Status,
	}, nil
}

func (s *Service) userOf(in *userInput) (u user, err error) {
	var c constraints
	c.Text("userPoolId", in.UserPoolID, 55)
	c.Text("username", in.Username, 128)
	if err := c.err(); err != nil {
		return user{}, err
	}
	err = s.env.DB.View(func(tx *store.Tx) error {
		p, err := findPool(tx, in.UserPoolID)
		if err != nil {
			return err
		}
		u, err = findUser(tx, p, in.Username)
		return err
	})
	return u, err
}

// adminDeleteUser makes the user's sessions and tokens invalid, because they name the user by
// sub.
func (s *Service) adminDeleteUser(_ context.Context, in *userInput) (*none, error) {
	var c constraints
	c.Text("userPoolId", in.UserPoolID, 55)
	c.Text("username", in.Username, 128)
	if err := c.err(); err != nil {
		return nil, err
	}
	err := s.env.DB.Update(func(tx *store.Tx) error {
		p, err := findPool(tx, in.UserPoolID)
		if err != nil {
			return err
		}
		u, err := findUser(tx, p, in.Username)
		if err != nil {
			return err
		}
		if err := errors.Join(forgetAttempts(tx, p, u), forgetCodes(tx, p, u)); err != nil {
			return err
		}
		if p.signInByEmail() {
			if err := emailsIn(tx, p).Delete([]byte(p.fold(u.Attributes["email"]))); err != nil {
				return err
			}
		}
		return usersIn(tx, p).Delete([]byte(p.fold(u.Username)))
	})
	return &none{}, err
}
