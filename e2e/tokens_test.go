// Tokens that the portal must refuse.

package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/go-jose/go-jose/v4"
)

// foreignPool makes another user pool, and returns the ID token of a user in it.
func (s *site) foreignPool(t *testing.T) (token string) {
	t.Helper()
	idp := s.cognito()
	pool, err := idp.CreateUserPool(t.Context(), &cognitoidentityprovider.CreateUserPoolInput{
		PoolName: aws.String("another"), UsernameAttributes: []types.UsernameAttributeType{types.UsernameAttributeTypeEmail},
		UserPoolTags: map[string]string{"localaws:auto-confirm": "true"},
	})
	if err != nil {
		t.Fatal(err)
	}
	client := s.anotherClient(t, aws.ToString(pool.UserPool.Id))
	signUp(t, idp, client, "stranger@example.com")
	return authenticate(t, idp, client, "stranger@example.com").id
}

func (s *site) anotherClient(t *testing.T, pool string) (id string) {
	t.Helper()
	created, err := s.cognito().CreateUserPoolClient(t.Context(), &cognitoidentityprovider.CreateUserPoolClientInput{
		UserPoolId: &pool, ClientName: aws.String("another"),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(created.UserPoolClient.ClientId)
}

func segments(t *testing.T, token string) (header, claims, signature string) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("the token has %d parts", len(parts))
	}
	return parts[0], parts[1], parts[2]
}

func changedClaims(t *testing.T, token string, changes map[string]any) []byte {
	t.Helper()
	_, claims, _ := segments(t, token)
	raw, err := base64.RawURLEncoding.DecodeString(claims)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]any{}
	if err := json.Unmarshal(raw, &said); err != nil {
		t.Fatal(err)
	}
	for name, value := range changes {
		said[name] = value
	}
	changed, err := json.Marshal(said)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func signToken(t *testing.T, algorithm jose.SignatureAlgorithm, key any, id string, claims []byte) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", id)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	object, err := signer.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	token, err := object.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (s *site) publicKey(t *testing.T) jose.JSONWebKey {
	t.Helper()
	resp, err := http.Get(s.AWSURL + "/" + s.Demo.PoolID + "/.well-known/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil || len(set.Keys) == 0 {
		t.Fatalf("the provider's keys: %d, %v", len(set.Keys), err)
	}
	return set.Keys[0]
}

// forgeries returns bad tokens made from a good one, by what is wrong with them.
func (s *site) forgeries(t *testing.T, good string) map[string]string {
	t.Helper()
	header, claims, signature := segments(t, good)
	public := s.publicKey(t)
	mine, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public.Key)
	if err != nil {
		t.Fatal(err)
	}
	published := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	another := base64.RawURLEncoding.EncodeToString(changedClaims(t, good, map[string]any{"sub": "00000000-0000-0000-0000-000000000000"}))
	same := changedClaims(t, good, nil)
	flipped := []byte(signature)
	flipped[len(flipped)/2] ^= 1
	return map[string]string{
		"the claims are changed":                   header + "." + another + "." + signature,
		"the signature is changed":                 header + "." + claims + "." + string(flipped),
		"the signature is missing":                 header + "." + claims + ".",
		"alg none":                                 unsigned + "." + claims + ".",
		"alg none with the old signature":          unsigned + "." + claims + "." + signature,
		"HS256 with the published key as secret":   signToken(t, jose.HS256, published, public.KeyID, same),
		"HS256 with the encoded key as secret":     signToken(t, jose.HS256, der, public.KeyID, same),
		"signed by the sender's own key":           signToken(t, jose.RS256, mine, public.KeyID, same),
		"signed by an unknown key":                 signToken(t, jose.RS256, mine, "unknown", same),
		"signed with PS256":                        signToken(t, jose.PS256, mine, public.KeyID, same),
		"garbage":                                  "garbage-" + rand.Text(),
		"garbage in three parts":                   rand.Text() + "." + rand.Text() + "." + rand.Text(),
		"JSON instead of a token":                  `{"sub":"` + rand.Text() + `"}`,
		"a token that is too long":                 header + "." + claims + "." + strings.Repeat("QUJD", 6<<10),
		"a key id that is a path":                  signToken(t, jose.RS256, mine, "../../../etc/passwd", same),
		"a token in which a token is the sub":      header + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"`+good+`"}`)) + "." + signature,
		"two tokens, one after the other":          good + " " + good,
		"a good token with something after it":     good + "A",
		"a good token with a fourth part after it": good + "." + signature,
	}
}
