package app

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"github.com/gatehouse-portal/gatehouse/alarms"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/marketplace/reconcile"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// testInstallation is a healthy installation that a test damages.
type testInstallation struct {
	Process
	clients
	names Names
	demo  installedDemo
}

func healthy(t *testing.T) *testInstallation {
	t.Helper()
	p := testProcess(t, "GATEHOUSE_TRAIL=on")
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	// This makes the facts that the test records old enough for the views to be expected to
	// show them.
	p.Now = func() time.Time { return time.Now().Add(2 * showTime) }
	return &testInstallation{Process: p, clients: newClients(p.AWS), names: p.Config.Names()}
}

func (h *testInstallation) withUserPool(t *testing.T) {
	t.Helper()
	d := installDemo(t, h.Process)
	h.Config.OIDCIssuer, h.Config.OIDCClientID, h.demo = aws.ToString(h.AWS.BaseEndpoint)+"/"+d.PoolID, d.ClientID, d
}

func (h *testInstallation) refuse(operation, code string) {
	h.AWS.APIOptions = append(slices.Clone(h.AWS.APIOptions), func(stack *middleware.Stack) error {
		return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("Refuse"+operation, func(
			ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
		) (middleware.FinalizeOutput, middleware.Metadata, error) {
			if awsmiddleware.GetOperationName(ctx) == operation {
				return middleware.FinalizeOutput{}, middleware.Metadata{}, &smithy.GenericAPIError{Code: code, Message: "no"}
			}
			return next.HandleFinalize(ctx, in)
		}), middleware.Before)
	})
}

func (h *testInstallation) deny(operations ...string) func(*testing.T, *testInstallation) {
	return func(_ *testing.T, h *testInstallation) {
		for _, operation := range operations {
			h.refuse(operation, "AccessDeniedException")
		}
	}
}

func (h *testInstallation) url(t *testing.T, queue string) *string {
	t.Helper()
	at, err := h.sqs.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &queue})
	ok(t, err)
	return at.QueueUrl
}

func (h *testInstallation) setQueue(t *testing.T, queue, attribute, value string) {
	t.Helper()
	_, err := h.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: h.url(t, queue), Attributes: map[string]string{attribute: value}})
	ok(t, err)
}

func (h *testInstallation) topicARN(t *testing.T) *string {
	t.Helper()
	arn, err := h.clients.topicARN(t.Context(), h.names.Events)
	ok(t, err)
	return &arn
}

func (h *testInstallation) subscription(t *testing.T) *string {
	t.Helper()
	return h.subscriptionOf(t, h.names.Projections)
}

func (h *testInstallation) subscriptionOf(t *testing.T, queue string) *string {
	t.Helper()
	listed, err := h.sns.ListSubscriptionsByTopic(t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: h.topicARN(t)})
	ok(t, err)
	for _, s := range listed.Subscriptions {
		if strings.HasSuffix(*s.Endpoint, ":"+queue) {
			return s.SubscriptionArn
		}
	}
	t.Fatalf("%s is not subscribed", queue)
	return nil
}

func (h *testInstallation) key(t *testing.T) *string {
	t.Helper()
	key, err := h.findKMSKey(t.Context(), h.Config)
	ok(t, err)
	return &key.Recorded
}

func (h *testInstallation) deleteTable(t *testing.T, name string) {
	t.Helper()
	_, err := h.dynamodb.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: &name, DeletionProtectionEnabled: aws.Bool(false)})
	ok(t, err)
	_, err = h.dynamodb.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: &name})
	ok(t, err)
}

// createTable creates a table with these keys and no other settings.
func (h *testInstallation) createTable(t *testing.T, name, hash, sort string) {
	t.Helper()
	h.deleteTable(t, name)
	in := &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: ddbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []ddbtypes.AttributeDefinition{{AttributeName: &hash, AttributeType: "S"}, {AttributeName: &sort, AttributeType: "S"}},
		KeySchema:            []ddbtypes.KeySchemaElement{{AttributeName: &hash, KeyType: "HASH"}, {AttributeName: &sort, KeyType: "RANGE"}},
	}
	_, err := h.dynamodb.CreateTable(t.Context(), in)
	ok(t, err)
}

