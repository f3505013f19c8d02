package deploy_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
	"github.com/gatehouse-portal/gatehouse/deploy/policy"
	"github.com/gatehouse-portal/gatehouse/deploy/template"
	"github.com/gatehouse-portal/gatehouse/trail"
)

func TestSetUpFindsNothingToChangeInTheTrailStack(t *testing.T) {
	t.Parallel()
	for name, parameters := range variants["trail"] {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := localAWS(t)
			deploytest.Create(t, cfg, "data", template.Stack{Name: "acme"})
			deploytest.Create(t, cfg, "trail", template.Stack{Name: "acme-trail", Parameters: parameters})
			settings, err := app.LoadConfig([]string{"GATEHOUSE_PREFIX=acme", "GATEHOUSE_TRAIL=on"})
			ok(t, err)
			var would []string
			ok(t, app.SetupWith(t.Context(), cfg, settings, app.SetupOptions{DryRun: true, Changed: func(c app.Change) { would = append(would, c.What+": "+c.Did) }}))
			if diff := cmp.Diff([]string{"KMS key material: remember the key"}, would); diff != "" {
				t.Errorf("set-up would do (-want +got):\n%s", diff)
			}
			is, err := eventbridge.NewFromConfig(cfg).DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: aws.String("acme-trail")})
			ok(t, err)
			if got, want := fromJSON(t, aws.ToString(is.EventPattern)), fromJSON(t, trail.Pattern(parameters["WorkerRoles"])); !cmp.Equal(got, want) {
				t.Errorf("the pattern (-want +got):\n%s", cmp.Diff(want, got))
			}
		})
	}
}

func fromJSON(t *testing.T, text string) (value any) {
	t.Helper()
	ok(t, json.Unmarshal([]byte(text), &value))
	return value
}

func TestWorkersMayReadTheQueueIfTheTrailIsOn(t *testing.T) {
	t.Parallel()
	for variant, want := range map[string]bool{"": false, "everything": true} {
		worker, err := policy.Parse(deploytest.Properties(t, stackOf(t, "permissions", variant, "acme"), "WorkerPolicy")["PolicyDocument"])
		ok(t, err)
		functions := own(t, stackOf(t, "lambda", variant, "acme"), "WorkerRole")
		for _, queue := range []string{"acme-trail", "acme-trail-dlq"} {
			arn := "arn:aws:sqs:us-east-1:111122223333:" + queue
			for _, action := range []string{"sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"} {
				if got := worker.Allows(policy.Request{Action: action, Resource: arn}); got != want {
					t.Errorf("%q: %s on %s is allowed: %t", variant, action, queue, got)
				}
			}
			if got := functions.Allows(policy.Request{Action: "sqs:GetQueueAttributes", Resource: arn}); got != want {
				t.Errorf("%q: the function may examine %s: %t", variant, queue, got)
			}
		}
	}
}

func TestThePortalMaySeeTheQueueIfTheTrailIsOn(t *testing.T) {
	t.Parallel()
	for variant, want := range map[string]bool{"": false, "everything": true} {
		portal, err := policy.Parse(deploytest.Properties(t, stackOf(t, "permissions", variant, "acme"), "PortalPolicy")["PolicyDocument"])
		ok(t, err)
		for _, queue := range []string{"acme-trail", "acme-trail-dlq"} {
			for _, action := range []string{"sqs:GetQueueUrl", "sqs:GetQueueAttributes"} {
				if got := portal.Allows(policy.Request{Action: action, Resource: "arn:aws:sqs:us-east-1:111122223333:" + queue}); got != want {
					t.Errorf("%q: %s on %s is allowed: %t", variant, action, queue, got)
				}
			}
		}
		for process, env := range map[string][]string{
			"portal function":  variables(t, stackOf(t, "lambda", variant, "acme"), "PortalFunction"),
			"worker function":  variables(t, stackOf(t, "lambda", variant, "acme"), "WorkerFunction"),
			"portal container": environment(containersOf(t, stackOf(t, "containers", variant, "acme"), "PortalTask")["portal"]),
			"worker container": environment(containersOf(t, stackOf(t, "containers", variant, "acme"), "WorkerTask")["worker"]),
		} {
			// A process of an older version does not start with a variable that it does not know.
			if got := slices.ContainsFunc(env, func(pair string) bool { return strings.HasPrefix(pair, "GATEHOUSE_TRAIL=") }); got != want {
				t.Errorf("%q: the %s knows of the queue: %t", variant, process, got)
			}
		}
	}
}

func TestChangesInAPIGatewayReachTheQueueUnlessWorkersMakeThem(t *testing.T) {
	t.Parallel()
	cfg := localAWS(t)
	deploytest.Create(t, cfg, "data", template.Stack{Name: "acme"})
	deploytest.Create(t, cfg, "trail", template.Stack{Name: "acme-trail", Parameters: map[string]string{"DataStack": "acme", "WorkerRoles": "acme-lambda-WorkerRole-"}})
	for _, role := range []string{"acme-lambda-WorkerRole-1A2B", "Operators"} {
		session, err := sts.NewFromConfig(cfg).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::000000000000:role/" + role), RoleSessionName: aws.String("s1")})
		ok(t, err)
		as := cfg
		as.Credentials = credentials.NewStaticCredentialsProvider(aws.ToString(session.Credentials.AccessKeyId), "x", aws.ToString(session.Credentials.SessionToken))
		_, err = apigateway.NewFromConfig(as).CreateApiKey(t.Context(), &apigateway.CreateApiKeyInput{Name: aws.String(role)})
		ok(t, err)
	}
	read, is, err := trail.Parse([]byte(receive(t, cfg, "acme-trail")))
	if err != nil || !is || read.Name != "CreateApiKey" || read.Names[0] != "Operators" {
		t.Errorf("the first event is %+v, %v", read, err)
	}
}
