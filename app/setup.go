package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"
)

// tableTimeout bounds how long set-up waits for a new table.
const tableTimeout = 3 * time.Minute

// Set-up's choices for queues. Retention is SQS's most, so that a weekend is not enough
// to lose anything; the receive limit is high, since it counts waiting for budget too:
// dead-lettering is the worker's business, SQS's is only the net below.
const (
	queueRetention  = 14 * 24 * time.Hour
	queueVisibility = 30 * time.Second
	maxReceiveCount = 1000
)

// Setup creates the tables, queues, topic and KMS key that Gatehouse needs and are not
// there yet. It may be run any number of times, and changes nothing that is there but
// the queues' attributes and policies.
func Setup(ctx context.Context, awsCfg aws.Config, cfg Config) error {
	s := setup{clients: newClients(awsCfg), names: NamesFor(cfg.Prefix), cfg: cfg}
	group, grouped := errgroup.WithContext(ctx)
	for _, table := range s.names.Tables() {
		group.Go(func() error { return s.table(grouped, table) })
	}
	group.Go(func() error { return s.messaging(grouped) })
	group.Go(func() error { return s.kmsKey(grouped) })
	if err := group.Wait(); err != nil {
		return err
	}
	return s.rememberKey(ctx)
}

type setup struct {
	clients
	names Names
	cfg   Config
}

func (s setup) table(ctx context.Context, name string) error {
	_, err := s.dynamodb.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: ddbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []ddbtypes.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: ddbtypes.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: ddbtypes.ScalarAttributeTypeS},
		},
		KeySchema: []ddbtypes.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: ddbtypes.KeyTypeHash},
			{AttributeName: aws.String("sk"), KeyType: ddbtypes.KeyTypeRange},
		},
	})
	var exists *ddbtypes.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("creating table %s: %w", name, err)
	}
	waiter := dynamodb.NewTableExistsWaiter(s.dynamodb)
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, tableTimeout); err != nil {
		return fmt.Errorf("waiting for table %s: %w", name, err)
	}
	if name == s.names.Sessions || name == s.names.Records {
		return s.timeToLive(ctx, name)
	}
	return nil
}

func (s setup) timeToLive(ctx context.Context, table string) error {
	now, err := s.dynamodb.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &table})
	if err != nil {
		return fmt.Errorf("reading the time to live of table %s: %w", table, err)
	}
	if d := now.TimeToLiveDescription; d != nil && aws.ToString(d.AttributeName) == "expires_at" {
		return nil
	}
	_, err = s.dynamodb.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName:               &table,
		TimeToLiveSpecification: &ddbtypes.TimeToLiveSpecification{AttributeName: aws.String("expires_at"), Enabled: aws.Bool(true)},
	})
	if err != nil {
		return fmt.Errorf("setting the time to live of table %s: %w", table, err)
	}
	return nil
}

func (s setup) messaging(ctx context.Context) error {
	topic, err := s.sns.CreateTopic(ctx, &sns.CreateTopicInput{
		Name:       &s.names.Events,
		Attributes: map[string]string{"FifoTopic": "true", "ContentBasedDeduplication": "false", "FifoThroughputScope": "MessageGroup"},
	})
	if err != nil {
		return fmt.Errorf("creating topic %s: %w", s.names.Events, err)
	}
	for _, queue := range s.names.Queues() {
		dlq, err := s.queue(ctx, DeadLetterQueue(queue), nil)
		if err != nil {
			return err
		}
		redrive, _ := json.Marshal(map[string]any{"deadLetterTargetArn": dlq, "maxReceiveCount": maxReceiveCount})
		more := map[string]string{string(sqstypes.QueueAttributeNameRedrivePolicy): string(redrive)}
		arn, err := s.queue(ctx, queue, more)
		if err != nil {
			return err
		}
		if queue == s.names.Projections {
			if err := s.subscribe(ctx, aws.ToString(topic.TopicArn), queue, arn); err != nil {
				return err
			}
		}
	}
	return nil
}

