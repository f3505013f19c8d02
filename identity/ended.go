package identity

import "net/http"

// Ended reports whether the browser was signed in once and no longer is: the request has
// passed Authenticate and carries the cookie of a session that has ended.
func (s *Service) Ended(r *http.Request) bool {
	_, signedIn := From(r.Context())
	return !signedIn && s.cookie(r, sessionCookie) != ""
}
