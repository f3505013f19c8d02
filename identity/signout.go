package identity

import "net/http"

// SignOut serves POST /sign-out: it ends the session on the server, clears the
// cookie and sends the browser through the provider's sign-out back to "/", by
// OnSignOut if there is one. It must be asked for by a page of this portal. If the
// provider cannot be asked for its sign-out page, the browser goes straight to "/"
// (303): signed out here, perhaps not there.
func (s *Service) SignOut(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "Signing out takes a POST.", http.StatusMethodNotAllowed)
		return
	}
	if err := s.checkOrigin(r); err != nil {
		s.options.OnError(w, r, err)
		return
	}
	if err := s.sessions.end(r.Context(), s.cookie(r, sessionCookie)); err != nil {
		s.options.OnError(w, r, err)
		return
	}
	s.setCookie(w, sessionCookie, "", 0)
	r = r.WithContext(nobody(r.Context()))
	next, err := s.provider.signOutURL(r.Context())
	switch {
	case err != nil:
		s.log(r.Context()).Warn().Err(err).Msg("signing out at the identity provider is not possible")
		fallthrough
	case next == "":
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case s.options.OnSignOut != nil:
		s.options.OnSignOut(w, r, next)
	default:
		http.Redirect(w, r, next, http.StatusSeeOther)
	}
}
