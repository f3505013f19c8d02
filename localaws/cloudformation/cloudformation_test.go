package cloudformation_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

type account struct {
	*localaws.Server
	*cloudformation.Client
	t *testing.T
	n int
}

func start(t *testing.T) *account {
	t.Helper()
	s := localawstest.Start(t)
	return &account{Server: s, Client: cloudformation.NewFromConfig(s.AWSConfig()), t: t}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, err error, code, text string) {
	t.Helper()
	var named smithy.APIError
	if !errors.As(err, &named) || named.ErrorCode() != code || !strings.Contains(named.ErrorMessage(), text) {
		t.Errorf("it says %v, want %s: …%s…", err, code, text)
	}
}

// propose makes a change set. parameters are "Name=value"; without "=" the value stays.
func (a *account) propose(stack string, kind types.ChangeSetType, template string, parameters ...string) (*cloudformation.DescribeChangeSetOutput, error) {
	a.t.Helper()
	a.n++
	in := cloudformation.CreateChangeSetInput{
		StackName: &stack, ChangeSetName: aws.String(fmt.Sprintf("set%d", a.n)), ChangeSetType: kind, TemplateBody: &template,
		Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	}
	for _, one := range parameters {
		name, value, given := strings.Cut(one, "=")
		p := types.Parameter{ParameterKey: &name, ParameterValue: &value}
		if !given {
			p = types.Parameter{ParameterKey: &name, UsePreviousValue: aws.Bool(true)}
		}
		in.Parameters = append(in.Parameters, p)
	}
	if _, err := a.CreateChangeSet(a.t.Context(), &in); err != nil {
		return nil, err
	}
	for {
		out, err := a.DescribeChangeSet(a.t.Context(), &cloudformation.DescribeChangeSetInput{StackName: &stack, ChangeSetName: in.ChangeSetName})
		if err != nil || out.Status != types.ChangeSetStatusCreateInProgress {
			return out, err
		}
	}
}

// apply executes a change set and returns the stack at the end.
func (a *account) apply(stack string, kind types.ChangeSetType, template string, parameters ...string) types.Stack {
	a.t.Helper()
	set, err := a.propose(stack, kind, template, parameters...)
	ok(a.t, err)
	// aws cloudformation deploy sends the flag.
	_, err = a.ExecuteChangeSet(a.t.Context(), &cloudformation.ExecuteChangeSetInput{StackName: &stack, ChangeSetName: set.ChangeSetName, DisableRollback: aws.Bool(false)})
	ok(a.t, err)
	return a.settled(aws.ToString(set.StackId))
}

func (a *account) settled(stack string) types.Stack {
	a.t.Helper()
	for {
		out, err := a.DescribeStacks(a.t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack})
		ok(a.t, err)
		if s := out.Stacks[0]; !strings.HasSuffix(string(s.StackStatus), "_IN_PROGRESS") {
			return s
		}
	}
}

func (a *account) happened(stack string) (all []string) {
	a.t.Helper()
	out, err := a.DescribeStackEvents(a.t.Context(), &cloudformation.DescribeStackEventsInput{StackName: &stack})
	ok(a.t, err)
	for _, e := range slices.Backward(out.StackEvents) {
		all = append(all, aws.ToString(e.LogicalResourceId)+" "+string(e.ResourceStatus))
	}
	return all
}

func (a *account) hidden(queue string) string {
	a.t.Helper()
	client := sqs.NewFromConfig(a.AWSConfig())
	at, err := client.GetQueueUrl(a.t.Context(), &sqs.GetQueueUrlInput{QueueName: &queue})
	if err != nil {
		return "none"
	}
	out, err := client.GetQueueAttributes(a.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: at.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{"VisibilityTimeout"}})
	ok(a.t, err)
	return out.Attributes["VisibilityTimeout"]
}

const (
	create = types.ChangeSetTypeCreate
	update = types.ChangeSetTypeUpdate

	twoQueues = `
Parameters:
  Hidden: {Type: Number, Default: 30}
  Name: {Type: String, Default: first}
Resources:
  Dead: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub "${AWS::StackName}-${Name}-dead"}}
  Live:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub "${AWS::StackName}-${Name}"
      VisibilityTimeout: !Ref Hidden
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}
Outputs:
  Queue: {Value: !GetAtt Live.Arn}
`
)

