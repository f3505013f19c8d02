package identity

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// sessions are kept on the server under the hash of a token that only the
// browser has, so that a read of the table opens none of them and signing out
// ends one at once.
type sessions struct {
	table table
	ttl   time.Duration
	now   func() time.Time
}

// open starts a session and returns its token.
func (s sessions) open(ctx context.Context, id Identity) (token string, err error) {
	token = newSecret()
	it := key(sessionKey(token), "session")
	it["account"] = text(string(id.Account))
	it["issuer"] = text(id.Issuer)
	it["subject"] = text(id.Subject)
	it["email"] = text(id.Email)
	it["name"] = text(id.Name)
	it["groups"] = texts(id.Groups)
	it["expires_at"] = epoch(s.now().Add(s.ttl))
	return token, s.table.put(ctx, it)
}

// find is who holds the token; ok is false for a token that opens nothing (any more).
func (s sessions) find(ctx context.Context, token string) (id Identity, ok bool, err error) {
	if len(token) != secretLength {
		return Identity{}, false, nil
	}
	it, err := s.table.find(ctx, sessionKey(token), "session")
	if err != nil || it == nil || it.expired(s.now()) {
		return Identity{}, false, err
	}
	return Identity{
		Account: portal.AccountID(it.text("account")),
		Issuer:  it.text("issuer"), Subject: it.text("subject"),
		Email: it.text("email"), Name: it.text("name"), Groups: it.texts("groups"),
	}, true, nil
}

// end ends the session of a token; ending it twice is no error.
func (s sessions) end(ctx context.Context, token string) error {
	if len(token) != secretLength {
		return nil
	}
	return s.table.remove(ctx, sessionKey(token), "session")
}

func sessionKey(token string) string { return "session#" + hash(token) }

// via completes an identity with what follows from how it came and from the
// configuration as it is now: who was signed in before a change of the admin
// group is an admin by the new one.
func (s *Service) via(id Identity, via Via) Identity {
	id.Via = via
	id.Admin = slices.Contains(id.Groups, s.config.AdminGroup)
	return id
}

// The names of the cookies. Cookies ignore ports, so these must differ from those
// of a provider on the same host.
const (
	sessionCookie = "gatehouse_session"
	browserCookie = "gatehouse_signin"
)

// cookieName has the prefix by which browsers refuse a cookie of that name that is
// not Secure, host-only and for "/" (RFC 6265bis, section 4.1.3.2).
func (c Config) cookieName(name string) string {
	if c.secure() {
		return "__Host-" + name
	}
	return name
}

// setCookie sets a cookie for its time to live; 0 clears it. Lax, because the
// provider's redirect back to us is a navigation from another site.
func (s *Service) setCookie(w http.ResponseWriter, name, value string, ttl time.Duration) {
	age := int(ttl / time.Second)
	if ttl == 0 {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: s.config.cookieName(name), Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: s.config.secure(), SameSite: http.SameSiteLaxMode,
	})
}

// cookie is the value of a cookie of ours, "" without one.
func (s *Service) cookie(r *http.Request, name string) string {
	c, err := r.Cookie(s.config.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}
