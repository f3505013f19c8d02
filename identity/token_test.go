package identity_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestAnInvalidTokenIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t)
	p := s.provider
	with := func(name string, value any) string {
		c := p.claims()
		c[name] = value
		return p.sign(c)
	}
	without := func(name string) string {
		c := p.claims()
		delete(c, name)
		return p.sign(c)
	}
	access := func(name string, value any) string {
		c := p.accessClaims()
		c[name] = value
		return p.sign(c)
	}
	other := func() map[string]any { // claims of a provider that is not Cognito
		c := p.claims()
		delete(c, "token_use")
		return c
	}
	good := p.sign(p.claims())
	part := strings.Split(good, ".")
	at := func(d time.Duration) int64 { return p.clock.Now().Add(d).Unix() }
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(rsaKey.Public()))})
	withKey := func(algorithm jose.SignatureAlgorithm, key any, id string) string {
		return signWith(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: id}}, p.claims())
	}
	embedding := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: foreignKey}, &jose.SignerOptions{EmbedJWK: true}))

	tests := map[string]struct{ token, says string }{
		"nothing":                                           {"", "cannot be read"},
		"a word":                                            {"abracadabra", "cannot be read"},
		"dots":                                              {"..", "cannot be read"},
		"not JSON":                                          {"AAAA.BBBB.CCCC", "cannot be read"},
		"something huge":                                    {part[0] + "." + strings.Repeat("A", 1<<20) + "." + part[2], "too long"},
		"the algorithm none":                                {unsigned(`{"alg":"none","kid":"rsa-1"}`, p.claims()), "cannot be read"},
		"the algorithm None, signature and all":             {unsigned(`{"alg":"None"}`, p.claims()) + part[2], "cannot be read"},
		"a MAC with the public key as secret":               {withKey(jose.HS256, publicPEM, "rsa-1"), "cannot be read"},
		"a MAC with the modulus as secret":                  {withKey(jose.HS256, rsaKey.N.Bytes(), "rsa-1"), "cannot be read"},
		"RS512, which is not accepted":                      {withKey(jose.RS512, rsaKey, "rsa-1"), "cannot be read"},
		"PS256, with our own key":                           {withKey(jose.PS256, rsaKey, "rsa-1"), "cannot be read"},
		"a foreign key under our key's id":                  {withKey(jose.RS256, foreignKey, "rsa-1"), "signature is not valid"},
		"a foreign key under an id of its own":              {withKey(jose.RS256, foreignKey, "other"), "not signed by"},
		"a foreign key, brought along in the header":        {must(must(embedding.Sign(must(json.Marshal(p.claims())))).CompactSerialize()), "not signed by"},
		"an EC key under the RSA key's id":                  {withKey(jose.ES256, ecKey, "rsa-1"), "not signed by"},
		"no key id though there are two keys":               {withKey(jose.RS256, rsaKey, ""), "not signed by"},
		"other claims under a good signature":               {part[0] + "." + encode(p.accessClaims()) + "." + part[2], "signature is not valid"},
		"half a signature":                                  {part[0] + "." + part[1] + "." + part[2][:len(part[2])/2], "signature is not valid"},
		"no signature":                                      {part[0] + "." + part[1] + ".", "signature is not valid"},
		"claims that are not an object":                     {must(must(must(jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: rsaKey, KeyID: "rsa-1"}}, nil)).Sign([]byte(`"hello"`))).CompactSerialize()), "claims cannot be read"},
		"claims of the wrong kind":                          {with("exp", "tomorrow"), "claims cannot be read"},
		"another issuer":                                    {with("iss", "https://evil.example"), "another issuer"},
		"our issuer with a slash":                           {with("iss", p.issuer()+"/"), "another issuer"},
		"no issuer":                                         {without("iss"), "another issuer"},
		"another audience":                                  {with("aud", "another"), "another application"},
		"no audience":                                       {without("aud"), "another application"},
		"our client among others, another authorized":       {p.sign(merge(p.claims(), map[string]any{"aud": []string{clientID, "b"}, "azp": "b"})), "another application"},
		"an access token for another client":                {access("client_id", "another"), "another application"},
		"an access token with us as audience only":          {p.sign(merge(p.claims(), map[string]any{"token_use": "access"})), "another application"},
		"a token for another use":                           {with("token_use", "refresh"), "neither an ID token nor an access token"},
		"a logout token by its type":                        {typed("logout+jwt", p.claims()), "neither an ID token nor an access token"},
		"a logout token by its events":                      {p.sign(merge(other(), map[string]any{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}})), "neither an ID token nor an access token"},
		"a security event":                                  {typed("secevent+jwt", other()), "neither an ID token nor an access token"},
		"a proof of possession":                             {typed("dpop+jwt", other()), "neither an ID token nor an access token"},
		"an ID token with an access token's type":           {typed("at+jwt", p.claims()), "neither an ID token nor an access token"},
		"an access token by its type, of another client":    {typed("at+jwt", merge(other(), map[string]any{"client_id": "another"})), "another application"},
		"an access token by its type, without a client":     {typed("at+jwt", other()), "another application"},
		"an access token by its type, for another audience": {typed("at+jwt", merge(other(), map[string]any{"client_id": clientID, "aud": "another"})), "another application"},
		"no token_use, and another client_id":               {p.sign(merge(other(), map[string]any{"client_id": "another"})), "another application"},
		"no token_use, and another appid":                   {p.sign(merge(other(), map[string]any{"appid": "another"})), "another application"},
		"no token_use, and another azp":                     {p.sign(merge(other(), map[string]any{"azp": "another"})), "another application"},
		"several audiences and no authorized party":         {p.sign(merge(p.claims(), map[string]any{"aud": []string{clientID, "b"}})), "another application"},
		"no subject":                                        {without("sub"), "no valid subject"},
		"a subject that is too long":                        {with("sub", strings.Repeat("s", 256)), "no valid subject"},
		"no expiry":                                         {without("exp"), "when it expires"},
		"expired":                                           {with("exp", at(-61*time.Second)), "has expired. Sign in again"},
		"an expired access token":                           {access("exp", at(-61*time.Second)), "has expired"},
		"not yet valid":                                     {with("nbf", at(2*time.Minute)), "not valid yet"},
		"issued in the future":                              {with("iat", at(2*time.Minute)), "not valid yet"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := s.Bearer(t.Context(), test.token)
			if portal.CodeOf(err) != portal.Unauthorized || !strings.Contains(portal.MessageOf(err), test.says) {
				t.Fatalf("got %v, want a refusal that says %q", err, test.says)
			}
			for _, piece := range strings.Split(test.token, ".") {
				if len(piece) > 4 && strings.Contains(err.Error(), piece) {
					t.Errorf("the error repeats the token: %v", err)
				}
			}
		})
	}
	if subject, err := s.Subject(t.Context(), with("exp", at(-61*time.Second))); err == nil || subject != "" {
		t.Errorf("an expired token yields the subject %q and the error %v, want an error only", subject, err)
	}
	if stored := s.contents(t); stored != "" {
		t.Errorf("invalid tokens left items in the tables: %s", stored)
	}
}