// queue creates a queue, or sets the attributes of the one that is there, and returns
// its ARN.
func (s setup) queue(ctx context.Context, name string, more map[string]string) (arn string, err error) {
	attributes := map[string]string{
		string(sqstypes.QueueAttributeNameMessageRetentionPeriod): seconds(queueRetention),
		string(sqstypes.QueueAttributeNameVisibilityTimeout):      seconds(queueVisibility),
		// Consumers ask for their long polls themselves. With a wait here they could not ask
		// for an answer at once, as they do when they stop: the SDK does not send a zero.
		string(sqstypes.QueueAttributeNameReceiveMessageWaitTimeSeconds): "0",
	}
	fixed := map[string]string{}
	if strings.HasSuffix(name, fifoSuffix) {
		attributes[string(sqstypes.QueueAttributeNameDeduplicationScope)] = "messageGroup"
		attributes[string(sqstypes.QueueAttributeNameFifoThroughputLimit)] = "perMessageGroupId"
		fixed[string(sqstypes.QueueAttributeNameFifoQueue)] = "true"
	}
	for name, value := range more {
		attributes[name] = value
	}
	url, err := s.queueURL(ctx, name, fixed)
	if err != nil {
		return "", err
	}
	if _, err := s.sqs.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: attributes}); err != nil {
		return "", fmt.Errorf("configuring queue %s: %w", name, err)
	}
	out, err := s.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return "", fmt.Errorf("reading queue %s: %w", name, err)
	}
	return out.Attributes[string(sqstypes.QueueAttributeNameQueueArn)], nil
}

func (s setup) queueURL(ctx context.Context, name string, fixed map[string]string) (string, error) {
	found, err := s.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	var missing *sqstypes.QueueDoesNotExist
	switch {
	case err == nil:
		return aws.ToString(found.QueueUrl), nil
	case !errors.As(err, &missing):
		return "", fmt.Errorf("finding queue %s: %w", name, err)
	}
	created, err := s.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: fixed})
	if err != nil {
		return "", fmt.Errorf("creating queue %s: %w", name, err)
	}
	return aws.ToString(created.QueueUrl), nil
}

// subscribe has the topic deliver to the queue, raw, and lets it.
func (s setup) subscribe(ctx context.Context, topicARN, queue, queueARN string) error {
	policy, _ := json.Marshal(map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{map[string]any{
			"Sid": "EventsTopic", "Effect": "Allow", "Principal": map[string]string{"Service": "sns.amazonaws.com"},
			"Action": "sqs:SendMessage", "Resource": queueARN,
			"Condition": map[string]any{"ArnEquals": map[string]string{"aws:SourceArn": topicARN}},
		}},
	})
	if _, err := s.queue(ctx, queue, map[string]string{string(sqstypes.QueueAttributeNamePolicy): string(policy)}); err != nil {
		return err
	}
	_, err := s.sns.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: &topicARN, Protocol: aws.String("sqs"), Endpoint: &queueARN,
		Attributes: map[string]string{"RawMessageDelivery": "true"}, ReturnSubscriptionArn: true,
	})
	if err != nil {
		return fmt.Errorf("subscribing queue %s to the events: %w", queue, err)
	}
	return nil
}

// kmsKey creates the key that API key values follow from, under its alias: an HMAC key,
// multi-Region, so that the values can outlive the Region. With one configured nothing
// is created.
func (s setup) kmsKey(ctx context.Context) error {
	if s.cfg.KMSKey != "" {
		return nil
	}
	_, err := s.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &s.names.KMSAlias})
	var missing *kmstypes.NotFoundException
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &missing):
		return fmt.Errorf("finding KMS key %s: %w", s.names.KMSAlias, err)
	}
	key, err := s.kms.CreateKey(ctx, &kms.CreateKeyInput{
		KeySpec: kmstypes.KeySpecHmac256, KeyUsage: kmstypes.KeyUsageTypeGenerateVerifyMac, MultiRegion: aws.Bool(true),
		Description: aws.String("Gatehouse: API key values follow from it. Deleting it changes or breaks every key."),
	})
	if err != nil {
		return fmt.Errorf("creating the KMS key: %w", err)
	}
	_, err = s.kms.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &s.names.KMSAlias, TargetKeyId: key.KeyMetadata.KeyId})
	if err != nil {
		return fmt.Errorf("naming the KMS key %s: %w", s.names.KMSAlias, err)
	}
	return nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%d", int(d.Seconds())) }
