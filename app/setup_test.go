package app

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
)

// inventory is everything in AWS that belongs to Gatehouse.
type inventory struct {
	// Tables maps names to keys, billing and time to live; Queues maps names, and Subscriptions
	// endpoints, to attributes.
	Tables, Topic, Key    map[string]string
	Queues, Subscriptions map[string]map[string]string
}

func takeInventory(t *testing.T, p Process) inventory {
	t.Helper()
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	found := inventory{Tables: map[string]string{}, Queues: map[string]map[string]string{}, Subscriptions: map[string]map[string]string{}}
	listed, err := c.dynamodb.ListTables(t.Context(), &dynamodb.ListTablesInput{})
	ok(t, err)
	for _, name := range listed.TableNames {
		table, err := c.dynamodb.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &name})
		ok(t, err)
		ttl, err := c.dynamodb.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &name})
		ok(t, err)
		text := string(table.Table.BillingModeSummary.BillingMode)
		for _, key := range table.Table.KeySchema {
			text += " " + *key.AttributeName + "=" + string(key.KeyType)
		}
		backups, err := c.dynamodb.DescribeContinuousBackups(t.Context(), &dynamodb.DescribeContinuousBackupsInput{TableName: &name})
		ok(t, err)
		text += " " + aws.ToString(ttl.TimeToLiveDescription.AttributeName)
		if aws.ToBool(table.Table.DeletionProtectionEnabled) {
			text += " protected"
		}
		if backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == "ENABLED" {
			text += " recoverable"
		}
		found.Tables[name] = text
	}
	queues, err := c.sqs.ListQueues(t.Context(), &sqs.ListQueuesInput{})
	ok(t, err)
	for _, url := range queues.QueueUrls {
		out, err := c.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{"All"}})
		ok(t, err)
		delete(out.Attributes, "LastModifiedTimestamp")
		found.Queues[url[strings.LastIndex(url, "/")+1:]] = out.Attributes
	}
	arn, err := c.topicARN(t.Context(), names.Events)
	ok(t, err)
	topic, err := c.sns.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: &arn})
	ok(t, err)
	found.Topic = topic.Attributes
	subscriptions, err := c.sns.ListSubscriptionsByTopic(t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: &arn})
	ok(t, err)
	for _, s := range subscriptions.Subscriptions {
		out, err := c.sns.GetSubscriptionAttributes(t.Context(), &sns.GetSubscriptionAttributesInput{SubscriptionArn: s.SubscriptionArn})
		ok(t, err)
		found.Subscriptions[*s.Endpoint+" "+*s.SubscriptionArn] = out.Attributes
	}
	key, err := c.kms.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &names.KMSAlias})
	ok(t, err)
	keys, err := c.kms.ListKeys(t.Context(), &kms.ListKeysInput{})
	ok(t, err)
	found.Key = map[string]string{"arn": *key.KeyMetadata.Arn, "spec": string(key.KeyMetadata.KeySpec), "usage": string(key.KeyMetadata.KeyUsage)}
	for _, k := range keys.Keys {
		found.Key["listed "+*k.KeyArn] = "yes"
	}
	return found
}

func TestSecondSetupChangesNothing(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	first := takeInventory(t, p)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	if diff := cmp.Diff(first, takeInventory(t, p)); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
	if len(first.Tables) != 5 || len(first.Queues) != 14 || len(first.Subscriptions) != 2 {
		t.Errorf("there are %d tables, %d queues and %d subscriptions", len(first.Tables), len(first.Queues), len(first.Subscriptions))
	}
}

