package identity

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Defaults of Config.
const (
	DefaultGroupsClaim = "cognito:groups"
	DefaultAdminGroup  = "admins"
	DefaultSessionTTL  = 12 * time.Hour
	DefaultSessionIdle = 24 * time.Hour
)

// Bounds of the two durations of Config.
const (
	MinSessionTTL  = time.Minute
	MaxSessionTTL  = 30 * 24 * time.Hour
	MinSessionIdle = 5 * time.Minute
)

// The sign-in's paths. The provider must know the base URL plus CallbackPath as a callback URL,
// and the base URL plus "/" as a sign-out URL.
const (
	SignInPath   = "/sign-in"
	CallbackPath = "/sign-in/callback"
	SignOutPath  = "/sign-out"
)

// HomePath is where a sign-in leads by default.
const HomePath = "/dashboard"

// Config is the provider and the portal's address. Issuer, ClientID and BaseURL are
// required.
type Config struct {
	// BaseURL is where browsers reach the portal: scheme and host, no path. Like every URL here it
	// must be https, except on loopback.
	BaseURL string

	// Issuer equals "iss" in the provider's tokens.
	Issuer   string
	ClientID string
	// ClientSecret is "" for a public client. PKCE is always used.
	ClientSecret string
	// Scopes default to openid, email and profile.
	Scopes []string

	// JWKSURL, AuthURL and TokenURL override discovery. With all three, tokens of an
	// unreachable issuer can be verified (emulators issue tokens in AWS's name).
	JWKSURL  string
	AuthURL  string
	TokenURL string
	// SignUpURL is the provider's sign-up page, which takes the parameters of the authorization
	// endpoint, such as /signup of Cognito's managed login. "" is the sign-in page.
	SignUpURL string
	// SignOutURL overrides the discovered end_session_endpoint. "{client_id}" and
	// "{return_url}" are replaced, e.g.
	// https://login.example.com/logout?client_id={client_id}&logout_uri={return_url}
	SignOutURL string

	// GroupsClaim lists the groups; "" is DefaultGroupsClaim.
	GroupsClaim string
	// Members of AdminGroup are admins; "" is DefaultAdminGroup.
	AdminGroup string
	// SessionTTL is how long a session lasts; DefaultSessionTTL if 0, at most MaxSessionTTL. A
	// session keeps the groups of its sign-in, so leaving a group may take this long to have
	// effect.
	SessionTTL time.Duration
	// SessionIdle is how long a session lasts unused, DefaultSessionIdle if 0. A session may
	// end up to an hour, or a quarter of SessionIdle, early, since use is recorded no more
	// often.
	SessionIdle time.Duration
}

func (c Config) complete() (Config, error) {
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	if len(c.Scopes) == 0 {
		c.Scopes = []string{"openid", "email", "profile"}
	}
	if c.GroupsClaim == "" {
		c.GroupsClaim = DefaultGroupsClaim
	}
	if c.AdminGroup == "" {
		c.AdminGroup = DefaultAdminGroup
	}
	if c.SessionTTL == 0 {
		c.SessionTTL = DefaultSessionTTL
	}
	if c.SessionIdle == 0 {
		c.SessionIdle = DefaultSessionIdle
	}
	return c, c.faults()
}

func (c Config) faults() error {
	var faults []error
	base, err := webURL("base URL", c.BaseURL)
	if err == nil && (base.Path != "" || base.RawQuery != "" || base.Fragment != "") {
		err = errors.New("the base URL must be scheme and host only")
	}
	faults = append(faults, err)
	if c.ClientID == "" {
		faults = append(faults, errors.New("the client id is missing"))
	}
	if c.SessionTTL < MinSessionTTL || c.SessionTTL > MaxSessionTTL {
		faults = append(faults, fmt.Errorf("the session TTL must be between %s and %s", MinSessionTTL, MaxSessionTTL))
	}
	if c.SessionIdle < MinSessionIdle {
		faults = append(faults, fmt.Errorf("the session idle time must be at least %s", MinSessionIdle))
	}
	_, err = webURL("issuer", c.Issuer)
	faults = append(faults, err)
	for name, value := range map[string]string{
		"JWKS URL": c.JWKSURL, "authorization URL": c.AuthURL, "token URL": c.TokenURL,
		"sign-up URL": c.SignUpURL, "sign-out URL": c.SignOutURL,
	} {
		if value != "" {
			_, err := webURL(name, value)
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// webURL parses an absolute URL without credentials. It must be https except on loopback.
func webURL(name, value string) (*url.URL, error) {
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("the %s must be an absolute http or https URL without credentials", name)
	}
	if u.Scheme == "http" && !Loopback(u.Hostname()) {
		return nil, fmt.Errorf("the %s must be an https URL; http is for loopback addresses only", name)
	}
	return u, nil
}

// Loopback reports whether a host name or address is a loopback one.
func Loopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761, section 6.3
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

func (c Config) redirectURL() string { return c.BaseURL + CallbackPath }
