package stacks_test

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/deploy/stacks"
)

const provisioning = "acme-provisioning"

// send puts a message into a queue where nothing consumes it.
func (a *account) send(queue string) {
	a.t.Helper()
	url, err := sqs.NewFromConfig(a.AWSConfig()).GetQueueUrl(a.t.Context(), &sqs.GetQueueUrlInput{QueueName: &queue})
	ok(a.t, err)
	_, err = sqs.NewFromConfig(a.AWSConfig()).SendMessage(a.t.Context(), &sqs.SendMessageInput{QueueUrl: url.QueueUrl, MessageBody: aws.String("{}")})
	ok(a.t, err)
}

// lease receives a message, as a worker does. The message is in work until giveBack.
func (a *account) lease(queue string) (giveBack func()) {
	a.t.Helper()
	client := sqs.NewFromConfig(a.AWSConfig())
	url, err := client.GetQueueUrl(a.t.Context(), &sqs.GetQueueUrlInput{QueueName: &queue})
	ok(a.t, err)
	got, err := client.ReceiveMessage(a.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url.QueueUrl, VisibilityTimeout: 600})
	ok(a.t, err)
	if len(got.Messages) != 1 {
		a.t.Fatalf("%d messages were received", len(got.Messages))
	}
	return func() {
		_, err := client.ChangeMessageVisibility(a.t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: url.QueueUrl, ReceiptHandle: got.Messages[0].ReceiptHandle})
		ok(a.t, err)
	}
}

// workers reports whether something invokes the workers: each event source, and the schedule.
func (a *account) workers() (all []any) {
	a.t.Helper()
	for resource, property := range map[string]string{"CommandsSource": "Enabled", "JobsDeadLetterSource": "Enabled", "Tick": "State"} {
		properties, err := a.CloudFormation().Properties("acme-lambda", resource)
		ok(a.t, err)
		all = append(all, properties[property])
	}
	return all
}

func (a *account) workersRun() bool {
	for _, value := range a.workers() {
		if value != true && value != "ENABLED" {
			return false
		}
	}
	return true
}

func (a *account) workersAreStopped() bool {
	for _, value := range a.workers() {
		if value != false && value != "DISABLED" {
			return false
		}
	}
	return true
}

// watch calls see once a line with this text is told.
func watch(d *stacks.Deployer, text string, see func()) {
	tell := d.Tell
	d.Tell = func(line string) {
		tell(line)
		if strings.Contains(line, text) {
			see()
		}
	}
}

func TestWorkersAreStoppedBeforeAnythingIsDeleted(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deploy(a.settings("acme"))
	ok(t, err)
	if !a.workersRun() {
		t.Fatalf("the workers of a new portal are %v", a.workers())
	}
	before, stopped := a.left(), false
	d := a.deployer()
	watch(&d, "Waiting until no worker has a message", func() {
		stopped = a.workersAreStopped()
		if after := a.left(); len(after) != len(before) {
			t.Errorf("there was %q and is %q", before, after)
		}
	})
	ok(t, d.Destroy(t.Context(), "acme", false, nil))
	if left := a.left(); !stopped || len(left) > 0 {
		t.Errorf("the workers were stopped: %t, and there is still %q", stopped, left)
	}
}

func TestStoppedWorkersHandBackWhatTheyHaveBeforeAnythingIsDeleted(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deploy(a.settings("acme"))
	ok(t, err)
	a.send(provisioning)
	giveBack := a.lease(provisioning)
	d, handedBack := a.deployer(), false
	d.DrainTimeout = time.Hour
	watch(&d, "Waiting until no worker has a message", func() { handedBack = true; giveBack() })
	watch(&d, "Deleting the stack", func() {
		if !handedBack {
			t.Error("a stack is deleted while a worker has a message")
		}
	})
	ok(t, d.Destroy(t.Context(), "acme", false, nil))
	if !a.hasTold("Messages are left, and will not be handled: 1 in "+provisioning) || len(a.left()) > 0 {
		t.Errorf("there is %q, and it told:\n%s", a.left(), strings.Join(a.told, "\n"))
	}
}

