package deploy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
	"github.com/gatehouse-portal/gatehouse/deploy/template"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/buyers"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
)

// The order is that of docs/deploy.md: the queue, then the rule with its topic, then the queue's policy.
func TestNoticesOfAWSMarketplaceReachTheQueue(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]marketplace.Kind{"of a newer listing": marketplace.EventBridge, "of an older listing": marketplace.SNS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			endpoint := localawstest.Start(t).Endpoint()
			cfg := aws.Config{Region: localaws.Region, BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")}
			buyer := buyers.New(endpoint)
			product, err := buyer.PutProduct(t.Context(), marketplace.Product{Code: "pro", Name: "Pro", Kind: kind, Dimensions: []string{"requests"}})
			ok(t, err)
			queue := deploytest.Create(t, cfg, "data", template.Stack{Name: "acme"}).Outputs["MarketplaceQueueArn"]
			parameters := map[string]string{"MarketplaceQueueArn": queue}
			if kind == marketplace.SNS {
				parameters["SubscriptionTopicArn"], parameters["EntitlementTopicArn"] = product.SubscriptionTopic(), product.EntitlementTopic()
			}
			made := deploytest.Create(t, cfg, "marketplace", template.Stack{Name: "acme-marketplace", Parameters: parameters})
			env := []string{
				"GATEHOUSE_PREFIX=acme", "GATEHOUSE_MARKETPLACE_TOPICS=" + made.Outputs["MarketplaceTopics"], "GATEHOUSE_MARKETPLACE_ACCOUNTS=" + made.Outputs["MarketplaceAccounts"],
			}
			settings, err := app.LoadConfig(env)
			ok(t, err)
			// Set-up does here what an update of the data stack does: another test holds them to each other.
			ok(t, app.Setup(t.Context(), cfg, settings))

			_, err = buyer.Subscribe(t.Context(), marketplace.Order{Product: "pro", Paid: true})
			ok(t, err)
			received := receive(t, cfg, "acme-marketplace")
			read, err := notice.Parse([]byte(received), notice.Delivery{})
			ok(t, err)
			if refusal := settings.MarketplaceOrigins().Refusal(read.Origin); refusal != "" {
				t.Errorf("the worker refuses the notice: %s", refusal)
			}
		})
	}
}

func receive(t *testing.T, cfg aws.Config, queue string) string {
	t.Helper()
	client := sqs.NewFromConfig(cfg)
	at, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &queue})
	ok(t, err)
	out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: at.QueueUrl, WaitTimeSeconds: 20})
	ok(t, err)
	if len(out.Messages) == 0 {
		t.Fatalf("%s has no message", queue)
	}
	return *out.Messages[0].Body
}

func TestOnlyTheRuleAndTheTopicsMaySend(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "marketplace", "an older listing", "acme")
	rule, topic := "acme-marketplace/Rule.Arn", "acme-marketplace/Topic"
	want := map[string]any{
		"TopicPolicy": []any{map[string]any{
			"Sid": "Rule", "Effect": "Allow", "Principal": map[string]any{"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic,
			"Condition": map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": rule}, "StringEquals": map[string]any{"aws:SourceAccount": "111122223333"}},
		}},
		"DeadLetterQueuePolicy": []any{
			map[string]any{
				"Sid": "Rule", "Effect": "Allow", "Principal": map[string]any{"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
				"Resource": "acme-marketplace/DeadLetterQueue.Arn", "Condition": map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": rule}},
			},
			map[string]any{
				"Sid": "Topic", "Effect": "Allow", "Principal": map[string]any{"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
				"Resource": "acme-marketplace/DeadLetterQueue.Arn",
				"Condition": map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": []any{
					topic, variants["marketplace"]["an older listing"]["SubscriptionTopicArn"], variants["marketplace"]["an older listing"]["EntitlementTopicArn"],
				}}},
			},
		},
	}
	for resource, statements := range want {
		document, _ := deploytest.Properties(t, r, resource)["PolicyDocument"].(map[string]any)
		if diff := cmp.Diff(statements, document["Statement"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", resource, diff)
		}
	}
}

// SNS would ask the queue to confirm a subscription that the topic's owner makes across AWS accounts
// (https://docs.aws.amazon.com/sns/latest/dg/sns-send-message-to-sqs-cross-account.html).
func TestTheQueuesOwnerSubscribesInAnotherAccount(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "marketplace", "a portal of another AWS account", "acme")
	document, _ := deploytest.Properties(t, r, "TopicPolicy")["PolicyDocument"].(map[string]any)
	statements, _ := document["Statement"].([]any)
	want := map[string]any{
		"Sid": "PortalAccount", "Effect": "Allow", "Principal": map[string]any{"AWS": "444455556666"}, "Action": "sns:Subscribe", "Resource": "acme-marketplace/Topic",
		"Condition": map[string]any{"StringEquals": map[string]any{"sns:Protocol": "sqs", "sns:Endpoint": "arn:aws:sqs:eu-west-1:444455556666:acme-marketplace"}},
	}
	if len(statements) != 2 {
		t.Fatalf("the topic's policy is %v", statements)
	}
	if diff := cmp.Diff(any(want), statements[1]); diff != "" || r.Has("Subscription") {
		t.Errorf("the stack subscribes: %t; the policy (-want +got):\n%s", r.Has("Subscription"), diff)
	}
	outputs, err := r.Outputs()
	ok(t, err)
	if outputs["TopicToSubscribe"] != "acme-marketplace/Topic" {
		t.Errorf("the outputs are %v", outputs)
	}
}

func TestWhatCannotBeDeliveredIsKept(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "marketplace", "an older listing", "acme")
	if got := deploytest.Properties(t, r, "DeadLetterQueue")["MessageRetentionPeriod"]; got != 1209600.0 {
		t.Errorf("it is kept for %v seconds", got)
	}
	if got := fmt.Sprint(deploytest.Properties(t, r, "Undelivered")["AlarmActions"]); got != "[acme-marketplace/Alarms]" {
		t.Errorf("the alarm goes to %s", got)
	}
	for _, subscription := range r.Named("AWS::SNS::Subscription") {
		if subscription == "AlarmEmailSubscription" {
			continue
		}
		properties := deploytest.Properties(t, r, subscription)
		redrive, _ := properties["RedrivePolicy"].(map[string]any)
		if redrive["deadLetterTargetArn"] != "acme-marketplace/DeadLetterQueue.Arn" || properties["RawMessageDelivery"] != nil {
			t.Errorf("%s is %v", subscription, properties)
		}
	}
	targets, _ := deploytest.Properties(t, r, "Rule")["Targets"].([]any)
	target, _ := targets[0].(map[string]any)
	if diff := cmp.Diff(any(map[string]any{"Arn": "acme-marketplace/DeadLetterQueue.Arn"}), target["DeadLetterConfig"]); diff != "" || !strings.HasSuffix(target["Arn"].(string), "/Topic") {
		t.Errorf("the rule's target is %v", target)
	}
}
