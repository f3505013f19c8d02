package deploy_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
	"github.com/gatehouse-portal/gatehouse/deploy/template"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

func localAWS(t *testing.T) aws.Config {
	t.Helper()
	endpoint := localawstest.Start(t).Endpoint()
	return aws.Config{
		Region: localaws.Region, BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheDataStackIsWhatSetUpMakes(t *testing.T) {
	t.Parallel()
	const worker, seller = "arn:aws:iam::000000000000:role/worker", "arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-1"
	for name, c := range map[string]struct {
		parameters map[string]string
		env        []string
		keyUsers   []string
	}{
		"with the defaults": {},
		"with notices of AWS Marketplace": {
			parameters: map[string]string{"MarketplaceTopics": seller + "," + seller + "2", "MarketplaceAccounts": "111122223333"},
			env:        []string{"GATEHOUSE_MARKETPLACE_TOPICS=" + seller + "," + seller + "2", "GATEHOUSE_MARKETPLACE_ACCOUNTS=111122223333"},
		},
		"with an event bus only": {
			parameters: map[string]string{"MarketplaceAccounts": "111122223333,444455556666"},
			env:        []string{"GATEHOUSE_MARKETPLACE_ACCOUNTS=111122223333,444455556666"},
		},
		"with limited users of the KMS key": {parameters: map[string]string{"KeyUsers": worker + "," + worker + "2"}, keyUsers: []string{worker, worker + "2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := app.LoadConfig(append(c.env, "GATEHOUSE_PREFIX=Acme-portal"))
			ok(t, err)
			byTemplate, bySetup := localAWS(t), localAWS(t)
			deploytest.Create(t, byTemplate, "data", template.Stack{Name: "Acme-portal", Parameters: c.parameters})
			ok(t, app.SetupWith(t.Context(), bySetup, cfg, app.SetupOptions{KeyUsers: c.keyUsers}))
			if diff := cmp.Diff(inventory(t, bySetup), inventory(t, byTemplate)); diff != "" {
				t.Errorf("(-set-up +template):\n%s", diff)
			}
			var would []string
			err = app.SetupWith(t.Context(), byTemplate, cfg, app.SetupOptions{
				DryRun: true, KeyUsers: c.keyUsers, Changed: func(c app.Change) { would = append(would, c.What+": "+c.Did) },
			})
			ok(t, err)
			if want := []string{"KMS key material: remember the key"}; !slices.Equal(would, want) {
				t.Errorf("set-up would do %q, want %q", would, want)
			}
		})
	}
}

func TestSetUpKeepsTheVisibilityOfTheDataStack(t *testing.T) {
	t.Parallel()
	aws := localAWS(t)
	deploytest.Create(t, aws, "data", template.Stack{Name: "acme", Parameters: map[string]string{"QueueVisibility": "60"}})
	cfg, err := app.LoadConfig([]string{"GATEHOUSE_PREFIX=acme"})
	ok(t, err)
	ok(t, app.SetupWith(t.Context(), aws, cfg, app.SetupOptions{}))
	all := queues(t, aws)
	for name, attributes := range all {
		if got := attributes.(map[string]any)["VisibilityTimeout"]; got != "60" {
			t.Errorf("%s hides messages for %v seconds", name, got)
		}
	}
	if len(all) != 14 {
		t.Errorf("there are %d queues", len(all))
	}
}

func TestTwoPortalsInOneAccountAndRegionShareNothing(t *testing.T) {
	t.Parallel()
	cfg := localAWS(t)
	deploytest.Create(t, cfg, "data", template.Stack{Name: "one"})
	first := inventory(t, cfg)
	deploytest.Create(t, cfg, "data", template.Stack{Name: "two"})
	second := inventory(t, cfg)
	for kind, names := range second {
		if len(names) != 2*len(first[kind]) {
			t.Errorf("there are %d of %s, and were %d", len(names), kind, len(first[kind]))
		}
	}
}

func TestAnExistingKMSKeyIsUsed(t *testing.T) {
	t.Parallel()
	cfg := localAWS(t)
	const key = "arn:aws:kms:us-east-1:000000000000:key/mrk-0123456789abcdef0123456789abcdef"
	stack := deploytest.Create(t, cfg, "data", template.Stack{Name: "acme", Parameters: map[string]string{"KmsKeyArn": key}})
	if made := inventory(t, cfg)["keys"]; len(made) != 0 || stack.Outputs["KmsKeyArn"] != key {
		t.Errorf("there are keys %v, and the output is %s", made, stack.Outputs["KmsKeyArn"])
	}
}

// inventory is everything on a local AWS: attributes by kind and name. Ids that AWS chooses are
// replaced.
func inventory(t *testing.T, cfg aws.Config) map[string]map[string]any {
	t.Helper()
	return map[string]map[string]any{
		"tables": tables(t, cfg), "queues": queues(t, cfg), "topics": topics(t, cfg), "subscriptions": subscriptions(t, cfg), "keys": kmsKeys(t, cfg),
	}
}

func tables(t *testing.T, cfg aws.Config) map[string]any {
	t.Helper()
	client, all := dynamodb.NewFromConfig(cfg), map[string]any{}
	listed, err := client.ListTables(t.Context(), &dynamodb.ListTablesInput{})
	ok(t, err)
	for _, name := range listed.TableNames {
		out, err := client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &name})
		ok(t, err)
		ttl, err := client.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &name})
		ok(t, err)
		backups, err := client.DescribeContinuousBackups(t.Context(), &dynamodb.DescribeContinuousBackupsInput{TableName: &name})
		ok(t, err)
		table := out.Table
		all[name] = document(t, map[string]any{
			"keys": table.KeySchema, "attributes": table.AttributeDefinitions, "billing": table.BillingModeSummary.BillingMode,
			"protected": aws.ToBool(table.DeletionProtectionEnabled), "encryption": table.SSEDescription, "stream": table.StreamSpecification,
			"expiry": ttl.TimeToLiveDescription, "recovery": backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus,
		})
	}
	return all
}