// record appends a fact that no worker shows.
func (h *testInstallation) record(t *testing.T, stream portal.Stream, fact events.Fact) {
	t.Helper()
	ok(t, journal.New(h.dynamodb, h.names.Journal, h.names.Records).Append(t.Context(), stream, 0, []events.Event{{
		ID: "x", Source: "/test", Subject: stream, Time: time.Now(), Sequence: 1, Data: fact,
	}}))
}

func (h *testInstallation) ran(t *testing.T, job string, at time.Time) {
	t.Helper()
	ok(t, jobs.NewRuns(h.dynamodb, h.names.Records).Save(t.Context(), job, jobs.Run{Started: at, Heartbeat: at, Ended: at, Version: 1}))
}

func (h *testInstallation) changeClient(t *testing.T, change func(*cognito.UpdateUserPoolClientInput)) {
	t.Helper()
	c := clientOf(t, h.Process, h.demo)
	in := &cognito.UpdateUserPoolClientInput{
		UserPoolId: c.UserPoolId, ClientId: c.ClientId, ClientName: c.ClientName, CallbackURLs: c.CallbackURLs, LogoutURLs: c.LogoutURLs,
		AllowedOAuthFlows: c.AllowedOAuthFlows, AllowedOAuthScopes: c.AllowedOAuthScopes, ExplicitAuthFlows: c.ExplicitAuthFlows,
		AllowedOAuthFlowsUserPoolClient: aws.ToBool(c.AllowedOAuthFlowsUserPoolClient), SupportedIdentityProviders: c.SupportedIdentityProviders,
	}
	change(in)
	_, err := cognito.NewFromConfig(h.AWS).UpdateUserPoolClient(t.Context(), in)
	ok(t, err)
}

// injury is one fault, and how the doctor must report it.
type injury struct {
	harm func(t *testing.T, h *testInstallation)
	// wrong are the checks that must fail, with says and advice in their texts.
	wrong        []string
	says, advice string
	// skipped are the checks that must be skipped because of it.
	skipped []string
	// mends: `gatehouse setup` repairs it.
	mends bool
}

const lacks, permissions = "These credentials lack the permission ", "docs/configuration.md#permissions"

