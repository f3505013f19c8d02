package identity

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Session is a browser in which an account is signed in.
type Session struct {
	// ID names the session to its owner. It signs nobody in.
	ID      string
	Browser string
	Began   time.Time
	// Seen is when the session was last used. It may lag by an hour.
	Seen time.Time
	Ends time.Time
}

// Sessions lists an account's sessions that have not ended, the latest first.
func (s *Service) Sessions(ctx context.Context, account portal.AccountID) ([]Session, error) {
	return s.sessions.list(ctx, account)
}

// CurrentSession is the id of the request's session, or "".
func (s *Service) CurrentSession(r *http.Request) string {
	token := s.cookie(r, sessionCookie)
	if len(token) != secretLength {
		return ""
	}
	return sessionID(schema.AccountSession("", hash(token)))
}

// EndSession ends one session of the account, or returns NotFound.
func (s *Service) EndSession(ctx context.Context, account portal.AccountID, id string) error {
	listed, err := s.sessions.table.query(ctx, schema.AccountSessions(account))
	if err != nil {
		return err
	}
	for _, row := range listed {
		if sessionID(schema.KeyOf(row)) == id {
			return s.sessions.endListed(ctx, schema.KeyOf(row))
		}
	}
	return portal.Fail(portal.NotFound, "There is no such session. It may have ended already.")
}

// EndSessions ends all sessions of the account. Access tokens work until they expire.
func (s *Service) EndSessions(ctx context.Context, account portal.AccountID) error {
	return s.sessions.endAll(ctx, account)
}

// SetTimeZone stores the person's time zone in the account's sessions.
func (s *Service) SetTimeZone(ctx context.Context, account portal.AccountID, zone string) error {
	listed, err := s.sessions.table.query(ctx, schema.AccountSessions(account))
	if err != nil {
		return err
	}
	for _, row := range listed {
		if err := s.sessions.table.set(ctx, schema.Session(schema.SessionListedBy(schema.KeyOf(row))), "time_zone", zone); err != nil {
			return err
		}
	}
	return nil
}

func sessionID(listed schema.Key) string { return portal.DeriveID("session", listed.SK) }

func (s sessions) list(ctx context.Context, account portal.AccountID) ([]Session, error) {
	rows, err := s.table.query(ctx, schema.AccountSessions(account))
	if err != nil {
		return nil, err
	}
	var found []Session
	for _, row := range rows {
		key := schema.KeyOf(row)
		session, err := s.table.find(ctx, schema.Session(schema.SessionListedBy(key)))
		if err != nil {
			return nil, err
		}
		if session == nil || session.expired(s.now()) {
			continue
		}
		began, _ := row.time("began_at")
		seen, _ := session.time("seen_at")
		ends, _ := session.time("ends_at")
		found = append(found, Session{
			ID: sessionID(key), Browser: cmp.Or(row.text("browser"), "Unknown browser"), Began: began.UTC(), Seen: seen.UTC(), Ends: ends.UTC(),
		})
	}
	slices.SortFunc(found, func(a, b Session) int { return cmp.Or(b.Began.Compare(a.Began), cmp.Compare(a.ID, b.ID)) })
	return found, nil
}

func (s sessions) endAll(ctx context.Context, account portal.AccountID) error {
	listed, err := s.table.query(ctx, schema.AccountSessions(account))
	if err != nil {
		return err
	}
	for _, row := range listed {
		if err := s.endListed(ctx, schema.KeyOf(row)); err != nil {
			return err
		}
	}
	return nil
}

// endListed deletes the session before the row that lists it, so that a second call finds it after
// a failure.
func (s sessions) endListed(ctx context.Context, listed schema.Key) error {
	if _, err := s.table.remove(ctx, schema.Session(schema.SessionListedBy(listed))); err != nil {
		return err
	}
	_, err := s.table.remove(ctx, listed)
	return err
}

// LastGroups returns the groups that the latest session of the account's owner names, none without a session.
// It changes nothing, so the session does not count as used.
func (s *Service) LastGroups(ctx context.Context, account portal.AccountID) ([]string, error) {
	rows, err := s.sessions.table.query(ctx, schema.AccountSessions(account))
	if err != nil {
		return nil, err
	}
	var latest time.Time
	var groups []string
	for _, row := range rows {
		began, _ := row.time("began_at")
		if began.Before(latest) {
			continue
		}
		session, err := s.sessions.table.find(ctx, schema.Session(schema.SessionListedBy(schema.KeyOf(row))))
		if err != nil {
			return nil, err
		}
		if session != nil && !session.expired(s.sessions.now()) {
			latest, groups = began, session.texts("groups")
		}
	}
	return groups, nil
}
