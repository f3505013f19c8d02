package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	// maxToken bounds a token, in bytes, before it is decoded.
	maxToken = 16 << 10
	// maxSubject is OpenID Connect's limit for "sub" (Core 1.0, section 2).
	maxSubject = 255
	// skew is how far the provider's clock may differ from ours.
	skew = time.Minute
)

type claims struct {
	Issuer     string           `json:"iss"`
	Subject    string           `json:"sub"`
	Audience   jwt.Audience     `json:"aud"`
	Authorized string           `json:"azp"`
	ClientID   string           `json:"client_id"`
	AppID      string           `json:"appid"` // Microsoft Entra's client_id; it can only rule a token out
	TokenUse   string           `json:"token_use"`
	Expiry     *jwt.NumericDate `json:"exp"`
	NotBefore  *jwt.NumericDate `json:"nbf"`
	IssuedAt   *jwt.NumericDate `json:"iat"`
	Nonce      string           `json:"nonce"`
	AccessHash string           `json:"at_hash"`
	Email      string           `json:"email"`
	Verified   any              `json:"email_verified"` // true or false; some providers send it as a string
	Name       string           `json:"name"`
	Preferred  string           `json:"preferred_username"`
	Events     map[string]any   `json:"events"`

	typ    string // the header's typ, in lower case
	groups []string
}

type verifier struct {
	config Config
	keys   *keySet
	now    func() time.Time
}

func newVerifier(config Config, p *provider, now func() time.Time) *verifier {
	return &verifier{config: config, keys: newKeySet(p, now), now: now}
}

type tokens int

const (
	idTokens          tokens = iota
	idAndAccessTokens        // what clients send as bearer tokens
)

// verify returns the claims of a token that the provider signed with RS256 or ES256 for our
// client, of an accepted kind and valid now. Other tokens are Unauthorized; unreadable keys of
// the provider are Unavailable. No error repeats any part of the token.
func (v *verifier) verify(ctx context.Context, token string, wanted tokens) (claims, error) {
	if len(token) > maxToken {
		return claims{}, refuse("The token is too long to be from the identity provider.")
	}
	// Only these two: neither "none" nor a MAC with the public key.
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil || len(parsed.Headers) != 1 {
		return claims{}, refuse("The token cannot be read. Send an ID or access token from the identity provider, signed with RS256 or ES256.")
	}
	key, err := v.keys.find(ctx, parsed.Headers[0].Algorithm, parsed.Headers[0].KeyID)
	if errors.Is(err, errUnknownKey) {
		return claims{}, refuse("The token was not signed by this portal's identity provider. Sign in again.")
	}
	if err != nil {
		return claims{}, err
	}
	var said claims
	var all map[string]any
	if err := parsed.Claims(key, &said, &all); err != nil {
		if errors.Is(err, jose.ErrCryptoFailure) {
			return claims{}, refuse("The token's signature is not valid. Sign in again.")
		}
		return claims{}, refuse("The token's claims cannot be read. Sign in again.")
	}
	said.groups = groups(all[v.config.GroupsClaim])
	typ, _ := parsed.Headers[0].ExtraHeaders[jose.HeaderType].(string)
	said.typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	if err := v.check(said, wanted); err != nil {
		return claims{}, err
	}
	return said, nil
}

func (v *verifier) check(c claims, wanted tokens) error {
	switch {
	case c.kind() == neither:
		return refuse("The token is neither an ID token nor an access token. Send one of those.")
	case c.kind() == accessToken && wanted == idTokens:
		return refuse("The token is an access token, but an ID token is needed.")
	case c.Issuer != v.config.Issuer:
		return refuse("The token is from another issuer. Sign in at this portal's identity provider.")
	case !v.forUs(c):
		return refuse("The token was issued for another application. Sign in with this portal's client.")
	case c.Subject == "" || len(c.Subject) > maxSubject:
		return refuse("The token has no valid subject (sub). Sign in again.")
	}
	return v.inForce(c)
}

type kindOfToken int

const (
	neither kindOfToken = iota
	idToken
	accessToken
)