// injuries lists a fault for each thing that the doctor checks.
func injuries() map[string]injury {
	all := map[string]injury{}
	one := func(name, line, says, advice string, harm func(*testing.T, *testInstallation), skipped ...string) {
		all[name] = injury{harm: harm, wrong: []string{line}, says: says, advice: advice, skipped: skipped, mends: strings.Contains(advice, runSetup)}
	}
	denied := func(operation, permission string, lines ...string) {
		var h *testInstallation
		all["these credentials may not "+operation] = injury{harm: h.deny(operation), wrong: lines, says: lacks + permission, advice: permissions}
	}
	names := Config{Prefix: "gatehouse", Trail: TrailOn}.Names()
	tables(one, denied, names)
	queues(one, denied, names)
	trailRules(one, denied, names)
	topics(one, denied, names)
	kmsKeys(one, denied)
	signIn(one, denied)
	one("the branding has a fault", "branding", `unknown key "naam"; did you mean "name"?`, "GATEHOUSE_BRANDING", func(t *testing.T, h *testInstallation) {
		h.Config.Branding = lookFolder(t)
		ok(t, os.WriteFile(filepath.Join(h.Config.Branding, "branding.yaml"), []byte("naam: A\n"), 0o600))
	})
	one("the credentials are wrong", "AWS", "AWS does not accept these credentials", "aws sts get-caller-identity",
		func(_ *testing.T, h *testInstallation) { h.refuse("GetCallerIdentity", "InvalidClientTokenId") }, "everything in AWS")
	one("a catalog is not shown", "views", "The journal has a catalog that the views do not show.", "gatehouse projections rebuild", func(t *testing.T, h *testInstallation) {
		h.record(t, portal.CatalogStream, events.CatalogPublished{Hash: "x", Products: 1})
	})
	one("an account is not shown", "views", "The journal has account ann that the views do not show.", "gatehouse projections rebuild", func(t *testing.T, h *testInstallation) {
		h.record(t, portal.AccountStream("ann"), events.UserRegistered{})
	})
	one("the branding has a colour that is hard to read", "branding", "accent", "Change the files in the folder that GATEHOUSE_BRANDING names", func(t *testing.T, h *testInstallation) {
		h.Config.Branding = t.TempDir()
		ok(t, os.WriteFile(filepath.Join(h.Config.Branding, "branding.yaml"), []byte("colours: {light: {accent: \"#eeeeee\"}}\n"), 0o600))
	})
	one("a comparison with AWS's agreements failed", "AWS Marketplace", "The role lacks a permission.", "gatehouse marketplace doctor", func(t *testing.T, h *testInstallation) {
		h.Config.MarketplaceAccounts = []string{"111122223333"}
		ok(t, Setup(t.Context(), h.AWS, h.Config))
		h.compared(t, reconcile.Result{Ended: time.Now(), Problem: "The role lacks a permission."})
	})
	one("usage cannot be metered", "AWS Marketplace", "Metering: It failed on ", "gatehouse marketplace doctor", func(t *testing.T, h *testInstallation) {
		h.Config.MarketplaceAccounts = []string{"111122223333"}
		ok(t, Setup(t.Context(), h.AWS, h.Config))
		h.metered(t, metering.Result{Ended: time.Now(), Problem: "The role lacks a permission."})
	})
	one("no worker has run for a quarter of an hour", "workers", "The last sign of life of a worker is from ", "Start a worker", func(t *testing.T, h *testInstallation) {
		h.ran(t, catalogJob, time.Now().Add(-quietTime))
	})
	one("the last reading of the catalog found a problem", "catalog", "zoo/product.yaml:3: A tab is not allowed here.", "`gatehouse catalog status` lists them all", func(t *testing.T, h *testInstallation) {
		ok(t, h.keepReport(t, catalog.Report{
			Problems:     []catalog.Problem{{Where: "pages/a.md", Text: "A link leads nowhere.", Warning: true}, {Where: "zoo/product.yaml", Line: 3, Text: "A tab is not allowed here."}},
			ProblemCount: 2,
		}))
	})
	one("operators cannot be told of an alarm", "alarms for operators", "Workers could not tell the webhook of drift, after 3 tries: the webhook answered 500 Internal Server Error.", "gatehouse alarms test", func(t *testing.T, h *testInstallation) {
		h.alarm(t, alarms.Row{Alarm: alarms.Drift, State: alarms.Raised, Told: map[string]alarms.Told{
			alarms.WebhookName: {Tries: 3, Error: "the webhook answered 500 Internal Server Error"}, alarms.TopicName: {Phase: alarms.Began},
		}})
	})
	one("no worker has ever run", "workers", "No worker has run here yet, and set-up created the records on ", "Start a worker", func(_ *testing.T, h *testInstallation) {
		h.Now = func() time.Time { return time.Now().Add(quietTime + time.Minute) }
	})
	denied("GetUsagePlans", "apigateway:GET", "API Gateway")
	one("API Gateway is down", "API Gateway", "AWS has a fault of its own", "health.aws.amazon.com", func(_ *testing.T, h *testInstallation) {
		h.AWS.APIOptions = append(slices.Clone(h.AWS.APIOptions), func(stack *middleware.Stack) error {
			return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("Down", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
				if awsmiddleware.GetServiceID(ctx) == "API Gateway" {
					return middleware.FinalizeOutput{}, middleware.Metadata{}, &smithy.GenericAPIError{Code: "ServiceUnavailableException", Fault: smithy.FaultServer}
				}
				return next.HandleFinalize(ctx, in)
			}), middleware.Before)
		})
	})
	return all
}

type (
	injure func(name, line, says, advice string, harm func(*testing.T, *testInstallation), skipped ...string)
	forbid func(operation, permission string, lines ...string)
)

