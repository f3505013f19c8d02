package cognito

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// authorization is a request to the authorization endpoint, which the pages carry in
// their addresses.
type authorization struct {
	Pool   pool
	Client client
	// RedirectURI is set once it is known to be the client's. Before, show errors to the
	// user, and redirect nobody.
	RedirectURI string
	State       string
	Nonce       string
	// Challenge is the PKCE challenge (S256). Only a client with a secret may omit it.
	Challenge string
	Scopes    []string
	Prompt    string
	LoginHint string
	query     url.Values
}

// oauthError is an error of OAuth 2.0 (RFC 6749 sections 4.1.2.1 and 5.2) or OpenID Connect.
type oauthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

func (e *oauthError) Error() string { return e.Code + ": " + e.Description }

// parseAuthorization returns an *oauthError for a wrong request. The authorization then has
// a RedirectURI if the client may be told.
func (s *Service) parseAuthorization(query url.Values) (authorization, error) {
	a := authorization{query: query}
	for name, values := range query {
		if len(values) > 1 {
			return a, &oauthError{"invalid_request", "The parameter " + name + " is given more than once."}
		}
	}
	c, p, err := s.findClientPool(query.Get("client_id"))
	switch {
	case wire.IsCode(err, "ResourceNotFoundException"), wire.IsCode(err, "InvalidParameterException"):
		return a, &oauthError{"invalid_request", "There is no such client."}
	case err != nil:
		return a, err
	}
	a.Client, a.Pool = c, p
	redirectURI := query.Get("redirect_uri")
	if redirectURI == "" || !slices.Contains(c.Settings.CallbackURLs, redirectURI) {
		return a, &oauthError{"redirect_mismatch", "The redirect_uri is not one of the client's callback URLs."}
	}
	a.RedirectURI = redirectURI
	a.State, a.Nonce, a.LoginHint = query.Get("state"), query.Get("nonce"), query.Get("login_hint")
	a.Scopes = strings.Fields(query.Get("scope"))
	a.Challenge, a.Prompt = query.Get("code_challenge"), query.Get("prompt")
	if refusal := a.refusal(); refusal != nil {
		return a, refusal
	}
	return a, nil
}

func (a *authorization) refusal() *oauthError {
	q, settings := a.query, a.Client.Settings
	switch {
	case !settings.AllowedOAuthFlowsUserPoolClient || !slices.Contains(settings.AllowedOAuthFlows, "code"):
		return &oauthError{"unauthorized_client", "The client may not use the authorization code grant."}
	case q.Get("response_type") != "code":
		return &oauthError{"unsupported_response_type", "The response_type must be code."}
	case q.Get("response_mode") != "" && q.Get("response_mode") != "query":
		return &oauthError{"invalid_request", "The response_mode must be query."}
	case q.Has("request") || q.Has("request_uri"):
		return &oauthError{"request_not_supported", "Request objects are not supported."}
	case q.Get("identity_provider") != "" && q.Get("identity_provider") != "COGNITO":
		return &oauthError{"invalid_request", "There is no such identity provider."}
	case !slices.Contains(a.Scopes, "openid"):
		return &oauthError{"invalid_scope", "The scope must include openid."}
	case slices.ContainsFunc(a.Scopes, func(scope string) bool { return !slices.Contains(settings.AllowedOAuthScopes, scope) }):
		return &oauthError{"invalid_scope", "The client may not request one of the scopes."}
	case !slices.Contains([]string{"", "none", "login"}, a.Prompt):
		return &oauthError{"invalid_request", "The prompt must be none or login."}
	}
	return a.challengeRefusal()
}

// challengeRefusal applies RFC 7636. Without a secret, only PKCE proves that the code was
// issued to this client.
func (a *authorization) challengeRefusal() *oauthError {
	if a.Challenge == "" {
		if a.Client.Secret == "" || a.query.Get("code_challenge_method") != "" {
			return &oauthError{"invalid_request", "A code_challenge is required."}
		}
		return nil
	}
	if a.query.Get("code_challenge_method") != "S256" {
		return &oauthError{"invalid_request", "The code_challenge_method must be S256."}
	}
	if raw, err := base64.RawURLEncoding.Strict().DecodeString(a.Challenge); err != nil || len(raw) != 32 {
		return &oauthError{"invalid_request", "The code_challenge is not a SHA-256 hash in base64url."}
	}
	return nil
}

func (a *authorization) home() string {
	u, err := url.Parse(a.RedirectURI)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return ""
	}
	return u.Scheme + "://" + u.Host + "/"
}

func (a *authorization) answer(parameters map[string]string) string {
	u, err := url.Parse(a.RedirectURI)
	if err != nil {
		// Impossible: it was parsed when the client was stored.
		return a.RedirectURI
	}
	q := u.Query()
	for name, value := range parameters {
		q.Set(name, value)
	}
	if a.State != "" {
		q.Set("state", a.State)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func (a *authorization) page(path string) string { return path + "?" + a.query.Encode() }

func (a *authorization) callbackSource() string {
	u, err := url.Parse(a.RedirectURI)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		scheme, _, _ := strings.Cut(a.RedirectURI, ":")
		return scheme + ":"
	}
	return u.Scheme + "://" + u.Host
}
