package cognito

import (
	"encoding/json"
	"net/http"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// discovery: OpenID Connect Discovery 1.0 section 3.
type discovery struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	UserInfo      string   `json:"userinfo_endpoint"`
	Revocation    string   `json:"revocation_endpoint"`
	EndSession    string   `json:"end_session_endpoint"`
	Keys          string   `json:"jwks_uri"`
	ResponseTypes []string `json:"response_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	Scopes        []string `json:"scopes_supported"`
	ClientAuth    []string `json:"token_endpoint_auth_methods_supported"`
	Challenges    []string `json:"code_challenge_methods_supported"`
}

func (s *Service) serveDiscovery(w http.ResponseWriter, r *http.Request) {
	p, ok := s.poolOfPath(w, r)
	if !ok {
		return
	}
	base := s.env.Endpoint()
	s.writeJSON(w, http.StatusOK, discovery{
		Issuer:        p.issuer(),
		Authorization: base + "/oauth2/authorize",
		Token:         base + "/oauth2/token",
		UserInfo:      base + "/oauth2/userInfo",
		Revocation:    base + "/oauth2/revoke",
		EndSession:    base + "/logout",
		Keys:          base + "/" + p.ID + "/.well-known/jwks.json",
		ResponseTypes: []string{"code"},
		SubjectTypes:  []string{"public"},
		Algorithms:    []string{string(jose.RS256)},
		Scopes:        []string{"openid", "email", "phone", "profile"},
		ClientAuth:    []string{"client_secret_basic", "client_secret_post"},
		Challenges:    []string{"S256"},
	})
}

func (s *Service) serveKeys(w http.ResponseWriter, r *http.Request) {
	p, ok := s.poolOfPath(w, r)
	if !ok {
		return
	}
	signer, err := s.signerOf(p)
	if err != nil {
		s.fail(w, err)
		return
	}
	s.writeJSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{signer.public}})
}

func (s *Service) poolOfPath(w http.ResponseWriter, r *http.Request) (pool, bool) {
	p, err := s.poolOf(r.PathValue("pool"))
	switch {
	case err == nil:
		return p, true
	case wire.IsCode(err, "ResourceNotFoundException"), wire.IsCode(err, "InvalidParameterException"):
		http.NotFound(w, r)
	default:
		s.fail(w, err)
	}
	return pool{}, false
}

func (s *Service) writeJSON(w http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}

func (s *Service) fail(w http.ResponseWriter, err error) {
	s.env.Log.Error().Err(err).Msg("a sign-in page failed")
	http.Error(w, "The local AWS failed; its log says why.", http.StatusInternalServerError)
}
