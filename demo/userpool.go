package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// Account can sign in to the demo.
type Account struct {
	Email, Password string
	Admin           bool
}

// Accounts are the user pool's accounts. Their passwords are no secret: they exist in
// that pool only.
var Accounts = []Account{
	{Email: "user@example.com", Password: "Gatehouse-user-1"},
	{Email: "admin@example.com", Password: "Gatehouse-admin-1", Admin: true},
}

// UserPool describes the demo's Cognito user pool.
type UserPool struct {
	Cognito    *cognitoidentityprovider.Client
	Name       string
	ClientName string
	// CallbackURL and SignOutURL are where the sign-in pages send a browser back to.
	CallbackURL, SignOutURL string
	AdminGroup              string
}

// Install creates the pool, the portal's client in it, the admin group and the Accounts.
// It may be repeated: it finds by name what exists and leaves it, but gives the client
// the configured addresses.
func (u UserPool) Install(ctx context.Context) (poolID, clientID string, err error) {
	if poolID, err = u.installPool(ctx); err != nil {
		return "", "", err
	}
	if clientID, err = u.installClient(ctx, poolID); err != nil {
		return "", "", err
	}
	if err := u.installGroup(ctx, poolID); err != nil {
		return "", "", err
	}
	for _, account := range Accounts {
		if err := u.installAccount(ctx, poolID, account); err != nil {
			return "", "", err
		}
	}
	return poolID, clientID, nil
}

func (u UserPool) installPool(ctx context.Context) (string, error) {
	pages := cognitoidentityprovider.NewListUserPoolsPaginator(u.Cognito, &cognitoidentityprovider.ListUserPoolsInput{MaxResults: aws.Int32(60)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", fmt.Errorf("listing user pools: %w", err)
		}
		for _, pool := range page.UserPools {
			if aws.ToString(pool.Name) == u.Name {
				return aws.ToString(pool.Id), nil
			}
		}
	}
	created, err := u.Cognito.CreateUserPool(ctx, &cognitoidentityprovider.CreateUserPoolInput{
		PoolName:               aws.String(u.Name),
		UsernameAttributes:     []types.UsernameAttributeType{types.UsernameAttributeTypeEmail},
		AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
		UsernameConfiguration:  &types.UsernameConfigurationType{CaseSensitive: aws.Bool(false)},
		UserPoolTags:           map[string]string{"localaws:auto-confirm": "true"},
	})
	if err != nil {
		return "", fmt.Errorf("creating user pool %s: %w", u.Name, err)
	}
	return aws.ToString(created.UserPool.Id), nil
}

func (u UserPool) installClient(ctx context.Context, pool string) (string, error) {
	callbacks, signOuts := []string{u.CallbackURL}, []string{u.SignOutURL}
	flows := []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth}
	scopes := []string{"openid", "email", "profile"}
	id, err := u.findClient(ctx, pool)
	if err != nil {
		return "", err
	}
	if id == "" {
		created, err := u.Cognito.CreateUserPoolClient(ctx, &cognitoidentityprovider.CreateUserPoolClientInput{
			UserPoolId: &pool, ClientName: &u.ClientName, ExplicitAuthFlows: flows,
			CallbackURLs: callbacks, LogoutURLs: signOuts, AllowedOAuthFlowsUserPoolClient: true,
			AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode}, AllowedOAuthScopes: scopes,
			SupportedIdentityProviders: []string{"COGNITO"},
		})
		if err != nil {
			return "", fmt.Errorf("creating the portal's client in %s: %w", pool, err)
		}
		return aws.ToString(created.UserPoolClient.ClientId), nil
	}
	_, err = u.Cognito.UpdateUserPoolClient(ctx, &cognitoidentityprovider.UpdateUserPoolClientInput{
		UserPoolId: &pool, ClientId: &id, ClientName: &u.ClientName, ExplicitAuthFlows: flows,
		CallbackURLs: callbacks, LogoutURLs: signOuts, AllowedOAuthFlowsUserPoolClient: true,
		AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode}, AllowedOAuthScopes: scopes,
		SupportedIdentityProviders: []string{"COGNITO"},
	})
	if err != nil {
		return "", fmt.Errorf("configuring the portal's client in %s: %w", pool, err)
	}
	return id, nil
}

func (u UserPool) findClient(ctx context.Context, pool string) (string, error) {
	pages := cognitoidentityprovider.NewListUserPoolClientsPaginator(u.Cognito, &cognitoidentityprovider.ListUserPoolClientsInput{
		UserPoolId: &pool, MaxResults: aws.Int32(60),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", fmt.Errorf("listing the clients of %s: %w", pool, err)
		}
		for _, client := range page.UserPoolClients {
			// Older pools have a client with the pool's own name. Updating it renames it.
			if name := aws.ToString(client.ClientName); name == u.ClientName || name == u.Name {
				return aws.ToString(client.ClientId), nil
			}
		}
	}
	return "", nil
}

func (u UserPool) installGroup(ctx context.Context, pool string) error {
	_, err := u.Cognito.CreateGroup(ctx, &cognitoidentityprovider.CreateGroupInput{UserPoolId: &pool, GroupName: &u.AdminGroup})
	var exists *types.GroupExistsException
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("creating group %s: %w", u.AdminGroup, err)
	}
	return nil
}

func (u UserPool) installAccount(ctx context.Context, pool string, account Account) error {
	_, err := u.Cognito.AdminGetUser(ctx, &cognitoidentityprovider.AdminGetUserInput{UserPoolId: &pool, Username: &account.Email})
	var missing *types.UserNotFoundException
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &missing):
		return fmt.Errorf("finding demo account %s: %w", account.Email, err)
	}
	_, err = u.Cognito.AdminCreateUser(ctx, &cognitoidentityprovider.AdminCreateUserInput{
		UserPoolId: &pool, Username: &account.Email, MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{
			{Name: aws.String("email"), Value: &account.Email}, {Name: aws.String("email_verified"), Value: aws.String("true")},
			{Name: aws.String("name"), Value: aws.String(displayName(account.Email))},
		},
	})
	if err != nil {
		return fmt.Errorf("creating demo account %s: %w", account.Email, err)
	}
	_, err = u.Cognito.AdminSetUserPassword(ctx, &cognitoidentityprovider.AdminSetUserPasswordInput{
		UserPoolId: &pool, Username: &account.Email, Password: &account.Password, Permanent: true,
	})
	if err != nil {
		return fmt.Errorf("setting the password of demo account %s: %w", account.Email, err)
	}
	if !account.Admin {
		return nil
	}
	_, err = u.Cognito.AdminAddUserToGroup(ctx, &cognitoidentityprovider.AdminAddUserToGroupInput{
		UserPoolId: &pool, Username: &account.Email, GroupName: &u.AdminGroup,
	})
	if err != nil {
		return fmt.Errorf("making demo account %s an admin: %w", account.Email, err)
	}
	return nil
}

func displayName(email string) string {
	name, _, _ := strings.Cut(email, "@")
	return "Demo " + name
}
