package stacks_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	pooltypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/gatehouse-portal/gatehouse/deploy/stacks"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// deploy deploys without set-up, which has tests of its own.
func (a *account) deploy(s stacks.Settings) (stacks.Result, error) {
	a.t.Helper()
	d := a.deployer()
	d.Prepare = nil
	return d.Deploy(a.t.Context(), s)
}

func TestAFailureNamesTheFirstResourceAndWhatToDo(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.CloudFormation().Fail("acme-lambda", "HttpApiDomain", "Certificate arn:… must be issued (Service: ApiGatewayV2, Status Code: 400)")
	_, err := a.deploy(a.settings("acme"))
	var failure *stacks.Failure
	if !errors.As(err, &failure) || failure.Resource != "HttpApiDomain" || failure.Stack != "acme-lambda" || failure.Tried != "created" {
		t.Fatalf("it says %v", err)
	}
	for _, part := range []string{"acme-lambda could not be created", "HttpApiDomain (AWS::ApiGatewayV2::DomainName)", "must be issued", "aws acm list-certificates"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("it does not say %q: %v", part, err)
		}
	}
	status, err := a.deployer().Status(t.Context(), "acme", a.zip)
	ok(t, err)
	if last := status.Stacks[len(status.Stacks)-1]; last.Status != "rollback complete" || !strings.Contains(last.Problem, "could not be created") {
		t.Errorf("the status is %+v", last)
	}
	result, err := a.deploy(a.settings("acme"))
	if err != nil || !result.Changed {
		t.Errorf("the next run says %v, %+v", err, result)
	}
	if !a.hasTold("could not be created the last time") {
		t.Errorf("it told %q", a.told)
	}
}

func TestAHostNameThatIsTakenIsRefusedAndAnotherOneTaken(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deploy(a.settings("first"))
	ok(t, err)
	second := a.settings("second") // with the same host name
	_, err = a.deploy(second)
	var failure *stacks.Failure
	if !errors.As(err, &failure) || failure.Resource != "HttpApiDomain" || !strings.Contains(failure.Advice(), "--host") {
		t.Fatalf("it says %v", err)
	}
	second.Host = "other.example.com"
	if result, err := a.deploy(second); err != nil || result.Address != "https://other.example.com" {
		t.Errorf("with another host name it says %v, %+v", err, result)
	}
}

// The running portal must not lose its sign-in address before it has another host name.
func TestPeopleCanSignInAfterAHostNameWasRefused(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	s := a.settings("acme")
	_, err := a.deploy(s)
	ok(t, err)
	a.CloudFormation().Fail("acme-lambda", "HttpApiDomain", "The domain name you provided already exists.")
	s.Host = "other.example.com"
	if _, err := a.deploy(s); err == nil {
		t.Fatal("it was deployed")
	}
	if now := a.parameter("acme-identity", "DomainName"); now != host {
		t.Errorf("people return to %s, and the portal is at %s", now, host)
	}
	if result, err := a.deploy(s); err != nil || result.Address != "https://other.example.com" || a.parameter("acme-identity", "DomainName") != s.Host {
		t.Errorf("the next run says %v, %+v, and people return to %s", err, result, a.parameter("acme-identity", "DomainName"))
	}
}

func TestAdviceFitsTheResource(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ kind, reason, says string }{
		"a host name that API Gateway has":       {"AWS::ApiGatewayV2::DomainName", "The domain name you provided already exists. (Service: ApiGatewayV2, Status Code: 409)", "--host"},
		"a host name that another stack has":     {"AWS::ApiGatewayV2::DomainName", "portal.example.com already exists in stack arn:aws:cloudformation:…", "--host"},
		"a record that the hosted zone has":      {"AWS::Route53::RecordSet", "Tried to create resource record set [name='portal.example.com.', type='A'] but it already exists", "without --zone"},
		"a host name that CloudFront has":        {"AWS::CloudFront::Distribution", "One or more of the CNAMEs you provided are already associated with a different resource.", "CloudFront"},
		"an address of sign-in pages":            {"AWS::Cognito::UserPoolDomain", "Domain already associated with another user pool.", "DomainPrefix"},
		"a queue that exists":                    {"AWS::SQS::Queue", "acme-jobs.fifo already exists", "--stack"},
		"a certificate that is missing":          {"AWS::ApiGatewayV2::DomainName", "The provided certificate does not exist.", "aws acm list-certificates"},
		"a certificate that is not yet issued":   {"AWS::ApiGatewayV2::DomainName", "Certificate arn:… must be issued", "Issued"},
		"a certificate of a load balancer":       {"AWS::ElasticLoadBalancingV2::Listener", "The certificate 'arn:…' must have a fully-qualified domain name", "aws acm list-certificates"},
		"a certificate without its intermediate": {"AWS::ElasticLoadBalancingV2::Listener", "UnsupportedCertificate", "aws acm list-certificates"},
	} {
		failure := stacks.Failure{Stack: "acme-lambda", Tried: "created", Resource: "R", Type: c.kind, Reason: c.reason}
		if said := failure.Advice(); !strings.Contains(said, c.says) {
			t.Errorf("%s: it says %q, without %q", name, said, c.says)
		}
	}
}