func TestAValidTokenIdentifiesItsOwner(t *testing.T) {
	t.Parallel()
	s := open(t)
	p := s.provider
	p.person["cognito:groups"] = []string{"admins"}
	ec := jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: ecKey, KeyID: "ec-1"}}
	skewed := merge(p.claims(), map[string]any{
		"exp": p.clock.Now().Add(-59 * time.Second).Unix(), "nbf": p.clock.Now().Add(59 * time.Second).Unix(),
	})
	account := signIn(t, s)
	want := identity.Identity{
		Account: account, Issuer: p.issuer(), Subject: "subject-1", Email: "ada@example.com", Name: "Ada Example",
		Groups: []string{"admins"}, Admin: true, ByGroup: true, Via: identity.ViaBearer,
	}
	nameless := want
	nameless.Email, nameless.Name = "", ""
	for name, test := range map[string]struct {
		token string
		want  identity.Identity
	}{
		"an ID token":                                      {p.sign(p.claims()), want},
		"an ID token signed with ES256":                    {signWith(ec, p.claims()), want},
		"an ID token without token_use":                    {p.sign(merge(p.claims(), map[string]any{"token_use": ""})), want},
		"an ID token for several audiences, ours included": {p.sign(merge(p.claims(), map[string]any{"aud": []string{"b", clientID}, "azp": clientID})), want},
		"an access token":                                  {p.sign(p.accessClaims()), nameless},
		"an access token by RFC 9068":                      {typed("at+jwt", merge(p.accessClaims(), map[string]any{"token_use": "", "aud": clientID})), nameless},
		"the same with a longer type":                      {typed("application/at+JWT", merge(p.accessClaims(), map[string]any{"token_use": "", "aud": []string{"b", clientID}})), nameless},
		"an access token of Cognito's with a resource":     {p.sign(merge(p.accessClaims(), map[string]any{"aud": "https://api.example.com"})), nameless},
		"a token without a type":                           {typed("", p.claims()), want},
		"a token from a clock that differs a little":       {p.sign(skewed), want},
	} {
		got, err := s.Bearer(t.Context(), test.token)
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

func TestGroupsComeFromTheConfiguredClaim(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *identity.Config, _ *identity.Options) {
		c.GroupsClaim, c.AdminGroup = "https://example.com/roles", "operator"
	})
	for name, test := range map[string]struct {
		claim any
		want  []string
		admin bool
	}{
		"a list":                          {[]any{"reader", "operator"}, []string{"reader", "operator"}, true},
		"one name":                        {"operator", []string{"operator"}, true},
		"other groups":                    {[]any{"reader", 7, ""}, []string{"reader"}, false},
		"a name that only contains it":    {[]any{"operators"}, []string{"operators"}, false},
		"something that is no group list": {map[string]any{"operator": true}, nil, false},
		"nothing":                         {nil, nil, false},
	} {
		id, err := s.Bearer(t.Context(), s.provider.sign(merge(s.provider.claims(), map[string]any{
			"https://example.com/roles": test.claim, "cognito:groups": []string{"admins"},
		})))
		if diff := cmp.Diff(test.want, id.Groups); err != nil || diff != "" || id.Admin != test.admin {
			t.Errorf("%s: admin %t, %v %s", name, id.Admin, err, diff)
		}
	}
}

