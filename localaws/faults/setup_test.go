package faults_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// local is a server with clients that do not retry.
type local struct {
	t testing.TB
	*localaws.Server
	cfg   aws.Config
	queue *sqs.Client
	table *dynamodb.Client
}

func start(t testing.TB, adjust ...func(*localaws.Options)) *local {
	t.Helper()
	srv := localawstest.Start(t, adjust...)
	cfg := srv.AWSConfig()
	cfg.RetryMaxAttempts = 1
	return &local{t: t, Server: srv, cfg: cfg, queue: sqs.NewFromConfig(cfg), table: dynamodb.NewFromConfig(cfg)}
}

// suffer sets a plan.
func (l *local) suffer(plan string) {
	l.t.Helper()
	p, err := faults.Parse(plan)
	if err == nil {
		err = l.SetFaults(p)
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *local) createQueue(name string, attributes map[string]string) string {
	l.t.Helper()
	out, err := l.queue.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		l.t.Fatal(err)
	}
	return *out.QueueUrl
}

func (l *local) fifoQueue(name string) string {
	l.t.Helper()
	return l.createQueue(name, map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"})
}

func (l *local) send(queue, body string) error {
	_, err := l.queue.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: &body})
	return err
}

func (l *local) mustSend(queue string, bodies ...string) {
	l.t.Helper()
	for _, body := range bodies {
		if err := l.send(queue, body); err != nil {
			l.t.Fatal(err)
		}
	}
}

func (l *local) receive(queue string) []types.Message {
	l.t.Helper()
	out, err := l.queue.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{
		QueueUrl: &queue, MaxNumberOfMessages: 10,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return out.Messages
}

func (l *local) delete(queue string, m types.Message) error {
	_, err := l.queue.DeleteMessage(context.Background(), &sqs.DeleteMessageInput{QueueUrl: &queue, ReceiptHandle: m.ReceiptHandle})
	return err
}

func bodies(messages []types.Message) []string {
	all := []string{}
	for _, m := range messages {
		all = append(all, *m.Body)
	}
	return all
}

func (l *local) createTable(name string) {
	l.t.Helper()
	_, err := l.table.CreateTable(context.Background(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: dynamodbtypes.BillingModePayPerRequest,
		KeySchema:            []dynamodbtypes.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: dynamodbtypes.KeyTypeHash}},
		AttributeDefinitions: []dynamodbtypes.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: dynamodbtypes.ScalarAttributeTypeS}},
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

// put writes an item that must not exist yet.
func (l *local) put(ctx context.Context, table, pk string) error {
	_, err := l.table.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &table, Item: map[string]dynamodbtypes.AttributeValue{"pk": &dynamodbtypes.AttributeValueMemberS{Value: pk}},
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	})
	return err
}

func (l *local) has(table, pk string) bool {
	l.t.Helper()
	out, err := l.table.GetItem(context.Background(), &dynamodb.GetItemInput{
		TableName: &table, Key: map[string]dynamodbtypes.AttributeValue{"pk": &dynamodbtypes.AttributeValueMemberS{Value: pk}},
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return len(out.Item) > 0
}

// wantCode requires an AWS error with that code.
func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != code {
		t.Errorf("the error is %v, want %s", err, code)
	}
}

// wantUnanswered requires that a call got no answer.
func wantUnanswered(t testing.TB, err error) {
	t.Helper()
	var refused smithy.APIError
	if err == nil || errors.As(err, &refused) {
		t.Errorf("the error is %v, want a connection closed without an answer", err)
	}
}

// eventually polls for at most 20 seconds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not so in 20 s: %s", what)
		}
	}
}

func (l *local) sendInGroup(queue, body string) {
	l.t.Helper()
	_, err := l.queue.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: &body, MessageGroupId: aws.String("g")})
	if err != nil {
		l.t.Fatal(err)
	}
}