// A worker that was killed leaves its message in work until SQS shows the message again.
func TestAMessageThatNobodyHandsBackIsWaitedForOnlyForSomeTime(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deploy(a.settings("acme"))
	ok(t, err)
	a.send(provisioning)
	a.lease(provisioning)
	d := a.deployer()
	d.DrainTimeout = 50 * time.Millisecond
	ok(t, d.Destroy(t.Context(), "acme", true, nil))
	if !a.hasTold("Messages are left: 1 in " + provisioning + ". They stay in the queues") {
		t.Errorf("it told:\n%s", strings.Join(a.told, "\n"))
	}
}

func TestADestructionThatStoppedOnlyTheWorkersGoesOn(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deploy(a.settings("acme"))
	ok(t, err)
	a.send(provisioning)
	interrupted := func() {
		t.Helper()
		ctx, interrupt := context.WithCancel(t.Context())
		defer interrupt()
		d := a.deployer()
		watch(&d, "Waiting until no worker has a message", interrupt)
		if err := d.Destroy(ctx, "acme", false, nil); !errors.Is(err, context.Canceled) {
			t.Fatalf("it says %v", err)
		}
		if !a.workersAreStopped() {
			t.Fatalf("the workers are %v", a.workers())
		}
	}
	interrupted()
	status, err := a.deployer().Status(t.Context(), "acme", a.zip)
	ok(t, err)
	if s := status.Stacks[3]; !strings.Contains(s.Problem, "Its workers are stopped") {
		t.Errorf("the status is %+v", s)
	}
	result, err := a.deploy(stacks.Settings{Name: "acme", Zip: a.zip})
	ok(t, err)
	if !result.Changed || !a.workersRun() {
		t.Errorf("after another deployment the workers are %v", a.workers())
	}
	interrupted()
	ok(t, a.deployer().Destroy(t.Context(), "acme", false, nil))
	if left := a.left(); len(left) > 0 {
		t.Errorf("there is still %q", left)
	}
}

func TestADestructionGoesOnIfTheWorkersCannotBeStopped(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deploy(a.settings("acme"))
	ok(t, err)
	a.CloudFormation().Fail("acme-lambda", "Tick", "The role cannot be assumed")
	ok(t, a.deployer().Destroy(t.Context(), "acme", false, nil))
	if left := a.left(); !a.hasTold("because of Tick (AWS::Scheduler::Schedule). AWS says: The role cannot be assumed") || !a.hasTold("Waiting until the workers have handled") || len(left) > 0 {
		t.Errorf("there is %q, and it told:\n%s", left, strings.Join(a.told, "\n"))
	}
}

// withoutSwitch is the template as it was before its workers could be stopped.
func withoutSwitch(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../cloudformation/lambda.yaml")
	ok(t, err)
	for _, part := range []string{`  Workers:\n(    .*\n)*`, `  WorkersRun: .*\n`, `.*WorkersRun, .*\n`, `Workers, `} {
		text = regexp.MustCompile(part).ReplaceAll(text, nil)
	}
	return string(text)
}

func TestAPortalOfAnOlderVersionIsDestroyed(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deploy(a.settings("acme"))
	ok(t, err)
	ctx, client := t.Context(), cloudformation.NewFromConfig(a.AWSConfig())
	now, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String("acme-lambda")})
	ok(t, err)
	in := cloudformation.CreateChangeSetInput{StackName: aws.String("acme-lambda"), ChangeSetName: aws.String("older"), TemplateBody: aws.String(withoutSwitch(t)), Capabilities: []types.Capability{types.CapabilityCapabilityIam}}
	for _, p := range now.Stacks[0].Parameters {
		if *p.ParameterKey != "Workers" {
			in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)})
		}
	}
	_, err = client.CreateChangeSet(ctx, &in)
	ok(t, err)
	for range 2 {
		_, err = client.DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{StackName: in.StackName, ChangeSetName: in.ChangeSetName})
		ok(t, err)
	}
	_, err = client.ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{StackName: in.StackName, ChangeSetName: in.ChangeSetName})
	ok(t, err)
	ok(t, a.deployer().Destroy(ctx, "acme", false, nil))
	if left := a.left(); !a.hasTold("was made by a version that cannot stop its workers") || len(left) > 0 {
		t.Errorf("there is %q, and it told:\n%s", left, strings.Join(a.told, "\n"))
	}
}
