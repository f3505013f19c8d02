package cognito_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/localaws"
	local "github.com/gatehouse-portal/gatehouse/localaws/cognito"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

const (
	password    = "Correct-horse-7"
	callbackURL = "http://localhost:8080/sign-in/callback"
	logoutURL   = "http://localhost:8080/"
)

func clientOf(srv *localaws.Server) *cognito.Client {
	return cognito.NewFromConfig(srv.AWSConfig(), func(o *cognito.Options) { o.RetryMaxAttempts = 1 })
}

// world is a server with a pool and a client. The pool's users sign in by e-mail and are
// confirmed at once.
type world struct {
	srv      *localaws.Server
	api      *cognito.Client
	poolID   string
	issuer   string
	clientID string
	secret   string
}

func newWorld(t *testing.T, adjust ...func(*cognito.CreateUserPoolClientInput)) world {
	t.Helper()
	return newWorldAt(t, localawstest.Start(t), adjust...)
}

func newWorldAt(t *testing.T, srv *localaws.Server, adjust ...func(*cognito.CreateUserPoolClientInput)) world {
	t.Helper()
	w := world{srv: srv, api: clientOf(srv)}
	w.poolID = createPool(t, w.api, nil)
	w.issuer = srv.Endpoint() + "/" + w.poolID
	in := &cognito.CreateUserPoolClientInput{
		UserPoolId: &w.poolID, ClientName: aws.String("Gatehouse"),
		ExplicitAuthFlows:               []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
		AllowedOAuthFlowsUserPoolClient: true,
		AllowedOAuthFlows:               []types.OAuthFlowType{types.OAuthFlowTypeCode},
		AllowedOAuthScopes:              []string{"openid", "email", "profile"},
		SupportedIdentityProviders:      []string{"COGNITO"},
		CallbackURLs:                    []string{callbackURL},
		LogoutURLs:                      []string{logoutURL},
	}
	for _, f := range adjust {
		f(in)
	}
	out, err := w.api.CreateUserPoolClient(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	w.clientID, w.secret = *out.UserPoolClient.ClientId, aws.ToString(out.UserPoolClient.ClientSecret)
	return w
}

func createPool(t *testing.T, api *cognito.Client, adjust func(*cognito.CreateUserPoolInput)) string {
	t.Helper()
	in := &cognito.CreateUserPoolInput{
		PoolName:              aws.String("gatehouse"),
		UsernameAttributes:    []types.UsernameAttributeType{types.UsernameAttributeTypeEmail},
		UsernameConfiguration: &types.UsernameConfigurationType{CaseSensitive: aws.Bool(false)},
		UserPoolTags:          map[string]string{local.AutoConfirmTag: "true"},
	}
	if adjust != nil {
		adjust(in)
	}
	out, err := api.CreateUserPool(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return *out.UserPool.Id
}

func (w world) signUp(t *testing.T, email string) (sub string) {
	t.Helper()
	out, err := w.api.SignUp(t.Context(), &cognito.SignUpInput{ClientId: &w.clientID, Username: &email, Password: aws.String(password)})
	if err != nil {
		t.Fatal(err)
	}
	return *out.UserSub
}

func (w world) signIn(t *testing.T, email, password string) (*types.AuthenticationResultType, error) {
	t.Helper()
	out, err := w.api.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
		ClientId: &w.clientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": email, "PASSWORD": password},
	})
	if err != nil {
		return nil, err
	}
	return out.AuthenticationResult, nil
}

func (w world) mustSignIn(t *testing.T, email string) *types.AuthenticationResultType {
	t.Helper()
	result, err := w.signIn(t, email, password)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// refused checks an API error's code and part of its text.
func refused(t *testing.T, err error, code, text string) {
	t.Helper()
	var apiErr smithy.APIError
	switch {
	case err == nil:
		t.Errorf("got no error, want %s", code)
	case !errors.As(err, &apiErr):
		t.Errorf("got %v, want %s", err, code)
	case apiErr.ErrorCode() != code || !strings.Contains(apiErr.ErrorMessage(), text):
		t.Errorf("got %s %q, want %s %q", apiErr.ErrorCode(), apiErr.ErrorMessage(), code, text)
	}
}

// movableClock stands still until advance.
type movableClock struct {
	start time.Time
	ahead atomic.Int64
}

func newClock() *movableClock { return &movableClock{start: time.Now()} }

func (c *movableClock) now() time.Time          { return c.start.Add(time.Duration(c.ahead.Load())) }
func (c *movableClock) advance(d time.Duration) { c.ahead.Add(int64(d)) }
func (c *movableClock) use(o *localaws.Options) { o.Now = c.now }