func tables(one injure, denied forbid, names Names) {
	const gone = "It does not exist."
	depends := map[string][]string{
		names.Journal: {"views"}, names.Views: {"views", "AWS Marketplace"}, names.Records: {"KMS key material", "API Gateway", "workers", "alarms for operators", "catalog"}, names.Sessions: nil, names.Usage: nil,
	}
	var lines []string
	for _, table := range names.Tables() {
		lines = append(lines, "table "+table)
		advice := runSetup
		if table == names.Journal || table == names.Records || table == names.Usage {
			advice = "docs/runbook.md#restoring"
		}
		one("the table "+table+" was deleted", "table "+table, gone, advice, func(t *testing.T, h *testInstallation) { h.deleteTable(t, table) }, depends[table]...)
	}
	one("a table has the wrong primary key", "table "+names.Sessions, "Its keys are HASH id (S), RANGE at (S)", "GATEHOUSE_PREFIX", func(t *testing.T, h *testInstallation) {
		h.createTable(t, names.Sessions, "id", "at")
	})
	for _, table := range []string{names.Journal, names.Records, names.Usage} {
		one("deletion protection of "+table+" is off", "table "+table, "Deletion protection is off.", runSetup, func(t *testing.T, h *testInstallation) {
			_, err := h.dynamodb.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: &table, DeletionProtectionEnabled: aws.Bool(false)})
			ok(t, err)
		})
		one("point-in-time recovery of "+table+" is off", "table "+table, "Point-in-time recovery is off.", runSetup, func(t *testing.T, h *testInstallation) {
			_, err := h.dynamodb.UpdateContinuousBackups(t.Context(), &dynamodb.UpdateContinuousBackupsInput{
				TableName: &table, PointInTimeRecoverySpecification: &ddbtypes.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(false)},
			})
			ok(t, err)
		})
	}
	one("old rows are not deleted", "table "+names.Sessions, "Time to live is off", runSetup, func(t *testing.T, h *testInstallation) {
		h.createTable(t, names.Sessions, "pk", "sk")
	})
	one("time to live uses another attribute", "table "+names.Sessions, `goes by "ttl"`, "aws dynamodb update-time-to-live", func(t *testing.T, h *testInstallation) {
		h.createTable(t, names.Sessions, "pk", "sk")
		_, err := h.dynamodb.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
			TableName: &names.Sessions, TimeToLiveSpecification: &ddbtypes.TimeToLiveSpecification{AttributeName: aws.String("ttl"), Enabled: aws.Bool(true)},
		})
		ok(t, err)
	})
	denied("DescribeTable", "dynamodb:DescribeTable", lines...)
	denied("DescribeTimeToLive", "dynamodb:DescribeTimeToLive", "table "+names.Records, "table "+names.Sessions)
	denied("DescribeContinuousBackups", "dynamodb:DescribeContinuousBackups", "table "+names.Journal, "table "+names.Records, "table "+names.Usage)
}

func queues(one injure, denied forbid, names Names) {
	var lines []string
	for _, base := range names.Queues() {
		for _, queue := range []string{base, DeadLetterQueue(base)} {
			line := "queue " + queue
			lines = append(lines, line)
			one("the queue "+queue+" was deleted", line, "It does not exist.", runSetup, func(t *testing.T, h *testInstallation) {
				_, err := h.sqs.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: h.url(t, queue)})
				ok(t, err)
			})
			wrong := map[string][2]string{
				retention: {"60", "Its message retention period is 60 seconds and must be " + seconds(retentionOf(queue)) + " seconds."}, visibility: {"1", "Its visibility timeout is 1 second and must be at least 30 seconds."},
				receiveWait: {"20", "Its receive wait time is 20 seconds and must be 0 seconds."}, delay: {"900", "Its delivery delay is 900 seconds and must be 0 seconds."},
			}
			if strings.HasSuffix(queue, fifoSuffix) {
				wrong[throughput] = [2]string{"perQueue", "Its FIFO throughput limit is perQueue and must be perMessageGroupId."}
			}
			if queue == base {
				wrong[redrive] = [2]string{"", "Its redrive policy does not move messages to " + DeadLetterQueue(queue) + " after 1000 receives."}
			} else {
				wrong[redriveAllow] = [2]string{`{"redrivePermission":"denyAll"}`, "Its redrive allow policy keeps SQS from moving messages here."}
			}
			for attribute, is := range wrong {
				one(fmt.Sprintf("the %s of %s is wrong", attributeNames[attribute], queue), line, is[1], runSetup, func(t *testing.T, h *testInstallation) {
					h.setQueue(t, queue, attribute, is[0])
				})
			}
		}
	}
	one("a queue's policy denies Gatehouse", "queue "+names.Commands, `denies sqs:SendMessage in statement "Closed"`, "Remove that statement", func(t *testing.T, h *testInstallation) {
		h.setQueue(t, names.Commands, queuePolicy, `{"Version":"2012-10-17","Statement":[{"Sid":"Closed","Effect":"Deny","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}]}`)
	})
	one("the topic may not send to the queue", "queue "+names.Projections, "does not let the topic in", runSetup, func(t *testing.T, h *testInstallation) {
		h.setQueue(t, names.Projections, queuePolicy, "")
	})
	denied("GetQueueUrl", "sqs:GetQueueUrl", lines...)
	denied("GetQueueAttributes", "sqs:GetQueueAttributes", lines...)
}

