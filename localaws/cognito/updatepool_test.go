package cognito_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

func TestAPoolIsDeletedOnceItIsNoLongerProtected(t *testing.T) {
	t.Parallel()
	client, ctx := cognitoidentityprovider.NewFromConfig(localawstest.Start(t).AWSConfig()), t.Context()
	made, err := client.CreateUserPool(ctx, &cognitoidentityprovider.CreateUserPoolInput{PoolName: aws.String("acme"), DeletionProtection: types.DeletionProtectionTypeActive})
	if err != nil {
		t.Fatal(err)
	}
	id := made.UserPool.Id
	remove := func() error {
		_, err := client.DeleteUserPool(ctx, &cognitoidentityprovider.DeleteUserPoolInput{UserPoolId: id})
		return err
	}
	if err := remove(); err == nil {
		t.Fatal("a protected pool was deleted")
	}
	// A setting that is left out gets its default, and the protection stays.
	_, err = client.UpdateUserPool(ctx, &cognitoidentityprovider.UpdateUserPoolInput{UserPoolId: id, AdminCreateUserConfig: &types.AdminCreateUserConfigType{AllowAdminCreateUserOnly: true}})
	if err != nil {
		t.Fatal(err)
	}
	found, err := client.DescribeUserPool(ctx, &cognitoidentityprovider.DescribeUserPoolInput{UserPoolId: id})
	if err != nil || !found.UserPool.AdminCreateUserConfig.AllowAdminCreateUserOnly || found.UserPool.DeletionProtection != types.DeletionProtectionTypeActive {
		t.Errorf("the pool is %+v (%v)", found, err)
	}
	_, err = client.UpdateUserPool(ctx, &cognitoidentityprovider.UpdateUserPoolInput{UserPoolId: id, DeletionProtection: types.DeletionProtectionTypeInactive})
	if err != nil {
		t.Fatal(err)
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
}
