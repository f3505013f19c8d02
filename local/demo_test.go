package local

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// installation starts a local AWS and configures a portal for it.
func installation(t *testing.T, vars ...string) app.Process {
	t.Helper()
	cfg, err := app.LoadConfig(vars)
	ok(t, err)
	return app.Process{AWS: localawstest.Start(t).AWSConfig(), Config: cfg}
}

// people maps the e-mail addresses of a pool's users to their state, and whether they are in
// the admin group.
func people(t *testing.T, p app.Process, pool string) map[string]string {
	t.Helper()
	client := cognito.NewFromConfig(p.AWS)
	users, err := client.ListUsers(t.Context(), &cognito.ListUsersInput{UserPoolId: &pool})
	ok(t, err)
	emails, found := map[string]string{}, map[string]string{}
	for _, user := range users.Users {
		for _, a := range user.Attributes {
			if aws.ToString(a.Name) == "email" {
				emails[*user.Username] = *a.Value
				found[*a.Value] = string(user.UserStatus)
			}
		}
	}
	admins, err := client.ListUsersInGroup(t.Context(), &cognito.ListUsersInGroupInput{UserPoolId: &pool, GroupName: &p.Config.AdminGroup})
	ok(t, err)
	for _, user := range admins.Users {
		found[emails[*user.Username]] += " " + p.Config.AdminGroup
	}
	return found
}

func clientOf(t *testing.T, p app.Process, d Demo) types.UserPoolClientType {
	t.Helper()
	out, err := cognito.NewFromConfig(p.AWS).DescribeUserPoolClient(t.Context(), &cognito.DescribeUserPoolClientInput{UserPoolId: &d.PoolID, ClientId: &d.ClientID})
	ok(t, err)
	return *out.UserPoolClient
}

func TestDemoIsInstalledOnceAndFollowsTheBaseURL(t *testing.T) {
	t.Parallel()
	p := installation(t, "GATEHOUSE_ADMIN_GROUP=portal-admins", "GATEHOUSE_BASE_URL=http://localhost:8080")
	ok(t, app.Setup(t.Context(), p.AWS, p.Config))
	first, err := SetupDemo(t.Context(), p.AWS, p.Config, "http://localhost:4566/demo-api")
	ok(t, err)
	before := clientOf(t, p, first)

	p.Config.BaseURL = "http://localhost:9090"
	again, err := SetupDemo(t.Context(), p.AWS, p.Config, "http://localhost:5678/demo-api")
	ok(t, err)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("(-first +again):\n%s", diff)
	}
	after := clientOf(t, p, again)
	for _, c := range []struct {
		client            types.UserPoolClientType
		callback, signOut string
	}{
		{before, "http://localhost:8080/sign-in/callback", "http://localhost:8080/"},
		{after, "http://localhost:9090/sign-in/callback", "http://localhost:9090/"},
	} {
		if diff := cmp.Diff([]string{c.callback}, c.client.CallbackURLs); diff != "" {
			t.Errorf("callbacks (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{c.signOut}, c.client.LogoutURLs); diff != "" {
			t.Errorf("sign-outs (-want +got):\n%s", diff)
		}
		if !aws.ToBool(c.client.AllowedOAuthFlowsUserPoolClient) || len(c.client.AllowedOAuthScopes) != 3 || len(c.client.ExplicitAuthFlows) != 2 {
			t.Errorf("the client is %+v", c.client)
		}
	}
	client := cognito.NewFromConfig(p.AWS)
	pools, err := client.ListUserPools(t.Context(), &cognito.ListUserPoolsInput{MaxResults: aws.Int32(60)})
	ok(t, err)
	clients, err := client.ListUserPoolClients(t.Context(), &cognito.ListUserPoolClientsInput{UserPoolId: &again.PoolID})
	ok(t, err)
	if len(pools.UserPools) != 1 || len(clients.UserPoolClients) != 1 {
		t.Errorf("there are %d pools and %d clients", len(pools.UserPools), len(clients.UserPoolClients))
	}
	want := map[string]string{"user@example.com": "CONFIRMED", "admin@example.com": "CONFIRMED portal-admins"}
	if diff := cmp.Diff(want, people(t, p, again.PoolID)); diff != "" {
		t.Errorf("people (-want +got):\n%s", diff)
	}
	stages, err := apigateway.NewFromConfig(p.AWS).GetUsagePlan(t.Context(), &apigateway.GetUsagePlanInput{UsagePlanId: &again.API.FreePlanID})
	ok(t, err)
	if len(stages.ApiStages) != 1 || aws.ToString(stages.ApiStages[0].ApiId) != again.API.APIID {
		t.Errorf("the free plan covers %+v", stages.ApiStages)
	}
}

func TestChangedDemoAccountStaysAsItIs(t *testing.T) {
	t.Parallel()
	p := installation(t)
	ok(t, app.Setup(t.Context(), p.AWS, p.Config))
	d, err := SetupDemo(t.Context(), p.AWS, p.Config, "http://localhost:4566/demo-api")
	ok(t, err)
	client, user := cognito.NewFromConfig(p.AWS), demo.Accounts[0]
	signIn := func(password string) error {
		_, err := client.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
			ClientId: &d.ClientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
			AuthParameters: map[string]string{"USERNAME": user.Email, "PASSWORD": password},
		})
		return err
	}
	ok(t, signIn(user.Password))
	_, err = client.AdminSetUserPassword(t.Context(), &cognito.AdminSetUserPasswordInput{
		UserPoolId: &d.PoolID, Username: &user.Email, Password: aws.String("Another-password-2"), Permanent: true,
	})
	ok(t, err)
	_, err = SetupDemo(t.Context(), p.AWS, p.Config, "http://localhost:4566/demo-api")
	ok(t, err)
	ok(t, signIn("Another-password-2"))
	if signIn(user.Password) == nil {
		t.Error("the demo's password is back")
	}
}

func TestDemoAsksForTheCatalog(t *testing.T) {
	t.Parallel()
	p := installation(t)
	ok(t, app.Setup(t.Context(), p.AWS, p.Config))
	_, err := SetupDemo(t.Context(), p.AWS, p.Config, "http://localhost:4566/demo-api")
	ok(t, err)
	client, names := sqs.NewFromConfig(p.AWS), app.NamesFor(p.Config.Prefix)
	queue, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &names.Commands})
	ok(t, err)
	received, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: queue.QueueUrl, MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"MessageGroupId"},
	})
	ok(t, err)
	if len(received.Messages) != 1 || received.Messages[0].Attributes["MessageGroupId"] != "catalog" {
		t.Fatalf("the commands have %+v", received.Messages)
	}
	e, err := events.Decode([]byte(*received.Messages[0].Body))
	ok(t, err)
	if _, isSync := e.Data.(events.CatalogSyncRequested); !isSync || e.Operation != "" || e.Correlation == "" {
		t.Errorf("the message is %+v", e)
	}
}