func TestSetupCreatesWhatIsDocumented(t *testing.T) {
	t.Parallel()
	p := testProcess(t, "GATEHOUSE_PREFIX=acme")
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	found, names := takeInventory(t, p), NamesFor("acme")

	const onDemand = "PAY_PER_REQUEST pk=HASH sk=RANGE "
	wantTables := map[string]string{
		"acme-journal": onDemand + " protected recoverable", "acme-records": onDemand + "expires_at protected recoverable",
		"acme-views": onDemand, "acme-sessions": onDemand + "expires_at", "acme-usage": onDemand + " protected recoverable",
	}
	if diff := cmp.Diff(wantTables, found.Tables); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	days := map[bool]string{true: "604800", false: "1209600"}
	for _, queue := range names.Queues() {
		dlq := found.Queues[DeadLetterQueue(queue)]
		for name, attributes := range map[string]map[string]string{queue: found.Queues[queue], DeadLetterQueue(queue): dlq} {
			want := map[string]string{"MessageRetentionPeriod": days[name == queue && !strings.HasSuffix(queue, ".fifo")], "VisibilityTimeout": "30", "ReceiveMessageWaitTimeSeconds": "0"}
			if strings.HasSuffix(queue, ".fifo") {
				want["FifoQueue"], want["DeduplicationScope"], want["FifoThroughputLimit"] = "true", "messageGroup", "perMessageGroupId"
			}
			for attribute, value := range want {
				if attributes[attribute] != value {
					t.Errorf("%s: %s is %q, want %q", name, attribute, attributes[attribute], value)
				}
			}
		}
		var redrive struct {
			DeadLetterTargetArn string
			MaxReceiveCount     int
		}
		ok(t, json.Unmarshal([]byte(found.Queues[queue]["RedrivePolicy"]), &redrive))
		if redrive.DeadLetterTargetArn != dlq["QueueArn"] || redrive.MaxReceiveCount != 1000 || dlq["RedrivePolicy"] != "" {
			t.Errorf("%s redrives to %+v, and its dead letters to %q", queue, redrive, dlq["RedrivePolicy"])
		}
	}
	if found.Topic["FifoTopic"] != "true" || found.Topic["ContentBasedDeduplication"] == "true" || found.Topic["FifoThroughputScope"] != "MessageGroup" {
		t.Errorf("the topic is %v", found.Topic)
	}
	for endpoint, attributes := range found.Subscriptions {
		queue, _, _ := strings.Cut(endpoint, " ")
		if queue != found.Queues[names.Projections]["QueueArn"] && queue != found.Queues[names.Notices]["QueueArn"] || attributes["RawMessageDelivery"] != "true" {
			t.Errorf("%s is subscribed with %v", endpoint, attributes)
		}
	}
	if len(found.Subscriptions) != 2 {
		t.Errorf("%d queues are subscribed, want 2", len(found.Subscriptions))
	}
	if found.Key["spec"] != "HMAC_256" || found.Key["usage"] != "GENERATE_VERIFY_MAC" || !strings.Contains(found.Key["arn"], ":key/mrk-") {
		t.Errorf("the KMS key is %v", found.Key)
	}
}

func TestOnlyTheTopicMaySendToTheQueuesThatGetFacts(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	found, names := takeInventory(t, p), NamesFor(p.Config.Prefix)
	topic, err := newClients(p.AWS).topicARN(t.Context(), names.Events)
	ok(t, err)
	for name, attributes := range found.Queues {
		policy := attributes["Policy"]
		if !slices.Contains(names.Subscribed(), name) {
			if policy != "" {
				t.Errorf("%s has a policy: %s", name, policy)
			}
			continue
		}
		var got any
		ok(t, json.Unmarshal([]byte(policy), &got))
		want := map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Sid": "EventsTopic", "Effect": "Allow", "Principal": map[string]any{"Service": "sns.amazonaws.com"},
			"Action": "sqs:SendMessage", "Resource": attributes["QueueArn"],
			"Condition": map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": topic}},
		}}}
		if diff := cmp.Diff(any(want), got); diff != "" {
			t.Errorf("the policy (-want +got):\n%s", diff)
		}
	}
}

func TestSetupRepairsChangedQueues(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	want := takeInventory(t, p)
	client, names := sqs.NewFromConfig(p.AWS), NamesFor(p.Config.Prefix)
	for name, harm := range map[string]map[string]string{
		names.Commands:    {"MessageRetentionPeriod": "60", "RedrivePolicy": ""},
		names.Projections: {"Policy": "", "VisibilityTimeout": "1"},
	} {
		found, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
		ok(t, err)
		_, err = client.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: found.QueueUrl, Attributes: harm})
		ok(t, err)
	}
	if cmp.Equal(want, takeInventory(t, p)) {
		t.Fatal("nothing was changed")
	}
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	if diff := cmp.Diff(want, takeInventory(t, p)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

func TestSetupKeepsALongerVisibilityTimeout(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	client, queue := sqs.NewFromConfig(p.AWS), NamesFor(p.Config.Prefix).Commands
	found, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &queue})
	ok(t, err)
	_, err = client.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: found.QueueUrl, Attributes: map[string]string{"VisibilityTimeout": "180"}})
	ok(t, err)
	want := takeInventory(t, p)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	if diff := cmp.Diff(want, takeInventory(t, p)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

func TestTwoPortalsInOneAccountShareNothing(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	first := takeInventory(t, p)
	p.Config.Prefix = "acme"
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	second := takeInventory(t, p)
	if len(second.Tables) != 10 || len(second.Queues) != 28 || second.Key["arn"] == first.Key["arn"] || second.Topic["TopicArn"] == first.Topic["TopicArn"] {
		t.Errorf("of both there are %d tables and %d queues, the keys are %s and %s", len(second.Tables), len(second.Queues), first.Key["arn"], second.Key["arn"])
	}
}

func TestSetupExplainsAWSErrors(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{
		"GetCallerIdentity", "DescribeTable", "CreateTable", "DescribeContinuousBackups", "UpdateContinuousBackups", "DescribeTimeToLive", "UpdateTimeToLive",
		"GetQueueUrl", "CreateQueue", "GetQueueAttributes", "GetTopicAttributes", "CreateTopic", "ListSubscriptionsByTopic", "Subscribe", "GetSubscriptionAttributes",
		"DescribeKey", "CreateKey", "CreateAlias", "GetKeyPolicy", "GenerateMac", "GetItem", "PutItem",
	} {
		for code, want := range map[string]string{
			"AccessDeniedException": "These credentials lack the permission ", "ValidationException": "AWS refuses ", "ExpiredTokenException": "AWS does not accept these credentials",
		} {
			t.Run(operation+" "+code, func(t *testing.T) {
				t.Parallel()
				h := &testInstallation{Process: testProcess(t)}
				h.refuse(operation, code)
				err := Setup(t.Context(), h.AWS, h.Config)
				if operation == "GenerateMac" && code == "ValidationException" {
					want = "KMS key "
				}
				if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "operation error") || strings.Contains(err.Error(), "StatusCode") {
					t.Errorf("it says: %v", err)
				}
			})
		}
	}
}

