package identity

import (
	"net/http"
	"strings"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Authenticate finds out who is asking and passes the request on, with the answer
// in its context for From. A bearer token decides alone: one that does not hold is
// an error even if a session cookie came along. A session that is unknown or over
// is nobody. Its cookie is left alone: only signing out clears it, so that no answer
// which a shared cache may keep signs others out. What cannot be looked up is an
// error (Unavailable), never nobody.
func (s *Service) Authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, known, err := s.who(w, r)
		if err != nil {
			noStore(w)
			s.options.OnError(w, r, err)
			return
		}
		if known {
			r = r.WithContext(With(r.Context(), id))
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Service) who(w http.ResponseWriter, r *http.Request) (id Identity, known bool, err error) {
	token, given, err := bearerToken(r)
	if given {
		if err == nil {
			id, err = s.Bearer(r.Context(), token)
		}
		if portal.CodeOf(err) == portal.Unauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`) // RFC 6750, section 3
		}
		return id, err == nil, err
	}
	token = s.cookie(r, sessionCookie)
	if token == "" {
		return Identity{}, false, nil
	}
	id, known, err = s.sessions.find(r.Context(), token)
	if err != nil || !known {
		return Identity{}, false, err
	}
	return s.via(id, ViaSession), true, nil
}

// bearerToken is the token of the Authorization header (RFC 6750, section 2.1).
// Other schemes are for whatever stands before the portal and not looked at.
func bearerToken(r *http.Request) (token string, given bool, err error) {
	headers := r.Header.Values("Authorization")
	for _, header := range headers {
		scheme, rest, _ := strings.Cut(header, " ")
		if strings.EqualFold(scheme, "Bearer") {
			token, given = strings.TrimSpace(rest), true
		}
	}
	if given && len(headers) > 1 {
		return "", true, refuse("Send one Authorization header only.")
	}
	if given && token == "" {
		return "", true, refuse("The Authorization header has no token. Send an ID or access token of the identity provider.")
	}
	return token, given, nil
}
