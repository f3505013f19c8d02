package cognito

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// serveUserInfo answers the claims that the access token's scopes allow. All values are
// strings, as Cognito's are, even email_verified:
// https://docs.aws.amazon.com/cognito/latest/developerguide/userinfo-endpoint.html
func (s *Service) serveUserInfo(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		s.challenge(w, &oauthError{"invalid_request", "The access token is missing."})
		return
	}
	u, claims, err := s.userOfToken(token, "openid")
	var refused *wire.Error
	switch {
	case errors.As(err, &refused):
		s.challenge(w, &oauthError{"invalid_token", refused.Message})
		return
	case err != nil:
		s.fail(w, err)
		return
	}
	info := map[string]string{"sub": u.Sub, "username": u.Username}
	for name, value := range u.Attributes {
		if claims.grant().shows(name) {
			info[name] = value
		}
	}
	s.writeJSON(w, http.StatusOK, info)
}

func (s *Service) challenge(w http.ResponseWriter, refusal *oauthError) {
	w.Header().Set("WWW-Authenticate", `Bearer error="`+refusal.Code+`", error_description="`+refusal.Description+`"`)
	s.writeJSON(w, http.StatusUnauthorized, refusal)
}
