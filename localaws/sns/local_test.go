package sns_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// clock is the server's clock. It stands still until advance.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// local is a client of SNS and SQS with its own server.
type local struct {
	t testing.TB
	*sns.Client
	*clock
	queues *sqs.Client
}

func start(t testing.TB) *local {
	t.Helper()
	c := newClock()
	srv := localawstest.Start(t, func(o *localaws.Options) { o.Now = c.Now })
	return newLocal(t, srv, c)
}

func newLocal(t testing.TB, srv *localaws.Server, c *clock) *local {
	return &local{t, sns.NewFromConfig(srv.AWSConfig()), c, sqs.NewFromConfig(srv.AWSConfig())}
}

func (l *local) topic(name string, attributes ...string) string {
	l.t.Helper()
	out, err := l.CreateTopic(l.t.Context(), &sns.CreateTopicInput{Name: &name, Attributes: pairs(attributes)})
	if err != nil {
		l.t.Fatalf("creating topic %s: %v", name, err)
	}
	return *out.TopicArn
}

// queue creates a queue to which SNS may send, unless attributes contain another policy.
func (l *local) queue(name string, attributes ...string) (url, arn string) {
	l.t.Helper()
	all := pairs(attributes)
	if _, given := all["Policy"]; !given {
		all["Policy"] = allowing("*")
	}
	out, err := l.queues.CreateQueue(l.t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: all})
	if err != nil {
		l.t.Fatalf("creating queue %s: %v", name, err)
	}
	return *out.QueueUrl, "arn:aws:sqs:us-east-1:000000000000:" + name
}

// allowing is a policy that allows topics that match the pattern to send.
func allowing(topic string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},` +
		`"Action":"sqs:SendMessage","Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:` + topic + `"}}}]}`
}

func (l *local) subscribe(topic, queue string, attributes ...string) string {
	l.t.Helper()
	out, err := l.trySubscribe(topic, queue, attributes...)
	if err != nil {
		l.t.Fatalf("subscribing %s: %v", queue, err)
	}
	return *out.SubscriptionArn
}

func (l *local) trySubscribe(topic, queue string, attributes ...string) (*sns.SubscribeOutput, error) {
	return l.Subscribe(l.t.Context(), &sns.SubscribeInput{
		TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: &queue, Attributes: pairs(attributes), ReturnSubscriptionArn: true,
	})
}

func (l *local) publish(topic, message string, adjust ...func(*sns.PublishInput)) *sns.PublishOutput {
	l.t.Helper()
	in := &sns.PublishInput{TopicArn: &topic, Message: &message}
	for _, f := range adjust {
		f(in)
	}
	out, err := l.Publish(l.t.Context(), in)
	if err != nil {
		l.t.Fatalf("publishing: %v", err)
	}
	return out
}

func inGroup(group, dedup string) func(*sns.PublishInput) {
	return func(in *sns.PublishInput) {
		in.MessageGroupId = &group
		if dedup != "" {
			in.MessageDeduplicationId = &dedup
		}
	}
}

func (l *local) receive(queue string) []sqstypes.Message {
	l.t.Helper()
	out, err := l.queues.ReceiveMessage(l.t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &queue, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"All"},
	})
	if err != nil {
		l.t.Fatalf("receiving: %v", err)
	}
	return out.Messages
}

func (l *local) receiveOne(queue string) sqstypes.Message {
	l.t.Helper()
	got := l.receive(queue)
	if len(got) != 1 {
		l.t.Fatalf("received %v, want one message", bodies(got))
	}
	return got[0]
}

func bodies(messages []sqstypes.Message) []string {
	all := []string{}
	for _, m := range messages {
		all = append(all, *m.Body)
	}
	return all
}

func pairs(list []string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(list); i += 2 {
		m[list[i]] = list[i+1]
	}
	return m
}

func text(value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
}

func wantCode(t testing.TB, err error, want string) {
	t.Helper()
	got := ""
	var api smithy.APIError
	if errors.As(err, &api) {
		got = api.ErrorCode()
	}
	if got != want {
		t.Errorf("error code is %q (%v), want %q", got, err, want)
	}
}

func setPolicy(url, policy string) *sqs.SetQueueAttributesInput {
	return &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{"Policy": policy}}
}