func TestSetupReportsChangesAndADryRunMakesNone(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	setUp := func(dryRun bool) (changes []string) {
		t.Helper()
		ok(t, SetupWith(t.Context(), p.AWS, p.Config, SetupOptions{DryRun: dryRun, Changed: func(c Change) { changes = append(changes, c.What+": "+c.Did) }}))
		slices.Sort(changes)
		return changes
	}
	would := setUp(true)
	if listed, err := newClients(p.AWS).dynamodb.ListTables(t.Context(), &dynamodb.ListTablesInput{}); err != nil || len(listed.TableNames) != 0 {
		t.Fatalf("the dry run created %v (%v)", listed.TableNames, err)
	}
	if len(would) != 26 || !slices.Contains(would, "table gatehouse-journal: create it") || !slices.Contains(would, "KMS key material: not known yet: the KMS key does not exist") {
		t.Errorf("it would do %q", would)
	}
	if did := setUp(false); len(did) != 25 || !slices.Contains(did, "queue gatehouse-jobs-dlq.fifo: create it") {
		t.Errorf("it did %q", did)
	}
	if again := setUp(false); len(again) != 0 {
		t.Errorf("the second time it did %q", again)
	}
	names := NamesFor(p.Config.Prefix)
	_, err := newClients(p.AWS).dynamodb.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: &names.Journal, DeletionProtectionEnabled: aws.Bool(false)})
	ok(t, err)
	want := []string{"table gatehouse-journal: turn on deletion protection"}
	if would, did := setUp(true), setUp(false); !slices.Equal(would, want) || !slices.Equal(did, want) {
		t.Errorf("it would do %q and did %q, want %q", would, did, want)
	}
}

func TestSetupDoesNotReplaceALostTable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ lost, other func(Names) string }{
		"the journal": {func(n Names) string { return n.Journal }, func(n Names) string { return n.Records }},
		"the records": {func(n Names) string { return n.Records }, func(n Names) string { return n.Journal }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := healthy(t)
			lost, other := c.lost(h.names), c.other(h.names)
			h.deleteTable(t, lost)
			_, err := h.dynamodb.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &other, Item: map[string]types.AttributeValue{
				"pk": &types.AttributeValueMemberS{Value: "p"}, "sk": &types.AttributeValueMemberS{Value: "s"},
			}})
			ok(t, err)
			err = Setup(t.Context(), h.AWS, h.Config)
			if err == nil || !strings.Contains(err.Error(), "table "+lost) || !strings.Contains(err.Error(), "docs/runbook.md#restoring") {
				t.Errorf("set-up says %v", err)
			}
			var none *types.ResourceNotFoundException
			if _, err := h.dynamodb.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &lost}); !errors.As(err, &none) {
				t.Errorf("the lost table is there: %v", err)
			}
		})
	}
}

func TestSetupReportsWhatItMustNotRepair(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	c := newClients(p.AWS)
	key, err := c.findKMSKey(t.Context(), p.Config)
	ok(t, err)
	_, err = c.kms.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &key.Recorded})
	ok(t, err)
	err = Setup(t.Context(), p.AWS, p.Config)
	if err == nil || !strings.Contains(err.Error(), "It is disabled") || !strings.Contains(err.Error(), "aws kms enable-key --key-id "+key.Recorded) {
		t.Errorf("it says: %v", err)
	}
}

func TestKeyPolicyNamesThePrincipalsThatMayComputeKeys(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	users := []string{"arn:aws:iam::000000000000:role/portal", "arn:aws:iam::000000000000:role/worker"}
	for _, want := range [][]string{users, users[:1]} {
		ok(t, SetupWith(t.Context(), p.AWS, p.Config, SetupOptions{KeyUsers: want}))
		ok(t, Setup(t.Context(), p.AWS, p.Config)) // leaves the policy as it is
		c := newClients(p.AWS)
		key, err := c.findKMSKey(t.Context(), p.Config)
		ok(t, err)
		out, err := c.kms.GetKeyPolicy(t.Context(), &kms.GetKeyPolicyInput{KeyId: &key.Recorded})
		ok(t, err)
		statements, err := statementsOf(*out.Policy)
		ok(t, err)
		if got := computing(statements); !slices.Equal(got, want) {
			t.Errorf("the policy names %q, want %q", got, want)
		}
		for _, s := range statements {
			if s["Sid"] == administersSid && computes(s) {
				t.Errorf("administrators may compute keys: %v", s)
			}
		}
	}
}
