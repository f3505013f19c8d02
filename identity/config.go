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

// The paths the portal serves the sign-in at. CallbackPath after the base URL is
// what the provider's client has to list as callback URL; the base URL with a
// "/" as its sign-out URL.
const (
	SignInPath   = "/sign-in"
	CallbackPath = "/sign-in/callback"
	SignOutPath  = "/sign-out"
)

// HomePath is where a sign-in leads if no other destination is known.
const HomePath = "/dashboard"

// Config says which provider to trust and where the portal is. Issuer, ClientID
// and BaseURL are required.
type Config struct {
	// BaseURL is where browsers reach the portal: scheme and host, no path. It must be
	// https unless the host is a loopback one; so must every other URL here. With https,
	// cookies are Secure and carry the __Host- prefix.
	BaseURL string

	// Issuer is the provider's issuer, to the letter as its tokens have it in "iss".
	Issuer string
	// ClientID is the portal's client at the provider.
	ClientID string
	// ClientSecret is empty for a public client; PKCE is used either way.
	ClientSecret string
	// Scopes to ask for; openid, email and profile if empty.
	Scopes []string

	// JWKSURL, AuthURL and TokenURL override what discovery says. Issuer discovery is
	// asked only for what is missing, so that tokens of an issuer that cannot be
	// reached (emulators issue tokens in the name of AWS) can be verified.
	JWKSURL  string
	AuthURL  string
	TokenURL string
	// SignUpURL is the provider's page for new people, which takes the parameters of
	// the authorization endpoint. Cognito's managed login has one at /signup. Without
	// it everybody starts at the sign-in page.
	SignUpURL string
	// SignOutURL overrides the discovered end_session_endpoint. "{client_id}" and
	// "{return_url}" in it are replaced, e.g.
	// https://login.example.com/logout?client_id={client_id}&logout_uri={return_url}
	SignOutURL string

	// GroupsClaim is the claim that lists the groups, DefaultGroupsClaim if empty.
	GroupsClaim string
	// AdminGroup is the group whose members are admins, DefaultAdminGroup if empty.
	AdminGroup string
	// SessionTTL is how long a session lasts from the sign-in on, DefaultSessionTTL if
	// 0, at most MaxSessionTTL. It does not slide: groups are those of the sign-in, so
	// this is also how long leaving a group may take to show.
	SessionTTL time.Duration
	// SessionIdle is how long a session lasts without being used, DefaultSessionIdle if
	// 0. Uses are recorded at most once an hour, or once in a quarter of SessionIdle if
	// that is shorter, so a session may end that much earlier.
	SessionIdle time.Duration
}

// complete is the configuration with its defaults, or everything that is wrong with it.
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
		faults = append(faults, fmt.Errorf("the idle time of sessions must be at least %s", MinSessionIdle))
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

// webURL parses an absolute URL without credentials in it. It must be https, since
// tokens and cookies travel there, unless it leads to this machine.
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

// Loopback says whether a host name or address is this machine's own.
func Loopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761, section 6.3
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

func (c Config) redirectURL() string { return c.BaseURL + CallbackPath }
