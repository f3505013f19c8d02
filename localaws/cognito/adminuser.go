package cognito

import (
	"cmp"
	"context"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// userDetails are a user as AdminCreateUser and ListUsers show one.
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
		UserLastModifiedDate: epoch(u.Modified), Enabled: true, UserStatus: u.Status,
	}
}

type adminCreateUserInput struct {
	userInput
	UserAttributes    []attribute
	TemporaryPassword string
	// MessageAction must be SUPPRESS: this local AWS sends no invitations.
	MessageAction string
	// DesiredDeliveryMediums says how an invitation would be sent; ClientMetadata
	// and ValidationData are for triggers.
	DesiredDeliveryMediums []string
	ClientMetadata         map[string]string
	ValidationData         []attribute
}

type adminCreateUserOutput struct {
	User userDetails `json:"User"`
}

// adminCreateUser adds a user with a temporary password. Such a user can sign in
// only after AdminSetUserPassword, since there is no page here to change it.
func (s *Service) adminCreateUser(ctx context.Context, in *adminCreateUserInput) (*adminCreateUserOutput, error) {
	if in.MessageAction != "SUPPRESS" {
		return nil, wire.NotImplemented("Sending an invitation (MessageAction other than SUPPRESS)")
	}
	p, err := s.poolOf(in.UserPoolID)
	if err != nil {
		return nil, err
	}
	attributes, err := readAttributes(in.UserAttributes, true)
	if err != nil {
		return nil, err
	}
	n := newUser{Name: in.Username, Attributes: attributes, Status: forcePassword, Taken: "User account already exists"}
	if err := n.checkName(p); err != nil {
		return nil, err
	}
	password := cmp.Or(in.TemporaryPassword, p.Policy.random())
	if err := p.Policy.check(password); err != nil {
		return nil, err
	}
	if n.PasswordHash, err = s.hashPassword(ctx, password); err != nil {
		return nil, err
	}
	u, err := s.add(p, n)
	if err != nil {
		return nil, err
	}
	return &adminCreateUserOutput{u.details()}, nil
}

func (s *Service) poolOf(id string) (p pool, err error) {
	var c constraints
	c.text("userPoolId", id, 55)
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

// adminSetUserPassword confirms the user if the password is permanent, and ends
// what wrong passwords have locked.
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
		u.PasswordHash, u.Status = hash, forcePassword
		if in.Permanent {
			u.Status = confirmed
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
		UserLastModifiedDate: epoch(u.Modified), Enabled: true, UserStatus: u.Status,
	}, nil
}

func (s *Service) userOf(in *userInput) (u user, err error) {
	var c constraints
	c.text("userPoolId", in.UserPoolID, 55)
	c.text("username", in.Username, 128)
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

// adminDeleteUser deletes a user. Sessions and tokens name the user by sub, which
// nobody has from then on, so they end with it.
func (s *Service) adminDeleteUser(_ context.Context, in *userInput) (*none, error) {
	var c constraints
	c.text("userPoolId", in.UserPoolID, 55)
	c.text("username", in.Username, 128)
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
		if err := forgetAttempts(tx, p, u); err != nil {
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
