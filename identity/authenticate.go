package identity

import (
	"net/http"
	"strings"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Authenticate puts the caller's Identity into the context. A bearer token alone identifies its
// request: an invalid one is an error even beside a session cookie. An unknown or ended session is
// nobody; its cookie stays, since a shared cache could replay a response that clears it. If the
// lookup fails, the request fails (Unavailable).
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
	return s.via(r.Context(), id, ViaSession), true, nil
}

// bearerToken reads the Authorization header (RFC 6750, section 2.1). It ignores other schemes,
// which a proxy may use.
func bearerToken(r *http.Request) (token string, given bool, err error) {
	headers := r.Header.Values("Authorization")
	for _, header := range headers {
		scheme, rest, _ := strings.Cut(header, " ")
		if strings.EqualFold(scheme, "Bearer") {
			token, given = strings.TrimSpace(rest), true
		}
	}
	if given && len(headers) > 1 {
		return "", true, refuse("Send only one Authorization header.")
	}
	if given && token == "" {
		return "", true, refuse("The Authorization header has no token. Send an ID or access token from the identity provider.")
	}
	return token, given, nil
}
