package identity

import (
	"net/http"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// SignOut serves POST /sign-out: it ends the session on the server, clears the
// cookie and sends the browser (303) through the provider's sign-out back to "/".
// It must be asked for by a page of this portal. If the provider cannot be asked
// for its sign-out page, the browser goes straight to "/": signed out here, perhaps
// not there.
//
// Browsers hold the redirect against the form-action of the page's Content Security
// Policy: the provider's origin must be in it.
func (s *Service) SignOut(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "Signing out takes a POST.", http.StatusMethodNotAllowed)
		return
	}
	if err := s.origin.Check(r); err != nil {
		s.options.OnError(w, r, &portal.Error{
			Code: portal.Forbidden, Message: "Signing out must be asked for on a page of this portal.", Err: err,
		})
		return
	}
	if err := s.sessions.end(r.Context(), s.cookie(r, sessionCookie)); err != nil {
		s.options.OnError(w, r, err)
		return
	}
	s.setCookie(w, sessionCookie, "", 0)
	next, err := s.provider.signOutURL(r.Context())
	if err != nil {
		s.options.Log.Warn().Err(err).Msg("signing out at the identity provider is not possible")
	}
	if next == "" {
		next = "/"
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}
