package identity_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const password = "Correct-Horse-7-Staple"

// pool is a user pool of the local Cognito, with one user who is an admin.
type pool struct {
	api          *cognito.Client
	id           string
	issuer       string
	client       string
	clientSecret string
}

func createPool(t *testing.T, server *localaws.Server, portalURL string) pool {
	t.Helper()
	p := pool{api: cognito.NewFromConfig(server.AWSConfig())}
	created, err := p.api.CreateUserPool(t.Context(), &cognito.CreateUserPoolInput{
		PoolName: aws.String("people"), UsernameAttributes: []types.UsernameAttributeType{types.UsernameAttributeTypeEmail},
		AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
	})
	fatal(t, err)
	p.id = *created.UserPool.Id
	p.issuer = server.Endpoint() + "/" + p.id
	_, err = p.api.CreateUserPoolDomain(t.Context(), &cognito.CreateUserPoolDomainInput{UserPoolId: &p.id, Domain: aws.String("people")})
	fatal(t, err)
	client, err := p.api.CreateUserPoolClient(t.Context(), &cognito.CreateUserPoolClientInput{
		UserPoolId: &p.id, ClientName: aws.String("portal"), GenerateSecret: true,
		AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode},
		AllowedOAuthScopes: []string{"openid", "email", "profile"}, SupportedIdentityProviders: []string{"COGNITO"},
		CallbackURLs: []string{portalURL + identity.CallbackPath}, LogoutURLs: []string{portalURL + "/"},
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
	})
	fatal(t, err)
	p.client, p.clientSecret = *client.UserPoolClient.ClientId, *client.UserPoolClient.ClientSecret
	_, err = p.api.AdminCreateUser(t.Context(), &cognito.AdminCreateUserInput{
		UserPoolId: &p.id, Username: aws.String("ada@example.com"), MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{
			{Name: aws.String("email"), Value: aws.String("ada@example.com")}, {Name: aws.String("email_verified"), Value: aws.String("true")}, {Name: aws.String("name"), Value: aws.String("Ada Example")},
		},
	})
	fatal(t, err)
	_, err = p.api.AdminSetUserPassword(t.Context(), &cognito.AdminSetUserPasswordInput{
		UserPoolId: &p.id, Username: aws.String("ada@example.com"), Password: aws.String(password), Permanent: true,
	})
	fatal(t, err)
	_, err = p.api.CreateGroup(t.Context(), &cognito.CreateGroupInput{UserPoolId: &p.id, GroupName: aws.String("admins")})
	fatal(t, err)
	_, err = p.api.AdminAddUserToGroup(t.Context(), &cognito.AdminAddUserToGroupInput{
		UserPoolId: &p.id, GroupName: aws.String("admins"), Username: aws.String("ada@example.com"),
	})
	fatal(t, err)
	return p
}

// tokens returns what a client without a browser gets for the user's password.
func (p pool) tokens(t *testing.T) map[string]string {
	t.Helper()
	mac := hmac.New(sha256.New, []byte(p.clientSecret))
	mac.Write([]byte("ada@example.com" + p.client))
	out, err := p.api.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
		ClientId: &p.client, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{
			"USERNAME": "ada@example.com", "PASSWORD": password,
			"SECRET_HASH": base64.StdEncoding.EncodeToString(mac.Sum(nil)),
		},
	})
	fatal(t, err)
	return map[string]string{"ID": *out.AuthenticationResult.IdToken, "access": *out.AuthenticationResult.AccessToken}
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestAPersonSignsInAndOutWithCognito uses the local Cognito's own
// pages: its discovery, its sign-in form, its tokens and its sign-out.
func TestAPersonSignsInAndOutWithCognito(t *testing.T) {
	t.Parallel()
	server := localawstest.Start(t)
	var p pool
	clock := &clock{now: time.Now()}
	s := openWith(t, createTables(t, server.AWSConfig()), clock, startProvider(t, clock), func(c *identity.Config, o *identity.Options) {
		p = createPool(t, server, c.BaseURL)
		c.Issuer, c.ClientID, c.ClientSecret = p.issuer, p.client, p.clientSecret
		c.SignUpURL = server.Endpoint() + "/signup"
		o.Now = time.Now
	})
	b := newBrowser(t)
	resp, page := b.get(s.url + "/sign-in?screen=sign-up")
	if resp.Request.URL.Path != "/signup" || resp.StatusCode != http.StatusOK {
		t.Errorf("a new person is at %s: %s\n%s", resp.Request.URL, resp.Status, page)
	}

	resp, page = b.get(s.url + "/sign-in?return_to=/dashboard")
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Request.URL.String(), server.Endpoint()) {
		t.Fatalf("the browser is at %s: %s\n%s", resp.Request.URL, resp.Status, page)
	}
	resp, page = b.do(fillIn(t, resp, page, map[string]string{"username": "ada@example.com", "password": password}))
	account, ok := strings.CutSuffix(page, " via session")
	if !ok || resp.Request.URL.String() != s.url+"/dashboard" {
		t.Fatalf("after the form the browser is at %s: %s (%v)", resp.Request.URL, page, s.lastError())
	}
	person, err := s.Person(t.Context(), portal.AccountID(account))
	if err != nil || person.Email != "ada@example.com" || person.Name != "Ada Example" {
		t.Errorf("stored personal data: %+v, %v", person, err)
	}

	for name, token := range p.tokens(t) {
		id, err := s.Bearer(t.Context(), token)
		if err != nil || string(id.Account) != account || !id.Admin {
			t.Errorf("the %s token is %s, admin %t, %v", name, id.Account, id.Admin, err)
		}
	}

	resp, page = b.do(signOut(t, s, s.url))
	if resp.Request.URL.String() != s.url+"/" || page != "nobody" {
		t.Errorf("after signing out the browser is at %s: %s", resp.Request.URL, page)
	}
	if resp, page := b.get(s.url + "/sign-in"); !strings.HasPrefix(resp.Request.URL.String(), server.Endpoint()) {
		t.Errorf("Cognito did not forget the browser, which is at %s: %s", resp.Request.URL, page)
	}
}

// fillIn returns the request that the page's password form sends.
func fillIn(t *testing.T, resp *http.Response, page string, values map[string]string) *http.Request {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(page))
	fatal(t, err)
	form := doc.Find("form").Has("input[type=password]").First()
	if form.Length() == 0 {
		t.Fatalf("there is no form in\n%s", page)
	}
	fields := url.Values{}
	form.Find("input[name]").Each(func(_ int, input *goquery.Selection) {
		name := input.AttrOr("name", "")
		fields.Set(name, input.AttrOr("value", ""))
		if value, ok := values[name]; ok {
			fields.Set(name, value)
		}
	})
	action := must(resp.Request.URL.Parse(form.AttrOr("action", "")))
	req := must(http.NewRequestWithContext(t.Context(), http.MethodPost, action.String(), strings.NewReader(fields.Encode())))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", action.Scheme+"://"+action.Host)
	return req
}
