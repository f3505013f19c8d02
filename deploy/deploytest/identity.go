package deploytest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
)

func (m *maker) cognito() *cognitoidentityprovider.Client {
	return cognitoidentityprovider.NewFromConfig(m.cfg)
}

func (m *maker) pool(properties map[string]any) made {
	var in cognitoidentityprovider.CreateUserPoolInput
	m.take(properties, "UserPoolName", &in.PoolName)
	m.decode(properties, &in)
	// The local AWS hands mails to the test, and verifies no change of an address.
	in.EmailConfiguration, in.UserAttributeUpdateSettings = nil, nil
	out, err := m.cognito().CreateUserPool(m.t.Context(), &in)
	m.ok(err)
	return made{aws.ToString(out.UserPool.Id), map[string]string{"Arn": aws.ToString(out.UserPool.Arn)}}
}

func (m *maker) client(properties map[string]any) made {
	var in cognitoidentityprovider.CreateUserPoolClientInput
	m.decode(properties, &in)
	out, err := m.cognito().CreateUserPoolClient(m.t.Context(), &in)
	m.ok(err)
	return made{ref: aws.ToString(out.UserPoolClient.ClientId)}
}

func (m *maker) domain(properties map[string]any) made {
	var in cognitoidentityprovider.CreateUserPoolDomainInput
	m.decode(properties, &in)
	_, err := m.cognito().CreateUserPoolDomain(m.t.Context(), &in)
	m.ok(err)
	return made{ref: aws.ToString(in.Domain)}
}

func (m *maker) group(properties map[string]any) made {
	var in cognitoidentityprovider.CreateGroupInput
	m.decode(properties, &in)
	_, err := m.cognito().CreateGroup(m.t.Context(), &in)
	m.ok(err)
	return made{ref: aws.ToString(in.GroupName)}
}

func (m *maker) user(properties map[string]any) made {
	var in cognitoidentityprovider.AdminCreateUserInput
	m.decode(properties, &in)
	_, err := m.cognito().AdminCreateUser(m.t.Context(), &in)
	m.ok(err)
	return made{ref: aws.ToString(in.Username)}
}

func (m *maker) member(properties map[string]any) made {
	var in cognitoidentityprovider.AdminAddUserToGroupInput
	m.decode(properties, &in)
	_, err := m.cognito().AdminAddUserToGroup(m.t.Context(), &in)
	m.ok(err)
	return made{}
}

// branding makes nothing: the local AWS has one style of its own.
func (m *maker) branding(properties map[string]any) made {
	var in cognitoidentityprovider.CreateManagedLoginBrandingInput
	m.decode(properties, &in)
	return made{}
}
