package cognito

import (
	"context"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

var (
	errAccessInvalid = notAuthorized("Invalid Access Token")
	errAccessExpired = notAuthorized("Access Token has expired")
	errAccessRevoked = notAuthorized("Access Token has been revoked")
	errAccessScope   = notAuthorized("Access Token does not have required scopes")
)

type accessToken struct {
	Issuer   string `json:"iss"`
	Sub      string `json:"sub"`
	Use      string `json:"token_use"`
	Username string `json:"username"`
	Scope    string `json:"scope"`
	Origin   string `json:"origin_jti"`
	Expires  int64  `json:"exp"`
}

func (t accessToken) grant() grant { return grant{Scopes: strings.Fields(t.Scope)} }

// userOfToken requires a valid access token with the scope, perhaps issued while the server
// was at another port.
func (s *Service) userOfToken(token, scope string) (user, accessToken, error) {
	p, err := s.poolOfToken(token)
	if err != nil {
		return user{}, accessToken{}, err
	}
	signer, err := s.signerOf(p)
	if err != nil {
		return user{}, accessToken{}, err
	}
	var claims accessToken
	if err := signer.verify(token, &claims); err != nil || claims.Use != "access" {
		return user{}, accessToken{}, errAccessInvalid
	}
	switch {
	case s.env.Now().Unix() >= claims.Expires:
		return user{}, accessToken{}, errAccessExpired
	case !slices.Contains(strings.Fields(claims.Scope), scope):
		return user{}, accessToken{}, errAccessScope
	}
	var u user
	err = s.env.DB.View(func(tx *store.Tx) (err error) {
		if revokedIn(tx).Get([]byte(claims.Origin)) != nil {
			return errAccessRevoked
		}
		u, err = findSub(tx, p, claims.Username, claims.Sub)
		return err
	})
	return u, claims, err
}

// poolOfToken does not verify the token: that needs the pool's key.
func (s *Service) poolOfToken(token string) (pool, error) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return pool{}, errAccessInvalid
	}
	var claims accessToken
	if err := parsed.UnsafeClaimsWithoutVerification(&claims); err != nil {
		return pool{}, errAccessInvalid
	}
	p, err := s.poolOf(claims.Issuer[strings.LastIndex(claims.Issuer, "/")+1:])
	if wire.IsCode(err, "ResourceNotFoundException") || wire.IsCode(err, "InvalidParameterException") {
		return pool{}, errAccessInvalid
	}
	return p, err
}

// looksLikeJWT is false for refresh tokens, which have no dots.
func looksLikeJWT(token string) bool { return strings.Count(token, ".") == 2 }

type getUserInput struct{ AccessToken string }

type getUserOutput struct {
	Username       string      `json:"Username"`
	UserAttributes []attribute `json:"UserAttributes"`
}

func (s *Service) getUser(_ context.Context, in *getUserInput) (*getUserOutput, error) {
	var v constraints
	v.Text("accessToken", in.AccessToken, 8192)
	if err := v.err(); err != nil {
		return nil, err
	}
	u, _, err := s.userOfToken(in.AccessToken, userAdminScope)
	if err != nil {
		return nil, err
	}
	return &getUserOutput{Username: u.Username, UserAttributes: u.attributes()}, nil
}
