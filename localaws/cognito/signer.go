package cognito

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// keyBits is Cognito's key size.
const keyBits = 2048

type signer struct {
	public jose.JSONWebKey
	jose   jose.Signer
}

func signingKeysIn(tx *store.Tx) store.Bucket { return tx.Bucket("cognito", "signing keys") }

// newSigningKey returns PKCS #8.
func newSigningKey() ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("generating a signing key: %w", err)
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

func (s *Service) signerOf(p pool) (*signer, error) {
	if known, ok := s.signers.Load(p.ID); ok {
		return known.(*signer), nil
	}
	var raw []byte
	err := s.env.DB.View(func(tx *store.Tx) error {
		raw = append([]byte(nil), signingKeysIn(tx).Get([]byte(p.ID))...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	made, err := newSigner(raw)
	if err != nil {
		return nil, fmt.Errorf("reading the signing key of pool %s: %w", p.ID, err)
	}
	s.signers.Store(p.ID, made)
	return made, nil
}

func newSigner(raw []byte) (*signer, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(raw)
	if err != nil {
		return nil, err
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("it is a %T, not an RSA key", parsed)
	}
	public := jose.JSONWebKey{Key: private.Public(), Algorithm: string(jose.RS256), Use: "sig"}
	thumbprint, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, err
	}
	public.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	signing := jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: private, KeyID: public.KeyID}}
	made, err := jose.NewSigner(signing, nil)
	if err != nil {
		return nil, err
	}
	return &signer{public: public, jose: made}, nil
}

func (s *signer) sign(claims map[string]any) (string, error) {
	token, err := jwt.Signed(s.jose).Claims(claims).Serialize()
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return token, nil
}

// verify does not check times.
func (s *signer) verify(token string, claims any) error {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return err
	}
	if len(parsed.Headers) != 1 || parsed.Headers[0].KeyID != s.public.KeyID {
		return errors.New("it was signed with another key")
	}
	return parsed.Claims(s.public.Key, claims)
}
