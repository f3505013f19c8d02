package cognito

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// grant is a user's sign-in at a client, shared by its tokens.
type grant struct {
	ClientID string
	Username string
	Sub      string
	Scopes   []string
	AuthTime time.Time
	// Origin is origin_jti. Revoking a refresh token revokes it.
	Origin string
}

func (s *Service) newGrant(c client, u user, scopes []string) grant {
	return grant{
		ClientID: c.ID, Username: u.Username, Sub: u.Sub, Scopes: scopes, AuthTime: s.env.Now(), Origin: wire.NewUUID(),
	}
}

type tokens struct {
	ID, Access string
	// Refresh is empty after a refresh: the old refresh token stays valid.
	Refresh string
	// ExpiresIn is the access token's lifetime in seconds.
	ExpiresIn int
}

type refreshToken struct {
	Grant   grant
	Expires time.Time
}

func refreshTokensIn(tx *store.Tx) store.Bucket { return tx.Bucket("cognito", "refresh tokens") }

// revokedIn holds the revoked values of grant.Origin.
func revokedIn(tx *store.Tx) store.Bucket { return tx.Bucket("cognito", "revoked") }

// newSecret is unguessable. Its data is stored under secretKey, which does not reveal it.
func newSecret() string { return rand.Text() + rand.Text() }

func secretKey(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// issue adds a refresh token to a grant's first tokens. nonce is the authorization request's,
// or empty.
func (s *Service) issue(p pool, c client, g grant, nonce string) (tokens, error) {
	issued, err := s.mint(p, c, g, nonce)
	if err != nil {
		return tokens{}, err
	}
	issued.Refresh = newSecret()
	stored := refreshToken{Grant: g, Expires: s.env.Now().Add(c.Settings.refreshLife())}
	err = s.env.DB.Update(func(tx *store.Tx) error {
		return store.PutJSON(refreshTokensIn(tx), secretKey(issued.Refresh), stored)
	})
	if err != nil {
		return tokens{}, err
	}
	return issued, nil
}

// mint uses the user's current attributes and groups.
func (s *Service) mint(p pool, c client, g grant, nonce string) (tokens, error) {
	signer, err := s.signerOf(p)
	if err != nil {
		return tokens{}, err
	}
	var u user
	var groups []string
	err = s.env.DB.View(func(tx *store.Tx) (err error) {
		if u, err = findSub(tx, p, g.Username, g.Sub); err != nil {
			return err
		}
		groups, err = groupNames(tx, p, u)
		return err
	})
	if err != nil {
		return tokens{}, err
	}
	access, err := signer.sign(s.accessClaims(p, c, g, groups))
	if err != nil {
		return tokens{}, err
	}
	id := s.idClaims(p, c, g, u, groups)
	id["at_hash"] = accessTokenHash(access)
	if nonce != "" {
		id["nonce"] = nonce
	}
	signed, err := signer.sign(id)
	if err != nil {
		return tokens{}, err
	}
	return tokens{ID: signed, Access: access, ExpiresIn: int(c.Settings.accessLife() / time.Second)}, nil
}

// See https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-with-identity-providers.html
func (s *Service) commonClaims(p pool, g grant, groups []string, valid time.Duration) map[string]any {
	now := s.env.Now()
	claims := map[string]any{
		"iss":        p.issuer(),
		"sub":        g.Sub,
		"iat":        now.Unix(),
		"exp":        now.Add(valid).Unix(),
		"auth_time":  g.AuthTime.Unix(),
		"jti":        wire.NewUUID(),
		"origin_jti": g.Origin,
	}
	if len(groups) > 0 {
		claims["cognito:groups"] = groups
	}
	return claims
}

func (s *Service) accessClaims(p pool, c client, g grant, groups []string) map[string]any {
	claims := s.commonClaims(p, g, groups, c.Settings.accessLife())
	claims["token_use"] = "access"
	claims["client_id"] = c.ID
	claims["username"] = g.Username
	claims["scope"] = strings.Join(g.Scopes, " ")
	return claims
}

func (s *Service) idClaims(p pool, c client, g grant, u user, groups []string) map[string]any {
	claims := s.commonClaims(p, g, groups, c.Settings.idLife())
	claims["token_use"] = "id"
	claims["aud"] = c.ID
	claims["cognito:username"] = u.Username
	for name, value := range u.Attributes {
		switch {
		case !g.shows(name):
		case strings.HasSuffix(name, "_verified"):
			claims[name] = value == "true"
		default:
			claims[name] = value
		}
	}
	return claims
}

// shows reports whether the grant's scopes include an attribute. openid alone
// includes all.
func (g grant) shows(attribute string) bool {
	email, phone, profile := slices.Contains(g.Scopes, "email"), slices.Contains(g.Scopes, "phone"), slices.Contains(g.Scopes, "profile")
	if !email && !phone && !profile {
		return true
	}
	switch attribute {
	case "email", "email_verified":
		return email
	case "phone_number", "phone_number_verified":
		return phone
	default:
		return profile
	}
}

// accessTokenHash is at_hash (OpenID Connect Core 3.1.3.6).
func accessTokenHash(access string) string {
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

func (p pool) issuer() string { return p.IssuerBase + "/" + p.ID }
