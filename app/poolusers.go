package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// byProvider lists the accounts of the identity provider's users with the e-mail address, including
// those whose tokens held none. asked is false if the provider is not a Cognito user pool, or if
// the credentials may not list its users.
func (d *Desk) byProvider(ctx context.Context, email string) (ids []portal.AccountID, asked bool, err error) {
	pool, region, ok := d.poolOf(d.cfg.OIDCIssuer)
	if !ok {
		return nil, false, nil
	}
	cfg := d.config
	cfg.Region = region
	users := cognitoidentityprovider.NewListUsersPaginator(cognitoidentityprovider.NewFromConfig(cfg), &cognitoidentityprovider.ListUsersInput{
		UserPoolId: &pool, Filter: aws.String(`email = "` + filterEscaper.Replace(email) + `"`),
	})
	for users.HasMorePages() {
		page, err := users.NextPage(ctx)
		var named smithy.APIError
		if errors.As(err, &named) && isDenied(named) {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, fmt.Errorf("looking for an e-mail address in user pool %s: %w", pool, err)
		}
		for _, user := range page.Users {
			id, err := d.people.BySubject(ctx, d.cfg.OIDCIssuer, subjectOf(user))
			if err != nil {
				return nil, false, err
			}
			if id != "" {
				ids = append(ids, id)
			}
		}
	}
	return ids, true, nil
}

var filterEscaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func subjectOf(user types.UserType) string {
	for _, a := range user.Attributes {
		if aws.ToString(a.Name) == "sub" {
			return aws.ToString(a.Value)
		}
	}
	return ""
}
