package deploy_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
	"github.com/gatehouse-portal/gatehouse/deploy/template"
	"github.com/gatehouse-portal/gatehouse/identity"
)

func TestTheIdentityStackIsAPoolThatThePortalCanUse(t *testing.T) {
	t.Parallel()
	cfg := localAWS(t)
	cfg.Region = "us-east-1"
	stack := deploytest.Create(t, cfg, "identity", template.Stack{Name: "acme-identity", Parameters: map[string]string{
		"DomainName": "portal.example.com", "AdminEmail": "admin@example.com", "AdminGroup": "portal-admins",
	}})
	pool := strings.TrimPrefix(stack.Outputs["OidcIssuer"], "https://cognito-idp.us-east-1.amazonaws.com/")
	client := cognitoidentityprovider.NewFromConfig(cfg)
	found, err := client.DescribeUserPoolClient(t.Context(), &cognitoidentityprovider.DescribeUserPoolClientInput{
		UserPoolId: &pool, ClientId: aws.String(stack.Outputs["OidcClientId"]),
	})
	ok(t, err)
	want := types.UserPoolClientType{
		CallbackURLs: []string{"https://portal.example.com" + identity.CallbackPath}, LogoutURLs: []string{"https://portal.example.com/"},
		AllowedOAuthFlowsUserPoolClient: aws.Bool(true), AllowedOAuthFlows: []types.OAuthFlowType{"code"},
		AllowedOAuthScopes: []string{"openid", "email", "profile"}, SupportedIdentityProviders: []string{"COGNITO"},
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{"ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"}, PreventUserExistenceErrors: "ENABLED",
	}
	of := func(c types.UserPoolClientType) types.UserPoolClientType {
		return types.UserPoolClientType{
			CallbackURLs: c.CallbackURLs, LogoutURLs: c.LogoutURLs, AllowedOAuthFlowsUserPoolClient: c.AllowedOAuthFlowsUserPoolClient,
			AllowedOAuthFlows: c.AllowedOAuthFlows, AllowedOAuthScopes: c.AllowedOAuthScopes, SupportedIdentityProviders: c.SupportedIdentityProviders,
			ExplicitAuthFlows: c.ExplicitAuthFlows, PreventUserExistenceErrors: c.PreventUserExistenceErrors, ClientSecret: c.ClientSecret,
		}
	}
	if diff := cmp.Diff(want, of(*found.UserPoolClient), cmpopts.IgnoreUnexported(types.UserPoolClientType{})); diff != "" {
		t.Errorf("the client (-want +got):\n%s", diff)
	}
	admins, err := client.ListUsersInGroup(t.Context(), &cognitoidentityprovider.ListUsersInGroupInput{UserPoolId: &pool, GroupName: aws.String("portal-admins")})
	ok(t, err)
	if len(admins.Users) != 1 {
		t.Errorf("%d admins exist, want 1", len(admins.Users))
	}
	for output, want := range map[string]string{
		"OidcSignUpUrl":  "https://acme-identity-000000000000.auth.us-east-1.amazoncognito.com/signup",
		"OidcSignOutUrl": "https://acme-identity-000000000000.auth.us-east-1.amazoncognito.com/logout?client_id={client_id}&logout_uri={return_url}",
		"AdminGroup":     "portal-admins",
	} {
		if got := stack.Outputs[output]; got != want {
			t.Errorf("%s is %s, want %s", output, got, want)
		}
	}
}

func TestPoolAndLoginPagesAreProtectedAndStyled(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "identity", "", "acme")
	pool, domain, branding := deploytest.Properties(t, r, "Pool"), deploytest.Properties(t, r, "Domain"), deploytest.Properties(t, r, "Branding")
	if pool["DeletionProtection"] != "ACTIVE" || pool["UserPoolTier"] != "ESSENTIALS" {
		t.Errorf("the pool is %v", pool)
	}
	// Managed login is version 2, needs this tier, and shows pages only for clients with a style.
	if domain["ManagedLoginVersion"] != 2.0 || branding["ClientId"] != "acme-identity/Client" || branding["UseCognitoProvidedValues"] != true {
		t.Errorf("the domain is %v, the branding %v", domain, branding)
	}
}

func TestMailGoesThroughSESIfThereIsAnIdentity(t *testing.T) {
	t.Parallel()
	without, by := stackOf(t, "identity", "", "acme"), stackOf(t, "identity", "everything", "acme")
	want := map[string]any{
		"EmailSendingAccount": "DEVELOPER", "SourceArn": "arn:aws:ses:eu-west-1:111122223333:identity/example.com", "From": "Acme <portal@example.com>",
	}
	if diff := cmp.Diff(any(want), deploytest.Properties(t, by, "Pool")["EmailConfiguration"]); diff != "" {
		t.Errorf("with an identity (-want +got):\n%s", diff)
	}
	warned, err := without.Outputs()
	ok(t, err)
	silent, err := by.Outputs()
	ok(t, err)
	if !strings.Contains(warned["MailWarning"], "50 mails a day") || silent["MailWarning"] != "" {
		t.Errorf("without an identity it warns %q, with one %q", warned["MailWarning"], silent["MailWarning"])
	}
}

func TestSignUpCanBeClosed(t *testing.T) {
	t.Parallel()
	for variant, want := range map[string]bool{"": false, "everything": true} {
		config, _ := deploytest.Properties(t, stackOf(t, "identity", variant, "acme"), "Pool")["AdminCreateUserConfig"].(map[string]any)
		if config["AllowAdminCreateUserOnly"] != want {
			t.Errorf("%q: only admins create users is %v, want %t", variant, config["AllowAdminCreateUserOnly"], want)
		}
	}
}
