package cognito

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type newUser struct {
	// Name is the user name, or the e-mail address if users sign in by it.
	Name       string
	Attributes map[string]string
	// Taken is the text of UsernameExistsException for a user name.
	Taken string
}

// checkName also checks that the attributes agree.
func (n *newUser) checkName(p pool) error {
	var c constraints
	c.Text("username", n.Name, 128)
	if err := c.err(); err != nil {
		return err
	}
	if !p.signInByEmail() {
		return nil
	}
	if !isEmail(n.Name) {
		return invalid("Username should be an email.")
	}
	if email, given := n.Attributes["email"]; given && p.fold(email) != p.fold(n.Name) {
		return invalid("The email attribute must be the address given as user name.")
	}
	n.Attributes["email"] = n.Name
	return nil
}

// add returns UsernameExistsException for a taken name. checkName must have passed. complete
// sets status and password.
func (s *Service) add(p pool, n newUser, complete func(*user)) (user, error) {
	now := s.env.Now()
	u := user{Username: n.Name, Sub: wire.NewUUID(), Attributes: n.Attributes, Created: now, Modified: now}
	complete(&u)
	if p.signInByEmail() {
		u.Username = u.Sub
	}
	err := s.env.DB.Update(func(tx *store.Tx) error {
		// The pool may have been deleted since the caller read it.
		p, err := findPool(tx, p.ID)
		if err != nil {
			return err
		}
		_, err = findUser(tx, p, n.Name)
		switch {
		case err == nil && p.signInByEmail():
			return wire.Errorf("UsernameExistsException", "An account with the given email already exists.")
		case err == nil:
			return wire.Errorf("UsernameExistsException", "%s", n.Taken)
		case !wire.IsCode(err, "UserNotFoundException"):
			return err
		}
		if p.signInByEmail() {
			emails := emailsIn(tx, p)
			if err := emails.Put([]byte(p.fold(n.Name)), []byte(u.Username)); err != nil {
				return err
			}
		}
		return putUser(tx, p, u)
	})
	return u, err
}

// register confirms the user at once or mails a code, if the pool does either.
func (s *Service) register(ctx context.Context, p pool, name, password string, given []attribute) (user, error) {
	if p.AdminCreateOnly {
		return user{}, notAuthorized("SignUp is not permitted for this user pool")
	}
	attributes, err := readAttributes(given, false)
	if err != nil {
		return user{}, err
	}
	n := newUser{Name: name, Attributes: attributes, Taken: "User already exists"}
	if err := n.checkName(p); err != nil {
		return user{}, err
	}
	if err := p.Policy.check(password); err != nil {
		return user{}, err
	}
	if n.Attributes["email"] != "" {
		n.Attributes["email_verified"] = strconv.FormatBool(p.autoConfirms())
	}
	hash, err := s.hashPassword(ctx, password)
	if err != nil {
		return user{}, err
	}
	u, err := s.add(p, n, func(u *user) {
		u.setPassword(hash)
		if !p.autoConfirms() {
			u.Status = unconfirmed
		}
	})
	if err == nil && p.mailsCode(u) {
		_, err = s.resend(p, u.Username)
	}
	return u, err
}

func (p pool) mailsCode(u user) bool {
	return u.Status == unconfirmed && p.verifiesEmail() && u.Attributes["email"] != ""
}

type signUpInput struct {
	ClientID          string `json:"ClientId"`
	SecretHash        string
	Username          string
	Password          string
	UserAttributes    []attribute
	ValidationData    []attribute
	ClientMetadata    map[string]string
	AnalyticsMetadata json.RawMessage
	UserContextData   json.RawMessage
}

type signUpOutput struct {
	UserConfirmed       bool          `json:"UserConfirmed"`
	UserSub             string        `json:"UserSub"`
	CodeDeliveryDetails *codeDelivery `json:"CodeDeliveryDetails,omitempty"`
}

// signUp adds a user. Without AutoConfirmTag, ConfirmSignUp with the mailed code must follow
// or, in a pool that does not verify addresses, AdminConfirmSignUp.
func (s *Service) signUp(ctx context.Context, in *signUpInput) (*signUpOutput, error) {
	c, p, err := s.findClientPool(in.ClientID)
	if err != nil {
		return nil, err
	}
	if err := c.checkSecretHash(in.Username, in.SecretHash); err != nil {
		return nil, err
	}
	u, err := s.register(ctx, p, in.Username, in.Password, in.UserAttributes)
	if err != nil {
		return nil, err
	}
	out := &signUpOutput{UserConfirmed: u.Status == confirmed, UserSub: u.Sub}
	if p.mailsCode(u) {
		out.CodeDeliveryDetails = deliveredTo(u.Attributes["email"])
	}
	return out, nil
}

type userInput struct {
	UserPoolID string `json:"UserPoolId"`
	Username   string
}

type adminConfirmSignUpInput struct {
	userInput
	ClientMetadata map[string]string
}

func (s *Service) adminConfirmSignUp(_ context.Context, in *adminConfirmSignUpInput) (*none, error) {
	err := s.change(in.UserPoolID, in.Username, func(_ *store.Tx, _ pool, u *user) error {
		if u.Status != unconfirmed {
			return notAuthorized("User cannot be confirmed. Current status is " + u.Status)
		}
		u.Status = confirmed
		return nil
	})
	return &none{}, err
}