func TestAStackIsCreatedInTheOrderOfItsReferences(t *testing.T) {
	t.Parallel()
	a := start(t)
	s := a.apply("acme", create, twoQueues)
	if s.StackStatus != types.StackStatusCreateComplete || aws.ToString(s.Outputs[0].OutputValue) != "arn:aws:sqs:us-east-1:000000000000:acme-first" {
		t.Errorf("the stack is %s with %v", s.StackStatus, s.Outputs)
	}
	want := []string{
		"acme REVIEW_IN_PROGRESS", "acme CREATE_IN_PROGRESS", "Dead CREATE_IN_PROGRESS", "Dead CREATE_COMPLETE", "Live CREATE_IN_PROGRESS", "Live CREATE_COMPLETE", "acme CREATE_COMPLETE",
	}
	if got := a.happened("acme"); !slices.Equal(got, want) {
		t.Errorf("the events are %q, want %q", got, want)
	}
	if a.hidden("acme-first") != "30" {
		t.Error("the queue does not exist")
	}
}

func TestAnUpdateChangesReplacesAndRemoves(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.apply("acme", create, twoQueues)
	_, err := a.propose("acme", update, twoQueues, "Hidden=60", "Colour")
	wantError(t, err, "ValidationError", "Cannot specify usePreviousValue")
	set, err := a.propose("acme", update, twoQueues, "Hidden=60")
	ok(t, err)
	if c := set.Changes[0].ResourceChange; len(set.Changes) != 1 || c.Action != types.ChangeActionModify || c.Replacement != types.ReplacementFalse || *c.LogicalResourceId != "Live" {
		t.Errorf("the changes are %v", set.Changes)
	}
	set, err = a.propose("acme", update, twoQueues, "Hidden=60", "Name")
	ok(t, err)
	if c := set.Changes[0].ResourceChange; len(set.Changes) != 1 || c.Replacement != types.ReplacementFalse {
		t.Errorf("with the default kept, the changes are %v", set.Changes)
	}
	if s := a.apply("acme", update, twoQueues, "Hidden=60"); s.StackStatus != types.StackStatusUpdateComplete || a.hidden("acme-first") != "60" {
		t.Errorf("the stack is %s, and hides for %s", s.StackStatus, a.hidden("acme-first"))
	}
	set, err = a.propose("acme", update, twoQueues, "Hidden", "Name=second")
	ok(t, err)
	if len(set.Changes) != 2 || set.Changes[1].ResourceChange.Replacement != types.ReplacementTrue {
		t.Errorf("the changes are %v", set.Changes)
	}
	a.apply("acme", update, twoQueues, "Hidden", "Name=second")
	if a.hidden("acme-first") != "none" || a.hidden("acme-second") != "60" {
		t.Error("the queue was not replaced")
	}
	without := "Resources:\n  Other: {Type: AWS::SQS::Queue, Properties: {QueueName: other}}\n"
	a.apply("acme", update, without)
	if a.hidden("acme-second") != "none" || a.hidden("other") != "30" {
		t.Error("the queue was not removed")
	}
}

func TestASubscriberByMailIsReplacedOnce(t *testing.T) {
	t.Parallel()
	a := start(t)
	const text = `
Parameters:
  Email: {Type: String, Default: a@example.com}
Resources:
  Alarms: {Type: AWS::SNS::Topic}
  Told: {Type: AWS::SNS::Subscription, Properties: {TopicArn: !Ref Alarms, Protocol: email, Endpoint: !Ref Email}}
`
	a.apply("acme", create, text)
	a.apply("acme", update, text, "Email=b@example.com")
	if set, err := a.propose("acme", update, text, "Email=b@example.com"); err == nil && len(set.Changes) > 0 {
		t.Errorf("another update would make the changes %v", set.Changes)
	}
}

func TestAnUpdateWithoutChangesFails(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.apply("acme", create, twoQueues)
	set, err := a.propose("acme", update, twoQueues)
	ok(t, err)
	if set.Status != types.ChangeSetStatusFailed || !strings.Contains(aws.ToString(set.StatusReason), "didn't contain changes") {
		t.Errorf("the change set is %s: %s", set.Status, aws.ToString(set.StatusReason))
	}
	_, err = a.ExecuteChangeSet(t.Context(), &cloudformation.ExecuteChangeSetInput{StackName: aws.String("acme"), ChangeSetName: set.ChangeSetName})
	wantError(t, err, "InvalidChangeSetStatus", "FAILED")
}