func topics(one injure, denied forbid, names Names) {
	topic, subscription, notices := "topic "+names.Events, "subscription of "+names.Projections, "subscription of "+names.Notices
	one("the topic was deleted", topic, "It does not exist.", runSetup, func(t *testing.T, h *testInstallation) {
		_, err := h.sns.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: h.topicARN(t)})
		ok(t, err)
	}, subscription, notices)
	for attribute, value := range map[string]string{"ContentBasedDeduplication": "true", "FifoThroughputScope": "Topic"} {
		one("the topic's "+attribute+" is wrong", topic, fmt.Sprintf("Its %s is %q", attribute, value), runSetup, func(t *testing.T, h *testInstallation) {
			_, err := h.sns.SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{TopicArn: h.topicARN(t), AttributeName: &attribute, AttributeValue: &value})
			ok(t, err)
		})
	}
	one("the queue is not subscribed", subscription, "does not subscribe to the topic", runSetup, func(t *testing.T, h *testInstallation) {
		_, err := h.sns.Unsubscribe(t.Context(), &sns.UnsubscribeInput{SubscriptionArn: h.subscription(t)})
		ok(t, err)
	})
	one("the queue of notices is not subscribed", notices, "nobody gets notices", runSetup, func(t *testing.T, h *testInstallation) {
		_, err := h.sns.Unsubscribe(t.Context(), &sns.UnsubscribeInput{SubscriptionArn: h.subscriptionOf(t, names.Notices)})
		ok(t, err)
	})
	for attribute, c := range map[string][2]string{
		"RawMessageDelivery": {"false", "Raw message delivery is off"}, "FilterPolicy": {`{"type":["x"]}`, "A filter policy keeps facts from the queue"},
	} {
		one("the subscription's "+attribute+" is wrong", subscription, c[1], runSetup, func(t *testing.T, h *testInstallation) {
			_, err := h.sns.SetSubscriptionAttributes(t.Context(), &sns.SetSubscriptionAttributesInput{SubscriptionArn: h.subscription(t), AttributeName: &attribute, AttributeValue: &c[0]})
			ok(t, err)
		})
	}
	feedback := "topic " + names.Feedback
	one("the topic of feedback was deleted", feedback, "It does not exist.", runSetup, func(t *testing.T, h *testInstallation) {
		arn, err := h.clients.topicARN(t.Context(), names.Feedback)
		ok(t, err)
		_, err = h.sns.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: &arn})
		ok(t, err)
	})
	denied("GetTopicAttributes", "sns:GetTopicAttributes", topic, feedback)
	denied("ListSubscriptionsByTopic", "sns:ListSubscriptionsByTopic", subscription, notices)
	denied("GetSubscriptionAttributes", "sns:GetSubscriptionAttributes", subscription, notices)
}

