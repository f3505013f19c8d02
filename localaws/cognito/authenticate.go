package cognito

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Errors of authenticate, in Cognito's words.
var (
	errWrongPassword    = notAuthorized("Incorrect username or password.")
	errLockedOut        = notAuthorized("Password attempts exceeded")
	errTemporaryExpired = notAuthorized("Temporary password has expired and must be reset by an administrator.")
	errUnconfirmed      = wire.Errorf("UserNotConfirmedException", "User is not confirmed.")
	errResetRequired    = wire.Errorf("PasswordResetRequiredException", "Password reset required for the user")
)

// errPasswordChange: the password is right but temporary. authenticate returns it with the
// user, who must choose a new one.
var errPasswordChange = errors.New("the password must be changed")

// authenticate returns the user with that name and password. It fails with
// UserNotFoundException, errUserDisabled, errPasswordChange or one of the errors above. An
// unknown user takes as long as a wrong password.
func (s *Service) authenticate(ctx context.Context, p pool, name, password string) (user, error) {
	if len(password) > maxPassword {
		return user{}, errWrongPassword
	}
	release, err := s.takeProcessor(ctx)
	if err != nil {
		return user{}, err
	}
	defer release()
	// Read only after the wait: attempts meanwhile may have locked the user out.
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
	if err != nil {
		return user{}, err
	}
	return u, u.maySignIn(s.env.Now())
}

func (u user) maySignIn(now time.Time) error {
	switch {
	case u.Disabled:
		return errUserDisabled
	case u.Status == unconfirmed:
		return errUnconfirmed
	case u.Status == resetRequired:
		return errResetRequired
	case u.Status == forcePassword && !u.TemporaryUntil.IsZero() && !now.Before(u.TemporaryUntil):
		return errTemporaryExpired
	case u.Status == forcePassword:
		return errPasswordChange
	}
	return nil
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

// checkSecretHash verifies SECRET_HASH, which proves that the caller has the client's secret:
// base64(HMAC-SHA256(secret, username + client id)).
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