func TestABearerTokenTakesPrecedenceOverTheSession(t *testing.T) {
	t.Parallel()
	s := open(t)
	b := newBrowser(t)
	b.get(s.url + "/sign-in")
	session := s.withSession(b.cookie(s.url, s.cookieName("session")))
	s.provider.person["sub"] = "subject-2"
	good := s.provider.sign(s.provider.claims())
	header := func(values ...string) func(*http.Request) *http.Request {
		return func(r *http.Request) *http.Request {
			r.Header["Authorization"] = values
			return r
		}
	}
	other, err := s.Bearer(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		header func(*http.Request) *http.Request
		code   int
		says   string
	}{
		"a valid one overrides the session":             {header("Bearer " + good), 200, string(other.Account) + " via bearer"},
		"its scheme may be spelled in any case":         {header("bEARER " + good), 200, string(other.Account) + " via bearer"},
		"an invalid one is refused despite the session": {header("Bearer nonsense"), 401, "cannot be read"},
		"an empty one is refused":                       {header("Bearer "), 401, "has no token"},
		"the scheme alone is refused":                   {header("Bearer"), 401, "has no token"},
		"two are refused":                               {header("Bearer "+good, "Bearer "+good), 401, "one Authorization header"},
		"another scheme is ignored":                     {header("Basic dXNlcjpwYXNz"), 200, " via session"},
	} {
		resp := s.ask(t, session, test.header)
		if resp.Code != test.code || !strings.Contains(resp.Body.String(), test.says) {
			t.Errorf("%s: %d %s", name, resp.Code, resp.Body)
		}
		if challenge := resp.Header().Get("WWW-Authenticate"); (test.code == 401) != strings.HasPrefix(challenge, "Bearer ") {
			t.Errorf("%s: WWW-Authenticate is %q", name, challenge)
		}
	}
}

func TestAnIdentityThatIsPrintedShowsNoPersonalData(t *testing.T) {
	t.Parallel()
	id := identity.Identity{Account: "a1", Email: "ada@example.com", Name: "Ada"}
	for _, format := range []string{"%v", "%+v", "%s", "%#v"} {
		if got := fmt.Sprintf(format, id); strings.Contains(got, "ada@") || strings.Contains(got, "Ada") || !strings.Contains(got, "a1") {
			t.Errorf("%s prints %s", format, got)
		}
	}
}

func typed(typ string, claims map[string]any) string {
	options := &jose.SignerOptions{}
	if typ != "" {
		options = options.WithType(jose.ContentType(typ))
	}
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: rsaKey, KeyID: "rsa-1"}}, options))
	return must(jwt.Signed(signer).Claims(claims).Serialize())
}

func unsigned(header string, claims map[string]any) string {
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + encode(claims) + "."
}

func encode(claims map[string]any) string {
	return base64.RawURLEncoding.EncodeToString(must(json.Marshal(claims)))
}

func merge(claims, with map[string]any) map[string]any {
	maps.Copy(claims, with)
	return claims
}