const retained = `
Resources:
  Kept: {Type: AWS::SQS::Queue, DeletionPolicy: Retain, Properties: {QueueName: kept}}
  Gone: {Type: AWS::SQS::Queue, DependsOn: Kept, Properties: {QueueName: gone}}
  Last: {Type: AWS::SQS::Queue, DependsOn: Gone, Properties: {QueueName: last}}
`

func TestAFailedCreationIsTakenBackButForWhatIsRetained(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.CloudFormation().Fail("acme", "Last", "The quota is used up")
	s := a.apply("acme", create, retained)
	if s.StackStatus != types.StackStatusRollbackComplete || a.hidden("kept") != "30" || a.hidden("gone") != "none" {
		t.Errorf("the stack is %s", s.StackStatus)
	}
	_, err := a.propose("acme", update, retained)
	wantError(t, err, "ValidationError", "is in ROLLBACK_COMPLETE state and can not be updated")
	_, err = a.propose("acme", create, retained)
	wantError(t, err, "ValidationError", "already exists and cannot be created again")
}

func TestAFailedUpdateIsTakenBack(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.apply("acme", create, twoQueues)
	more := strings.Replace(twoQueues, "Outputs:", "  More: {Type: AWS::SNS::Topic, DependsOn: Live, Properties: {TopicName: more}}\n  Bad: {Type: AWS::SQS::Queue, DependsOn: More}\nOutputs:", 1)
	a.CloudFormation().Fail("acme", "Bad", "No")
	s := a.apply("acme", update, more, "Hidden=60")
	if s.StackStatus != types.StackStatusUpdateRollbackComplete || a.hidden("acme-first") != "30" || slices.Contains(a.happened("acme"), "More DELETE_SKIPPED") {
		t.Errorf("the stack is %s, and hides for %s", s.StackStatus, a.hidden("acme-first"))
	}
	if s = a.apply("acme", update, more, "Hidden=60"); s.StackStatus != types.StackStatusUpdateComplete || a.hidden("acme-first") != "60" {
		t.Errorf("the second time, the stack is %s", s.StackStatus)
	}
}

func TestAnExistingResourceIsNotTaken(t *testing.T) {
	t.Parallel()
	a := start(t)
	_, err := sqs.NewFromConfig(a.AWSConfig()).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("gone")})
	ok(t, err)
	s := a.apply("acme", create, retained)
	if s.StackStatus != types.StackStatusRollbackComplete || a.hidden("gone") != "30" {
		t.Errorf("the stack is %s", s.StackStatus)
	}
}

func TestADeletedStackIsFoundByItsIDOnly(t *testing.T) {
	t.Parallel()
	a := start(t)
	s := a.apply("acme", create, retained)
	for range 2 {
		_, err := a.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("acme")})
		ok(t, err)
		if now := a.settled(*s.StackId); now.StackStatus != types.StackStatusDeleteComplete {
			t.Errorf("the stack is %s", now.StackStatus)
		}
	}
	if a.hidden("kept") != "30" || a.hidden("gone") != "none" {
		t.Error("the policies were not followed")
	}
	_, err := a.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("acme")})
	wantError(t, err, "ValidationError", "Stack with id acme does not exist")
}

func TestAProtectedTableCannotBeDeleted(t *testing.T) {
	t.Parallel()
	a := start(t)
	const table = `
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: protected
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      DeletionProtectionEnabled: true
`
	s := a.apply("acme", create, table)
	_, err := a.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("acme")})
	ok(t, err)
	if now := a.settled(*s.StackId); now.StackStatus != types.StackStatusDeleteFailed {
		t.Errorf("the stack is %s", now.StackStatus)
	}
	_, err = dynamodb.NewFromConfig(a.AWSConfig()).UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: aws.String("protected"), DeletionProtectionEnabled: aws.Bool(false)})
	ok(t, err)
	_, err = a.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("acme")})
	ok(t, err)
	if now := a.settled(*s.StackId); now.StackStatus != types.StackStatusDeleteComplete {
		t.Errorf("the stack is %s", now.StackStatus)
	}
}

