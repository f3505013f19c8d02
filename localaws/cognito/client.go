package cognito

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// client stores Secret in the clear, because DescribeUserPoolClient shows it. A public client
// has none.
type client struct {
	ID       string
	PoolID   string
	Name     string
	Secret   string
	Settings clientSettings
	Created  time.Time
	Modified time.Time
}

type clientSettings struct {
	RefreshTokenValidity            int                 `json:",omitempty"`
	AccessTokenValidity             int                 `json:",omitempty"`
	IDTokenValidity                 int                 `json:"IdTokenValidity,omitempty"`
	TokenValidityUnits              *tokenValidityUnits `json:",omitempty"`
	ExplicitAuthFlows               []string            `json:",omitempty"`
	SupportedIdentityProviders      []string            `json:",omitempty"`
	CallbackURLs                    []string            `json:",omitempty"`
	LogoutURLs                      []string            `json:",omitempty"`
	DefaultRedirectURI              string              `json:",omitempty"`
	AllowedOAuthFlows               []string            `json:",omitempty"`
	AllowedOAuthScopes              []string            `json:",omitempty"`
	AllowedOAuthFlowsUserPoolClient bool
	PreventUserExistenceErrors      string `json:",omitempty"`
	EnableTokenRevocation           *bool  `json:",omitempty"`
	// ReadAttributes and WriteAttributes must be empty, which restricts nothing.
	ReadAttributes  []string `json:",omitempty"`
	WriteAttributes []string `json:",omitempty"`
	// EnablePropagateAdditionalUserContextData must be false.
	EnablePropagateAdditionalUserContextData bool `json:",omitempty"`
}

type tokenValidityUnits struct {
	AccessToken  string `json:",omitempty"`
	IDToken      string `json:"IdToken,omitempty"`
	RefreshToken string `json:",omitempty"`
}

// scopes need no resource server.
var scopes = []string{"openid", "email", "profile", "phone", userAdminScope}

// userAdminScope is granted by InitiateAuth and required by GetUser.
const userAdminScope = "aws.cognito.signin.user.admin"

// complete fills in defaults:
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html
func (c *clientSettings) complete() {
	if c.RefreshTokenValidity == 0 {
		c.RefreshTokenValidity = 30
	}
	if c.TokenValidityUnits == nil {
		c.TokenValidityUnits = new(tokenValidityUnits)
	}
	if len(c.ExplicitAuthFlows) == 0 {
		c.ExplicitAuthFlows = []string{"ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"}
	}
	if c.PreventUserExistenceErrors == "" {
		c.PreventUserExistenceErrors = "LEGACY"
	}
	if c.EnableTokenRevocation == nil {
		c.EnableTokenRevocation = new(true)
	}
}

func (c *clientSettings) accessLife() time.Duration {
	return life(c.AccessTokenValidity, c.TokenValidityUnits.AccessToken, time.Hour)
}

func (c *clientSettings) idLife() time.Duration {
	return life(c.IDTokenValidity, c.TokenValidityUnits.IDToken, time.Hour)
}

func (c *clientSettings) refreshLife() time.Duration {
	return life(c.RefreshTokenValidity, c.TokenValidityUnits.RefreshToken, 24*time.Hour)
}

// life returns n units, or an hour if n is 0. usual is the length of the unit "".
func life(n int, unit string, usual time.Duration) time.Duration {
	if n == 0 {
		return time.Hour
	}
	switch unit {
	case "seconds":
		usual = time.Second
	case "minutes":
		usual = time.Minute
	case "hours":
		usual = time.Hour
	case "days":
		usual = 24 * time.Hour
	}
	return time.Duration(n) * usual
}

// allowsFlow reports whether InitiateAuth may use the flow. Older clients name flows without
// ALLOW_.
func (c *clientSettings) allowsFlow(flow string) bool {
	return slices.Contains(c.ExplicitAuthFlows, "ALLOW_"+flow) || slices.Contains(c.ExplicitAuthFlows, flow)
}

func (c *clientSettings) hidesUsers() bool { return c.PreventUserExistenceErrors == "ENABLED" }

