package identity_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	clientID     = "portal-client"
	clientSecret = "portal-client-secret"
)

// The keys are generated only once, since RSA keys take long.
var (
	rsaKey     = must(rsa.GenerateKey(rand.Reader, 2048))
	foreignKey = must(rsa.GenerateKey(rand.Reader, 2048))
	ecKey      = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// fakeProvider is an OpenID provider that signs in its person without a password. It
// checks requests as a real provider has to.
type fakeProvider struct {
	server *httptest.Server
	clock  *clock

	mu          sync.Mutex
	person      map[string]any // claims of the person who signs in
	adjust      func(claims map[string]any)
	accessToken string
	keys        []jose.JSONWebKey
	codes       map[string]url.Values // authorization requests by code
	hits        map[string]int        // requests by path
	broken      map[string]bool       // paths that answer 500
	noLogout    bool
	issued      []string // every token handed out
}

func startProvider(t *testing.T, c *clock) *fakeProvider {
	t.Helper()
	p := &fakeProvider{
		clock:       c,
		person:      map[string]any{"sub": "subject-1", "email": "ada@example.com", "name": "Ada Example"},
		accessToken: "an-opaque-access-token",
		keys: []jose.JSONWebKey{
			{Key: rsaKey.Public(), KeyID: "rsa-1", Algorithm: "RS256", Use: "sig"},
			{Key: ecKey.Public(), KeyID: "ec-1", Algorithm: "ES256", Use: "sig"},
		},
		codes: map[string]url.Values{}, hits: map[string]int{}, broken: map[string]bool{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /keys", p.jwks)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("GET /signup", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /logout", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("logout_uri"), http.StatusFound)
	})
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.hits[r.URL.Path]++
		broken := p.broken[r.URL.Path]
		p.mu.Unlock()
		if broken {
			http.Error(w, "out of order", http.StatusInternalServerError)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.server.Close)
	return p
}

func (p *fakeProvider) issuer() string { return p.server.URL }

func (p *fakeProvider) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func (p *fakeProvider) count(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hits[path]
}

func (p *fakeProvider) claims() map[string]any {
	now := p.clock.Now()
	c := map[string]any{
		"iss": p.issuer(), "aud": clientID, "token_use": "id",
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	maps.Copy(c, p.person)
	return c
}

func (p *fakeProvider) accessClaims() map[string]any {
	c := p.claims()
	for _, name := range []string{"aud", "email", "name"} {
		delete(c, name)
	}
	c["token_use"], c["client_id"] = "access", clientID
	return c
}

func (p *fakeProvider) sign(claims map[string]any) string {
	return signWith(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: rsaKey, KeyID: "rsa-1"}}, claims)
}

func signWith(key jose.SigningKey, claims map[string]any) string {
	signer := must(jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT")))
	return must(jwt.Signed(signer).Claims(claims).Serialize())
}

func (p *fakeProvider) discovery(w http.ResponseWriter, _ *http.Request) {
	doc := map[string]any{
		"issuer": p.issuer(), "authorization_endpoint": p.issuer() + "/authorize",
		"token_endpoint": p.issuer() + "/token", "jwks_uri": p.issuer() + "/keys",
	}
	if !p.noLogout {
		doc["end_session_endpoint"] = p.issuer() + "/logout"
	}
	_ = json.NewEncoder(w).Encode(doc)
}

func (p *fakeProvider) jwks(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: p.keys})
}

func (p *fakeProvider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("response_type") != "code" || q.Get("client_id") != clientID || q.Get("code_challenge_method") != "S256" ||
		len(q.Get("code_challenge")) != 43 || q.Get("state") == "" || q.Get("nonce") == "" {
		http.Error(w, "a bad request: "+q.Encode(), http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.mu.Lock()
	p.codes[code] = q
	p.mu.Unlock()
	back := must(url.Parse(q.Get("redirect_uri")))
	back.RawQuery = url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (p *fakeProvider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	code := r.PostFormValue("code")
	p.mu.Lock()
	defer p.mu.Unlock()
	asked, ok := p.codes[code]
	delete(p.codes, code)
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	w.Header().Set("Content-Type", "application/json")
	switch {
	case id != clientID || secret != clientSecret:
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"error":"invalid_client"}`))
	case !ok || asked.Get("redirect_uri") != r.PostFormValue("redirect_uri") ||
		asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(challenge[:]):
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
	default:
		sum := sha256.Sum256([]byte(p.accessToken))
		claims := p.claims()
		claims["nonce"] = asked.Get("nonce")
		claims["at_hash"] = base64.RawURLEncoding.EncodeToString(sum[:16])
		if p.adjust != nil {
			p.adjust(claims)
		}
		idToken := p.sign(claims)
		p.issued = append(p.issued, idToken, p.accessToken)
		_ = json.NewEncoder(w).Encode(map[string]any{
			"access_token": p.accessToken, "id_token": idToken, "token_type": "Bearer", "expires_in": 3600,
		})
	}
}