func TestAFailureWithoutAResourceSaysWhatCloudFormationSays(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	const reason = "Unable to retrieve Arn attribute for AWS::SQS::Queue"
	a.CloudFormation().Fail("acme-permissions", "", reason)
	if _, err := a.deploy(a.settings("acme")); err == nil || !strings.Contains(err.Error(), "acme-permissions could not be created. AWS says: "+reason) {
		t.Errorf("it says %v", err)
	}
	if _, err := a.deploy(a.settings("acme")); err != nil {
		t.Fatal(err)
	}
	a.CloudFormation().Fail("acme", "", reason)
	s := stacks.Settings{Name: "acme", Zip: a.zip, Parameters: map[string]string{"QueueVisibility": "90"}}
	if _, err := a.deploy(s); err == nil || !strings.Contains(err.Error(), "acme could not be updated. AWS says: "+reason) {
		t.Errorf("after an update it says %v", err)
	}
}

// clock is a clock that a test can move on.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time       { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) pass(d time.Duration) { c.ahead.Add(int64(d)) }

// CloudFormation keeps what a failed data stack has made, which would be in the way of the next try.
func TestAFailedDataStackLeavesNothingInTheWay(t *testing.T) {
	t.Parallel()
	c := &clock{}
	a := &account{Server: localawstest.Start(t, func(o *localaws.Options) { o.Now = c.now }), t: t, zip: program(t, "first")}
	a.CloudFormation().Fail("acme", "KmsAlias", "Limit exceeded")
	_, err := a.deploy(a.settings("acme"))
	if err == nil || !strings.Contains(err.Error(), "quota of your AWS account") {
		t.Fatalf("it says %v", err)
	}
	if left := a.left(); !slices.Contains(left, "acme-journal") {
		t.Fatalf("CloudFormation has kept only %q", left)
	}
	d := a.deployer()
	d.Prepare = nil
	tell := d.Tell
	d.Tell = func(line string) {
		tell(line)
		if strings.Contains(line, "SQS refuses the names") {
			c.pass(time.Minute)
		}
	}
	if _, err = d.Deploy(t.Context(), a.settings("acme")); err != nil {
		t.Fatalf("the next run says %v\n%s", err, strings.Join(a.told, "\n"))
	}
	if keys := slices.DeleteFunc(a.left(), func(one string) bool { return !strings.HasPrefix(one, "key ") }); len(keys) != 1 {
		t.Errorf("there are KMS keys %q", keys)
	}
}

func TestATableThatSomethingHasUsedIsNotDeleted(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.CloudFormation().Fail("acme", "KmsAlias", "Limit exceeded")
	_, err := a.deploy(a.settings("acme"))
	if err == nil {
		t.Fatal("the stack was created")
	}
	_, err = dynamodb.NewFromConfig(a.AWSConfig()).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("acme-records"), Item: map[string]ddbtypes.AttributeValue{
		"pk": &ddbtypes.AttributeValueMemberS{Value: "a"}, "sk": &ddbtypes.AttributeValueMemberS{Value: "b"},
	}})
	ok(t, err)
	before := a.left()
	_, err = a.deploy(a.settings("acme"))
	if after := a.left(); err == nil || !strings.Contains(err.Error(), "its table acme-records has rows") || !slices.Equal(before, after) {
		t.Errorf("it says %v, and there was %q and is %q", err, before, after)
	}
}

