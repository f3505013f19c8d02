package identity

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// renewEvery is how often at most a use of a session is written down.
const renewEvery = time.Hour

// sessions are kept on the server under the hash of a token that only the
// browser has, so that a read of the table opens none of them and signing out
// ends one at once. Each has a second item under its account, by which all
// sessions of an account can be found.
//
// A session ends after ttl, and earlier if it is not used for idle: ends_at is the
// first, and expires_at, by which DynamoDB deletes the item too, whichever comes first.
type sessions struct {
	table table
	ttl   time.Duration
	idle  time.Duration
	now   func() time.Time
}

// open starts a session and returns its token.
func (s sessions) open(ctx context.Context, id Identity) (token string, err error) {
	token = newSecret()
	ends := s.now().Add(s.ttl)
	index := newItem(schema.AccountSession(id.Account, hash(token)))
	index[schema.TTL] = epoch(ends)
	if err := s.table.put(ctx, index); err != nil {
		return "", err
	}
	it := newItem(sessionKey(token))
	it["account"] = text(string(id.Account))
	it["issuer"] = text(id.Issuer)
	it["subject"] = text(id.Subject)
	it["email"] = text(id.Email)
	it["name"] = text(id.Name)
	it["groups"] = texts(id.Groups)
	it["ends_at"] = epoch(ends)
	it[schema.TTL] = epoch(s.expiry(ends))
	return token, s.table.put(ctx, it)
}

// expiry is when a session that is used now and ends then expires.
func (s sessions) expiry(ends time.Time) time.Time {
	if idle := s.now().Add(s.idle); idle.Before(ends) {
		return idle
	}
	return ends
}

// find is who holds the token; ok is false for a token that opens nothing (any more).
func (s sessions) find(ctx context.Context, token string) (id Identity, ok bool, err error) {
	if len(token) != secretLength {
		return Identity{}, false, nil
	}
	it, err := s.table.find(ctx, sessionKey(token))
	if err != nil || it == nil || it.expired(s.now()) {
		return Identity{}, false, err
	}
	s.renew(ctx, it)
	return Identity{
		Account: portal.AccountID(it.text("account")),
		Issuer:  it.text("issuer"), Subject: it.text("subject"),
		Email: it.text("email"), Name: it.text("name"), Groups: it.texts("groups"),
	}, true, nil
}

// renew writes down that a session is used, unless that was done a short while ago. One
// that is signed out of meanwhile stays so. A failure only makes the session end earlier.
func (s sessions) renew(ctx context.Context, it item) {
	ends, ok := it.time("ends_at")
	expires, _ := it.time(schema.TTL)
	next := s.expiry(ends)
	if !ok || next.Sub(expires) < min(renewEvery, s.idle/4) {
		return
	}
	if err := s.table.extend(ctx, schema.KeyOf(it), next); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("recording that a session is used failed")
	}
}

// end ends the session of a token; ending it twice is no error.
func (s sessions) end(ctx context.Context, token string) error {
	if len(token) != secretLength {
		return nil
	}
	was, err := s.table.remove(ctx, sessionKey(token))
	if err != nil || was == nil {
		return err
	}
	_, err = s.table.remove(ctx, schema.AccountSession(portal.AccountID(was.text("account")), hash(token)))
	return err
}

func sessionKey(token string) schema.Key { return schema.Session(hash(token)) }

// via completes an identity with what follows from how it came and from the
// configuration as it is now: who was signed in before a change of the admin
// group is an admin by the new one.
func (s *Service) via(id Identity, via Via) Identity {
	id.Via = via
	id.Admin = slices.Contains(id.Groups, s.config.AdminGroup)
	return id
}

// What the cookies are called, before origin.cookieName.
const (
	sessionCookie = "gatehouse_session"
	browserCookie = "gatehouse_signin"
)

// setCookie sets a cookie for its time to live; 0 clears it. Lax, because the
// provider's redirect back to us is a navigation from another site.
func (s *Service) setCookie(w http.ResponseWriter, name, value string, ttl time.Duration) {
	age := int(ttl / time.Second)
	if ttl == 0 {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: s.origin.cookieName(name), Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: s.origin.secure(), SameSite: http.SameSiteLaxMode,
	})
}

// cookie is the value of a cookie of ours, "" without one.
func (s *Service) cookie(r *http.Request, name string) string {
	c, err := r.Cookie(s.origin.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}
