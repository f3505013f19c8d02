package cognito_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// claimsOf decodes a token without verifying it.
func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("a token has %d parts", len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(raw, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestSigningInByPasswordYieldsTokensThatVerify(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sub := w.signUp(t, "ann@example.com")
	result := w.mustSignIn(t, "Ann@example.com")
	if result.ExpiresIn != 3600 || *result.TokenType != "Bearer" || aws.ToString(result.RefreshToken) == "" {
		t.Errorf("the tokens live %d seconds and have type %s", result.ExpiresIn, *result.TokenType)
	}
	provider, err := oidc.NewProvider(t.Context(), w.srv.Endpoint()+"/"+w.poolID)
	if err != nil {
		t.Fatal(err)
	}
	id, err := provider.Verifier(&oidc.Config{ClientID: w.clientID}).Verify(t.Context(), *result.IdToken)
	if err != nil {
		t.Fatal(err)
	}
	if err := id.VerifyAccessToken(*result.AccessToken); err != nil {
		t.Errorf("at_hash: %v", err)
	}
	claims := claimsOf(t, *result.IdToken)
	for name, want := range map[string]any{
		"sub": sub, "email": "ann@example.com", "email_verified": true, "cognito:username": sub, "token_use": "id", "aud": w.clientID,
	} {
		if claims[name] != want {
			t.Errorf("the ID token says %s: %v, want %v", name, claims[name], want)
		}
	}
	access := claimsOf(t, *result.AccessToken)
	for name, want := range map[string]any{
		"sub": sub, "client_id": w.clientID, "username": sub, "token_use": "access", "scope": "aws.cognito.signin.user.admin", "aud": nil,
		"origin_jti": claims["origin_jti"],
	} {
		if access[name] != want {
			t.Errorf("the access token says %s: %v, want %v", name, access[name], want)
		}
	}
	user, err := w.api.GetUser(t.Context(), &cognito.GetUserInput{AccessToken: result.AccessToken})
	if err != nil || attributesOf(user.UserAttributes)["email"] != "ann@example.com" {
		t.Errorf("GetUser answers %+v (%v)", user, err)
	}
}

func TestARefusedSignInHasCognitosMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, "ann@example.com")
	_, err := w.signIn(t, "ann@example.com", "Wrong-horse-7")
	refused(t, err, "NotAuthorizedException", "Incorrect username or password.")
	_, err = w.signIn(t, "bob@example.com", password)
	refused(t, err, "UserNotFoundException", "User does not exist.")
	_, err = w.signIn(t, "ann@example.com", "")
	refused(t, err, "InvalidParameterException", "Missing required parameter PASSWORD")
	_, err = w.api.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{ClientId: &w.clientID, AuthFlow: types.AuthFlowTypeUserSrpAuth})
	refused(t, err, "NotImplementedException", "USER_SRP_AUTH")
	_, err = w.api.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{ClientId: aws.String("none"), AuthFlow: types.AuthFlowTypeUserPasswordAuth})
	refused(t, err, "ResourceNotFoundException", "User pool client none does not exist.")
}

func TestAClientCanHideWhetherAUserExists(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(in *cognito.CreateUserPoolClientInput) {
		in.PreventUserExistenceErrors = types.PreventUserExistenceErrorTypesEnabled
	})
	_, err := w.signIn(t, "bob@example.com", password)
	refused(t, err, "NotAuthorizedException", "Incorrect username or password.")
}

func TestAFlowThatIsNotEnabledIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(in *cognito.CreateUserPoolClientInput) { in.ExplicitAuthFlows = nil })
	w.signUp(t, "ann@example.com")
	_, err := w.signIn(t, "ann@example.com", password)
	refused(t, err, "InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled for this client")
}

func TestAClientWithASecretMustProveIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(in *cognito.CreateUserPoolClientInput) { in.GenerateSecret = true })
	hash := func(username string) *string {
		mac := hmac.New(sha256.New, []byte(w.secret))
		mac.Write([]byte(username + w.clientID))
		return aws.String(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	signUp := func(hash *string) error {
		_, err := w.api.SignUp(t.Context(), &cognito.SignUpInput{
			ClientId: &w.clientID, Username: aws.String("ann@example.com"), Password: aws.String(password), SecretHash: hash,
		})
		return err
	}
	refused(t, signUp(nil), "NotAuthorizedException", "is configured with secret but SECRET_HASH was not received")
	refused(t, signUp(hash("bob@example.com")), "NotAuthorizedException", "Unable to verify secret hash for client")
	if err := signUp(hash("ann@example.com")); err != nil {
		t.Fatal(err)
	}
	_, err := w.signIn(t, "ann@example.com", password)
	refused(t, err, "NotAuthorizedException", "SECRET_HASH was not received")
	_, err = w.api.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
		ClientId: &w.clientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": "ann@example.com", "PASSWORD": password, "SECRET_HASH": *hash("ann@example.com")},
	})
	if err != nil {
		t.Error(err)
	}
}