func queues(t *testing.T, cfg aws.Config) map[string]any {
	t.Helper()
	client, all := sqs.NewFromConfig(cfg), map[string]any{}
	listed, err := client.ListQueues(t.Context(), &sqs.ListQueuesInput{})
	ok(t, err)
	for _, url := range listed.QueueUrls {
		out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{"All"}})
		ok(t, err)
		all[url[strings.LastIndex(url, "/")+1:]] = attributes(t, out.Attributes, "CreatedTimestamp", "LastModifiedTimestamp")
	}
	return all
}

func topics(t *testing.T, cfg aws.Config) map[string]any {
	t.Helper()
	client, all := sns.NewFromConfig(cfg), map[string]any{}
	listed, err := client.ListTopics(t.Context(), &sns.ListTopicsInput{})
	ok(t, err)
	for _, topic := range listed.Topics {
		out, err := client.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: topic.TopicArn})
		ok(t, err)
		all[*topic.TopicArn] = attributes(t, out.Attributes)
	}
	return all
}

func subscriptions(t *testing.T, cfg aws.Config) map[string]any {
	t.Helper()
	client, all := sns.NewFromConfig(cfg), map[string]any{}
	listed, err := client.ListSubscriptions(t.Context(), &sns.ListSubscriptionsInput{})
	ok(t, err)
	for _, s := range listed.Subscriptions {
		out, err := client.GetSubscriptionAttributes(t.Context(), &sns.GetSubscriptionAttributesInput{SubscriptionArn: s.SubscriptionArn})
		ok(t, err)
		all[*s.Endpoint] = attributes(t, out.Attributes, "SubscriptionArn")
	}
	return all
}

func kmsKeys(t *testing.T, cfg aws.Config) map[string]any {
	t.Helper()
	client, all := kms.NewFromConfig(cfg), map[string]any{}
	aliases, err := client.ListAliases(t.Context(), &kms.ListAliasesInput{})
	ok(t, err)
	for _, alias := range aliases.Aliases {
		out, err := client.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: alias.TargetKeyId})
		ok(t, err)
		policy, err := client.GetKeyPolicy(t.Context(), &kms.GetKeyPolicyInput{KeyId: alias.TargetKeyId})
		ok(t, err)
		m := out.KeyMetadata
		all[*alias.AliasName] = attributes(t, map[string]string{
			"spec": string(m.KeySpec), "usage": string(m.KeyUsage), "state": string(m.KeyState), "description": aws.ToString(m.Description),
			"multi-Region": string(m.MultiRegionConfiguration.MultiRegionKeyType), "policy": *policy.Policy,
		})
	}
	return all
}

// attributes decodes those attributes that are JSON.
func attributes(t *testing.T, given map[string]string, without ...string) map[string]any {
	t.Helper()
	all := map[string]any{}
	for name := range maps.Keys(given) {
		value := given[name]
		switch {
		case slices.Contains(without, name):
		case strings.HasPrefix(value, "{"):
			var decoded any
			ok(t, json.Unmarshal([]byte(value), &decoded))
			all[name] = decoded
		default:
			all[name] = value
		}
	}
	return all
}

func document(t *testing.T, value any) any {
	t.Helper()
	text, err := json.Marshal(value)
	ok(t, err)
	var decoded any
	ok(t, json.Unmarshal(text, &decoded))
	return decoded
}
