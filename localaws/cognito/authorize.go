package cognito

import (
	"errors"
	"net/http"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

const codeLife = 5 * time.Minute

// code is an authorization code, by its hash. A used code is kept until it expires, to detect
// a second use.
type code struct {
	Grant       grant
	RedirectURI string
	Challenge   string
	Nonce       string
	Expires     time.Time
	Used        bool
}

func (c code) expired(now time.Time) bool { return !now.Before(c.Expires) }

func codesIn(tx *store.Tx) store.Bucket { return tx.Bucket("cognito", "codes") }

// serveAuthorize sends a signed-in user back to the client with a code, and others to the
// sign-in page. With prompt=login everyone gets the sign-in page; with prompt=none nobody does.
func (s *Service) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	a, err := s.parseAuthorization(r.URL.Query())
	if err != nil {
		s.refuse(w, r, a, err)
		return
	}
	if a.Prompt != "login" {
		u, since, ok, err := s.session(r, a.Pool)
		switch {
		case err != nil:
			s.fail(w, err)
			return
		case ok:
			s.finish(w, r, a, u, since)
			return
		}
	}
	if a.Prompt == "none" {
		s.refuse(w, r, a, &oauthError{"login_required", "The user is not signed in."})
		return
	}
	http.Redirect(w, r, a.page("/login"), http.StatusFound)
}

func (s *Service) finish(w http.ResponseWriter, r *http.Request, a authorization, u user, since time.Time) {
	g := s.newGrant(a.Client, u, a.Scopes)
	g.AuthTime = since
	secret := newSecret()
	now := s.env.Now()
	err := s.env.DB.Update(func(tx *store.Tx) error {
		codes := codesIn(tx)
		if err := dropExpired[code](codes, now); err != nil {
			return err
		}
		return store.PutJSON(codes, secretKey(secret), code{
			Grant: g, RedirectURI: a.RedirectURI, Challenge: a.Challenge, Nonce: a.Nonce, Expires: now.Add(codeLife),
		})
	})
	if err != nil {
		s.fail(w, err)
		return
	}
	http.Redirect(w, r, a.answer(map[string]string{"code": secret}), http.StatusSeeOther)
}

// refuse redirects to the client with the error or, without a RedirectURI, shows it to the
// user.
func (s *Service) refuse(w http.ResponseWriter, r *http.Request, a authorization, err error) {
	var refusal *oauthError
	switch {
	case !errors.As(err, &refusal):
		s.fail(w, err)
	case a.RedirectURI == "":
		s.render(w, http.StatusBadRequest, "error", view{Title: "This sign-in link does not work", Error: refusal.Description})
	default:
		parameters := map[string]string{"error": refusal.Code, "error_description": refusal.Description}
		http.Redirect(w, r, a.answer(parameters), http.StatusFound)
	}
}

func dropExpired[T interface{ expired(time.Time) bool }](b store.Bucket, now time.Time) error {
	var keys [][]byte
	cursor := b.Cursor()
	for key, raw := cursor.First(); key != nil; key, raw = cursor.Next() {
		item, err := decode[T](raw)
		if err != nil {
			return err
		}
		if item.expired(now) {
			keys = append(keys, append([]byte(nil), key...))
		}
	}
	for _, key := range keys {
		if err := b.Delete(key); err != nil {
			return err
		}
	}
	return nil
}
