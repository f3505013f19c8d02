package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/web"
)

// DemoAccount is somebody who can sign in to the demo.
type DemoAccount struct {
	Email, Password string
	Admin           bool
}

// DemoAccounts are the demo's, with passwords that are no secret: they exist in the
// demo's user pool only.
var DemoAccounts = []DemoAccount{
	{Email: "user@example.com", Password: "Gatehouse-user-1"},
	{Email: "admin@example.com", Password: "Gatehouse-admin-1", Admin: true},
}

// Demo is what SetupDemo created.
type Demo struct {
	PoolID, ClientID string
	API              demo.Installed
}

// SetupDemo creates a user pool with accounts, and an API with plans that is answered at
// backendURL, and has the catalog read. It may be run any number of times; what is there
// stays, but the client's addresses follow cfg.BaseURL.
func SetupDemo(ctx context.Context, awsCfg aws.Config, cfg Config, backendURL string) (Demo, error) {
	pool := demoPool{client: cognitoidentityprovider.NewFromConfig(awsCfg), cfg: cfg}
	poolID, clientID, err := pool.install(ctx)
	if err != nil {
		return Demo{}, err
	}
	// The demo is a person at a terminal: the SDK's own retries may wait for the quota.
	installed, err := demo.Install(ctx, apigateway.NewFromConfig(awsCfg), backendURL)
	if err != nil {
		return Demo{}, err
	}
	messages := newMessaging(newClients(awsCfg), NamesFor(cfg.Prefix))
	if err := messages.Send(ctx, CatalogSync(Process{}.now()())); err != nil {
		return Demo{}, fmt.Errorf("asking for the catalog to be read: %w", err)
	}
	return Demo{PoolID: poolID, ClientID: clientID, API: installed}, messages.close()
}

// demoPool installs the demo's user pool.
type demoPool struct {
	client *cognitoidentityprovider.Client
	cfg    Config
}

func (d demoPool) name() string { return d.cfg.Prefix + "-demo" }

// clientName is what the sign-in pages call the portal.
const clientName = web.DefaultName

func (d demoPool) install(ctx context.Context) (pool, client string, err error) {
	if pool, err = d.pool(ctx); err != nil {
		return "", "", err
	}
	if client, err = d.portalClient(ctx, pool); err != nil {
		return "", "", err
	}
	if err := d.group(ctx, pool); err != nil {
		return "", "", err
	}
	for _, account := range DemoAccounts {
		if err := d.account(ctx, pool, account); err != nil {
			return "", "", err
		}
	}
	return pool, client, nil
}

func (d demoPool) pool(ctx context.Context) (string, error) {
	pages := cognitoidentityprovider.NewListUserPoolsPaginator(d.client, &cognitoidentityprovider.ListUserPoolsInput{MaxResults: aws.Int32(60)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", fmt.Errorf("listing user pools: %w", err)
		}
		for _, pool := range page.UserPools {
			if aws.ToString(pool.Name) == d.name() {
				return aws.ToString(pool.Id), nil
			}
		}
	}
	created, err := d.client.CreateUserPool(ctx, &cognitoidentityprovider.CreateUserPoolInput{
		PoolName:               aws.String(d.name()),
		UsernameAttributes:     []types.UsernameAttributeType{types.UsernameAttributeTypeEmail},
		AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
		UsernameConfiguration:  &types.UsernameConfigurationType{CaseSensitive: aws.Bool(false)},
		UserPoolTags:           map[string]string{"localaws:auto-confirm": "true"},
	})
	if err != nil {
		return "", fmt.Errorf("creating user pool %s: %w", d.name(), err)
	}
	return aws.ToString(created.UserPool.Id), nil
}