// validate must be called after complete.
func (c *clientSettings) validate() error {
	var v constraints
	v.OneOf("explicitAuthFlows", []string{
		"ADMIN_NO_SRP_AUTH", "CUSTOM_AUTH_FLOW_ONLY", "USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH",
		"ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_AUTH",
	}, c.ExplicitAuthFlows...)
	v.OneOf("allowedOAuthFlows", []string{"code", "implicit", "client_credentials"}, c.AllowedOAuthFlows...)
	v.OneOf("preventUserExistenceErrors", []string{"LEGACY", "ENABLED"}, c.PreventUserExistenceErrors)
	units := c.TokenValidityUnits
	v.OneOf("tokenValidityUnits", []string{"seconds", "minutes", "hours", "days"}, units.AccessToken, units.IDToken, units.RefreshToken)
	if err := v.err(); err != nil {
		return err
	}
	switch {
	case len(c.ReadAttributes) > 0 || len(c.WriteAttributes) > 0:
		return wire.NotImplemented("Restricting the attributes of a client")
	case c.EnablePropagateAdditionalUserContextData:
		return wire.NotImplemented("EnablePropagateAdditionalUserContextData")
	}
	if err := c.validateLives(); err != nil {
		return err
	}
	return c.validateOAuth()
}

func (c *clientSettings) validateLives() error {
	const day = 24 * time.Hour
	for _, token := range []struct {
		name              string
		life, least, most time.Duration
	}{
		{"access", c.accessLife(), 5 * time.Minute, day},
		{"id", c.idLife(), 5 * time.Minute, day},
		{"refresh", c.refreshLife(), time.Hour, 3650 * day},
	} {
		if token.life < token.least || token.life > token.most {
			return invalid("Invalid range for %s token validity.", token.name)
		}
	}
	if c.refreshLife() < c.accessLife() || c.refreshLife() < c.idLife() {
		return invalid("Refresh token must be valid for longer than access and id tokens.")
	}
	return nil
}

func (c *clientSettings) validateOAuth() error {
	for _, flow := range c.AllowedOAuthFlows {
		if flow != "code" {
			return wire.NotImplemented("The OAuth flow " + flow)
		}
	}
	for _, provider := range c.SupportedIdentityProviders {
		if provider != "COGNITO" {
			return wire.NotImplemented("The identity provider " + provider)
		}
	}
	for _, scope := range c.AllowedOAuthScopes {
		if !slices.Contains(scopes, scope) {
			return wire.Errorf("ScopeDoesNotExistException", "Invalid scope requested: %s", scope)
		}
	}
	for _, u := range slices.Concat(c.CallbackURLs, c.LogoutURLs) {
		if err := checkRedirect(u); err != nil {
			return err
		}
	}
	switch {
	case c.AllowedOAuthFlowsUserPoolClient && (len(c.AllowedOAuthFlows) == 0 || len(c.AllowedOAuthScopes) == 0):
		return invalid("AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth flows.")
	case c.AllowedOAuthFlowsUserPoolClient && len(c.CallbackURLs) == 0:
		return invalid("Missing a callback URL for the authorization code grant.")
	case c.DefaultRedirectURI != "" && !slices.Contains(c.CallbackURLs, c.DefaultRedirectURI):
		return invalid("The default redirect URI must be one of the callback URLs.")
	}
	return nil
}

// checkRedirect checks a callback or sign-out URL: absolute, no fragment, plain HTTP only to
// this machine.
func checkRedirect(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || !u.IsAbs() || len(raw) > 1024 || strings.ContainsAny(raw, " \t\r\n"):
		return invalid("%s is not a valid redirect URI.", raw)
	case strings.Contains(raw, "#"):
		return invalid("%s must not contain a fragment.", raw)
	case u.Scheme == "javascript" || u.Scheme == "data" || u.Scheme == "vbscript":
		return invalid("%s is not a valid redirect URI.", raw)
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host == "":
		return invalid("%s is not a valid redirect URI.", raw)
	case u.Scheme == "http" && !slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname()):
		return invalid("%s cannot use the HTTP protocol.", raw)
	}
	return nil
}

func clientsIn(tx *store.Tx) store.Bucket { return tx.Bucket("cognito", "clients") }

func findClient(tx *store.Tx, id string) (client, error) {
	c, found, err := store.GetJSON[client](clientsIn(tx), id)
	if err != nil {
		return client{}, err
	}
	if !found {
		return client{}, notFound("User pool client %s does not exist.", id)
	}
	return c, nil
}

func (s *Service) findClientPool(id string) (c client, p pool, err error) {
	var v constraints
	v.Text("clientId", id, 128)
	if err := v.err(); err != nil {
		return client{}, pool{}, err
	}
	err = s.env.DB.View(func(tx *store.Tx) (err error) {
		if c, err = findClient(tx, id); err != nil {
			return err
		}
		p, err = findPool(tx, c.PoolID)
		return err
	})
	return c, p, err
}
