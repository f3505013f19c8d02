package marketplace_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/marketplaceagreement"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	metertypes "github.com/aws/aws-sdk-go-v2/service/marketplacemetering/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/buyers"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

const buyer = "845735284135"

// clock is the server's clock. It moves only when a test advances it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 8, 20, 14, 23, 11, 13e6, time.UTC)} }

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

// local is a marketplace with buyers, and the seller with a queue that gets all notices.
type local struct {
	t   testing.TB
	ctx context.Context
	*clock
	*buyers.Client
	srv        *localaws.Server
	queues     *sqs.Client
	topics     *sns.Client
	bus        *eventbridge.Client
	agreements *marketplaceagreement.Client
	meters     *marketplacemetering.Client
	queue      string
}

func start(t testing.TB) *local {
	t.Helper()
	c := newClock()
	return on(t, localawstest.Start(t, func(o *localaws.Options) { o.Now = c.Now }), c)
}

func on(t testing.TB, srv *localaws.Server, c *clock) *local {
	t.Helper()
	cfg := srv.AWSConfig()
	cfg.RetryMaxAttempts = 1
	l := &local{
		t: t, ctx: t.Context(), clock: c, Client: buyers.New(srv.Endpoint()), srv: srv,
		queues: sqs.NewFromConfig(cfg), topics: sns.NewFromConfig(cfg), bus: eventbridge.NewFromConfig(cfg),
		agreements: marketplaceagreement.NewFromConfig(cfg), meters: marketplacemetering.NewFromConfig(cfg),
	}
	out, err := l.queues.CreateQueue(l.ctx, &sqs.CreateQueueInput{QueueName: aws.String("notices"), Attributes: map[string]string{"Policy": policy}})
	l.must(err)
	l.queue = *out.QueueUrl
	return l
}

const (
	queueARN = "arn:aws:sqs:us-east-1:000000000000:notices"
	policy   = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:287250355862:aws-mp-*"},"StringEquals":{"aws:SourceAccount":"287250355862"}}},
		{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:events:us-east-1:000000000000:rule/*"}}}]}`
)

func (l *local) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// step unwraps the answer of a step that must succeed.
func (l *local) step(p marketplace.Purchase, err error) marketplace.Purchase {
	l.t.Helper()
	l.must(err)
	return p
}

// list puts a product up and connects its notices to the queue.
func (l *local) list(kind marketplace.Kind, contract ...string) marketplace.Product {
	l.t.Helper()
	p, err := l.PutProduct(l.ctx, marketplace.Product{
		Code: "code-" + string(kind), ID: "prod-" + string(kind), Name: "Seamark Pro", Kind: kind,
		Dimensions: []string{"requests"}, ContractDimensions: contract, RegistrationURL: "http://localhost:8080/marketplace-confirm/p1?a=b&c",
	})
	l.must(err)
	if kind == marketplace.SNS {
		for _, topic := range []string{p.SubscriptionTopic(), p.EntitlementTopic()} {
			_, err := l.topics.Subscribe(l.ctx, &sns.SubscribeInput{
				TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: aws.String(queueARN), Attributes: map[string]string{"RawMessageDelivery": "true"},
			})
			l.must(err)
		}
		return p
	}
	_, err = l.bus.PutRule(l.ctx, &eventbridge.PutRuleInput{Name: aws.String("market"), EventPattern: aws.String(`{"source":["aws.agreement-marketplace"]}`)})
	l.must(err)
	_, err = l.bus.PutTargets(l.ctx, &eventbridge.PutTargetsInput{Rule: aws.String("market"), Targets: []ebtypes.Target{{Id: aws.String("q"), Arn: aws.String(queueARN)}}})
	l.must(err)
	return p
}

// received empties the queue.
func (l *local) received() (bodies []string) {
	l.t.Helper()
	for {
		out, err := l.queues.ReceiveMessage(l.ctx, &sqs.ReceiveMessageInput{QueueUrl: &l.queue, MaxNumberOfMessages: 10})
		l.must(err)
		if len(out.Messages) == 0 {
			return bodies
		}
		for _, m := range out.Messages {
			bodies = append(bodies, *m.Body)
			_, err := l.queues.DeleteMessage(l.ctx, &sqs.DeleteMessageInput{QueueUrl: &l.queue, ReceiptHandle: m.ReceiptHandle})
			l.must(err)
		}
	}
}

// notice is what a seller reads in a notice of either kind.
type notice struct {
	ID         string
	Action     string
	Offer      string `json:"offer-identifier"`
	FreeTrial  string `json:"isFreeTrialTermPresent"`
	DetailType string `json:"detail-type"`
	Time       time.Time
	Detail     struct {
		Agreement struct{ ID, Intent, Status, StartTime, EndTime, PreviousAgreementID string }
		License   struct{ ARN string }
	}
}

func (n notice) kind() string { return n.Action + n.DetailType }

func (l *local) notices() (all []notice) {
	l.t.Helper()
	for _, body := range l.received() {
		var n notice
		repaired := strings.Replace(body, ",\n}", "\n}", 1)
		if err := json.Unmarshal([]byte(repaired), &n); err != nil {
			l.t.Fatalf("%s: %v", body, err)
		}
		all = append(all, n)
	}
	return all
}

// wantNotices wants these and no others since the last time, in this order.
func (l *local) wantNotices(want ...string) {
	l.t.Helper()
	var got []string
	for _, n := range l.notices() {
		got = append(got, n.kind())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		l.t.Errorf("notices (-want +got):\n%s", diff)
	}
}

func (l *local) resolve(token string) *marketplacemetering.ResolveCustomerOutput {
	l.t.Helper()
	out, err := l.meters.ResolveCustomer(l.ctx, &marketplacemetering.ResolveCustomerInput{RegistrationToken: &token})
	l.must(err)
	return out
}

// meter meters by licence, and returns the status or the error's code.
func (l *local) meter(p marketplace.Purchase, quantity int32) string {
	return l.send("", metertypes.UsageRecord{
		CustomerAWSAccountId: &p.Account, LicenseArn: &p.LicenceARN, Dimension: aws.String("requests"), Quantity: &quantity, Timestamp: aws.Time(l.Now()),
	})
}

// meterOld meters by product code and customer.
func (l *local) meterOld(p marketplace.Purchase, quantity int32) string {
	return l.send(p.Product, metertypes.UsageRecord{
		CustomerIdentifier: &p.Customer, Dimension: aws.String("requests"), Quantity: &quantity, Timestamp: aws.Time(l.Now()),
	})
}

func (l *local) send(product string, u metertypes.UsageRecord) string {
	in := &marketplacemetering.BatchMeterUsageInput{UsageRecords: []metertypes.UsageRecord{u}}
	if product != "" {
		in.ProductCode = &product
	}
	out, err := l.meters.BatchMeterUsage(l.ctx, in)
	if err != nil {
		return codeOf(err)
	}
	return string(out.Results[0].Status)
}

func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func (l *local) wantRefused(err error, status int, text string) {
	l.t.Helper()
	var refusal *buyers.Refusal
	if !errors.As(err, &refusal) || refusal.Status != status || !strings.Contains(refusal.Message, text) {
		l.t.Errorf("refused with %v, want %d with %q", err, status, text)
	}
}
