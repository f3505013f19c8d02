package cognito

import (
	"crypto/subtle"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// purpose is the use of a mailed code. A user has at most one code for each.
type purpose struct {
	name          string
	life          time.Duration
	subject, text string
}

// Lifetimes: https://docs.aws.amazon.com/cognito/latest/developerguide/limits.html
var (
	confirming = purpose{"confirm", 24 * time.Hour, "Your verification code", "Your confirmation code is "}
	resetting  = purpose{"reset", time.Hour, "Your verification code", "Your password reset code is "}
)

const (
	// maxCodeFailures wrong attempts make a code useless. A user gets at most
	// maxCodesAnHour.
	maxCodeFailures = 5
	maxCodesAnHour  = 5
)

type mailCode struct {
	Hash    string
	Expires time.Time
	Failed  int
	// Sent counts the codes since Since, over at most an hour.
	Sent  int
	Since time.Time
}

var (
	errCodeMismatch = wire.Errorf("CodeMismatchException", "Invalid verification code provided, please try again.")
	errCodeExpired  = wire.Errorf("ExpiredCodeException", "Invalid code provided, please request a code again.")
	errCodeLimit    = wire.Errorf("LimitExceededException", "Attempt limit exceeded, please try after some time.")
)

func mailCodesIn(tx *store.Tx, p pool) store.Bucket { return tx.Bucket("cognito", "mail codes", p.ID) }

func codeKey(u user, why purpose) string { return u.Sub + " " + why.name }

func codeHash(u user, why purpose, code string) string {
	return secretKey(codeKey(u, why) + " " + code)
}

func putCode(tx *store.Tx, p pool, u user, why purpose, code string, now time.Time) error {
	b := mailCodesIn(tx, p)
	c, _, err := store.GetJSON[mailCode](b, codeKey(u, why))
	if err != nil {
		return err
	}
	if !now.Before(c.Since.Add(time.Hour)) {
		c.Sent, c.Since = 0, now
	}
	if c.Sent >= maxCodesAnHour {
		return errCodeLimit
	}
	c.Sent++
	c.Hash, c.Expires, c.Failed = codeHash(u, why, code), now.Add(why.life), 0
	return store.PutJSON(b, codeKey(u, why), c)
}

// sendCode mails no code if allowed fails.
func (s *Service) sendCode(p pool, name string, why purpose, allowed func(user) error) (*codeDelivery, error) {
	code := randomText("0123456789", 6)
	var to string
	err := s.env.DB.Update(func(tx *store.Tx) error {
		u, err := findUser(tx, p, name)
		if err != nil {
			return err
		}
		if err := allowed(u); err != nil {
			return err
		}
		to = u.Attributes["email"]
		return putCode(tx, p, u, why, code, s.env.Now())
	})
	if err != nil {
		return nil, err
	}
	s.mail(to, why.subject, why.text+code)
	return deliveredTo(to), nil
}

// redeem uses up a right code and counts a wrong one.
func (s *Service) redeem(p pool, name string, why purpose, code string, allowed func(user) error, change func(*store.Tx, *user) error) error {
	var refusal error
	err := s.env.DB.Update(func(tx *store.Tx) error {
		u, err := findUser(tx, p, name)
		if err != nil {
			return err
		}
		if err := allowed(u); err != nil {
			return err
		}
		b := mailCodesIn(tx, p)
		c, found, err := store.GetJSON[mailCode](b, codeKey(u, why))
		if err != nil {
			return err
		}
		refusal = nil
		switch {
		case !found || c.Hash == "" || !s.env.Now().Before(c.Expires):
			return errCodeExpired
		case c.Failed >= maxCodeFailures:
			return errCodeLimit
		case subtle.ConstantTimeCompare([]byte(c.Hash), []byte(codeHash(u, why, code))) != 1:
			refusal = errCodeMismatch
			c.Failed++
			return store.PutJSON(b, codeKey(u, why), c)
		}
		// Keep the rest, which counts the codes sent.
		c.Hash = ""
		if err := store.PutJSON(b, codeKey(u, why), c); err != nil {
			return err
		}
		if err := change(tx, &u); err != nil {
			return err
		}
		u.Modified = s.env.Now()
		return putUser(tx, p, u)
	})
	if err != nil {
		return err
	}
	return refusal
}

func forgetCodes(tx *store.Tx, p pool, u user) error {
	for _, why := range []purpose{confirming, resetting} {
		if err := mailCodesIn(tx, p).Delete([]byte(codeKey(u, why))); err != nil {
			return err
		}
	}
	return nil
}
