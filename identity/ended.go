package identity

import "net/http"

// Ended reports whether the browser carries the cookie of a session that has ended. The request
// must have passed Authenticate.
func (s *Service) Ended(r *http.Request) bool {
	_, signedIn := From(r.Context())
	return !signedIn && s.cookie(r, sessionCookie) != ""
}