// A table of this name that was there before is not the failed stack's to delete.
func TestWhatWasThereBeforeIsNotDeleted(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	queue, err := sqs.NewFromConfig(a.AWSConfig()).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("acme-provisioning")})
	ok(t, err)
	_, err = a.deploy(a.settings("acme"))
	if err == nil || !strings.Contains(err.Error(), "already exists") || !strings.Contains(err.Error(), "Choose another name with --stack") {
		t.Fatalf("it says %v", err)
	}
	ok(t, a.deployer().Destroy(t.Context(), "acme", false, nil))
	if left := a.left(); !slices.Contains(left, *queue.QueueUrl) {
		t.Errorf("there is %q", left)
	}
}

func TestAFailedUpdateIsTakenBackAndTriedAgain(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deploy(a.settings("acme"))
	ok(t, err)
	a.zip = program(t, "second")
	a.CloudFormation().Fail("acme-lambda", "PortalFunction", "Something went wrong")
	_, err = a.deploy(a.settings("acme"))
	var failure *stacks.Failure
	if !errors.As(err, &failure) || failure.Resource != "PortalFunction" || failure.Tried != "updated" {
		t.Fatalf("it says %v", err)
	}
	status, err := a.deployer().Status(t.Context(), "acme", a.zip)
	ok(t, err)
	if s := status.Stacks[3]; s.Status != "update rollback complete" || !strings.Contains(s.Problem, "taken back") {
		t.Errorf("the status is %+v", s)
	}
	result, err := a.deploy(a.settings("acme"))
	if err != nil || !result.Changed {
		t.Errorf("the next run says %v, %+v", err, result)
	}
	status, err = a.deployer().Status(t.Context(), "acme", a.zip)
	ok(t, err)
	if s := status.Stacks[3]; s.Problem != "" {
		t.Errorf("the status is %+v", s)
	}
}

func TestANewVersionChangesOnlyTheFunctions(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deploy(a.settings("acme"))
	ok(t, err)
	a.zip = program(t, "second")
	status, err := a.deployer().Status(t.Context(), "acme", a.zip)
	ok(t, err)
	if s := status.Stacks[3]; !strings.Contains(s.Problem, "other programs") || !strings.HasPrefix(s.Programs, "acme/0.1.0-") || len(status.Queues) != 14 || status.Address != "https://"+host {
		t.Errorf("the status is %+v", status)
	}
	settings := stacks.Settings{Name: "acme", Zip: a.zip}
	plan, err := a.deployer().Diff(t.Context(), settings)
	ok(t, err)
	var changed []string
	for _, s := range plan.Stacks {
		for _, c := range s.Changes {
			changed = append(changed, s.Name+" "+string(c.Kind)+" "+c.Resource)
		}
	}
	if want := []string{"acme-lambda change PortalFunction", "acme-lambda change WorkerFunction"}; !slices.Equal(changed, want) || plan.Upload == "" {
		t.Errorf("the plan is %q, want %q, with upload %q", changed, want, plan.Upload)
	}
	if again, err := a.deployer().Diff(t.Context(), settings); err != nil || len(again.Stacks) != len(plan.Stacks) || again.Upload != plan.Upload {
		t.Errorf("a second plan is %+v, %v", again, err)
	}
	result, err := a.deploy(settings)
	if err != nil || !result.Changed || result.Address != "https://"+host {
		t.Errorf("it says %v, %+v", err, result)
	}
}

func TestAReplacementOfWhatHoldsDataMustBeAllowedByName(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deploy(a.settings("acme"))
	ok(t, err)
	before := a.left()
	s := a.settings("acme")
	s.Parameters = map[string]string{"DomainPrefix": "another"}
	_, err = a.deploy(s)
	if err == nil || !strings.Contains(err.Error(), "--allow acme-identity/Domain") || !slices.Equal(before, a.left()) {
		t.Errorf("it says %v", err)
	}
	s.Allow = []string{"acme/Domain"}
	if _, err = a.deploy(s); err == nil {
		t.Error("another resource's permission is enough")
	}
	s.Parameters = map[string]string{"AdminGroup": "portal-admins"}
	s.Allow = []string{"acme-identity/Admins"}
	_, err = a.deploy(s)
	ok(t, err)
}