func TestRecordedResourcesHaveIdsAndAttributes(t *testing.T) {
	t.Parallel()
	a := start(t)
	s := a.apply("acme", create, `
Resources:
  Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}
  Function: {Type: AWS::Lambda::Function, Properties: {Role: !GetAtt Role.Arn}}
Outputs:
  Function: {Value: !GetAtt Function.Arn}
`)
	if arn := aws.ToString(s.Outputs[0].OutputValue); !strings.HasPrefix(arn, "arn:aws:lambda:us-east-1:000000000000:function:acme-Function-") {
		t.Errorf("the function is %s", arn)
	}
	out, err := a.DescribeStackResources(t.Context(), &cloudformation.DescribeStackResourcesInput{StackName: aws.String("acme")})
	ok(t, err)
	if len(out.StackResources) != 2 || !strings.HasPrefix(*out.StackResources[1].PhysicalResourceId, "acme-Role-") {
		t.Errorf("the resources are %v", out.StackResources)
	}
	text, err := a.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: aws.String("acme")})
	ok(t, err)
	if !strings.Contains(*text.TemplateBody, "AWS::Lambda::Function") {
		t.Errorf("the template is %s", *text.TemplateBody)
	}
	summary, err := a.GetTemplateSummary(t.Context(), &cloudformation.GetTemplateSummaryInput{StackName: aws.String("acme")})
	ok(t, err)
	if !slices.Equal(summary.ResourceTypes, []string{"AWS::IAM::Role", "AWS::Lambda::Function"}) || len(summary.Capabilities) != 1 {
		t.Errorf("the summary is %+v", summary)
	}
}

func TestWrongTemplatesAreRefused(t *testing.T) {
	t.Parallel()
	a := start(t)
	queue := func(more string) string { return "Resources:\n  Queue: {Type: AWS::SQS::Queue" + more + "}\n" }
	for name, c := range map[string]struct{ template, code, text string }{
		"not YAML":                   {"Resources: [", "ValidationError", "Template format error"},
		"an unknown type":            {"Resources:\n  A: {Type: AWS::EC2000::Thing}\n", "NotImplementedException", "AWS::EC2000::Thing"},
		"a value that is missing":    {"Parameters:\n  A: {Type: String}\n" + queue(""), "ValidationError", "A must have a value"},
		"an unknown reference":       {queue(", Properties: {QueueName: !Ref Nobody}"), "ValidationError", "Nobody"},
		"a template of hostile size": {queue("") + "# " + strings.Repeat("x", 60_000), "ValidationError", "51200"},
		"aliases":                    {"Resources:\n  A: &a {Type: AWS::SQS::Queue}\n  B: *a\n", "ValidationError", "no aliases"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := (&account{Server: a.Server, Client: a.Client, t: t}).propose("acme"+fmt.Sprint(len(name)), create, c.template)
			wantError(t, err, c.code, c.text)
		})
	}
	_, err := a.CreateChangeSet(t.Context(), &cloudformation.CreateChangeSetInput{
		StackName: aws.String("acme"), ChangeSetName: aws.String("set"), ChangeSetType: create, TemplateBody: aws.String("Resources:\n  R: {Type: AWS::IAM::Role}\n"),
	})
	wantError(t, err, "InsufficientCapabilitiesException", "CAPABILITY_IAM")
	_, err = a.propose("not_a_name", create, queue(""))
	wantError(t, err, "ValidationError", "regular expression")
	_, err = a.propose("nobody", update, queue(""))
	wantError(t, err, "ValidationError", "does not exist")
	_, err = a.DescribeChangeSet(t.Context(), &cloudformation.DescribeChangeSetInput{StackName: aws.String("nobody"), ChangeSetName: aws.String("x")})
	wantError(t, err, "ValidationError", "does not exist")
}

func TestAPropertyThatDoesNotExistFailsItsResource(t *testing.T) {
	t.Parallel()
	a := start(t)
	s := a.apply("acme", create, "Resources:\n  Table: {Type: AWS::DynamoDB::Table, Properties: {TableNam: x}}\n")
	if s.StackStatus != types.StackStatusRollbackComplete {
		t.Errorf("the stack is %s", s.StackStatus)
	}
}

func TestACircleOfResourcesIsRefused(t *testing.T) {
	t.Parallel()
	a := start(t)
	s := a.apply("acme", create, "Resources:\n  A: {Type: AWS::SQS::Queue, DependsOn: B}\n  B: {Type: AWS::SQS::Queue, DependsOn: A}\n")
	if s.StackStatus != types.StackStatusRollbackComplete || !slices.Contains(a.happened("acme"), "acme ROLLBACK_IN_PROGRESS") {
		t.Errorf("the stack is %s", s.StackStatus)
	}
}
