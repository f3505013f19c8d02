package identity

import "net/http"

// Ended says whether a request that Authenticate has passed on came with a session that
// is over: the browser was signed in once and is not any more.
func (s *Service) Ended(r *http.Request) bool {
	_, signedIn := From(r.Context())
	return !signedIn && s.cookie(r, sessionCookie) != ""
}