func kmsKeys(one injure, denied forbid) {
	const key, policy, material = "KMS key", "KMS key policy", "KMS key material"
	one("the alias was deleted", key, "There is no key under alias/gatehouse-keys.", "GATEHOUSE_KMS_KEY", func(t *testing.T, h *testInstallation) {
		_, err := h.kms.DeleteAlias(t.Context(), &kms.DeleteAliasInput{AliasName: &h.names.KMSAlias})
		ok(t, err)
	}, policy, material)
	one("a key is configured that does not exist", key, "There is no KMS key alias/none", "GATEHOUSE_KMS_KEY", func(_ *testing.T, h *testInstallation) {
		h.Config.KMSKey = "alias/none"
	}, policy, material)
	one("the key is disabled", key, "It is disabled", "aws kms enable-key --key-id mrk-", func(t *testing.T, h *testInstallation) {
		_, err := h.kms.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: h.key(t)})
		ok(t, err)
	}, material)
	one("the key will be deleted", key, "It will be deleted on "+time.Now().UTC().AddDate(0, 0, 7).Format("2 January 2006"), "aws kms cancel-key-deletion --key-id mrk-", func(t *testing.T, h *testInstallation) {
		_, err := h.kms.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: h.key(t), PendingWindowInDays: aws.Int32(7)})
		ok(t, err)
	}, material)
	one("the key has the wrong spec", key, "must be HMAC_256", "GATEHOUSE_KMS_KEY", func(t *testing.T, h *testInstallation) {
		other, err := h.kms.CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: kmstypes.KeySpecHmac512, KeyUsage: kmstypes.KeyUsageTypeGenerateVerifyMac})
		ok(t, err)
		h.Config.KMSKey = *other.KeyMetadata.Arn
	}, material)
	one("anybody may compute keys", policy, "Anybody may compute API keys", "in one run", func(t *testing.T, h *testInstallation) {
		_, err := h.kms.PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: h.key(t), Policy: aws.String(`{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}`)})
		ok(t, err)
	})
	one("a role in the policy was deleted", policy, "It names AROAEXAMPLE, a role or user that was deleted.", "--key-user", func(t *testing.T, h *testInstallation) {
		_, err := h.kms.PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: h.key(t), Policy: aws.String(`{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"kms:Put*","Resource":"*"},
			{"Effect":"Allow","Principal":{"AWS":["AROAEXAMPLE"]},"Action":["kms:GenerateMac"],"Resource":"*"}]}`)})
		ok(t, err)
	})
	one("set-up has never seen the key", material, "Set-up has not seen this key yet", runSetup, func(t *testing.T, h *testInstallation) {
		_, err := h.dynamodb.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &h.names.Records, Key: keyCheckKey(*h.key(t))})
		ok(t, err)
	})
	one("the key has other material", material, "its material differs", "docs/runbook.md#the-kms-key", func(t *testing.T, h *testInstallation) {
		_, err := h.dynamodb.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &h.names.Records, Key: keyCheckKey(*h.key(t)), UpdateExpression: aws.String("SET tag = :other"),
			ExpressionAttributeValues: map[string]ddbtypes.AttributeValue{":other": &ddbtypes.AttributeValueMemberS{Value: "other"}},
		})
		ok(t, err)
	})
	denied("GenerateMac", "kms:GenerateMac", material)
	denied("GetKeyPolicy", "kms:GetKeyPolicy", policy)
}

func signIn(one injure, denied forbid) {
	const provider, client = "identity provider", "sign-in client"
	one("no provider is configured", provider, "GATEHOUSE_OIDC_ISSUER is missing", "Set it", func(_ *testing.T, h *testInstallation) { h.Config.OIDCIssuer = "" }, client)
	one("no client is configured", provider, "GATEHOUSE_OIDC_CLIENT_ID is missing", "Set it", func(_ *testing.T, h *testInstallation) { h.Config.OIDCClientID = "" }, client)
	one("the provider does not answer", provider, "http://127.0.0.1:1/.well-known/openid-configuration does not answer: connection refused.", "GATEHOUSE_OIDC_ISSUER", func(_ *testing.T, h *testInstallation) { h.Config.OIDCIssuer = "http://127.0.0.1:1" })
	answering := func(configuration, keys string) func(*testing.T, *testInstallation) {
		return func(t *testing.T, h *testInstallation) {
			answers := http.NewServeMux()
			server := httptest.NewServer(answers)
			t.Cleanup(server.Close)
			answers.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(strings.ReplaceAll(configuration, "HERE", server.URL)))
			})
			answers.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(keys)) })
			h.Config.OIDCIssuer = server.URL
		}
	}
	one("the provider names another issuer", provider, `It names its issuer "https://login.example.com"`, "exactly the issuer", answering(`{"issuer":"https://login.example.com"}`, ""))
	one("the issuer is a web page", provider, "does not answer with JSON", "GATEHOUSE_OIDC_ISSUER", answering("<html>", ""))
	one("the provider has no keys", provider, "There are no signing keys at", "Check the address", answering(`{"issuer":"HERE","jwks_uri":"HERE/keys"}`, `{"keys":[]}`))
	one("the provider's keys are gone", provider, "answers 404 Not Found", "Check the address", answering(`{"issuer":"HERE","jwks_uri":"HERE/gone"}`, ""))
	one("the configured keys do not answer", provider, "http://127.0.0.1:1/k does not answer", "GATEHOUSE_OIDC_JWKS_URL", func(_ *testing.T, h *testInstallation) {
		h.Config.OIDCAuthURL, h.Config.OIDCTokenURL, h.Config.OIDCJWKSURL = "http://127.0.0.1:1/a", "http://127.0.0.1:1/t", "http://127.0.0.1:1/k"
	})

	change := func(change func(*cognito.UpdateUserPoolClientInput)) func(*testing.T, *testInstallation) {
		return func(t *testing.T, h *testInstallation) { h.changeClient(t, change) }
	}
	one("the callback URL differs", client, "http://localhost:8080/sign-in/callback is not one of its callback URLs", "GATEHOUSE_BASE_URL", change(func(in *cognito.UpdateUserPoolClientInput) {
		in.CallbackURLs = []string{"https://portal.example.com/sign-in/callback"}
	}))
	one("the sign-out URL differs", client, "http://localhost:8080/ is not one of its sign-out URLs", "GATEHOUSE_BASE_URL", change(func(in *cognito.UpdateUserPoolClientInput) {
		in.LogoutURLs = []string{"https://portal.example.com/"}
	}))
	one("a scope is missing", client, "It does not allow the scope email.", "Login pages", change(func(in *cognito.UpdateUserPoolClientInput) {
		in.AllowedOAuthScopes = []string{"openid", "profile"}
	}))
	one("the code flow is off", client, "It does not allow the authorization code flow.", "Login pages", change(func(in *cognito.UpdateUserPoolClientInput) {
		in.AllowedOAuthFlowsUserPoolClient = false
	}))
	one("a secret is configured that the client does not have", client, "It has no secret", "Leave that variable empty", func(_ *testing.T, h *testInstallation) { h.Config.OIDCClientSecret = "secret" })
	one("the client has a secret that is not configured", client, "It has a secret", "Set it to the client's secret", func(t *testing.T, h *testInstallation) {
		c := clientOf(t, h.Process, h.demo)
		with, err := cognito.NewFromConfig(h.AWS).CreateUserPoolClient(t.Context(), &cognito.CreateUserPoolClientInput{
			UserPoolId: c.UserPoolId, ClientName: aws.String("with a secret"), GenerateSecret: true, CallbackURLs: c.CallbackURLs, LogoutURLs: c.LogoutURLs,
			AllowedOAuthFlows: c.AllowedOAuthFlows, AllowedOAuthScopes: c.AllowedOAuthScopes, AllowedOAuthFlowsUserPoolClient: true,
			SupportedIdentityProviders: c.SupportedIdentityProviders,
		})
		ok(t, err)
		h.Config.OIDCClientID = *with.UserPoolClient.ClientId
	})
	one("there is no such client", client, "has no client nobody", "GATEHOUSE_OIDC_CLIENT_ID", func(_ *testing.T, h *testInstallation) { h.Config.OIDCClientID = "nobody" })
	denied("DescribeUserPoolClient", "cognito-idp:DescribeUserPoolClient", client)
}

