package cloudtrail_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/trail"
)

func as(cfg aws.Config, key, session string) aws.Config {
	cfg.Credentials = credentials.NewStaticCredentialsProvider(key, "secret", session)
	return cfg
}

// records is a queue that a rule with the pattern fills.
type records struct {
	sqs *sqs.Client
	url *string
}

func rule(t *testing.T, cfg aws.Config, pattern string) records {
	t.Helper()
	queues, bus := sqs.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg)
	name := aws.String("changes")
	made, err := bus.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: name, EventPattern: &pattern})
	if err != nil {
		t.Fatal(err)
	}
	queue, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: name, Attributes: map[string]string{
		"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*","Condition":{"ArnEquals":{"aws:SourceArn":"` + aws.ToString(made.RuleArn) + `"}}}]}`,
	}})
	if err != nil {
		t.Fatal(err)
	}
	is, err := queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: queue.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = bus.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: name, Targets: []ebtypes.Target{{Id: name, Arn: aws.String(is.Attributes["QueueArn"])}}})
	if err != nil {
		t.Fatal(err)
	}
	return records{queues, queue.QueueUrl}
}

// next returns the bodies of the records that have come, and takes them out of the queue.
func (r records) next(t *testing.T) (bodies []string) {
	t.Helper()
	for {
		out, err := r.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: r.url, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return bodies
		}
		for _, m := range out.Messages {
			bodies = append(bodies, aws.ToString(m.Body))
		}
	}
}

func TestAChangeIsRecordedForTheRulesThatMatch(t *testing.T) {
	t.Parallel()
	cfg := localawstest.Start(t).AWSConfig()
	got := rule(t, cfg, trail.Pattern("Workers-"))
	control := apigateway.NewFromConfig(as(cfg, "ann", ""))
	key, err := control.CreateApiKey(t.Context(), &apigateway.CreateApiKeyInput{Name: aws.String("gatehouse/ann/k1"), Value: aws.String("averysecretvalueofakey"), Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := control.UpdateApiKey(t.Context(), &apigateway.UpdateApiKeyInput{ApiKey: key.Id, PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String("/name"), Value: aws.String("mine")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := control.DeleteUsagePlanKey(t.Context(), &apigateway.DeleteUsagePlanKeyInput{UsagePlanId: aws.String("none"), KeyId: key.Id}); err == nil {
		t.Fatal("a key was taken out of a plan that is not there")
	}
	if _, err := control.GetApiKey(t.Context(), &apigateway.GetApiKeyInput{ApiKey: key.Id}); err != nil {
		t.Fatal(err)
	}
	bodies := got.next(t)
	if len(bodies) != 3 {
		t.Fatalf("there are %d records: %s", len(bodies), bodies)
	}
	seen := map[string]trail.Record{}
	for _, body := range bodies {
		if strings.Contains(body, "secret") {
			t.Errorf("a record has the key's value: %s", body)
		}
		r, ok, err := trail.Parse([]byte(body))
		if !ok || err != nil || !r.MadeBy("arn:aws:iam::000000000000:user/ann") || r.MadeBy("arn:aws:iam::000000000000:user/local") {
			t.Errorf("%s is %+v, %t, %v", body, r, ok, err)
		}
		seen[r.Name] = r
	}
	if r := seen["CreateApiKey"]; r.Failed || len(r.Names) != 1 || r.Names[0] != "gatehouse/ann/k1" {
		t.Errorf("CreateApiKey is %+v", r)
	}
	if r := seen["UpdateApiKey"]; len(r.Keys) != 1 || string(r.Keys[0]) != aws.ToString(key.Id) || r.Names[0] != "mine" {
		t.Errorf("UpdateApiKey is %+v", r)
	}
	if r := seen["DeleteUsagePlanKey"]; !r.Failed || len(r.Keys) != 1 || len(r.Plans) != 1 || r.Plans[0] != "none" {
		t.Errorf("DeleteUsagePlanKey is %+v", r)
	}
}

func TestCallsOfARoleThatThePatternLeavesOutAreNotDelivered(t *testing.T) {
	t.Parallel()
	cfg := localawstest.Start(t).AWSConfig()
	got := rule(t, cfg, trail.Pattern("Workers-"))
	for role, want := range map[string]int{"Workers-1A2B": 0, "Operators": 1} {
		session, err := sts.NewFromConfig(cfg).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::000000000000:role/" + role), RoleSessionName: aws.String("s1")})
		if err != nil {
			t.Fatal(err)
		}
		c := session.Credentials
		if _, err := apigateway.NewFromConfig(as(cfg, aws.ToString(c.AccessKeyId), aws.ToString(c.SessionToken))).CreateUsagePlan(t.Context(), &apigateway.CreateUsagePlanInput{Name: aws.String(role)}); err != nil {
			t.Fatal(err)
		}
		bodies := got.next(t)
		if len(bodies) != want {
			t.Errorf("%s: there are %d records, want %d", role, len(bodies), want)
		}
		for _, body := range bodies {
			if r, _, err := trail.Parse([]byte(body)); err != nil || !r.MadeBy("arn:aws:sts::000000000000:assumed-role/"+role+"/s2") {
				t.Errorf("%s: the record is %+v, %v", role, r, err)
			}
		}
	}
}
