package cognito

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type tokenResponse struct {
	IDToken      string `json:"id_token"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	ExpiresIn    int    `json:"expires_in"`
	TokenType    string `json:"token_type"`
}

// See https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html
func (s *Service) serveToken(w http.ResponseWriter, r *http.Request) {
	c, p, err := s.clientOf(r)
	if err != nil {
		s.refuseToken(w, err)
		return
	}
	var issued tokens
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		issued, err = s.exchangeCode(p, c, r.PostForm)
	case "refresh_token":
		issued, err = s.exchangeRefreshToken(p, c, r.PostForm)
	case "":
		err = &oauthError{"invalid_request", "The grant_type is missing."}
	default:
		err = &oauthError{"unsupported_grant_type", "The grant_type must be authorization_code or refresh_token."}
	}
	if err != nil {
		s.refuseToken(w, err)
		return
	}
	s.writeJSON(w, http.StatusOK, tokenResponse{
		IDToken: issued.ID, AccessToken: issued.Access, RefreshToken: issued.Refresh, ExpiresIn: issued.ExpiresIn, TokenType: "Bearer",
	})
}

// refuseToken answers 400, as Cognito does even where RFC 6749 has 401.
func (s *Service) refuseToken(w http.ResponseWriter, err error) {
	var refusal *oauthError
	if !errors.As(err, &refusal) {
		s.fail(w, err)
		return
	}
	s.writeJSON(w, http.StatusBadRequest, refusal)
}

// clientOf authenticates the client by Basic or in the body (RFC 6749 section 2.3.1). A client
// without a secret sends only its id.
func (s *Service) clientOf(r *http.Request) (client, pool, error) {
	if err := r.ParseForm(); err != nil {
		return client{}, pool{}, &oauthError{"invalid_request", "The form could not be read."}
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return client{}, pool{}, &oauthError{"invalid_request", "The parameter " + name + " is given more than once."}
		}
	}
	denied := &oauthError{"invalid_client", "The client could not be authenticated."}
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok {
		basicID, idErr := url.QueryUnescape(user)
		basicSecret, secretErr := url.QueryUnescape(password)
		if idErr != nil || secretErr != nil || secret != "" || (id != "" && id != basicID) {
			return client{}, pool{}, denied
		}
		id, secret = basicID, basicSecret
	}
	c, p, err := s.findClientPool(id)
	switch {
	case wire.IsCode(err, "ResourceNotFoundException"), wire.IsCode(err, "InvalidParameterException"):
		return client{}, pool{}, denied
	case err != nil:
		return client{}, pool{}, err
	case subtle.ConstantTimeCompare([]byte(c.Secret), []byte(secret)) != 1:
		return client{}, pool{}, denied
	}
	return c, p, nil
}

func (s *Service) exchangeCode(p pool, c client, form url.Values) (tokens, error) {
	if form.Get("code") == "" || form.Get("redirect_uri") == "" {
		return tokens{}, &oauthError{"invalid_request", "The code or the redirect_uri is missing."}
	}
	spent, ok, err := s.spendCode(c, form.Get("code"))
	switch {
	case err != nil:
		return tokens{}, err
	case !ok:
		return tokens{}, &oauthError{"invalid_grant", "The code is invalid, expired or already used."}
	case spent.RedirectURI != form.Get("redirect_uri"):
		return tokens{}, &oauthError{"invalid_grant", "The code was issued for another redirect_uri."}
	case !verifierMatches(form.Get("code_verifier"), spent.Challenge):
		return tokens{}, &oauthError{"invalid_grant", "The code_verifier does not match."}
	}
	issued, err := s.issue(p, c, spent.Grant, spent.Nonce)
	return issued, asInvalidGrant(err)
}

// spendCode uses a code up, even if the exchange then fails. A second attempt revokes the
// tokens of the first (RFC 6749 section 4.1.2).
func (s *Service) spendCode(c client, secret string) (spent code, ok bool, err error) {
	now := s.env.Now()
	err = s.env.DB.Update(func(tx *store.Tx) error {
		codes := codesIn(tx)
		found, present, err := store.GetJSON[code](codes, secretKey(secret))
		spent, ok = found, present && found.Grant.ClientID == c.ID && !found.expired(now) && !found.Used
		switch {
		case err != nil || !present || found.Grant.ClientID != c.ID:
			return err
		case found.Used:
			revoked := revokedIn(tx)
			return revoked.Put([]byte(found.Grant.Origin), []byte{1})
		}
		found.Used = true
		return store.PutJSON(codes, secretKey(secret), found)
	})
	return spent, ok, err
}

// verifierMatches applies RFC 7636 section 4.6. A verifier without a challenge does not match:
// an attacker may have removed the challenge.
func verifierMatches(verifier, challenge string) bool {
	if challenge == "" {
		return verifier == ""
	}
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// exchangeRefreshToken keeps the sign-in's scopes. Fewer are not implemented.
func (s *Service) exchangeRefreshToken(p pool, c client, form url.Values) (tokens, error) {
	if form.Get("refresh_token") == "" {
		return tokens{}, &oauthError{"invalid_request", "The refresh_token is missing."}
	}
	g, err := s.findRefreshToken(p, c, form.Get("refresh_token"))
	if err != nil {
		return tokens{}, asInvalidGrant(err)
	}
	if scopes := strings.Fields(form.Get("scope")); len(scopes) > 0 {
		slices.Sort(scopes)
		if !slices.Equal(slices.Compact(scopes), slices.Compact(slices.Sorted(slices.Values(g.Scopes)))) {
			return tokens{}, &oauthError{"invalid_scope", "The scope must be that of the sign-in."}
		}
	}
	issued, err := s.mint(p, c, g, "")
	return issued, asInvalidGrant(err)
}

func asInvalidGrant(err error) error {
	var refused *wire.Error
	if errors.As(err, &refused) {
		return &oauthError{"invalid_grant", refused.Message}
	}
	return err
}

// serveRevoke also answers 200 for an unknown token:
// https://docs.aws.amazon.com/cognito/latest/developerguide/revocation-endpoint.html
func (s *Service) serveRevoke(w http.ResponseWriter, r *http.Request) {
	c, _, err := s.clientOf(r)
	token := r.PostForm.Get("token")
	switch {
	case err != nil:
	case token == "":
		err = &oauthError{"invalid_request", "The token is missing."}
	case looksLikeJWT(token):
		err = &oauthError{"unsupported_token_type", "Only refresh tokens can be revoked."}
	case !*c.Settings.EnableTokenRevocation:
		err = &oauthError{"invalid_request", "Token revocation is not enabled for this client."}
	default:
		err = s.revoke(c, token)
	}
	if err != nil {
		s.refuseToken(w, err)
	}
}