// TestDoctorFindsEachFaultAndNoOther breaks one thing after the other, and each of the doctor's
// checks at least once.
func TestDoctorFindsEachFaultAndNoOther(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	broken := map[string]bool{}
	t.Run("each", func(t *testing.T) {
		for name, c := range injuries() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				mu.Lock()
				for _, line := range c.wrong {
					broken[line] = true
				}
				mu.Unlock()
				h := healthy(t)
				if slices.Contains(c.wrong, "sign-in client") {
					h.withUserPool(t)
				}
				c.harm(t, h)
				wantWrong(t, Examine(t.Context(), h.Process), c)
				if !c.mends || strings.HasPrefix(name, "the queue ") {
					return // SQS has no queue of the name for a minute
				}
				ok(t, Setup(t.Context(), h.AWS, h.Config))
				if wrong := wrongs(Examine(t.Context(), h.Process)); len(wrong) > 0 {
					t.Errorf("after set-up, wrong are %v", wrong)
				}
			})
		}
	})
	h := healthy(t)
	h.withUserPool(t)
	for _, check := range Examine(t.Context(), h.Process) {
		if check.Problem != "" || check.Skipped != "" {
			t.Errorf("before anything is broken, the doctor says %+v", check)
		}
		if !broken[check.What] {
			t.Errorf("nothing here breaks %q", check.What)
		}
	}
}

func wantWrong(t *testing.T, checks []Check, c injury) {
	t.Helper()
	wrong := wrongs(checks)
	if diff := slices.Sorted(maps.Keys(wrong)); !slices.Equal(diff, slices.Sorted(slices.Values(c.wrong))) {
		t.Errorf("wrong are %v, want %v", wrong, c.wrong)
	}
	for _, line := range c.wrong {
		if text := wrong[line]; !strings.Contains(text, c.says) || !strings.Contains(text, c.advice) {
			t.Errorf("%s: %q, want %q and %q", line, text, c.says, c.advice)
		}
	}
	var skipped []string
	for _, check := range checks {
		if check.Skipped != "" {
			skipped = append(skipped, check.What)
		}
	}
	if !slices.Equal(slices.Sorted(slices.Values(skipped)), slices.Sorted(slices.Values(c.skipped))) {
		t.Errorf("skipped are %v, want %v", skipped, c.skipped)
	}
}