func TestAPlanThatIsDeclinedChangesNothing(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	d := a.deployer()
	var shown stacks.Plan
	d.Approve = func(p stacks.Plan) (bool, error) { shown = p; return false, nil }
	_, err := d.Deploy(t.Context(), a.settings("acme"))
	if left := a.left(); !errors.Is(err, stacks.ErrDeclined) || len(left) > 0 {
		t.Errorf("it says %v, and there is %q", err, left)
	}
	if len(shown.Stacks) != 5 || shown.Empty() || !strings.HasPrefix(shown.Upload, "gatehouse-000000000000-us-east-1/acme/") {
		t.Errorf("the plan is %+v", shown)
	}
	if d := shown.Dangers(); len(d) > 0 {
		t.Errorf("new resources are dangers: %q", d)
	}
}

func TestMissingPermissionsAreNamedBeforeAnythingChanges(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.IAM().Deny("sqs:CreateQueue", "lambda:CreateFunction", "ecs:CreateCluster")
	_, err := a.deploy(a.settings("acme"))
	if err == nil || !strings.Contains(err.Error(), "user/local lacks these permissions: sqs:CreateQueue, lambda:CreateFunction.") || len(a.left()) > 0 {
		t.Errorf("it says %v, and there is %q", err, a.left())
	}
}

func TestPermissionsThatCannotBeCheckedAreAWarning(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.suffer("iam.SimulatePrincipalPolicy:error=unavailable")
	result, err := a.deploy(a.settings("acme"))
	if err != nil || len(result.Warnings) == 0 || !strings.Contains(result.Warnings[0], "could not be checked") {
		t.Errorf("it says %v, %q", err, result.Warnings)
	}
}

func TestARoleIsAskedAboutWithItsPath(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.IAM().Deny("sqs:CreateQueue")
	session, err := sts.NewFromConfig(a.AWSConfig()).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::000000000000:role/local/deployer"), RoleSessionName: aws.String("ann"),
	})
	ok(t, err)
	d := a.deployer()
	d.AWS.Credentials = credentials.NewStaticCredentialsProvider(*session.Credentials.AccessKeyId, *session.Credentials.SecretAccessKey, *session.Credentials.SessionToken)
	d.Prepare = nil
	_, err = d.Deploy(t.Context(), a.settings("acme"))
	if err == nil || !strings.Contains(err.Error(), "deployer/ann lacks these permissions: sqs:CreateQueue.") {
		t.Errorf("it says %v", err)
	}
	d.Unchecked = true
	if _, err = d.Deploy(t.Context(), a.settings("acme")); err != nil {
		t.Errorf("unchecked, it says %v", err)
	}
}

func (a *account) suffer(rules string) {
	a.t.Helper()
	plan, err := faults.Parse(rules)
	ok(a.t, err)
	ok(a.t, a.SetFaults(plan))
}

func TestSettingsAreCheckedAllAtOnce(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deploy(stacks.Settings{
		Name: "Acme", Run: "kubernetes", Host: "https://portal.example.com", Certificate: "arn:aws:acm:eu-west-1:000000000000:certificate/1", Admin: "me",
		Issuer: "https://login.example.com", Parameters: map[string]string{"Colour": "red"}, Allow: []string{"JournalTable"},
	})
	for _, part := range []string{"lower-case letters", "kubernetes", "without https://", "must be in us-east-1", `"me"`, "both its issuer", "no template has a parameter Colour", "like acme/JournalTable"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("it does not say %q: %v", part, err)
		}
	}
}

func TestACertificateOfAnotherAccountIsRefusedBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	s := a.settings("acme")
	s.Certificate, s.CDNCertificate = "arn:aws:acm:us-east-1:111122223333:certificate/1", "arn:aws:acm:us-east-1:111122223333:certificate/2"
	_, err := a.deploy(s)
	for _, arn := range []string{s.Certificate, s.CDNCertificate} {
		if want := "the certificate " + arn + " is in the AWS account 111122223333, and must be in 000000000000, where the portal is"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("it says %v, want %q", err, want)
		}
	}
	if left := a.left(); len(left) > 0 {
		t.Errorf("there is %q", left)
	}
}

