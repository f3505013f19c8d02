package cognito

import (
	"context"
	"crypto/subtle"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

var (
	errRefreshInvalid = notAuthorized("Invalid Refresh Token")
	errRefreshRevoked = notAuthorized("Refresh Token has been revoked")
	errRefreshExpired = notAuthorized("Refresh Token has expired")
)

// findRefreshToken requires the token to be valid and the client's.
func (s *Service) findRefreshToken(p pool, c client, token string) (grant, error) {
	var stored refreshToken
	err := s.env.DB.View(func(tx *store.Tx) error {
		found := false
		var err error
		stored, found, err = store.GetJSON[refreshToken](refreshTokensIn(tx), secretKey(token))
		switch {
		case err != nil:
			return err
		case !found || stored.Grant.ClientID != c.ID:
			return errRefreshInvalid
		case revokedIn(tx).Get([]byte(stored.Grant.Origin)) != nil:
			return errRefreshRevoked
		case !s.env.Now().Before(stored.Expires):
			return errRefreshExpired
		}
		_, err = findSub(tx, p, stored.Grant.Username, stored.Grant.Sub)
		return err
	})
	return stored.Grant, err
}

// revoke revokes a client's refresh token and all access tokens of its grant. An unknown token
// is no error (RFC 7009 section 2.2).
func (s *Service) revoke(c client, token string) error {
	return s.env.DB.Update(func(tx *store.Tx) error {
		stored, found, err := store.GetJSON[refreshToken](refreshTokensIn(tx), secretKey(token))
		if err != nil || !found || stored.Grant.ClientID != c.ID {
			return err
		}
		revoked := revokedIn(tx)
		return revoked.Put([]byte(stored.Grant.Origin), []byte{1})
	})
}

type revokeTokenInput struct {
	Token        string
	ClientID     string `json:"ClientId"`
	ClientSecret string
}

func (s *Service) revokeToken(_ context.Context, in *revokeTokenInput) (*none, error) {
	var v constraints
	v.Text("token", in.Token, 8192)
	if err := v.err(); err != nil {
		return nil, err
	}
	c, _, err := s.findClientPool(in.ClientID)
	if err != nil {
		return nil, err
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(c.Secret), []byte(in.ClientSecret)) != 1:
		return nil, wire.Errorf("UnauthorizedException", "The client could not be authenticated")
	case !*c.Settings.EnableTokenRevocation:
		return nil, wire.Errorf("UnsupportedOperationException", "Token revocation is not enabled for this client")
	case looksLikeJWT(in.Token):
		return nil, wire.Errorf("UnsupportedTokenTypeException", "Only refresh tokens can be revoked")
	}
	return &none{}, s.revoke(c, in.Token)
}