func TestSetupWaitsUntilAWSIsReady(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	for _, operation := range []string{"CreateQueue", "UpdateContinuousBackups"} {
		var mu sync.Mutex
		tries := 0
		p.AWS.APIOptions = append(slices.Clone(p.AWS.APIOptions), func(stack *middleware.Stack) error {
			return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("NotYet"+operation, func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
				mu.Lock()
				defer mu.Unlock()
				if awsmiddleware.GetOperationName(ctx) == operation {
					if tries++; tries == 1 {
						notYet := map[string]error{"CreateQueue": &sqstypes.QueueDeletedRecently{}, "UpdateContinuousBackups": &ddbtypes.ContinuousBackupsUnavailableException{}}
						return middleware.FinalizeOutput{}, middleware.Metadata{}, notYet[operation]
					}
				}
				return next.HandleFinalize(ctx, in)
			}), middleware.Before)
		})
	}
	e, err := openEstate(t.Context(), p.AWS, p.Config)
	ok(t, err)
	e.pause = time.Microsecond
	ok(t, e.createQueue(t.Context(), DeadLetterQueue(e.names.Jobs)))
	ok(t, e.createTable(t.Context(), e.names.Journal))
	ok(t, e.recoverable(t.Context(), e.names.Journal))
}

func TestDoctorTellsOfTheWorkersLastSignOfLife(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ran  map[string]time.Duration // how long ago each job ran
		want string
	}{
		"a new installation":           {nil, "no worker has run here yet; start one"},
		"a job ran a minute ago":       {map[string]time.Duration{dueJob: time.Minute}, "the last sign of life is from "},
		"another job ran a minute ago": {map[string]time.Duration{catalogJob: time.Hour, rebuildJob: time.Minute}, "the last sign of life is from "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := healthy(t)
			for job, ago := range c.ran {
				h.ran(t, job, time.Now().Add(-ago))
			}
			for _, check := range Examine(t.Context(), h.Process) {
				if check.What == "workers" && (check.Problem != "" || !strings.HasPrefix(check.Note, c.want)) {
					t.Errorf("the doctor says %+v, want %q", check, c.want)
				}
			}
		})
	}
}

func (h *testInstallation) keepReport(t *testing.T, report catalog.Report) error {
	t.Helper()
	c, names := newClients(h.AWS), NamesFor(h.Config.Prefix)
	return jobs.NewScratch(c.dynamodb, names.Records, time.Now).Put(t.Context(), schema.CatalogReport(), "last", report, time.Hour)
}

func TestDoctorNamesThePlansThatAreNotOffered(t *testing.T) {
	t.Parallel()
	h := healthy(t)
	report := catalog.Report{Products: 2, Plans: 3, NotOfferedCount: 12}
	for i := range 12 {
		report.NotOffered = append(report.NotOffered, catalog.NotOffered{Plan: portal.PlanID(fmt.Sprint("p", i)), Name: fmt.Sprint("Plan ", i), Reason: "It lacks the tag."})
	}
	ok(t, h.keepReport(t, report))
	for _, check := range Examine(t.Context(), h.Process) {
		if check.What != "catalog" {
			continue
		}
		for _, want := range []string{"products: 2; plans offered: 3; not offered: 12. Plan 0 (p0): It lacks the tag. ", "Plan 9 (p9): It lacks the tag. And 2 more; `gatehouse catalog status`"} {
			if !strings.Contains(check.Note, want) || check.Problem != "" {
				t.Errorf("it says %+v, want %s", check, want)
			}
		}
	}
}

func (h *testInstallation) alarm(t *testing.T, row alarms.Row) {
	t.Helper()
	item, err := attributevalue.MarshalMap(row)
	ok(t, err)
	maps.Copy(item, schema.Alarm(string(row.Alarm)).Attributes())
	_, err = dynamodb.NewFromConfig(h.AWS).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(NamesFor(h.Config.Prefix).Records), Item: item})
	ok(t, err)
}
