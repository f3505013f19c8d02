package cognito

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

const (
	// sessionCookie must differ from the portal's cookies: both are on host localhost, and
	// cookies ignore ports.
	sessionCookie = "localaws_login"
	// sessionLife is as in Cognito.
	sessionLife = time.Hour
)

// session is a browser's sign-in, by the cookie's hash.
type session struct {
	PoolID   string
	Username string
	Sub      string
	AuthTime time.Time
	Expires  time.Time
}

func (s session) expired(now time.Time) bool { return !now.Before(s.Expires) }

func sessionsIn(tx *store.Tx) store.Bucket { return tx.Bucket("cognito", "sessions") }

func (s *Service) startSession(w http.ResponseWriter, r *http.Request, p pool, u user) (since time.Time, err error) {
	now := s.env.Now()
	secret := newSecret()
	err = s.env.DB.Update(func(tx *store.Tx) error {
		sessions := sessionsIn(tx)
		if err := dropExpired[session](sessions, now); err != nil {
			return err
		}
		if old, err := r.Cookie(sessionCookie); err == nil {
			if err := sessions.Delete([]byte(secretKey(old.Value))); err != nil {
				return err
			}
		}
		return store.PutJSON(sessions, secretKey(secret), session{
			PoolID: p.ID, Username: u.Username, Sub: u.Sub, AuthTime: now, Expires: now.Add(sessionLife),
		})
	})
	if err != nil {
		return time.Time{}, err
	}
	setSessionCookie(w, secret, int(sessionLife/time.Second))
	return now, nil
}

// session returns the browser's user at this pool, and the sign-in's time.
func (s *Service) session(r *http.Request, p pool) (u user, since time.Time, ok bool, err error) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return user{}, time.Time{}, false, nil
	}
	err = s.env.DB.View(func(tx *store.Tx) error {
		found, present, err := store.GetJSON[session](sessionsIn(tx), secretKey(cookie.Value))
		if err != nil || !present || found.PoolID != p.ID || found.expired(s.env.Now()) {
			return err
		}
		u, err = findSub(tx, p, found.Username, found.Sub)
		since, ok = found.AuthTime, err == nil
		if wire.IsCode(err, "UserNotFoundException") || errors.Is(err, errUserDisabled) {
			return nil
		}
		return err
	})
	return u, since, ok, err
}

func (s *Service) endSession(w http.ResponseWriter, r *http.Request) error {
	setSessionCookie(w, "", -1)
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil
	}
	return s.env.DB.Update(func(tx *store.Tx) error {
		return sessionsIn(tx).Delete([]byte(secretKey(cookie.Value)))
	})
}

// setSessionCookie omits Secure: the local AWS speaks plain HTTP on loopback.
func setSessionCookie(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func decode[T any](raw []byte) (item T, err error) {
	if err := json.Unmarshal(raw, &item); err != nil {
		return item, fmt.Errorf("decoding a stored %T: %w", item, err)
	}
	return item, nil
}
