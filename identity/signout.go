package identity

import "net/http"

// SignOut serves POST /sign-out, for forms on this portal's pages. It ends the session, clears the
// cookie, and sends the browser through the provider's sign-out page back to "/". Without such a
// page it redirects to "/" (303), perhaps still signed in at the provider.
func (s *Service) SignOut(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "Use POST to sign out.", http.StatusMethodNotAllowed)
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
		s.log(r.Context()).Warn().Err(err).Msg("could not find the identity provider's sign-out page")
		fallthrough
	case next == "":
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case s.options.OnSignOut != nil:
		s.options.OnSignOut(w, r, next)
	default:
		http.Redirect(w, r, next, http.StatusSeeOther)
	}
}
