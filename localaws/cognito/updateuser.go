package cognito

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type adminUpdateUserAttributesInput struct {
	userInput
	UserAttributes []attribute
	ClientMetadata map[string]string
}

// adminUpdateUserAttributes sets attributes and removes those with an empty value. A new e-mail
// address is unverified unless the request says otherwise.
func (s *Service) adminUpdateUserAttributes(_ context.Context, in *adminUpdateUserAttributesInput) (*none, error) {
	var kept, emptied []attribute
	for _, a := range in.UserAttributes {
		if a.Value == "" && a.Name != "sub" {
			emptied = append(emptied, a)
		} else {
			kept = append(kept, a)
		}
	}
	attributes, err := readAttributes(kept, true)
	if err != nil {
		return nil, err
	}
	return &none{}, s.change(in.UserPoolID, in.Username, func(tx *store.Tx, p pool, u *user) error {
		before := u.Attributes["email"]
		for _, a := range emptied {
			if a.Name == "email" && p.signInByEmail() {
				return invalid("Cannot remove the attribute that the user signs in by: email")
			}
			delete(u.Attributes, a.Name)
		}
		email, given := attributes["email"]
		if given && p.fold(email) != p.fold(before) {
			if p.keepsEmailUntilVerified() && attributes["email_verified"] != "true" {
				return wire.NotImplemented("A new address that waits until it is verified")
			}
			if err := p.moveEmail(tx, u, email); err != nil {
				return err
			}
			u.Attributes["email_verified"] = "false"
		}
		for name, value := range attributes {
			u.Attributes[name] = value
		}
		return nil
	})
}

// moveEmail changes the address by which the user is found.
func (p pool) moveEmail(tx *store.Tx, u *user, email string) error {
	if !p.signInByEmail() {
		return nil
	}
	emails := emailsIn(tx, p)
	if emails.Get([]byte(p.fold(email))) != nil {
		return wire.Errorf("AliasExistsException", "An account with the given email already exists.")
	}
	if err := emails.Delete([]byte(p.fold(u.Attributes["email"]))); err != nil {
		return err
	}
	return emails.Put([]byte(p.fold(email)), []byte(u.Username))
}
