package cognito

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// errWrongPassword, errLockedOut and errPasswordChange are what signing in can
// come to besides an unknown or unconfirmed user; the first two are worded as
// Cognito words them.
var (
	errWrongPassword  = notAuthorized("Incorrect username or password.")
	errLockedOut      = notAuthorized("Password attempts exceeded")
	errPasswordChange = wire.NotImplemented("Changing a temporary password at sign-in (the challenge NEW_PASSWORD_REQUIRED)")
)

// authenticate returns the user with that name and password. It fails with
// UserNotFoundException, UserNotConfirmedException, errWrongPassword,
// errLockedOut or errPasswordChange. An unknown user takes as long as a wrong
// password.
func (s *Service) authenticate(ctx context.Context, p pool, name, password string) (user, error) {
	if len(password) > maxPassword {
		return user{}, errWrongPassword
	}
	release, err := s.takeProcessor(ctx)
	if err != nil {
		return user{}, err
	}
	defer release()
	// Read only now, with a processor in hand: what waited meanwhile may have
	// locked the user out.
	u, tried, err := s.findWithAttempts(p, name)
	unknown := wire.IsCode(err, "UserNotFoundException")
	switch {
	case err != nil && !unknown:
		return user{}, err
	case tried.locked(s.env.Now()):
		return user{}, errLockedOut
	}
	ok, hashErr := passwordMatches(password, u.PasswordHash)
	switch {
	case hashErr != nil:
		return user{}, hashErr
	case unknown:
		return user{}, err
	case !ok:
		if err := s.countFailure(p, u); err != nil {
			return user{}, err
		}
		return user{}, errWrongPassword
	}
	if tried.Failed > 0 {
		err = s.env.DB.Update(func(tx *store.Tx) error { return forgetAttempts(tx, p, u) })
	}
	switch {
	case err != nil:
		return user{}, err
	case u.Status == unconfirmed:
		return user{}, wire.Errorf("UserNotConfirmedException", "User is not confirmed.")
	case u.Status == forcePassword:
		return user{}, errPasswordChange
	}
	return u, nil
}

func (s *Service) findWithAttempts(p pool, name string) (u user, tried attempts, err error) {
	err = s.env.DB.View(func(tx *store.Tx) (err error) {
		if u, err = findUser(tx, p, name); err != nil {
			return err
		}
		tried, err = findAttempts(tx, p, u)
		return err
	})
	return u, tried, err
}

// checkSecretHash verifies SECRET_HASH, which proves that the caller holds the
// client's secret: base64(HMAC-SHA256(secret, username + client id)).
// https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html#cognito-user-pools-computing-secret-hash
func (c client) checkSecretHash(username, given string) error {
	switch {
	case c.Secret == "" && given == "":
		return nil
	case c.Secret == "":
		return notAuthorized("Client " + c.ID + " is not configured with secret but secret hash was received")
	case given == "":
		return notAuthorized("Client " + c.ID + " is configured with secret but SECRET_HASH was not received")
	}
	mac := hmac.New(sha256.New, []byte(c.Secret))
	mac.Write([]byte(username + c.ID))
	want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if !hmac.Equal([]byte(want), []byte(given)) {
		return notAuthorized("Unable to verify secret hash for client " + c.ID)
	}
	return nil
}