func (d demoPool) portalClient(ctx context.Context, pool string) (string, error) {
	callbacks := []string{d.cfg.BaseURL + identity.CallbackPath}
	signOuts := []string{d.cfg.BaseURL + "/"}
	flows := []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth}
	scopes := []string{"openid", "email", "profile"}
	id, err := d.findClient(ctx, pool)
	if err != nil {
		return "", err
	}
	if id == "" {
		created, err := d.client.CreateUserPoolClient(ctx, &cognitoidentityprovider.CreateUserPoolClientInput{
			UserPoolId: &pool, ClientName: aws.String(clientName), ExplicitAuthFlows: flows,
			CallbackURLs: callbacks, LogoutURLs: signOuts, AllowedOAuthFlowsUserPoolClient: true,
			AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode}, AllowedOAuthScopes: scopes,
			SupportedIdentityProviders: []string{"COGNITO"},
		})
		if err != nil {
			return "", fmt.Errorf("creating the portal's client in %s: %w", pool, err)
		}
		return aws.ToString(created.UserPoolClient.ClientId), nil
	}
	_, err = d.client.UpdateUserPoolClient(ctx, &cognitoidentityprovider.UpdateUserPoolClientInput{
		UserPoolId: &pool, ClientId: &id, ClientName: aws.String(clientName), ExplicitAuthFlows: flows,
		CallbackURLs: callbacks, LogoutURLs: signOuts, AllowedOAuthFlowsUserPoolClient: true,
		AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode}, AllowedOAuthScopes: scopes,
		SupportedIdentityProviders: []string{"COGNITO"},
	})
	if err != nil {
		return "", fmt.Errorf("configuring the portal's client in %s: %w", pool, err)
	}
	return id, nil
}

func (d demoPool) findClient(ctx context.Context, pool string) (string, error) {
	pages := cognitoidentityprovider.NewListUserPoolClientsPaginator(d.client, &cognitoidentityprovider.ListUserPoolClientsInput{
		UserPoolId: &pool, MaxResults: aws.Int32(60),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", fmt.Errorf("listing the clients of %s: %w", pool, err)
		}
		for _, client := range page.UserPoolClients {
			// It had the pool's name once, and is renamed.
			if name := aws.ToString(client.ClientName); name == clientName || name == d.name() {
				return aws.ToString(client.ClientId), nil
			}
		}
	}
	return "", nil
}

func (d demoPool) group(ctx context.Context, pool string) error {
	_, err := d.client.CreateGroup(ctx, &cognitoidentityprovider.CreateGroupInput{UserPoolId: &pool, GroupName: &d.cfg.AdminGroup})
	var exists *types.GroupExistsException
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("creating group %s: %w", d.cfg.AdminGroup, err)
	}
	return nil
}

func (d demoPool) account(ctx context.Context, pool string, account DemoAccount) error {
	_, err := d.client.AdminGetUser(ctx, &cognitoidentityprovider.AdminGetUserInput{UserPoolId: &pool, Username: &account.Email})
	var missing *types.UserNotFoundException
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &missing):
		return fmt.Errorf("finding demo account %s: %w", account.Email, err)
	}
	_, err = d.client.AdminCreateUser(ctx, &cognitoidentityprovider.AdminCreateUserInput{
		UserPoolId: &pool, Username: &account.Email, MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{
			{Name: aws.String("email"), Value: &account.Email}, {Name: aws.String("email_verified"), Value: aws.String("true")},
			{Name: aws.String("name"), Value: aws.String(displayName(account.Email))},
		},
	})
	if err != nil {
		return fmt.Errorf("creating demo account %s: %w", account.Email, err)
	}
	_, err = d.client.AdminSetUserPassword(ctx, &cognitoidentityprovider.AdminSetUserPasswordInput{
		UserPoolId: &pool, Username: &account.Email, Password: &account.Password, Permanent: true,
	})
	if err != nil {
		return fmt.Errorf("setting the password of demo account %s: %w", account.Email, err)
	}
	if !account.Admin {
		return nil
	}
	_, err = d.client.AdminAddUserToGroup(ctx, &cognitoidentityprovider.AdminAddUserToGroupInput{
		UserPoolId: &pool, Username: &account.Email, GroupName: &d.cfg.AdminGroup,
	})
	if err != nil {
		return fmt.Errorf("making demo account %s an admin: %w", account.Email, err)
	}
	return nil
}

// displayName is "Demo user" for user@example.com.
func displayName(email string) string {
	name, _, _ := strings.Cut(email, "@")
	return "Demo " + name
}
