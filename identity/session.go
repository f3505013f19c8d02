package identity

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const renewEvery = time.Hour

// sessions are stored under the hash of a token, so the table reveals no usable token. A second
// item lists each under its account. A session ends after ttl (ends_at), or earlier if unused
// for idle. expires_at, DynamoDB's TTL attribute, is the earlier of the two.
type sessions struct {
	table   table
	journal string
	ttl     time.Duration
	idle    time.Duration
	now     func() time.Time
}

// create returns errGone if the account was deleted meanwhile.
func (s sessions) create(ctx context.Context, id Identity, agent string) (token string, err error) {
	token = newSecret()
	began := s.now()
	ends := began.Add(s.ttl)
	index := newItem(schema.AccountSession(id.Account, hash(token)))
	index["began_at"], index["browser"] = epoch(began), text(browserName(agent))
	index[schema.TTL] = epoch(ends)
	it := newItem(sessionKey(token))
	it["account"] = text(string(id.Account))
	it["issuer"] = text(id.Issuer)
	it["subject"] = text(id.Subject)
	it["email"] = text(id.Email)
	it["name"] = text(id.Name)
	if id.Verified {
		it["verified"] = text("yes")
	}
	if id.TimeZone != "" {
		it["time_zone"] = text(id.TimeZone)
	}
	it["groups"] = texts(id.Groups)
	it["ends_at"] = epoch(ends)
	it["seen_at"] = epoch(began)
	it[schema.TTL] = epoch(s.expiry(ends))
	opened, err := s.table.transact(ctx, "opening a session", []write{
		mappedTo(s.journal, id.Account, nameOf(id.Issuer, id.Subject)),
		{table: s.table.name, put: index}, {table: s.table.name, put: it},
	})
	if err == nil && !opened {
		err = errGone
	}
	return token, err
}

func (s sessions) expiry(ends time.Time) time.Time {
	if idle := s.now().Add(s.idle); idle.Before(ends) {
		return idle
	}
	return ends
}

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
		Email: it.text("email"), Name: it.text("name"), Verified: it.text("verified") != "", Groups: it.texts("groups"),
		TimeZone: it.text("time_zone"),
	}, true, nil
}

// renew records that a session is used, unless it did so recently. An ended session stays
// deleted. A failure only makes the session end earlier.
func (s sessions) renew(ctx context.Context, it item) {
	ends, ok := it.time("ends_at")
	expires, _ := it.time(schema.TTL)
	next := s.expiry(ends)
	if !ok || next.Sub(expires) < min(renewEvery, s.idle/4) {
		return
	}
	if err := s.table.extend(ctx, schema.KeyOf(it), next, s.now()); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("could not record that a session is in use")
	}
}

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

// via applies the admin group configured now, and promotions if they can be read.
func (s *Service) via(ctx context.Context, id Identity, via Via) Identity {
	id.Via = via
	id.ByGroup = slices.Contains(id.Groups, s.config.AdminGroup)
	id.Admin = id.ByGroup
	if id.Admin || s.options.Promoted == nil {
		return id
	}
	promoted, err := s.options.Promoted(ctx, id.Account)
	if err != nil {
		s.log(ctx).Warn().Err(err).Str("account", string(id.Account)).Msg("could not read who was promoted to admin")
	}
	id.Admin = promoted
	return id
}

// Names for origin.cookieName.
const (
	sessionCookie = "gatehouse_session"
	browserCookie = "gatehouse_signin"
)

// setCookie clears the cookie if ttl is 0. SameSite is Lax, because the provider's redirect
// back is a navigation from another site.
func (s *Service) setCookie(w http.ResponseWriter, name, value string, ttl time.Duration) {
	s.setNamed(w, s.origin.cookieName(name), value, ttl)
}

func (s *Service) setNamed(w http.ResponseWriter, name, value string, ttl time.Duration) {
	age := int(ttl / time.Second)
	if ttl == 0 {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: s.origin.secure(), SameSite: http.SameSiteLaxMode,
	})
}

// SetCookie sets a cookie like the session's, or clears it if ttl is 0. Suffixes tell
// apart cookies of one name.
func (s *Service) SetCookie(w http.ResponseWriter, name, suffix, value string, ttl time.Duration) {
	s.setNamed(w, s.origin.cookieName(name)+"_"+suffix, value, ttl)
}

// Cookies returns the values of the cookies of one name, by suffix.
func (s *Service) Cookies(r *http.Request, name string) map[string]string {
	values := map[string]string{}
	for _, c := range r.Cookies() {
		if suffix, ok := strings.CutPrefix(c.Name, s.origin.cookieName(name)+"_"); ok {
			values[suffix] = c.Value
		}
	}
	return values
}

func (s *Service) cookie(r *http.Request, name string) string {
	c, err := r.Cookie(s.origin.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}