func TestWhatANewPortalLacksIsNamedAllAtOnce(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deploy(stacks.Settings{Name: "acme", Run: stacks.Containers})
	if err == nil || !strings.Contains(err.Error(), "this portal also needs --host, --certificate, --image, --vpc, --subnet") {
		t.Errorf("it says %v", err)
	}
}

func TestThePortalRunsInContainersWithAnotherIdentityProvider(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	s := a.settings("acme")
	s.Run, s.Image, s.VPC, s.Subnets = stacks.Containers, "000000000000.dkr.ecr.us-east-1.amazonaws.com/gatehouse:1", "vpc-1", []string{"subnet-1", "subnet-2"}
	s.Issuer, s.ClientID = "https://login.example.com", "portal"
	result, err := a.deploy(s)
	ok(t, err)
	if !strings.Contains(strings.Join(result.Warnings, " "), "Make "+admin+" an admin at your identity provider") {
		t.Errorf("the warnings are %q", result.Warnings)
	}
	if left := a.left(); slices.Contains(left, "stack acme-identity") || !slices.Contains(left, "stack acme-containers") {
		t.Errorf("there is %q", left)
	}
	again, err := a.deploy(stacks.Settings{Name: "acme"})
	if err != nil || again.Changed {
		t.Errorf("a second time it says %v, %+v", err, again)
	}
	_, err = a.deploy(stacks.Settings{Name: "acme", Run: stacks.Lambda, Zip: a.zip})
	if err == nil || !strings.Contains(err.Error(), "runs in the stack acme-containers") {
		t.Errorf("another way to run says %v", err)
	}
}

func TestAPersonInThePoolIsOnlyMadeAnAdmin(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	s := a.settings("acme")
	s.Admin = ""
	_, err := a.deploy(s)
	ok(t, err)
	client := cognitoidentityprovider.NewFromConfig(a.AWSConfig())
	pools, err := client.ListUserPools(t.Context(), &cognitoidentityprovider.ListUserPoolsInput{MaxResults: aws.Int32(60)})
	ok(t, err)
	pool := pools.UserPools[0].Id
	_, err = client.AdminCreateUser(t.Context(), &cognitoidentityprovider.AdminCreateUserInput{UserPoolId: pool, Username: aws.String(admin), DesiredDeliveryMediums: []pooltypes.DeliveryMediumType{"EMAIL"}})
	ok(t, err)
	_, err = a.deploy(a.settings("acme"))
	ok(t, err)
	admins, err := client.ListUsersInGroup(t.Context(), &cognitoidentityprovider.ListUsersInGroupInput{UserPoolId: pool, GroupName: aws.String("admins")})
	ok(t, err)
	if len(admins.Users) != 1 || a.hasTold("Invited") {
		t.Errorf("there are %d admins, and it told %q", len(admins.Users), a.told)
	}
}

func TestAStackThatIsBeingChangedIsWaitedFor(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	client := cloudformation.NewFromConfig(a.AWSConfig())
	d := a.deployer()
	d.Prepare = nil
	ctx, cancel := context.WithCancel(t.Context())
	d.Tell = func(line string) {
		if strings.Contains(line, "JournalTable created") {
			cancel()
		}
	}
	if _, err := d.Deploy(ctx, a.settings("acme")); err == nil {
		t.Fatal("the deployment was not interrupted")
	}
	_, err := a.deploy(a.settings("acme"))
	ok(t, err)
	if !a.hasTold("is being changed already (create in progress)") {
		t.Errorf("it told %q", a.told)
	}
	out, err := client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("acme")})
	ok(t, err)
	if s := out.Stacks[0].StackStatus; s != types.StackStatusCreateComplete {
		t.Errorf("the stack is %s", s)
	}
}

func TestMessagesThatAreLeftAreNamed(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deploy(a.settings("acme"))
	ok(t, err)
	client := sqs.NewFromConfig(a.AWSConfig())
	queue, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("acme-provisioning")})
	ok(t, err)
	_, err = client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("x")})
	ok(t, err)
	d := a.deployer()
	d.DrainTimeout = time.Nanosecond
	ok(t, d.Destroy(t.Context(), "acme", false, nil))
	if !a.hasTold("1 in acme-provisioning") || len(a.left()) > 0 {
		t.Errorf("it told %q, and there is %q", a.told, a.left())
	}
}
