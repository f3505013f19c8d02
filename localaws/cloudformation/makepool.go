package cloudformation

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
)

func (m maker) cognito() *cognitoidentityprovider.Client {
	return cognitoidentityprovider.NewFromConfig(m.cfg)
}

func (m maker) pool(properties map[string]any) (string, map[string]string, error) {
	var in cognitoidentityprovider.CreateUserPoolInput
	if _, err := take(properties, "UserPoolName", &in.PoolName); err != nil {
		return "", nil, err
	}
	if err := decode(properties, &in); err != nil {
		return "", nil, err
	}
	if in.PoolName == nil {
		in.PoolName = aws.String(m.generatedName())
	}
	// The local AWS sends no mail through SES: it hands mails to the test.
	in.EmailConfiguration = nil
	out, err := m.cognito().CreateUserPool(m.ctx, &in)
	if err != nil {
		return "", nil, err
	}
	return aws.ToString(out.UserPool.Id), map[string]string{"Arn": aws.ToString(out.UserPool.Arn)}, nil
}

func (m maker) changePool(id string, want, _ map[string]any) error {
	var in cognitoidentityprovider.UpdateUserPoolInput
	for _, fixed := range []string{"UserPoolName", "UsernameAttributes", "UsernameConfiguration"} {
		delete(want, fixed)
	}
	if err := decode(want, &in); err != nil {
		return err
	}
	in.UserPoolId, in.EmailConfiguration = &id, nil
	_, err := m.cognito().UpdateUserPool(m.ctx, &in)
	return err
}

func (m maker) removePool(id string, _ map[string]any) error {
	_, err := m.cognito().DeleteUserPool(m.ctx, &cognitoidentityprovider.DeleteUserPoolInput{UserPoolId: &id})
	return unlessMissing(err, "ResourceNotFound")
}

func (m maker) client(properties map[string]any) (string, map[string]string, error) {
	var in cognitoidentityprovider.CreateUserPoolClientInput
	if err := decode(properties, &in); err != nil {
		return "", nil, err
	}
	out, err := m.cognito().CreateUserPoolClient(m.ctx, &in)
	if err != nil {
		return "", nil, err
	}
	id := aws.ToString(out.UserPoolClient.ClientId)
	return id, map[string]string{"ClientId": id}, nil
}

func (m maker) changeClient(id string, want, _ map[string]any) error {
	var in cognitoidentityprovider.UpdateUserPoolClientInput
	delete(want, "GenerateSecret")
	if err := decode(want, &in); err != nil {
		return err
	}
	in.ClientId = &id
	_, err := m.cognito().UpdateUserPoolClient(m.ctx, &in)
	return err
}

// ofPool is the pool of a resource that belongs to one.
func ofPool(properties map[string]any) *string {
	pool, _ := properties["UserPoolId"].(string)
	return &pool
}

func (m maker) removeClient(id string, properties map[string]any) error {
	_, err := m.cognito().DeleteUserPoolClient(m.ctx, &cognitoidentityprovider.DeleteUserPoolClientInput{ClientId: &id, UserPoolId: ofPool(properties)})
	return unlessMissing(err, "ResourceNotFound")
}

// domain ignores the version of managed login, since the local AWS has pages of its own.
func (m maker) domain(properties map[string]any) (string, map[string]string, error) {
	var in cognitoidentityprovider.CreateUserPoolDomainInput
	if err := decode(properties, &in); err != nil {
		return "", nil, err
	}
	_, err := m.cognito().CreateUserPoolDomain(m.ctx, &in)
	if err != nil {
		return "", nil, err
	}
	return aws.ToString(in.Domain), nil, nil
}

func (m maker) removeDomain(id string, properties map[string]any) error {
	_, err := m.cognito().DeleteUserPoolDomain(m.ctx, &cognitoidentityprovider.DeleteUserPoolDomainInput{Domain: &id, UserPoolId: ofPool(properties)})
	return unlessMissing(err, "ResourceNotFound", "InvalidParameter")
}

func (m maker) group(properties map[string]any) (string, map[string]string, error) {
	var in cognitoidentityprovider.CreateGroupInput
	if err := decode(properties, &in); err != nil {
		return "", nil, err
	}
	_, err := m.cognito().CreateGroup(m.ctx, &in)
	if err != nil {
		return "", nil, err
	}
	return aws.ToString(in.GroupName), nil, nil
}

func (m maker) changeGroup(_ string, want, _ map[string]any) error {
	var in cognitoidentityprovider.UpdateGroupInput
	if err := decode(want, &in); err != nil {
		return err
	}
	_, err := m.cognito().UpdateGroup(m.ctx, &in)
	return err
}

func (m maker) removeGroup(id string, properties map[string]any) error {
	_, err := m.cognito().DeleteGroup(m.ctx, &cognitoidentityprovider.DeleteGroupInput{GroupName: &id, UserPoolId: ofPool(properties)})
	return unlessMissing(err, "ResourceNotFound")
}

func (m maker) user(properties map[string]any) (string, map[string]string, error) {
	var in cognitoidentityprovider.AdminCreateUserInput
	if err := decode(properties, &in); err != nil {
		return "", nil, err
	}
	_, err := m.cognito().AdminCreateUser(m.ctx, &in)
	if err != nil {
		return "", nil, err
	}
	return aws.ToString(in.Username), nil, nil
}

func (m maker) removeUser(id string, properties map[string]any) error {
	_, err := m.cognito().AdminDeleteUser(m.ctx, &cognitoidentityprovider.AdminDeleteUserInput{Username: &id, UserPoolId: ofPool(properties)})
	return unlessMissing(err, "NotFound")
}

func (m maker) member(properties map[string]any) (string, map[string]string, error) {
	var in cognitoidentityprovider.AdminAddUserToGroupInput
	if err := decode(properties, &in); err != nil {
		return "", nil, err
	}
	_, err := m.cognito().AdminAddUserToGroup(m.ctx, &in)
	return m.generatedName(), nil, err
}

func (m maker) removeMember(_ string, properties map[string]any) error {
	var in cognitoidentityprovider.AdminRemoveUserFromGroupInput
	if err := decode(properties, &in); err != nil {
		return err
	}
	_, err := m.cognito().AdminRemoveUserFromGroup(m.ctx, &in)
	return unlessMissing(err, "NotFound")
}
