// Package issuer is an identity provider for benchmarks. It has no passwords: checking thousands
// would cost more than what is measured.
package issuer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// ClientID is the client that tokens are for.
const ClientID = "bench"

// Issuer signs tokens for every subject.
type Issuer struct {
	URL    string
	signer jose.Signer
	server *http.Server
}

// Start returns an issuer on loopback.
func Start() (*Issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("creating the issuer's key: %w", err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, nil)
	if err != nil {
		return nil, fmt.Errorf("creating the issuer's signer: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the issuer: %w", err)
	}
	is := &Issuer{URL: "http://" + l.Addr().String(), signer: signer}
	mux := http.NewServeMux()
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	})
	is.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = is.server.Serve(l) }()
	return is, nil
}

// Token returns an ID token of the subject, valid for six hours.
func (is *Issuer) Token(subject string) (string, error) {
	now := time.Now()
	return jwt.Signed(is.signer).Claims(jwt.Claims{
		Issuer: is.URL, Subject: subject, Audience: jwt.Audience{ClientID},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(6 * time.Hour)),
	}).Serialize()
}

// KeysURL is where the issuer serves its keys.
func (is *Issuer) KeysURL() string { return is.URL + "/keys" }

// Close ends the issuer.
func (is *Issuer) Close() error { return is.server.Close() }
