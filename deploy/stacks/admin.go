package stacks

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

func (d Deployer) pools() *cognitoidentityprovider.Client {
	return cognitoidentityprovider.NewFromConfig(d.AWS)
}

// addAdmin invites the first admin to the user pool of the identity stack, and puts them into the group of
// admins. A person who is already in the pool gets no second invitation.
func (r *run) addAdmin(ctx context.Context, identity stack) error {
	email := r.settings.Admin
	if email == "" {
		return nil
	}
	issuer := identity.outputs["OidcIssuer"]
	pool, group := issuer[strings.LastIndex(issuer, "/")+1:], identity.outputs["AdminGroup"]
	_, err := r.pools().AdminCreateUser(ctx, &cognitoidentityprovider.AdminCreateUserInput{
		UserPoolId: &pool, Username: &email, DesiredDeliveryMediums: []types.DeliveryMediumType{types.DeliveryMediumTypeEmail},
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: &email}, {Name: aws.String("email_verified"), Value: aws.String("true")}},
	})
	var exists *types.UsernameExistsException
	switch {
	case err == nil:
		r.say("Invited " + email + " as the first admin. Cognito sends them a temporary password.")
	case !errors.As(err, &exists):
		return fmt.Errorf("inviting the admin %s: %w", email, err)
	}
	_, err = r.pools().AdminAddUserToGroup(ctx, &cognitoidentityprovider.AdminAddUserToGroupInput{UserPoolId: &pool, Username: &email, GroupName: &group})
	if err != nil {
		return fmt.Errorf("making %s an admin: %w", email, err)
	}
	return nil
}