// kind checks token_use, which Cognito sets, and the type in the header. Access tokens have the
// type at+jwt (RFC 9068), ID tokens JWT or none, Cognito's access tokens any of these. A token
// of another type serves another purpose (RFC 8725, section 3.11). So does a token with events:
// a logout token has the same signer and audience (OpenID Connect Back-Channel Logout 1.0,
// section 2.4).
func (c claims) kind() kindOfToken {
	plain, access := c.typ == "" || c.typ == "jwt", c.typ == "at+jwt"
	switch {
	case len(c.Events) > 0:
		return neither
	case c.TokenUse == "access" && (plain || access), c.TokenUse == "" && access:
		return accessToken
	case (c.TokenUse == "id" || c.TokenUse == "") && plain:
		return idToken
	}
	return neither
}

// forUs reports whether a token was issued for our client.
//   - ID tokens name it as audience. If they name an authorized party, which they must if
//     they have several audiences, it is that too (OpenID Connect Core 1.0, section 3.1.3.7).
//   - Cognito's access tokens have a client_id instead of an audience:
//     https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
//   - Access tokens by RFC 9068 have both.
//
// If a token names the client that it was issued to, it must be ours.
func (v *verifier) forUs(c claims) bool {
	ours := func(client string) bool { return client == v.config.ClientID }
	for _, client := range []string{c.Authorized, c.ClientID, c.AppID} {
		if client != "" && !ours(client) {
			return false
		}
	}
	if c.kind() == accessToken {
		return ours(c.ClientID) && (c.TokenUse == "access" || c.Audience.Contains(v.config.ClientID))
	}
	return c.Audience.Contains(v.config.ClientID) && (len(c.Audience) == 1 || ours(c.Authorized))
}

func (v *verifier) inForce(c claims) error {
	now := v.now()
	switch {
	case c.Expiry == nil:
		return refuse("The token does not say when it expires. Sign in again.")
	case !now.Before(c.Expiry.Time().Add(skew)):
		return refuse("The token has expired. Sign in again.")
	case c.NotBefore != nil && now.Add(skew).Before(c.NotBefore.Time()),
		c.IssuedAt != nil && now.Add(skew).Before(c.IssuedAt.Time()):
		return refuse("The token is not valid yet. Try again in a moment.")
	}
	return nil
}

// matchesAccessToken checks at_hash: for both algorithms the first half of the access token's
// SHA-256 (OpenID Connect Core 1.0, section 3.1.3.6).
func (c claims) matchesAccessToken(token string) bool {
	sum := sha256.Sum256([]byte(token))
	want := base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	return subtle.ConstantTimeCompare([]byte(c.AccessHash), []byte(want)) == 1
}

func (c claims) displayName() string {
	if c.Name != "" {
		return c.Name
	}
	return c.Preferred
}

func groups(claim any) []string {
	var names []string
	switch claim := claim.(type) {
	case string:
		names = append(names, claim)
	case []any:
		for _, element := range claim {
			if name, ok := element.(string); ok {
				names = append(names, name)
			}
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

func refuse(message string) error { return portal.Fail(portal.Unauthorized, message) }

// unverified is false if the provider leaves out the claim (OpenID Connect Core 1.0, section
// 5.1).
func (c claims) unverified() bool { return c.Verified == false || c.Verified == "false" }

func (c claims) verified() bool { return c.Verified == true || c.Verified == "true" }

func (c claims) issued() time.Time {
	if c.IssuedAt == nil {
		return time.Time{}
	}
	return c.IssuedAt.Time()
}

// Bearer returns the identity for an ID or access token. It gives a new subject an account id. It
// stores the personal data, and only logs a failure to do so. The error is Unauthorized for an
// invalid token, Unavailable if the provider's keys, or the account id, cannot be read or stored.
func (s *Service) Bearer(ctx context.Context, token string) (Identity, error) {
	c, err := s.verifier.verify(ctx, token, idAndAccessTokens)
	if err != nil {
		return Identity{}, err
	}
	id, err := s.identify(ctx, c)
	if err != nil {
		return Identity{}, err
	}
	err = s.people.note(ctx, id.Account, c.person(s.config.AdminGroup), c.issued())
	if errors.Is(err, errGone) {
		// The account was deleted since this process read the mapping.
		s.accounts.forget(nameOf(c.Issuer, c.Subject))
		if id, err = s.identify(ctx, c); err != nil {
			return Identity{}, err
		}
		err = s.people.note(ctx, id.Account, c.person(s.config.AdminGroup), c.issued())
	}
	if err != nil {
		s.log(ctx).Warn().Err(err).Str("account", string(id.Account)).Msg("could not store the e-mail address of a token")
	}
	return s.via(ctx, id, ViaBearer), nil
}