func TestWrongPasswordsLockAUserOutForAWhile(t *testing.T) {
	t.Parallel()
	clock := newClock()
	w := newWorldAt(t, localawstest.Start(t, clock.use))
	w.signUp(t, "ann@example.com")
	w.signUp(t, "bob@example.com")
	// The fifth failure locks the user for a second, the sixth for two, the seventh for four.
	for _, lock := range []time.Duration{0, 0, 0, 0, 1, 2, 4} {
		_, err := w.signIn(t, "ann@example.com", "Wrong-horse-7")
		refused(t, err, "NotAuthorizedException", "Incorrect username or password.")
		if lock == 0 {
			continue
		}
		clock.advance(lock*time.Second - time.Millisecond)
		_, err = w.signIn(t, "ann@example.com", password)
		refused(t, err, "NotAuthorizedException", "Password attempts exceeded")
		clock.advance(time.Millisecond)
	}
	w.mustSignIn(t, "bob@example.com")
	w.mustSignIn(t, "ann@example.com")
	_, err := w.signIn(t, "ann@example.com", "Wrong-horse-7")
	refused(t, err, "NotAuthorizedException", "Incorrect username or password.")
	w.mustSignIn(t, "ann@example.com")
}

func (w world) refresh(t *testing.T, token string) (*types.AuthenticationResultType, error) {
	t.Helper()
	out, err := w.api.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
		ClientId: &w.clientID, AuthFlow: types.AuthFlowTypeRefreshTokenAuth, AuthParameters: map[string]string{"REFRESH_TOKEN": token},
	})
	if err != nil {
		return nil, err
	}
	return out.AuthenticationResult, nil
}

func TestARefreshTokenYieldsNewTokensUntilItIsRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, "ann@example.com")
	first := w.mustSignIn(t, "ann@example.com")
	second, err := w.refresh(t, *first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if second.RefreshToken != nil || *second.IdToken == *first.IdToken {
		t.Error("a refresh must yield a new ID token and no new refresh token")
	}
	before, after := claimsOf(t, *first.IdToken), claimsOf(t, *second.IdToken)
	if before["origin_jti"] != after["origin_jti"] || before["auth_time"] != after["auth_time"] || before["jti"] == after["jti"] {
		t.Errorf("a refresh changed origin or time of the sign-in: %v, %v", before, after)
	}
	_, err = w.refresh(t, "none")
	refused(t, err, "NotAuthorizedException", "Invalid Refresh Token")

	_, err = w.api.RevokeToken(t.Context(), &cognito.RevokeTokenInput{ClientId: &w.clientID, Token: first.AccessToken})
	refused(t, err, "UnsupportedTokenTypeException", "")
	if _, err := w.api.RevokeToken(t.Context(), &cognito.RevokeTokenInput{ClientId: &w.clientID, Token: first.RefreshToken}); err != nil {
		t.Fatal(err)
	}
	_, err = w.refresh(t, *first.RefreshToken)
	refused(t, err, "NotAuthorizedException", "Refresh Token has been revoked")
	_, err = w.api.GetUser(t.Context(), &cognito.GetUserInput{AccessToken: second.AccessToken})
	refused(t, err, "NotAuthorizedException", "Access Token has been revoked")
}

func TestTokensExpireAsTheClientSays(t *testing.T) {
	t.Parallel()
	clock := newClock()
	w := newWorldAt(t, localawstest.Start(t, clock.use), func(in *cognito.CreateUserPoolClientInput) {
		in.AccessTokenValidity, in.IdTokenValidity, in.RefreshTokenValidity = aws.Int32(5), aws.Int32(10), 2
		in.TokenValidityUnits = &types.TokenValidityUnitsType{
			AccessToken: types.TimeUnitsTypeMinutes, IdToken: types.TimeUnitsTypeMinutes, RefreshToken: types.TimeUnitsTypeHours,
		}
	})
	w.signUp(t, "ann@example.com")
	result := w.mustSignIn(t, "ann@example.com")
	life := func(token string) float64 {
		claims := claimsOf(t, token)
		return claims["exp"].(float64) - claims["iat"].(float64)
	}
	if result.ExpiresIn != 300 || life(*result.AccessToken) != 300 || life(*result.IdToken) != 600 {
		t.Errorf("the tokens live for %v and %v seconds", life(*result.AccessToken), life(*result.IdToken))
	}
	clock.advance(5*time.Minute + time.Second)
	_, err := w.api.GetUser(t.Context(), &cognito.GetUserInput{AccessToken: result.AccessToken})
	refused(t, err, "NotAuthorizedException", "Access Token has expired")
	if _, err := w.refresh(t, *result.RefreshToken); err != nil {
		t.Error(err)
	}
	clock.advance(2 * time.Hour)
	_, err = w.refresh(t, *result.RefreshToken)
	refused(t, err, "NotAuthorizedException", "Refresh Token has expired")
}

func TestAccessTokensThatAreNotOursAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, "ann@example.com")
	result := w.mustSignIn(t, "ann@example.com")
	parts := strings.Split(*result.AccessToken, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
	for name, token := range map[string]string{
		"an ID token":         *result.IdToken,
		"garbage":             "garbage",
		"no algorithm":        none + "." + parts[1] + ".",
		"a foreign signature": parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
	} {
		_, err := w.api.GetUser(t.Context(), &cognito.GetUserInput{AccessToken: &token})
		if err == nil {
			t.Errorf("%s was accepted", name)
			continue
		}
		refused(t, err, "NotAuthorizedException", "Invalid Access Token")
	}
}
