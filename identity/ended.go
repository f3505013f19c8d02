package identity

import (
	"net/http"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Ended reports whether the browser has the cookie of an ended session. The request must have
// passed Authenticate.
func (s *Service) Ended(r *http.Request) bool {
	_, signedIn := From(r.Context())
	return !signedIn && s.cookie(r, sessionCookie) != ""
}

// Deleted returns the account of the browser's session if that ended because the account was
// deleted; otherwise ok is false.
func (s *Service) Deleted(r *http.Request) (account portal.AccountID, ok bool, err error) {
	token := s.cookie(r, sessionCookie)
	if len(token) != secretLength {
		return "", false, nil
	}
	row, err := s.sessions.table.find(r.Context(), schema.DeletedSession(hash(token)))
	if err != nil || row == nil || row.expired(s.sessions.now()) {
		return "", false, err
	}
	return portal.AccountID(row.text("account")), true, nil
}
