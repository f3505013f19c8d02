package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	providerTimeout = 5 * time.Second
	maxDocument     = 1 << 20
)

// endpoints is part of the discovery document (OpenID Connect Discovery 1.0, section 3;
// end_session_endpoint is of RP-Initiated Logout 1.0).
type endpoints struct {
	Issuer      string   `json:"issuer"`
	AuthURL     string   `json:"authorization_endpoint"`
	TokenURL    string   `json:"token_endpoint"`
	JWKSURL     string   `json:"jwks_uri"`
	SignOutURL  string   `json:"end_session_endpoint"`
	AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
}

type provider struct {
	config Config
	http   *http.Client
	asking flight

	mu    sync.Mutex
	known *endpoints
}

func newProvider(config Config) *provider {
	return &provider{config: config, http: &http.Client{
		Timeout: providerTimeout,
		// A redirect could send the code and the client secret elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (p *provider) endpoints(ctx context.Context) (endpoints, error) {
	c := p.config
	if c.AuthURL != "" && c.TokenURL != "" && c.JWKSURL != "" {
		return p.overridden(endpoints{}), nil
	}
	if known := p.discovered(); known != nil {
		return p.overridden(*known), nil
	}
	if err := p.asking.do(ctx, p.discover); err != nil {
		return endpoints{}, unreachable(fmt.Errorf("discovering issuer %s: %w", c.Issuer, err))
	}
	return p.overridden(*p.discovered()), nil
}

func (p *provider) jwksURL(ctx context.Context) (string, error) {
	if p.config.JWKSURL != "" {
		return p.config.JWKSURL, nil
	}
	e, err := p.endpoints(ctx)
	return e.JWKSURL, err
}

func (p *provider) discover(ctx context.Context) error {
	if p.discovered() != nil {
		return nil // another caller was faster
	}
	var e endpoints
	err := p.document(ctx, strings.TrimSuffix(p.config.Issuer, "/")+"/.well-known/openid-configuration", &e)
	if err != nil {
		return err
	}
	if e.Issuer != p.config.Issuer {
		return fmt.Errorf("the document is for issuer %q", e.Issuer)
	}
	for name, value := range map[string]string{
		"authorization_endpoint": e.AuthURL, "token_endpoint": e.TokenURL, "jwks_uri": e.JWKSURL,
	} {
		if _, err := webURL(name, value); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = &e
	return nil
}

func (p *provider) discovered() *endpoints {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known
}

func (p *provider) overridden(e endpoints) endpoints {
	override := func(value *string, by string) {
		if by != "" {
			*value = by
		}
	}
	override(&e.AuthURL, p.config.AuthURL)
	override(&e.TokenURL, p.config.TokenURL)
	override(&e.JWKSURL, p.config.JWKSURL)
	return e
}

func (p *provider) document(ctx context.Context, from string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := p.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s returned %s", from, resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument))
	if err != nil {
		return fmt.Errorf("reading %s: %w", from, err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("reading %s: %w", from, err)
	}
	return nil
}

func (p *provider) signOutURL(ctx context.Context) (string, error) {
	back := p.config.BaseURL + "/"
	if p.config.SignOutURL != "" {
		return strings.NewReplacer(
			"{client_id}", url.QueryEscape(p.config.ClientID), "{return_url}", url.QueryEscape(back),
		).Replace(p.config.SignOutURL), nil
	}
	e, err := p.endpoints(ctx)
	if err != nil || e.SignOutURL == "" {
		return "", err
	}
	u, err := webURL("end_session_endpoint", e.SignOutURL)
	if err != nil {
		return "", err
	}
	query := u.Query()
	query.Set("client_id", p.config.ClientID)
	query.Set("post_logout_redirect_uri", back)
	// Cognito lists its /logout as end_session_endpoint, with this parameter:
	// https://docs.aws.amazon.com/cognito/latest/developerguide/logout-endpoint.html
	query.Set("logout_uri", back)
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// Basic authentication is the default for token requests (OpenID Connect Core 1.0, section 9).
func (e endpoints) secretInForm() bool {
	return len(e.AuthMethods) > 0 && !slices.Contains(e.AuthMethods, "client_secret_basic")
}

func unreachable(err error) error {
	var already *portal.Error
	if errors.As(err, &already) {
		return err
	}
	return &portal.Error{
		Code:    portal.Unavailable,
		Message: "The identity provider does not answer. Try again in a moment.",
		Err:     err,
	}
}
